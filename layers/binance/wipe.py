"""Recognising that a testnet was wiped: everything of ours is gone and the key still works.

Binance wipes its testnet about monthly without notice (faqs/testnet.md). Our books are then right
about a venue that no longer exists; that is neither rejected orders nor an unexplained difference.
"""

from collections.abc import Callable
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from typing import Final

from desired_state.errors import Finding, Waiting, finding
from desired_state.reasons import Reason
from layers.ports import Remains, Standing
from layers.risk_snapshot import VenueClass

RETRY: Final = timedelta(seconds=1)


@dataclass(frozen=True, slots=True)
class Known:
    """What our books hold of this venue: ids it acknowledged itself, and executions it showed."""

    orders: AbstractSet[str]  # client order ids
    fills: AbstractSet[str]  # fill ids


@dataclass(frozen=True, slots=True)
class Shown:
    """What the venue shows of exactly those now. A question that failed is none, not empty."""

    account: str | None  # answered to our key; none: it did not answer
    orders: AbstractSet[str] | None
    fills: AbstractSet[str] | None
    moved: bool = True  # some balance is another than what our executions left


def reset(venue_class: VenueClass | None, known: Known, shown: Shown) -> Finding | None:
    """``VENUE_RESET`` where a testnet has forgotten all of it; none where it has not.

    BIN-8: everything gone, asked with a key that works, and what was executed is undone. One order
    or execution that is still there makes it a difference like any other, and so do balances that
    are as our executions left them; at a live venue it always is one.
    """
    if venue_class is not VenueClass.TESTNET or shown.account is None:
        return None
    if shown.orders is None or shown.fills is None or not (known.orders or known.fills):
        return None
    if known.orders & shown.orders or known.fills & shown.fills:
        return None
    if known.fills and not shown.moved:
        return None
    return finding(
        Reason.VENUE_RESET,
        "binance",
        f"{len(known.orders)} orders and {len(known.fills)} executions of ours are all gone,"
        f" and the key of account {shown.account} still works",
    )


@dataclass(frozen=True, slots=True)
class WipeSigns:
    """``ResetSigns``; ``standing`` is what the venue says of itself when it is asked now."""

    standing: Callable[[], Standing]

    def recognise(self, remains: Remains) -> str | None:
        """Why this is a wipe, or none. Raises ``Waiting`` while the venue does not say who it is.

        A key that does not answer now is no sign of anything, and not to ask again would make
        single losses of a wipe.
        """
        said = self.standing()
        if said.venue_class is not VenueClass.LIVE and said.account is None:
            text = "it does not say whose key this is"
            raise Waiting(Reason.VENUE_UNREACHABLE, "binance", text, retry_after=RETRY)
        found = reset(
            said.venue_class,
            Known(remains.orders, remains.fills),
            Shown(said.account, remains.orders_shown, remains.fills_shown, _moved(remains)),
        )
        return None if found is None else found.message


def _moved(remains: Remains) -> bool:
    """Whether any balance is other than that of our record."""
    held = {b.currency: b.free + b.locked for b in remains.balances}
    nothing = Decimal(0)
    return any(
        held.get(currency, nothing) != remains.expected.get(currency, nothing)
        for currency in {*held, *remains.expected}
    )
