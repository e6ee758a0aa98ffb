"""L3: turns an outlook into hypotheses that a critic may approve; never into an order."""
