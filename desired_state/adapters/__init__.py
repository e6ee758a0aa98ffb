"""One outside program or library each, behind words of ours."""
