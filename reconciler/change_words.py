"""What one changed path means, in a sentence that a stranger reads. Pure."""

from collections.abc import Callable, Mapping
from typing import Final

ABSENT: Final = "-"  # how a path that is not there is shown

_LIMITS: Final[Mapping[str, str]] = {
    "max_order_notional": "one order may be worth {then} {currency}",
    "max_total_exposure": "all it holds and orders together may be worth {then} {currency}",
    "max_symbol_exposure": "what it holds and orders of one symbol may be worth {then} {currency}",
    "max_daily_loss": "it may lose {then} {currency} in a day before it is stopped",
    "max_open_positions": "it may hold {then} symbols at once",
    "max_open_orders": "it may have {then} orders open at once",
    "max_orders_per_day": "it may send {then} orders a day",
    "price_collar": "an order may be priced {then} (1 is the whole) away from the market",
}
_ACCESS: Final[Mapping[str, str]] = {
    "trade": "it may buy and sell {subject}",
    "reduce": "it may only sell what it holds of {subject}",
    ABSENT: "it may not touch {subject}",
}
_PLAIN: Final[Mapping[str, str]] = {
    "mode": "it may work in mode {then} at most",
    "trading": "trading may be {then} at most",
    "expires": "it may do so until {then}",
}


def change_words(path: str, then: str) -> str:
    """What the machine may do once the path stands at ``then``."""
    head, _, rest = path.partition(".")
    if head in _PLAIN and not rest:
        return _PLAIN[head].format(then="halted" if then == ABSENT else then)
    words = _KINDS.get(head)
    if words is not None:
        return words(rest, then)
    return f"{path.replace('.', ' ')} may be {'nothing' if then == ABSENT else then}"


def _limit(rest: str, then: str) -> str:
    currency, _, name = rest.partition(".")
    if then == ABSENT:
        return f"{name} is not set, which allows nothing"
    return _LIMITS.get(name, f"{name.replace('_', ' ')} may be {{then}}").format(
        then=then, currency=currency
    )


def _symbol(rest: str, then: str) -> str:
    symbol, _, venue = rest.rpartition("@")
    return _ACCESS[then].format(subject=f"{symbol} at {venue}")


def _layer(rest: str, then: str) -> str:
    return f"layer {rest} may {'not run' if then == ABSENT else 'run'}"


def _budget(rest: str, then: str) -> str:
    return f"{rest.replace('_', ' ')} may cost {'0' if then == ABSENT else then} USD"


def _build(rest: str, then: str) -> str:
    return f"build {rest} may {'not trade' if then == ABSENT else 'trade'}"


def _account(rest: str, then: str) -> str:
    venue, _, name = rest.partition(".")
    return f"it may {'not trade' if then == ABSENT else 'trade'} on account {name} at {venue}"


_KINDS: Final[Mapping[str, Callable[[str, str], str]]] = {
    "limits": _limit,
    "symbols": _symbol,
    "layers": _layer,
    "build": _build,
    "accounts": _account,
    "budgets": _budget,
}
