"""Where adapters are built: one module for each thing that a program does."""
