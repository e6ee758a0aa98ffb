"""L5, the risk gate: whether one order may leave, and what every control found."""
