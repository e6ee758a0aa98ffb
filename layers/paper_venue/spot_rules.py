"""The one symbol that the thin path trades, with Binance spot's filters (spec: venues)."""

from decimal import Decimal
from typing import Final

from layers.orders import SymbolRules

BTC_USDT: Final = SymbolRules(
    symbol="BTC/USDT",
    tick=Decimal("0.01"),
    step=Decimal("0.00001"),
    min_quantity=Decimal("0.00001"),
    max_quantity=Decimal(9000),
    min_notional=Decimal(5),
    max_notional=Decimal(9_000_000),
    maker_fee=Decimal("0.001"),
    taker_fee=Decimal("0.001"),
)
