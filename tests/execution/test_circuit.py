"""When a venue counts as failing (G2)."""

import random
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path

from desired_state.reasons import Reason
from layers.l6_execution.circuit import Circuit
from layers.l6_execution.terms import CircuitTerms
from layers.orders import AnswerKind
from tests.fakes.paper_desk import START, SYMBOL, intent, make_venue
from tests.fakes.veiled_venue import veiled

WALL = datetime(2026, 1, 1, tzinfo=UTC)
SECOND = timedelta(seconds=1)


def note(circuit: Circuit, answers: str, every: timedelta = 20 * SECOND) -> Circuit:
    for number, answer in enumerate(answers):
        at = WALL + number * every
        circuit.note(at, at, answered=answer == "+")
    return circuit


def test_five_failures_in_a_row_open_it_and_four_do_not() -> None:
    assert not note(Circuit(), "----").is_open
    assert note(Circuit(), "-----").is_open


def test_one_failure_in_fifty_does_not_open_it() -> None:
    drawn = random.Random(7)  # noqa: S311  (a seeded sequence is the point)
    circuit = Circuit()
    for number in range(20_000):
        at = WALL + number * SECOND
        circuit.note(at, at, answered=drawn.random() > 0.02)
        assert not circuit.is_open


def test_ten_silences_within_a_minute_open_it_however_many_answers_lie_between() -> None:
    answers = "++++-" * 10
    assert note(Circuit(), answers, SECOND).is_open
    assert not note(Circuit(), answers, 2 * SECOND).is_open


def test_three_answered_reads_in_a_row_close_it_and_forget() -> None:
    circuit = note(Circuit(), "-----++-+++")
    assert not circuit.is_open
    assert (circuit.rate, circuit.silences(WALL)) == (0, 0)
    assert note(Circuit(), "-----++-++").is_open


def test_lost_answers_lose_half_their_weight_every_minute_or_bar() -> None:
    circuit, minute, bar = note(Circuit(), "--", SECOND), 60 * SECOND, 3600 * SECOND
    assert circuit.lost(WALL + SECOND, minute) == (2, 2)
    assert circuit.lost(WALL + 59 * SECOND, minute) == (2, 2)
    assert circuit.lost(WALL + 61 * SECOND, minute) == (1, 0)
    assert circuit.lost(WALL + 181 * SECOND, minute) == (Decimal("0.25"), 0)
    assert circuit.lost(WALL + 181 * SECOND, bar) == (2, 2)
    assert circuit.lost(WALL + 48 * bar, minute) == (0, 0)


def test_while_it_is_open_no_lost_answer_fades_and_answered_reads_end_them_all() -> None:
    circuit, minute = note(Circuit(), "-----", SECOND), 60 * SECOND
    assert circuit.is_open
    assert circuit.lost(WALL + 48 * 60 * minute, minute) == (5, 5)
    for _ in range(3):
        circuit.note(WALL, WALL, answered=True)
    assert circuit.lost(WALL, minute) == (0, 0)


def test_it_says_since_when_it_is_open() -> None:
    assert note(Circuit(), "------").opened_at == WALL + 80 * SECOND


def test_its_numbers_are_terms() -> None:
    assert note(Circuit(CircuitTerms(silences=1)), "-").is_open


def test_lost_answers_and_silent_reads_open_an_executions_circuit_and_reads_close_it(
    tmp_path: Path,
) -> None:
    make_venue(tmp_path)
    desk, veil = veiled(tmp_path)
    desk.execution.start(START, desk.wall)
    veil.answers_lost = veil.silent = True
    assert desk.send(intent("a")).kind is AnswerKind.UNKNOWN
    for _ in range(40):
        desk.wall += SECOND / 2
        desk.execution.tick(START, desk.wall)
    assert desk.execution.circuit.is_open
    assert desk.execution.cancel(SYMBOL, intent("a").request.client_order_id, START).confirmed
    veil.answers_lost = veil.silent = False
    for _ in range(40):
        desk.wall += SECOND
        desk.execution.tick(START, desk.wall)
    assert not desk.execution.circuit.is_open


def test_an_order_that_was_permitted_before_the_circuit_opened_is_not_sent(tmp_path: Path) -> None:
    make_venue(tmp_path)
    desk, veil = veiled(tmp_path)
    desk.execution.start(START, desk.wall)
    decided = intent("a")
    permit = desk.permit(decided.request)  # L5 had nothing against it
    for _ in range(5):
        desk.execution.circuit.note(START, desk.wall, answered=False)
    found = desk.execution.send(decided, permit)
    assert (found.kind, found.code) == (AnswerKind.NOT_SENT, Reason.VENUE_ERRORS)
    assert veil.submitted == []
    assert decided.intent_id not in desk.books.by_intent  # nothing of it is on disk either
    for _ in range(3):
        desk.execution.circuit.note(START, desk.wall, answered=True)
    assert desk.execution.send(decided, permit).kind is AnswerKind.ACCEPTED
    assert veil.submitted == [decided.request.client_order_id]


def test_ticks_that_ask_nothing_say_nothing_of_the_venue(tmp_path: Path) -> None:
    make_venue(tmp_path)
    desk, veil = veiled(tmp_path)
    desk.execution.start(START, desk.wall)
    veil.silent = True
    for _ in range(20):
        desk.execution.tick(START, desk.wall)
    assert desk.execution.circuit.rate == 0
