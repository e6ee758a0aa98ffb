"""The way out at every venue on record at this host, each on a line of its own.

A venue's library is loaded only where such a venue was opened, so that a stop of a paper desk
loads none.
"""

import importlib
from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Final, cast

from desired_state.errors import GovernanceError, Waiting
from desired_state.reasons import Reason
from layers.ports import Cancels
from reconciler.adapters.clock import since_boot
from reconciler.adapters.opened_venues import OpenedVenues
from reconciler.host import Host
from reconciler.lately_seen import LatelySeen, NoWayOut
from reconciler.opened_venue import OpenedVenue
from reconciler.plan import UNKNOWN

WIRING: Final = "reconciler.wiring.binance"
AGAIN: Final = timedelta(seconds=5)  # a way out that could not be made is tried again so late


class WaysOut:
    """Opened once and kept. ``glance`` is how long a look is remembered; zero for a stop lane."""

    def __init__(self, host: Host, glance: timedelta = timedelta(0)) -> None:
        """Nothing is opened before it is asked for."""
        self._host, self._glance = host, glance
        self._records = OpenedVenues(host.var)
        self._opened: dict[str, Cancels] = {}
        self._failed: dict[str, tuple[timedelta, Cancels]] = {}

    def found(self) -> Mapping[str, Cancels]:
        """By venue; one that cannot be opened now cannot tell, and is never taken for clean.

        STOP-12: nor is whatever else there may be, where this host does not know of every venue.
        """
        for name in self._records.names():
            if name not in self._opened:
                self._try(name)
        ways = {**{n: way for n, (_, way) in self._failed.items()}, **self._opened}
        if not self._records.all_known(self._host.evidence_name):
            ways[UNKNOWN] = NoWayOut(_untold)
        return ways

    def _try(self, name: str) -> None:
        now = since_boot()
        if name in self._failed and now - self._failed[name][0] < AGAIN:
            return
        try:
            record = self._records.read(name)
            if record is None:
                return
            way = _made(self._host, record)
        except (GovernanceError, ImportError) as error:
            text = f"no way out: {error}"
            self._failed[name] = (now, NoWayOut(_why(name, text)))
            return
        self._failed.pop(name, None)
        self._opened[name] = LatelySeen(way, since_boot, self._glance) if self._glance else way


def _made(host: Host, record: OpenedVenue) -> Cancels:
    return cast("Cancels", importlib.import_module(WIRING).way_out(host, record))


def untold() -> str:
    """What people are told where this host does not know of every venue."""
    told = Reason.VENUES_UNKNOWN.explanation
    return f"{Reason.VENUES_UNKNOWN}: {told.sentence} {told.remedy}"


def _untold() -> Exception:
    return Waiting(Reason.VENUES_UNKNOWN, UNKNOWN, retry_after=AGAIN)


def _why(name: str, text: str) -> Callable[[], Exception]:
    return lambda: Waiting(Reason.VENUE_UNREACHABLE, name, text, retry_after=AGAIN)
