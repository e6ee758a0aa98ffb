"""The command line ``governor``."""

from reconciler.cli.main import main

__all__ = ["main"]
