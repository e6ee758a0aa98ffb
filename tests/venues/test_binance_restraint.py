"""BIN-13: what the venue demands when it was asked too much is kept, line by line."""

import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path

import pytest

from desired_state.errors import Waiting
from desired_state.reasons import Reason
from layers.adapters.binance_market import open_market
from layers.adapters.binance_venue import BinanceVenue
from layers.binance.restraint import LONGEST
from layers.local_exchange.faults import Fault, FaultKind
from layers.local_exchange.rest import Asks
from layers.local_exchange.terms import ExchangeTerms, RateTerms
from layers.orders import AnswerKind, CancelReport
from tests.fakes.binance_desk import (
    PATIENT,
    SYMBOL,
    SYSTEM,
    Seconds,
    desk,
    rehearsed,
    request,
    terms,
)
from tests.fakes.exchange import carried_bars, served
from tests.fakes.leave import Leave
from tests.fakes.scripted_venue import Said, ScriptedVenue, refused, said

ORDER = ("POST", "/api/v3/order")
ACCOUNT = ("GET", "/api/v3/account")
OPEN = ("GET", "/api/v3/openOrders")
CANCEL = ("DELETE", "/api/v3/openOrders")
DEPTH = ("GET", "/api/v3/depth")


@pytest.fixture
def seconds() -> Seconds:
    return Seconds()


@pytest.fixture
def binance(venue: ScriptedVenue, seconds: Seconds) -> Iterator[BinanceVenue]:
    opened = desk(venue.base, clock=replace(SYSTEM, monotonic=seconds), timeout=PATIENT)
    yield opened
    opened.close()


def weight(status: int, wait: str | None = "17") -> Said:
    headers = {} if wait is None else {"Retry-After": wait}
    return refused(-1003, "Too much request weight used.", status, headers=headers)


def place(binance: BinanceVenue, name: str = "one") -> tuple[AnswerKind, Reason | None]:
    answer = binance.entry.submit(request(name), Leave())
    return answer.kind, answer.code


def waits(ask: Callable[[], object]) -> timedelta:
    with pytest.raises(Waiting) as held:
        ask()
    assert held.value.code is Reason.VENUE_UNREACHABLE
    return held.value.retry_after


HELD = (AnswerKind.NOT_SENT, Reason.VENUE_RATE_LIMIT)


@pytest.mark.parametrize("status", [429, 418])
def test_after_a_limit_or_a_ban_neither_orders_nor_questions_leave_before_the_time_is_over(
    venue: ScriptedVenue, binance: BinanceVenue, seconds: Seconds, status: int
) -> None:
    venue.says(*ACCOUNT, weight(status))
    assert waits(binance.queries.balances) == timedelta(seconds=17)
    seconds.now += 16
    assert waits(binance.queries.balances) == timedelta(seconds=1)
    assert waits(lambda: binance.queries.book(SYMBOL)) == timedelta(seconds=1)
    assert place(binance) == HELD
    assert binance.probe.standing().account is None
    assert len(venue.heard) == 1
    seconds.now += 1
    venue.says(*ACCOUNT, said({"balances": []}))
    assert binance.queries.balances() == ()
    assert place(binance)[0] is not AnswerKind.NOT_SENT
    assert venue.asked(*ORDER) == 1


def test_after_a_ban_no_cancel_leaves_either_and_nothing_counts_as_cancelled(
    venue: ScriptedVenue, binance: BinanceVenue, seconds: Seconds
) -> None:
    venue.says(*ACCOUNT, weight(418))
    venue.says(*OPEN, said([]))
    venue.says(*CANCEL, said([]))
    waits(binance.queries.balances)
    assert binance.cancels.cancel_all() == CancelReport(
        confirmed=(), still_open=(), unreachable=True
    )
    assert binance.cancels.cancel(SYMBOL, "g1") == CancelReport(
        confirmed=(), still_open=("g1",), unreachable=True
    )
    assert waits(binance.cancels.open_orders) == timedelta(seconds=17)
    assert len(venue.heard) == 1
    seconds.now += 17
    assert binance.cancels.cancel_all() == CancelReport(confirmed=(), still_open=())


def test_a_limit_holds_back_no_cancel_and_no_look_that_proves_one(
    venue: ScriptedVenue, binance: BinanceVenue
) -> None:
    venue.says(*ACCOUNT, weight(429))
    venue.says(*OPEN, said([]))
    venue.says(*CANCEL, said([]))
    waits(binance.queries.balances)
    assert binance.cancels.cancel_all() == CancelReport(confirmed=(), still_open=())
    assert (venue.asked(*CANCEL), venue.asked(*OPEN)) == (1, 1)


def test_a_ban_that_a_cancel_meets_ends_its_sweep_and_holds_every_line(
    venue: ScriptedVenue, binance: BinanceVenue
) -> None:
    venue.says(*CANCEL, weight(418))
    assert binance.cancels.cancel_all().unreachable
    assert place(binance) == HELD
    waits(binance.queries.balances)
    assert len(venue.heard) == 1


