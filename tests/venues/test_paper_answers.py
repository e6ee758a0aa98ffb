"""Answers and reports that are lost, doubled or reordered on their way (P-13)."""

from decimal import Decimal
from pathlib import Path

import pytest

from desired_state.reasons import Reason
from layers.adapters.paper_cancels import PaperCancels
from layers.adapters.paper_entry import PaperEntry
from layers.adapters.paper_queries import PaperQueries
from layers.l6_execution.reconciliation import reconcile
from layers.orders import AnswerKind, OrderState
from layers.paper_venue.terms import Silence
from tests.fakes.leave import Leave
from tests.fakes.paper_desk import START, SYMBOL, Desk, bar, intent, make_venue, request

ALL = Decimal(1)
HALF = Decimal("0.5")


@pytest.mark.parametrize(
    ("share", "silence"),
    [("answers_lost", Silence.LOST), ("answers_doubled", Silence.DOUBLED)],
)
def test_an_accepted_order_without_its_answer_is_unknown_and_rests(
    tmp_path: Path, share: str, silence: Silence
) -> None:
    venue = make_venue(tmp_path, **{share: ALL})
    sent = request("quiet")
    answer = PaperEntry(venue).submit(sent, Leave())
    assert (answer.kind, answer.code) == (AnswerKind.UNKNOWN, Reason.ORDER_UNKNOWN)
    assert answer.reason == silence.value
    found = PaperQueries(venue).order(SYMBOL, sent.client_order_id)
    assert found is not None
    assert found.state is OrderState.OPEN
    assert PaperCancels(venue).cancel_all().confirmed == (sent.client_order_id,)


def test_a_refusal_is_never_lost_into_an_acceptance(tmp_path: Path) -> None:
    venue = make_venue(tmp_path, answers_lost=ALL)
    answer = PaperEntry(venue).submit(request("small", quantity="0.000001"), Leave())
    assert answer.kind is AnswerKind.REJECTED
    assert venue.open_orders() == ()


def test_which_answers_are_lost_is_decided_by_seed_and_id_alone(tmp_path: Path) -> None:
    fates = []
    for folder, seed in (("a", 7), ("b", 7), ("c", 8)):
        venue = make_venue(tmp_path / folder, answers_lost=HALF, seed=seed)
        entry = PaperEntry(venue)
        sent = (request(n, quantity="0.1") for n in range(40))
        fates.append([entry.submit(one, Leave()).kind for one in sent])
    assert fates[0] == fates[1] != fates[2]
    assert 8 < fates[0].count(AnswerKind.UNKNOWN) < 32


def test_reports_come_twice_and_out_of_order_and_each_is_whole(tmp_path: Path) -> None:
    plain, rough = (
        make_venue(tmp_path / name, reports_doubled=share, reports_reordered=share)
        for name, share in (("plain", Decimal(0)), ("rough", HALF))
    )
    for venue in (plain, rough):
        for number in range(20):
            venue.submit(request(number, price="95", quantity="0.2"))
        venue.advance(bar(0))
    straight, bent = plain.fills(SYMBOL, START), rough.fills(SYMBOL, START)
    assert len(bent) > len(straight) > 10
    assert list(dict.fromkeys(bent)) != list(straight)
    assert set(bent) == set(straight)
    assert rough.fills(SYMBOL, START) == bent


def test_the_desk_finds_every_order_whose_answer_was_lost(tmp_path: Path) -> None:
    rough = {"answers_lost": HALF, "reports_doubled": HALF, "reports_reordered": HALF}
    venue = make_venue(tmp_path, **rough)
    desk = Desk(tmp_path)
    desk.execution.open_account(START)
    kinds = []
    for number in range(10):
        kinds.append(desk.send(intent(number, price="95", quantity="0.2")).kind)
        desk.settle()  # what is not known keeps the next order of its symbol
    assert set(kinds) == {AnswerKind.ACCEPTED, AnswerKind.UNKNOWN}
    venue.advance(bar(0))
    desk.execution.poll(START)
    report = reconcile(desk.disk.entries(), desk.queries, desk.cancels.open_orders)
    assert report.ok, report.unexplained
    filled = {name: own.filled for name, own in desk.books.orders.items() if own.filled}
    assert len(filled) > 3
    for name, quantity in filled.items():
        shown = desk.queries.order(SYMBOL, name)
        assert shown is not None
        assert shown.filled == quantity  # no report that came twice was counted twice
