"""Binance spot, as data and pure functions: what it is asked, and what its answers prove."""
