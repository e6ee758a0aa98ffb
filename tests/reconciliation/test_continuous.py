"""Books and venue compared while a session runs: what is met, once, and what it leads to."""

from datetime import timedelta
from decimal import Decimal
from pathlib import Path

from desired_state.canonical import digest
from desired_state.errors import Waiting
from desired_state.reasons import Reason
from desired_state.values import StopClass
from layers.l6_execution.books import Books
from layers.l6_execution.people import Word, explain
from layers.l6_execution.reconciliation import reconcile
from layers.l6_execution.report_table import table
from layers.l6_execution.schedule import Scope
from layers.l6_execution.stops import stop_for
from layers.orders import OrderState
from tests.fakes.paper_desk import HOUR, START, SYMBOL, Desk, bar, intent, make_venue, request
from tests.fakes.veiled_venue import Veil, veiled


def running(folder: Path) -> tuple[Desk, Veil]:
    make_venue(folder)
    desk, veil = veiled(folder)
    assert desk.execution.start(START, desk.wall) == ()
    return desk, veil


def tick_for(desk: Desk, seconds: float, step: float = 1) -> list[tuple[float, Reason, str]]:
    met, since = [], desk.wall
    while desk.wall < since + timedelta(seconds=seconds):
        desk.wall += timedelta(seconds=step)
        elapsed = (desk.wall - since).total_seconds()
        at = desk.venue.clock()
        met += [(elapsed, f.code, f.subject) for f in desk.execution.tick(at, desk.wall)]
    return met


def test_executions_are_taken_in_before_anything_is_compared(tmp_path: Path) -> None:
    desk, _ = running(tmp_path)
    desk.send(intent("a"))
    desk.venue.advance(bar(0))
    assert tick_for(desk, 6) == []
    assert desk.books.order_of(intent("a").intent_id).state is OrderState.FILLED
    assert desk.execution.last_report.scope is Scope.OPEN_ORDERS


def test_what_executes_between_two_readings_is_no_difference(tmp_path: Path) -> None:
    desk, veil = running(tmp_path)
    desk.send(intent("a"))
    ask = veil.ask

    def execute_meanwhile(what: str) -> None:
        if what == "balances":
            desk.venue.advance(bar(0))
        ask(what)

    veil.ask = execute_meanwhile
    assert tick_for(desk, 30) == []
    assert desk.execution.last_report.is_final
    assert desk.books.order_of(intent("a").intent_id).state is OrderState.FILLED


def test_an_execution_that_the_venue_shows_late_is_taken_in_by_a_full_comparison(
    tmp_path: Path,
) -> None:
    desk, veil = running(tmp_path)
    late, soon = intent("late"), intent("soon", price="94")
    desk.send(late)
    desk.venue.advance(bar(0))
    veil.ids, veil.kinds = {late.request.client_order_id}, {"fills"}
    desk.send(soon)
    desk.venue.advance(bar(1))
    desk.execution.poll(desk.venue.clock())
    assert desk.books.order_of(soon.intent_id).state is OrderState.FILLED
    veil.ids = set()
    desk.execution.schedule.reconnected()
    assert tick_for(desk, 2) == []
    assert desk.books.order_of(late.intent_id).state is OrderState.FILLED


def test_a_foreign_order_is_met_within_5_seconds_while_an_order_of_ours_is_live(
    tmp_path: Path,
) -> None:
    desk, _ = running(tmp_path)
    desk.send(intent("a"))
    desk.venue.submit(request("stranger"))
    met = tick_for(desk, 6)
    assert met == [(5, Reason.FOREIGN_ORDER, request("stranger").client_order_id)]


def test_a_wrong_balance_is_met_within_30_seconds_and_is_an_integrity_stop_once(
    tmp_path: Path,
) -> None:
    desk, veil = running(tmp_path)
    veil.extra = {"USDT": Decimal("-0.00000001")}
    met = tick_for(desk, 31)
    assert met == [(30, Reason.RECON_DIFF, "USDT total")]
    assert desk.books.unexplained == {"USDT total": "-0.00000001"}
    assert tick_for(desk, 90) == []


