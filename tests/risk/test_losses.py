from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from desired_state.reasons import Reason
from desired_state.values import StopClass
from layers.l5_risk_gate.finding import Outcome, RiskVerdict
from layers.l5_risk_gate.loss import watch_loss
from tests.risk.judged_order import AT, HOUR, LIMITS, LOSS, SECOND, SELL, D, edited, found, judge

DAYS = ("day", "rolling")
MILLI = timedelta(milliseconds=1)


def lost(amount: str, **changes: Any) -> RiskVerdict:  # noqa: ANN401
    """The verdict after losing ``amount`` of 1000, ``changes`` to both windows or the feed."""
    feed = {k: changes.pop(k) for k in list(changes) if k.startswith("quote__")}
    window = replace(LOSS, **changes)
    return judge(equity_now=D(1000) - D(amount), day=window, rolling=window, **feed)


def test_d1_a_realised_breach_halts_at_once_with_a_stop_of_class_loss() -> None:
    verdict = lost("100", realised=D(-100))
    assert verdict.outcome is Outcome.HALT
    assert verdict.stop_class is StopClass.LOSS
    assert found(verdict, "D1").measured == "-100"
    assert found(verdict, "D1").bound == "-100"


def test_d1_a_loss_only_this_order_could_make_refuses_it_and_stops_nothing() -> None:
    verdict = lost("99.9", realised=D("-99.9"))
    assert found(verdict, "D1").code is Reason.DAILY_LOSS
    assert verdict.outcome is Outcome.DENY
    assert verdict.stop_class is None


def test_d6_an_unrealised_breach_refuses_first_and_halts_only_when_it_is_confirmed() -> None:
    first = lost("100", realised=D(0))
    assert (first.outcome, first.stop_class) == (Outcome.DENY, None)
    early = lost("100", realised=D(0), breach_since=AT - SECOND + MILLI)
    assert (early.outcome, early.stop_class) == (Outcome.DENY, None)
    confirmed = lost("100", realised=D(0), breach_since=AT - SECOND)
    assert (confirmed.outcome, confirmed.stop_class) == (Outcome.HALT, StopClass.LOSS)


def test_d6_on_bars_the_confirmation_is_one_bar_later() -> None:
    bars = {"quote__interval": HOUR}
    assert lost("100", breach_since=AT - SECOND, **bars).outcome is Outcome.DENY
    assert lost("100", breach_since=AT - HOUR, **bars).outcome is Outcome.HALT


def test_d6_a_breach_whose_realised_part_is_unknown_halts_at_once() -> None:
    assert lost("100", realised=None).outcome is Outcome.HALT


@pytest.mark.parametrize(
    ("loss", "outcome"),
    [("100", "deny"), ("120", "deny"), ("131.9", "deny"), ("132", "halt"), ("200", "halt")],
)
def test_a_released_loss_halts_again_only_when_a_tenth_worse(loss: str, outcome: str) -> None:
    verdict = lost(loss, realised=D(-100), released_at_pnl=D(-120))
    assert verdict.outcome == outcome
    assert found(verdict, "D1").code is Reason.DAILY_LOSS


def test_d2_a_loss_before_midnight_still_halts_after_it() -> None:
    verdict = judge(equity_now=D(900), day=replace(LOSS, equity_open=D(900)),
                    rolling=replace(LOSS, realised=D(-100)))  # fmt: skip
    assert found(verdict, "D1").code is Reason.WITHIN
    assert found(verdict, "D2").outcome is Outcome.HALT
    assert verdict.stop_class is StopClass.LOSS


def test_g4_a_difference_nobody_can_explain_halts_with_class_integrity_even_a_reduction() -> None:
    for order in ({}, {"order": SELL, "symbol__position": D(1)}):
        verdict = judge(**order, safety__unexplained=1)
        assert (verdict.outcome, verdict.stop_class) == (Outcome.HALT, StopClass.INTEGRITY)


def test_books_that_do_not_agree_name_the_stop_also_when_a_loss_is_breached() -> None:
    verdict = judge(equity_now=D(100), day__realised=D(-900), safety__unexplained=2)
    assert found(verdict, "D1").outcome is Outcome.HALT
    assert verdict.stop_class is StopClass.INTEGRITY


def test_the_watch_without_an_order_says_the_same_of_a_breach() -> None:
    snapshot = edited(equity_now=D(900), day__realised=D(-100))
    day, rolling, peak = watch_loss(snapshot, LIMITS)
    assert peak.code is Reason.WITHIN
    assert (day.code, day.outcome) == (Reason.DAILY_LOSS, Outcome.HALT)
    assert (rolling.code, rolling.outcome) == (Reason.ROLLING_LOSS, Outcome.DENY)
    inside = watch_loss(edited(equity_now=D("900.01")), LIMITS)
    assert {f.outcome for f in inside} == {Outcome.ALLOW}
    unknown = watch_loss(edited(equity_now=None), LIMITS)
    assert {f.code for f in unknown} == {Reason.DATA_MISSING}


def test_g3_one_unknown_order_refuses_its_symbol_and_two_or_an_old_one_halt() -> None:
    def unknown(count: int, age: timedelta) -> RiskVerdict:
        return judge(symbol__unknown_orders=count, symbol__unknown_since=AT - age)

    assert unknown(1, 10 * SECOND).outcome is Outcome.DENY
    for verdict in (unknown(2, SECOND), unknown(1, 10 * SECOND + MILLI)):
        assert (verdict.outcome, verdict.stop_class) == (Outcome.HALT, StopClass.TECHNICAL)
        assert verdict.halting is not None
        assert verdict.halting.control == "G3"


def test_of_several_stops_the_gravest_is_raised_and_named() -> None:
    verdict = judge(conduct__rejects=5, conduct__losing_streak=5)
    assert (verdict.stop_class, verdict.stopped_by) == (StopClass.LOSS, "D4")
    worse = judge(conduct__rejects=5, conduct__losing_streak=5, conduct__foreign=1)
    assert (worse.stop_class, worse.stopped_by) == (StopClass.INTEGRITY, "H4")


def test_d4_and_d5_stop_by_what_was_lost_and_never_a_reduction() -> None:
    for fact in ({"conduct__losing_streak": 5}, {"conduct__median_slip": D(1)}):
        verdict = judge(**fact)
        assert (verdict.outcome, verdict.stop_class) == (Outcome.HALT, StopClass.LOSS)
        assert judge(order=SELL, symbol__position=D(1), **fact).outcome is Outcome.ALLOW
