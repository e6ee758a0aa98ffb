"""A testnet that is wiped between two sessions while we hold coins: nobody lost them (BOOKS-3)."""

import json
from decimal import Decimal
from pathlib import Path

from evidence_repo.chain import Leaf
from layers.l6_execution.ledger import Ledger
from layers.l6_execution.people import Word, accept_reset
from layers.local_exchange.faults import Fault, FaultKind
from layers.orders import Balance
from reconciler.adapters.shared_journal import SharedJournal
from reconciler.marks import WINDOWS, Mark, Marks
from reconciler.session import Ending
from tests.fakes.virtual_desk import VENUE, Mandate, VirtualDesk, VirtualRun, virtual_desk
from tests.soak.ended_sessions import reconciled

SYMBOL = "BTC/USDT"


def holding(run: VirtualRun) -> Ending | None:
    """Once over 20 dollars' worth of coins were bought."""
    books = run.counter.orders.books if run.counter else None
    return Ending.ENDED if books and books.symbol(SYMBOL).position > Decimal("0.003") else None


def _mark(leaf: Leaf) -> Mark:
    body = {name: told for name, told in leaf.body.items() if name in Mark.model_fields}
    return Mark.model_validate_json(json.dumps(body))


def accepted(desk: VirtualDesk) -> None:
    """A person takes note of the wipe, and people release what it raised."""
    journal = SharedJournal(desk.desk.journal, lambda: None, desk.clock.wall, VENUE)
    held = [Balance(currency=c, free=f, locked=k) for c, (f, k) in desk.true_balances().items()]
    word = Word("olivia", "announced")
    accept_reset(Ledger.rebuilt(journal), tuple(held), word, desk.clock.wall())
    for stop in desk.desk.latch.in_force():
        (desk.host.var / "stops" / f"{stop}.json").unlink()
    desk.wait(1)  # the watcher's token is there again


def test_no_loss_limit_counts_the_coins_that_went_in_a_wipe_that_people_accepted(
    testnet: Mandate, tmp_path: Path
) -> None:
    with virtual_desk(tmp_path, testnet, 1) as desk:
        assert desk.session(60, holding).record.ending is Ending.ENDED
        held = desk.books.symbol(SYMBOL).position
        desk.exchange.exchange.change(Fault(kind=FaultKind.WIPE))
        assert desk.session(4).record.ending is Ending.STOPPED
        assert desk.books.reset
        accepted(desk)
        before = len(desk.leaves("mark"))
        outcome = desk.session(20)
        assert outcome.record.ending is Ending.COMPLETED
        reconciled(desk, outcome)
        marks = [_mark(leaf) for leaf in desk.leaves("mark")]
        worth = held * Decimal(marks[before].price)
        assert worth > 20
        made, seen = Marks(), []
        for number, mark in enumerate(marks):
            made.add(mark, None)
            if number >= before:
                seen += [made.pnl(name, mark) for name in WINDOWS]
        assert all(abs(pnl) < worth / 4 for pnl in seen if pnl is not None), seen
        (one,) = desk.leaves("wipe_valued")
        assert Decimal(one.body["amount"]) == held
