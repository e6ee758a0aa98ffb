"""What happened: packs, the chain of leaves, checkpoints and their audit."""
