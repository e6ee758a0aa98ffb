"""What a session is asked to be, and what is said of it: the words that processes hand over. Pure.

``governor session run`` writes them, the reconciler that hosts the session reads them, and the
other way round; so each is parsed strictly from bytes.
"""

from datetime import timedelta
from typing import Annotated

from pydantic import Field, StringConstraints

from desired_state.frozen import Frozen
from desired_state.reasons import Reason
from desired_state.values import Instant, Mode, Span, Symbol
from layers.feed import Series

Place = Annotated[str, StringConstraints(min_length=1, max_length=1000)]
Ticket = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{16}$")]


class Request(Frozen):
    """What to run; times are market time, none means from where the venue stands or to the end."""

    symbol: Symbol = "BTC/USDT"
    mode: Mode = Mode.PAPER
    start: Instant | None = None
    end: Instant | None = None
    seed: Annotated[int, Field(ge=0)] = 7
    interval: Span = timedelta(hours=1)
    feed: Place | None = None  # path of a file of bars; none: the mode's own feed

    @property
    def series(self) -> Series:
        """Which bars are meant."""
        return Series(self.symbol, self.interval)


class Asked(Frozen):
    """A request handed to the reconciler that is running here."""

    ticket: Ticket  # so that who asked knows the answer
    by: Annotated[str, StringConstraints(max_length=100)]
    request: Request


class EndAsked(Frozen):
    """Somebody wants the session with this ticket to end at its next step."""

    ticket: Ticket
    by: Annotated[str, StringConstraints(max_length=100)]


class Standing(Frozen):
    """The session of this host, as far as it has come."""

    ticket: Ticket
    mode: Mode
    symbol: Symbol
    run_id: str = ""  # none before its first bar
    bars: int = 0
    market_time: Instant | None = None


class Told(Frozen):
    """How a session went, or why there was none."""

    ticket: Ticket
    run_id: str = ""
    session_pack: str = ""
    reconciliation_pack: str = ""  # none in shadow: nothing was sent, so nothing is compared
    ending: str = ""
    first: Instant | None = None
    last: Instant | None = None
    orders: int = 0
    fills: int = 0
    reconciled: bool | None = None  # none: there was nothing to compare
    stop: str | None = None  # that it raised itself
    refused: Reason | None = None  # why there was none, or why it could not go on
    subject: str = ""
    message: str = ""

    @property
    def completed(self) -> bool:
        """Whether it came to its end and nothing differs."""
        return self.ending == "completed" and self.reconciled is not False
