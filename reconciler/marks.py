"""What the account was worth and when: the windows of L5's loss controls (risk.md, D). Pure.

A window's beginning is the value that was written down then. Where nothing was, it is not known,
and L5 refuses; it is never taken to be what the account is worth now (D1).
"""

from bisect import bisect_right
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Annotated, Any, Final, Literal

from pydantic import StringConstraints

from desired_state.frozen import Frozen
from desired_state.values import Instant, StopId
from layers.risk_snapshot import LossWindow, Number
from reconciler.holdings import PaidFees

DAY: Final = timedelta(days=1)
NOTHING: Final = Decimal(0)
WindowName = Literal["day", "rolling", "peak"]
WINDOWS: Final[tuple[WindowName, ...]] = ("day", "rolling", "peak")
NO_WINDOW: Final = LossWindow(
    equity_open=None, net_transfers=None, realised=None, breach_since=None, released_at_pnl=None
)


class Mark(Frozen):
    """What is ours (``reconciler.holdings``), and what all symbols realised since the opening."""

    at: Instant
    equity: Number
    realised: Number
    price: Annotated[str, StringConstraints(max_length=40)] = ""
    paid_in: Number = NOTHING  # by people, less what they took out, since the account was opened
    opening: Annotated[str, StringConstraints(max_length=40)] = ""  # of the bar: SLIP-1

    @property
    def earned(self) -> Decimal:
        """The part of the equity that nobody paid in."""
        return self.equity - self.paid_in

    def told(self) -> dict[str, Any]:
        """For the record; transfers stand there where there were any."""
        return self.model_dump(mode="json", exclude=None if self.paid_in else {"paid_in"})


class LossStop(Frozen):
    """A stop that a loss raised, and how large the loss was then."""

    stop: StopId
    window: WindowName
    pnl: Number
    at: Instant


@dataclass
class Marks:
    """All marks so far, oldest first."""

    found: list[Mark] = field(default_factory=list)
    stops: list[LossStop] = field(default_factory=list)
    fees: PaidFees = field(default_factory=PaidFees)  # those in a third currency
    _breached: dict[WindowName, datetime | None] = field(default_factory=dict)
    _midnights: dict[datetime, Mark] = field(default_factory=dict)
    _highest: Mark | None = None

    def add(self, mark: Mark, most: Decimal | None, deepest: Decimal | None = None) -> None:
        """Take a mark in; the loss limit and the drawdown's decide whether a breach goes on."""
        self.found.append(mark)
        if self._highest is None or mark.earned >= self._highest.earned:
            self._highest = mark
        if mark.at == _midnight(mark.at) or len(self.found) == 1:
            self._midnights.setdefault(_midnight(mark.at), mark)
        for name in WINDOWS:
            pnl, bound = self.pnl(name, mark), deepest if name == "peak" else most
            if bound is None or pnl is None or pnl > -bound:
                self._breached[name] = None
            else:
                self._breached[name] = self._breached.get(name) or mark.at

    def pnl(self, name: WindowName, now: Mark) -> Decimal | None:
        """Profit and loss of a window at this mark."""
        start = self._start(name, now.at)
        return None if start is None else now.earned - start.earned

    def window(self, name: WindowName, now: Mark, released: frozenset[str]) -> LossWindow:
        """The window as L5 takes it; ``released`` are the stops that people have released."""
        start = self._start(name, now.at)
        since = {"rolling": now.at - DAY, "day": _midnight(now.at)}.get(name)
        if name == "peak" and start:
            since = start.at
        freed = [s for s in self.stops if s.window == name and s.stop in released]
        freed = [s for s in freed if since is None or s.at >= since]
        return LossWindow(
            equity_open=start.equity if start else None,
            net_transfers=now.paid_in - start.paid_in if start else None,
            realised=now.realised - start.realised if start else None,
            breach_since=self._breached.get(name),
            released_at_pnl=freed[-1].pnl if freed else None,
        )

    def _start(self, name: WindowName, at: datetime) -> Mark | None:
        if name == "peak":
            return self._highest
        if name == "day":
            return self._midnights.get(_midnight(at))
        if not self.found:
            return None
        # an account younger than a day is measured from its opening
        place = bisect_right(self.found, at - DAY, key=lambda mark: mark.at)
        return self.found[max(0, place - 1)]


def _midnight(at: datetime) -> datetime:
    return at.replace(hour=0, minute=0, second=0, microsecond=0)
