"""The same judgement on a pull request, before it is merged."""
