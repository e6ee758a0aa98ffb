"""Who thinks and acts: L0 to L6, venues and market data."""
