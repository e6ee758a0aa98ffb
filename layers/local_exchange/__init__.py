"""A local exchange that speaks the REST protocol of Binance spot, with real matching."""
