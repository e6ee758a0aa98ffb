"""Which wiring stands behind a session's counter: one module a mode, loaded when it is asked for.

So a process that runs a session in shadow never loads what can send, and none but a session at a
venue that needs it loads a venue's library (SESSION-3).
"""

import importlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Final, Protocol, cast

from desired_state.errors import Finding, GovernanceError, Stalled
from desired_state.reasons import Reason
from desired_state.values import Mode
from reconciler.adapters.clock import SYSTEM, HostClock
from reconciler.counter import Counter
from reconciler.host import Host
from reconciler.noted_journal import NotedJournal
from reconciler.permits import SENDING, PermitOffice
from reconciler.session_request import Request

WIRINGS: Final[Mapping[Mode, str]] = {
    Mode.SHADOW: "reconciler.wiring.counter_shadow",
    Mode.PAPER: "reconciler.wiring.counter_paper",
    Mode.TESTNET: "reconciler.wiring.counter_binance",
    Mode.BOUNDED_LIVE: "reconciler.wiring.counter_binance",
}


class Armed(Protocol):
    """The flag and the watcher's token."""

    def check(self) -> Finding | None:
        """None while neither says stop."""
        ...


@dataclass(frozen=True)
class DoorKeys:
    """What a door needs of its writer; nothing below paper is given any."""

    permits: PermitOffice
    epoch: int
    armed: Armed


@dataclass(frozen=True)
class Place:
    """Where a counter is to be opened, and for what."""

    host: Host
    request: Request
    files: Mapping[str, bytes]  # the approved configuration
    venue: str  # that the authority names for the symbol
    account: str | None  # that it names there
    told_account: Callable[[str, str | None], None]  # what a venue says of the account (AUTH-4)
    journal: NotedJournal  # this counter's entries
    attested: Callable[[], bool]  # whether a watcher on another host is heard now
    verdict: Callable[[], str]  # digest of the one in force
    shipped: Callable[[], GovernanceError | None]  # the journal so far, to its repository
    keys: DoorKeys | None
    clock: HostClock = SYSTEM

    @property
    def door_keys(self) -> DoorKeys:
        """Raises ``Stalled(MODE_FORBIDS)`` in a mode that sends nothing."""
        if self.keys is None:
            raise Stalled(Reason.MODE_FORBIDS, self.request.mode, "it has no way to send")
        return self.keys


def books_name(mode: Mode, venue: str) -> str:
    """Whose entries in the one journal are this counter's; what was never sent is kept apart."""
    return venue if mode in SENDING else mode.value


def open_counter(place: Place) -> Counter:
    """The counter of the mode asked for.

    Raises:
        Stalled: ``MODE_FORBIDS`` for a mode without sessions, and what the mode's wiring raises.
    """
    mode = place.request.mode
    if mode not in WIRINGS:
        text = f"expected one of {', '.join(WIRINGS)}"
        raise Stalled(Reason.MODE_FORBIDS, mode.value, text)
    if mode not in SENDING:
        place = replace(place, keys=None)
    wiring = importlib.import_module(WIRINGS[mode])
    return cast("Counter", wiring.open_counter(place))