def test_a_wrong_balance_is_no_lag_even_while_orders_are_open(tmp_path: Path) -> None:
    desk, veil = running(tmp_path)
    desk.send(intent("a"))
    veil.extra = {"USDT": Decimal(1)}
    met = tick_for(desk, 40)
    assert met == [(36, Reason.RECON_DIFF, "USDT total")]  # 30 s, and 6 s of patience
    assert stop_for([desk.execution.last_report.unexplained[0]])[0] is StopClass.INTEGRITY


def test_an_answer_that_is_lost_meanwhile_does_not_begin_the_patience_anew(
    tmp_path: Path,
) -> None:
    desk, veil = running(tmp_path)
    desk.send(intent("a"))
    veil.extra = {"USDT": Decimal(1)}
    assert tick_for(desk, 33) == []
    ask = veil.ask

    def lose_the_balances(what: str) -> None:
        if what == "balances":
            raise Waiting(Reason.VENUE_UNREACHABLE, what, retry_after=timedelta(seconds=1))
        ask(what)

    veil.ask = lose_the_balances
    assert tick_for(desk, 1) == []
    assert desk.execution.last_report.missing
    veil.ask = ask
    assert tick_for(desk, 6) == [(2, Reason.RECON_DIFF, "USDT total")]  # 36 s, as without


def test_lag_that_passes_leaves_nothing_behind(tmp_path: Path) -> None:
    desk, veil = running(tmp_path)
    desk.send(intent("a"))
    veil.extra = {"USDT": Decimal(1)}
    assert tick_for(desk, 31) == []
    assert not desk.execution.last_report.is_final
    veil.extra = {}
    assert tick_for(desk, 30) == []
    assert desk.execution.last_report.is_final
    assert not desk.books.unexplained


def test_after_a_silence_everything_is_compared_at_once(tmp_path: Path) -> None:
    desk, veil = running(tmp_path)
    desk.send(intent("a"))
    veil.silent = True
    met = tick_for(desk, 20)
    assert [code for _, code, _ in met] == [Reason.VENUE_UNREACHABLE]
    veil.silent = False
    tick_for(desk, 6)
    assert desk.execution.last_report.scope is Scope.FULL
    assert desk.execution.last_report.ok


def test_what_cannot_be_read_is_not_compared_and_no_difference_is_guessed(tmp_path: Path) -> None:
    desk, veil = running(tmp_path)
    desk.send(intent("a"))
    ask = veil.ask

    def no_balances(what: str) -> None:
        ask(what)
        if what == "balances":
            raise Waiting(
                Reason.VENUE_UNREACHABLE, what, "timed out", retry_after=timedelta(seconds=1)
            )

    veil.ask = no_balances
    assert tick_for(desk, 31) == []
    report = desk.execution.last_report
    assert (report.ok, report.unexplained) == (False, ())
    assert [gap.subject for gap in report.missing] == ["balances"]
    assert (report.compared, report.expected, report.coverage) == (1, 5, 20)
    text = table(report)
    assert "INCOMPLETE. 20 % compared (1 of 5)" in text
    assert "Not compared: balances: VENUE_UNREACHABLE: not compared: timed out" in text
    veil.ask = ask
    tick_for(desk, 2)
    assert desk.execution.last_report.ok  # it stayed due, and was made up for


def traded(folder: Path) -> Desk:
    desk, _ = running(folder)
    desk.send(intent("buy", price="101", quantity="0.1"))
    desk.send(intent("rest", price="50"))
    desk.venue.advance(bar(0))
    tick_for(desk, 31)
    return desk


