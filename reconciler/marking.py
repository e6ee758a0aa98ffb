"""The account marked to market once a bar, on disk, and read again from there (D1). Pure."""

import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final, TypeVar

from desired_state.frozen import Frozen
from desired_state.limits import Limits
from layers.l6_execution.events import Filled, Intended, ResetAccepted, Transferred
from layers.market import Bar, Book
from layers.pegs import quoted
from layers.ports import Journal, JournalEntry
from reconciler.beside import Markets, fresh, shown, wanted
from reconciler.holdings import FeeValued, Holdings, Valued, WipeValued
from reconciler.marks import LossStop, Mark, Marks
from reconciler.peg_watch import PegWatch

M = TypeVar("M", bound=Frozen)
VALUED: Final[Mapping[str, type[Valued]]] = {one.KIND: one for one in (FeeValued, WipeValued)}
MOVING: Final = frozenset((Intended.KIND, Filled.KIND, Transferred.KIND))


@dataclass
class Marking:
    """Marks of one account, in the quote currency of the session's symbol."""

    journal: Journal
    peg: PegWatch
    marks: Marks
    _markets: Markets = field(default_factory=dict)  # books of other symbols, as of the last bar

    def ask(self, held: Holdings, book: Callable[[str], Book | None]) -> None:
        """The books that it takes beside the session's own, asked for once a bar."""
        self._markets = shown(book, wanted(held.books, held.symbol, held.currencies()))

    def markets(self, limits: Limits, at: datetime) -> Markets:
        """Those that are fresh at this instant."""
        return fresh(self._markets, limits, at)

    def mark(
        self, held: Holdings, book: Book, bar: Bar, limits: Limits, at: datetime
    ) -> Mark | None:
        """What the account is worth, on disk; none where that is not wholly known."""
        markets = {**self.markets(limits, at), held.symbol: book}
        for one in held.valued(markets):
            self.journal.append(one.KIND, one.model_dump(mode="json"), at)
            self.marks.fees.take(one)
        bounds = quoted(limits, self.peg.look())
        worth, realised = held.equity(markets, bounds.dust_notional), held.realised(markets)
        if worth is None or realised is None:
            return None
        mark = Mark(
            at=bar.closed,
            equity=worth,
            realised=realised,
            price=str(bar.close),
            opening=str(bar.open),
            paid_in=held.paid_in,
            missing=held.missing,
        )
        self.marks.add(mark, bounds.max_daily_loss, bounds.max_drawdown)
        self.journal.append("mark", mark.told(), at)
        return mark


def marks_of(entries: Iterable[JournalEntry], limits: Limits) -> Marks:
    """The marks and loss stops that these entries hold, and whether orders came before them.

    ``limits`` are in quote currency, as the marks are.
    """
    marks = Marks()
    for entry in entries:
        if entry.kind == "mark":
            marks.add(value_of(Mark, entry), limits.max_daily_loss, limits.max_drawdown)
        elif entry.kind == "loss_stop":
            marks.stops.append(value_of(LossStop, entry))
        elif entry.kind in VALUED:
            marks.fees.take(value_of(VALUED[entry.kind], entry))
        elif entry.kind == ResetAccepted.KIND:
            marks.fees.begin_again()
        elif entry.kind in MOVING and not marks.found:
            marks.untouched = False  # D1: such a mark opens no day
    return marks


def value_of(model: type[M], entry: JournalEntry) -> M:
    """What an entry holds, parsed strictly."""
    return model.model_validate_json(json.dumps(dict(entry.body)))
