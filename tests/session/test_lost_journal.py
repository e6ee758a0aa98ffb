"""A host whose journal is gone, or that is new, keeps the books that the evidence holds."""

import shutil

from layers.l6_execution.books import Books
from reconciler.adapters.clock import wall_clock
from reconciler.adapters.shared_journal import SharedJournal
from reconciler.session_ending import Ending
from reconciler.wiring.bookkeeping import read_books
from reconciler.wiring.desk import Desk
from tests.fakes.governed_desk import GovernedDesk
from tests.fakes.session_desk import LAST, opened, run

LATER = LAST.replace(day=28)


def entries(writer: Desk) -> tuple:
    journal = SharedJournal(writer.journal, lambda: None, wall_clock)
    return tuple(e for e in journal.entries() if e.kind.startswith("order_"))


def test_a_session_goes_on_with_the_books_of_a_journal_that_is_gone(desk: GovernedDesk) -> None:
    first = run(desk)
    assert first.record.fills
    with opened(desk) as writer:
        before = entries(writer)
    (shown,) = read_books(desk.host, None)
    shutil.rmtree(desk.var / "journal")
    with opened(desk) as writer:
        assert min(int(p.stem) for p in (desk.var / "journal").glob("*.jsonl")) > 0
        assert entries(writer) == before
        assert Books.rebuilt(entries(writer)).fills.keys() == {
            f.fill_id for f in first.record.fills
        }
    second = run(desk, end=LATER)
    assert second.record.ending is Ending.COMPLETED
    assert second.reconciliation is not None
    assert second.reconciliation.ok
    (after,) = read_books(desk.host, None)
    assert after.books.opened_at == shown.books.opened_at