def test_the_same_inputs_give_the_same_report_byte_by_byte(tmp_path: Path) -> None:
    desk = traded(tmp_path)
    first, second = (
        reconcile(desk.disk.entries(), desk.queries, desk.cancels.open_orders) for _ in range(2)
    )
    assert first == second
    assert first.id == second.id == digest(first)
    assert first.differing.id == digest(first.differing) != first.id
    assert first.model_dump_json() == second.model_dump_json()
    assert table(first) == table(second)
    other = desk.execution.finish(desk.venue.clock(), desk.wall)
    assert other.id != first.id


def test_the_witness_of_a_running_ledger_is_the_one_that_the_disk_gives(tmp_path: Path) -> None:
    desk = traded(tmp_path)
    running_one = desk.ledger.witness
    desk.ledger.reread()
    assert desk.ledger.witness == running_one


def test_the_table_shows_every_difference_first_and_how_much_was_compared(tmp_path: Path) -> None:
    desk = traded(tmp_path)
    text = table(reconcile(desk.disk.entries(), desk.queries, desk.cancels.open_orders))
    assert text.startswith(
        "Reconciliation, full: agrees. 100 % compared (7 of 7);"
        " differences: 0 expected lag, 0 explained, 0 unexplained.\n"
    )
    desk.venue.submit(request("stranger"))
    text = table(reconcile(desk.disk.entries(), desk.queries, desk.cancels.open_orders))
    assert "DOES NOT AGREE" in text
    orders = text.split("Orders (3)\n")[1].splitlines()
    assert orders[1].split()[:2] == ["✗", request("stranger").client_order_id]
    assert "foreign" in orders[1]
    assert "unexplained" in orders[1]


def test_a_difference_that_stands_keeps_every_later_report_from_agreeing(tmp_path: Path) -> None:
    desk = traded(tmp_path)
    desk.venue.submit(request("stranger"))
    desk.execution.poll(desk.venue.clock())
    desk.venue.cancel_all()
    report = desk.execution.finish(desk.venue.clock(), desk.wall)
    assert not report.ok
    assert [odd.subject for odd in report.unexplained] == [request("stranger").client_order_id]
    assert "Unexplained: " in table(report)
    for subject in list(desk.books.unexplained):
        explain(desk.ledger, subject, Word("olivia", "mine"), desk.venue.clock())
    assert desk.execution.finish(desk.venue.clock(), desk.wall).ok


def test_an_order_that_the_venue_lost_ends_with_its_explanation(tmp_path: Path) -> None:
    desk = traded(tmp_path)
    rest = next(iter(desk.books.working))
    veiled_desk, veil = veiled(tmp_path, epoch=2)
    veil.ids, veil.kinds = {rest}, {"order", "orders", "open"}
    at = desk.venue.clock() + HOUR
    assert [f.subject for f in veiled_desk.execution.poll(at)] == [rest]
    desk.venue.cancel_all()
    explain(veiled_desk.ledger, rest, Word("olivia", "the venue lost it"), at)
    own = veiled_desk.books.orders[rest]
    assert (own.state, own.reason) == (OrderState.EXPIRED, Reason.RECON_DIFF)
    assert not veiled_desk.books.working
    assert veiled_desk.execution.finish(at, veiled_desk.wall).ok
    assert Books.rebuilt(veiled_desk.disk.entries()) == veiled_desk.books


def test_finish_leaves_nothing_open_and_agrees(tmp_path: Path) -> None:
    desk = traded(tmp_path)
    report = desk.execution.finish(desk.venue.clock(), desk.wall)
    assert (report.ok, report.is_final, report.coverage) == (True, True, 100)
    assert desk.venue.open_orders() == ()
    assert not desk.books.working
    assert SYMBOL in desk.books.symbols


def test_a_position_bought_before_the_books_opened_is_no_difference(tmp_path: Path) -> None:
    make_venue(tmp_path)
    first = Desk(tmp_path)
    first.venue.submit(request("before", price="104", quantity="0.1"))
    first.venue.advance(bar(0))
    desk, _ = veiled(tmp_path)
    at = desk.venue.clock()
    assert desk.execution.start(at, desk.wall) == ()
    assert desk.execution.is_ready
    assert first.venue.fills(SYMBOL, START)
