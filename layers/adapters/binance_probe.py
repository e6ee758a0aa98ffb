"""Looks at Binance spot itself and sends no order. What fails is not known."""

from collections.abc import Mapping
from decimal import Decimal
from hashlib import sha256
from typing import Any, Final

from desired_state.errors import Waiting
from layers.adapters.ccxt_line import Line
from layers.binance.heard import Heard
from layers.binance.listing import headroom, listed, weight_limit
from layers.binance.protocol import (
    ACCOUNT,
    HOSTS,
    LISTING,
    RESTRICTIONS,
    UNLISTED,
    WEIGHT_HEADER,
    market_id,
)
from layers.ports import Standing
from layers.risk_snapshot import VenueClass

_MOVES_FUNDS: Final = ("enableWithdrawals", "enableInternalTransfer", "permitsUniversalTransfer")


class BinanceProbe:
    """``VenueProbe``. BIN-10: each word of a standing was read off an answer, or is none."""

    def __init__(self, line: Line) -> None:
        """May share the line of the queries."""
        self._line = line

    def standing(self) -> Standing:
        """Clock first, so that the signed requests after it are in time."""
        offset = self._line.measure()
        listing = {symbol: self._listing(symbol) for symbol in self._line.terms.place.symbols}
        scope = self._scope()
        account = self._line.ask(ACCOUNT, {})
        identity = self._identity(account)
        if identity is not None:
            self._line.skew.account = identity
        return Standing(
            at=self._line.clock.wall(),
            venue_class=_class_of(account),
            account=identity,
            can_withdraw=_can_withdraw(scope),
            address_bound=_yes_or_no(scope, "ipRestrict"),
            clock_offset=offset,
            headroom=_headroom(account, listing),
            trading={
                name: is_open
                for name, heard in listing.items()
                if (is_open := _is_open(heard, name)) is not None
            },
        )

    def _listing(self, symbol: str) -> Heard:
        return self._line.ask(LISTING, {"symbol": market_id(symbol)})

    def _scope(self) -> Any:  # noqa: ANN401
        """The key's own restrictions; the testnet has no such endpoint, so nothing is asked."""
        if self._line.terms.venue_class is not VenueClass.LIVE:
            return None
        heard = self._line.ask(RESTRICTIONS, {})
        return heard.data if heard.good else None

    def _identity(self, account: Heard) -> str | None:
        """The venue's id of the account, or one made of the key's name where it gives none."""
        if _class_of(account) is None:
            return None
        uid = account.data.get("uid")
        if isinstance(uid, int) and not isinstance(uid, bool):
            return str(uid)
        return f"key-{sha256(self._line.credentials.key.encode()).hexdigest()[:16]}"


def _class_of(account: Heard) -> VenueClass | None:
    """Proven by a signed request to that host that was answered with our account."""
    if not account.good or not isinstance(account.data, dict) or "balances" not in account.data:
        return None
    return next((kind for kind, host in HOSTS.items() if host == account.host), None)


def _yes_or_no(scope: Any, name: str) -> bool | None:  # noqa: ANN401
    found = scope.get(name) if isinstance(scope, dict) else None
    return found if isinstance(found, bool) else None


def _can_withdraw(scope: Any) -> bool | None:  # noqa: ANN401
    """Whether the key can move funds out in any way; no only where every way is denied."""
    if _yes_or_no(scope, _MOVES_FUNDS[0]) is None:
        return None
    return any(_yes_or_no(scope, name) for name in _MOVES_FUNDS)


def _headroom(account: Heard, listing: Mapping[str, Heard]) -> Decimal | None:
    limits = (weight_limit(heard.data) for heard in listing.values() if heard.good)
    return headroom(account.headers.get(WEIGHT_HEADER), next(limits, None))


def _is_open(heard: Heard, symbol: str) -> bool | None:
    """Whether the symbol trades; none where the venue did not say."""
    if heard.says(UNLISTED):
        return False
    if not heard.good:
        return None
    try:
        row = listed(heard.data, symbol)
    except Waiting:
        return None
    return row is not None and row.trading
