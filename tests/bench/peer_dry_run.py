"""freqtrade's dry-run order: no network, a book of 20 levels given, one resting limit order."""

from collections.abc import Callable
from importlib.util import find_spec
from typing import Any

PAIR, AMOUNT, FAR = "BTC/USDT", 0.002, 8600.0
LEVELS = 20


def installed() -> bool:
    """Whether there is a peer in this environment."""
    return find_spec("freqtrade") is not None


def orders() -> Callable[[], object] | None:
    """One dry-run order; none where it is not installed."""
    return _exchange() if installed() else None


def _exchange() -> Callable[[], object]:
    from freqtrade.enums import RunMode  # noqa: PLC0415
    from freqtrade.exchange import Binance  # noqa: PLC0415

    book = {
        "bids": [[8700.0 - n, 1.0] for n in range(LEVELS)],
        "asks": [[8701.0 + n, 1.0] for n in range(LEVELS)],
    }

    class Given(Binance):  # type: ignore[misc]
        """The peer's own exchange class, with what it would have fetched."""

        def fetch_l2_order_book(self, *_: object) -> dict[str, Any]:
            return book

    config = {
        "dry_run": True,
        "runmode": RunMode.DRY_RUN,
        "stake_currency": "USDT",
        "exchange": {"name": "binance", "key": "", "secret": "", "enable_ws": False},
        "entry_pricing": {},
        "exit_pricing": {},
        "trading_mode": "spot",
        "margin_mode": "",
    }
    exchange = Given(config, validate=False)
    exchange._markets = {  # noqa: SLF001  (what it would have loaded)
        PAIR: {
            "symbol": PAIR,
            "base": "BTC",
            "quote": "USDT",
            "spot": True,
            "precision": {"amount": 0.00001, "price": 0.01},
            "limits": {"amount": {"min": 0.00001, "max": 9000.0}, "cost": {"min": 5.0}},
            "maker": 0.001,
            "taker": 0.001,
        }
    }

    def order() -> object:
        made = exchange.create_dry_run_order(PAIR, "limit", "buy", AMOUNT, FAR, 1.0)
        if made["status"] != "open":
            raise RuntimeError("the peer did not let the order rest")
        return made

    return order