def test_too_many_orders_hold_back_orders_alone(
    venue: ScriptedVenue, binance: BinanceVenue, seconds: Seconds
) -> None:
    venue.says(*ORDER, refused(-1015, "Too many new orders.", 429))
    venue.says(*ACCOUNT, said({"balances": []}))
    assert place(binance) == (AnswerKind.REJECTED, Reason.VENUE_REJECTED)
    assert place(binance, "two") == HELD
    assert binance.queries.balances() == ()
    assert venue.asked(*ORDER) == 1
    seconds.now += 10
    place(binance, "two")
    assert venue.asked(*ORDER) == 2


@pytest.mark.parametrize(
    ("answer", "wait"),
    [
        (weight(429, None), timedelta(minutes=1)),
        (weight(429, "soon"), timedelta(minutes=1)),
        (weight(429, "0"), timedelta(seconds=1)),
        (Said(429, b""), timedelta(minutes=1)),
        (Said(418, b"<html>"), timedelta(minutes=2)),
        (weight(418, None), timedelta(minutes=2)),
        (weight(418, "259200"), LONGEST),
        (weight(418, "999999999"), LONGEST),
        (weight(400), timedelta(seconds=17)),
    ],
)
def test_a_time_that_is_missing_or_makes_no_sense_is_one_that_binance_documents(
    venue: ScriptedVenue, binance: BinanceVenue, answer: Said, wait: timedelta
) -> None:
    venue.says(*ACCOUNT, answer)
    assert waits(binance.queries.balances) == wait
    assert place(binance) == HELD


def test_a_later_demand_never_shortens_one_that_stands(
    venue: ScriptedVenue, binance: BinanceVenue, seconds: Seconds
) -> None:
    venue.says(*ACCOUNT, weight(429, "60"))
    waits(binance.queries.balances)
    venue.says(*OPEN, weight(429, "1"))  # the line of cancels still goes
    waits(binance.cancels.open_orders)
    seconds.now += 2
    assert place(binance) == HELD


@pytest.mark.parametrize("status", [500, 503])
def test_what_a_broken_venue_says_of_limits_demands_nothing(
    venue: ScriptedVenue, binance: BinanceVenue, status: int
) -> None:
    venue.says(*ACCOUNT, weight(status))
    waits(binance.queries.balances)
    assert place(binance)[0] is not AnswerKind.NOT_SENT


def test_an_order_whose_line_was_told_while_it_connected_is_kept(
    venue: ScriptedVenue, binance: BinanceVenue
) -> None:
    venue.says(*ACCOUNT, weight(418))

    @dataclass
    class Meanwhile:
        """Another line hears of the ban after this one began to send."""

        wall: object = SYSTEM.wall

        def __call__(self) -> object:
            binance.lines[0].clock = SYSTEM
            waits(binance.queries.balances)
            return SYSTEM.wall()

    placing = binance.lines[0]
    placing.clock = replace(placing.clock, wall=Meanwhile())  # read after the first look
    assert place(binance) == HELD
    assert venue.asked(*ORDER) == 0


def test_public_data_of_the_same_process_keep_still_as_well(
    venue: ScriptedVenue, binance: BinanceVenue, seconds: Seconds
) -> None:
    venue.says(*ACCOUNT, weight(418))
    clock = replace(SYSTEM, monotonic=seconds)
    market, line = open_market(terms(venue.base), clock, binance.restraint)
    waits(binance.queries.balances)
    assert waits(lambda: market.quote(SYMBOL)) == timedelta(seconds=17)
    line.close()
    assert len(venue.heard) == 1


def test_the_exchange_bans_nobody_who_keeps_still(tmp_path: Path) -> None:
    rates = RateTerms(weight_per_minute=200, refusals_before_ban=3, ban_s=120)
    with served(tmp_path, terms=ExchangeTerms(rates=rates), bars=carried_bars(3)) as exchange:
        binance = rehearsed(exchange, timeout=PATIENT)
        for _ in range(40):
            with suppress(Waiting):
                binance.queries.balances()
        assert place(binance) == HELD
        exchange.advance(timedelta(minutes=1))
        binance.queries.balances()  # answered: three refusals would have been a ban of two minutes
        binance.close()


def test_a_fault_plan_can_ban_and_only_its_time_ends_it(tmp_path: Path) -> None:
    with served(tmp_path, bars=carried_bars(3)) as exchange:
        binance = rehearsed(exchange, timeout=PATIENT)
        exchange.inject(Fault(kind=FaultKind.BANNED, at=(Asks.ACCOUNT,), times=1, wait_s=120))
        assert waits(binance.queries.balances) == timedelta(minutes=2)
        struck = len(exchange.exchange.faults.strikes)
        begun = time.monotonic()
        exchange.advance(timedelta(seconds=119))
        assert place(binance) == HELD
        assert binance.cancels.cancel_all().unreachable
        assert time.monotonic() - begun < PATIENT.total_seconds()  # nobody slept for it
        assert len(exchange.exchange.faults.strikes) == struck
        exchange.advance(timedelta(seconds=1))
        binance.queries.balances()
        binance.close()
