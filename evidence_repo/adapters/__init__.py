"""The outside of the evidence package: one outside library or system each."""
