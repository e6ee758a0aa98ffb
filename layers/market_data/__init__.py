"""Market data: quotes and trades beside bars, and how they are kept. See README.md."""
