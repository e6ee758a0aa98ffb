"""Doors to the outside: one library each, every failure a reason, every read bounded."""
