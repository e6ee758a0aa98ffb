"""What holds for every order: nothing is skipped, and not knowing or tightening gains nothing."""

from dataclasses import fields, is_dataclass, replace
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from desired_state.limits import DIRECTIONS, Limits, Tighter
from desired_state.reasons import Reason
from desired_state.values import Access, Trading
from layers.l5_risk_gate.case import Case
from layers.l5_risk_gate.finding import COLUMNS, Outcome
from layers.l5_risk_gate.gate import evaluate
from layers.l5_risk_gate.table import CONTROLS
from layers.orders import Intent, Side
from layers.risk_snapshot import NEVER, Snapshot, Trigger, from_plain, to_plain
from tests.risk.judged_order import (
    AT,
    HOUR,
    LIMITS,
    NOW,
    SECOND,
    SNAPSHOT,
    D,
    armed,
    edited,
    intent,
    symbol,
)

IDS = [control.id for control in CONTROLS]
DEPTH = settings(max_examples=300, deadline=None)


def amounts(*values: str) -> st.SearchStrategy[Decimal]:
    return st.sampled_from([D(value) for value in values])


@st.composite
def orders(draw: st.DrawFn) -> Intent:
    return intent(
        side=draw(st.sampled_from(Side)),
        price=draw(st.sampled_from(["99.8", "100.2", "100.5", "85", "0", "1e3"])),
        quantity=draw(st.sampled_from(["0.1", "0.4", "0.49", "3", "NaN"])),
        created_at=AT - draw(st.sampled_from([SECOND, 30 * SECOND, 90 * SECOND])),
    )


EDITS: dict[str, st.SearchStrategy[Any]] = {
    "symbol__position": amounts("0", "0.4", "1", "-0.4"),
    "symbol__open_buy": amounts("0", "1", "3"),
    "symbol__open_sell": amounts("0", "0.6"),
    "symbol__access": st.sampled_from(Access),
    "symbol__increasing_orders": st.integers(0, 2),
    "symbol__triggers": st.sampled_from([(), (Trigger("NEWS_RISK", AT + HOUR),)]),
    "trading": st.sampled_from(Trading),
    "equity_now": amounts("1000", "950", "901", "899", "Infinity", "NaN"),
    "flow__open_orders": st.integers(0, 12),
    "flow__orders_today": st.integers(0, 60),
    "flow__messages_second": st.integers(0, 7),
    "flow__same_order_at": st.sampled_from([NEVER, AT - 5 * SECOND, AT - 20 * SECOND]),
    "quote__received_at": st.sampled_from([AT, AT - 2 * SECOND, AT - 9 * SECOND]),
    "quote__interval": st.sampled_from([0 * SECOND, HOUR]),
    "quote__good_ticks": st.integers(0, 5),
    "quote__reference": amounts("100", "98", "90"),
    "safety__unexplained": st.sampled_from([0, 0, 0, 1]),
    "symbol__unknown_orders": st.integers(0, 2),
    "symbol__unknown_since": st.sampled_from([AT - SECOND, AT - 20 * SECOND]),
    "symbol__strategy": st.sampled_from(["ladder", "other", None]),
    "symbol__lowest_sell": amounts("100", "101"),
    "symbol__active": st.sampled_from([True, False, None]),
    "peak__equity_open": amounts("1000", "1150", "1200", "5000"),
    "quote__ask_depth": amounts("1", "2", "50"),
    "quote__elsewhere": amounts("100", "99", "90"),
    "quote__high": amounts("99", "103", "110"),
    "quote__whole": st.sampled_from([True, False]),
    "conduct__median_size": amounts("0.01", "0.08", "0.4"),
    "conduct__sizes": st.integers(0, 2),
    "conduct__filled_today": amounts("0", "1500", "1990"),
    "conduct__fills_today": st.integers(0, 3),
    "conduct__cancels_today": st.integers(0, 60),
    "conduct__executed": st.integers(0, 12),
    "conduct__rejects": st.integers(0, 6),
    "conduct__plan_notional": amounts("0", "200", "230"),
    "conduct__losing_streak": st.integers(0, 6),
    "conduct__median_slip": amounts("-0.01", "0.001", "0.004"),
    "conduct__worst_slip": amounts("0", "0.009", "0.02"),
    "conduct__implausible": st.sampled_from([0, 0, 1]),
    "peg__rate": amounts("1", "0.5", "0.998", "3.7", "0"),
    "peg__bid": amounts("0.5", "0.99", "0.9999"),
    "peg__ask": amounts("1", "1.01", "1.02", "NaN"),
    "peg__assumed": st.booleans(),
    "peg__quote": st.sampled_from(["USDT", "USD", "EUR"]),
    "health__open_since": st.sampled_from([NEVER, NOW - SECOND, NOW - HOUR]),
    "health__clock_offset": st.sampled_from([0 * SECOND, 2 * SECOND, -2 * SECOND]),
    "health__asked_at": st.sampled_from([NOW, NOW - 40 * SECOND, NOW - 90 * SECOND]),
    "health__errors": amounts("0", "2.9", "9"),
    "health__headroom": amounts("0.1", "0.21", "1"),
}


@st.composite
def snapshots(draw: st.DrawFn) -> Snapshot:
    names = draw(st.lists(st.sampled_from(sorted(EDITS)), unique=True, max_size=4))
    start = draw(st.sampled_from([SNAPSHOT, armed()]))
    base = edited(start, **{name: draw(EDITS[name]) for name in names})
    held = draw(st.lists(amounts("0", "0.01", "1", "-1"), max_size=3))
    others = [symbol(f"X{i}/USDT", position=position) for i, position in enumerate(held)]
    return replace(base, symbols=(*base.symbols, *others))


@st.composite
def pairs(draw: st.DrawFn) -> tuple[Limits, Limits]:
    """A set of limits and a tighter one."""
    tight = {}
    for name in draw(st.lists(st.sampled_from(tuple(DIRECTIONS)), unique=True, max_size=5)):
        value = getattr(LIMITS, name)
        factor = draw(st.integers(0, 9))
        if DIRECTIONS[name] is Tighter.HIGHER:
            tight[name] = value * (1 + factor)
        else:
            tight[name] = value * factor // 10 if isinstance(value, int) else value * factor / 10
    return LIMITS, LIMITS.model_copy(update=tight)


@DEPTH
@given(orders(), snapshots())
def test_every_control_speaks_on_every_order_and_the_worst_decides(
    order: Intent, snapshot: Snapshot
) -> None:
    verdict = evaluate(order, snapshot, LIMITS, NOW)
    assert [f.control for f in verdict.findings] == IDS
    worst = {f.outcome for f in verdict.findings}
    halted, denied = Outcome.HALT in worst, Outcome.DENY in worst
    expected = Outcome.HALT if halted else Outcome.DENY if denied else Outcome.ALLOW
    assert verdict.outcome is expected
    assert (verdict.stop_class is not None) == halted
    for finding in verdict.findings:
        assert (finding.code is Reason.WITHIN) == (finding.outcome is Outcome.ALLOW)


@DEPTH
@given(orders(), snapshots())
def test_evidence_holds_every_finding_as_text(order: Intent, snapshot: Snapshot) -> None:
    verdict = evaluate(order, snapshot, LIMITS, NOW)
    plain = verdict.plain()
    assert plain["columns"].split() == list(COLUMNS)
    rows = {row[0]: [*row, "", ""][: len(COLUMNS)] for row in plain["within"]}
    against = {row["control"]: row for row in plain["against"]}
    assert sorted([*rows, *against]) == sorted(IDS)
    for finding in verdict.findings:
        told = [getattr(finding, column) for column in COLUMNS]
        if finding.outcome is Outcome.ALLOW:
            assert rows[finding.control] == told
        else:
            named = against[finding.control]
            assert [named[column] for column in COLUMNS] == told
            assert (named["code"], named["outcome"]) == (finding.code, finding.outcome)
    assert {type(text) for row in (*rows.values(), *against.values()) for text in row} == {str}


@DEPTH
@given(orders(), snapshots())
def test_the_gate_answers_what_each_control_of_the_table_answers_alone(
    order: Intent, snapshot: Snapshot
) -> None:
    case = Case(order, snapshot, LIMITS, NOW)
    alone = tuple(control.judge(case) for control in CONTROLS)
    assert evaluate(order, snapshot, LIMITS, NOW).rows == alone


def test_all_findings_stand_when_everything_is_wrong_at_once() -> None:
    verdict = evaluate(intent(price="x", quantity="-"), nothing_known(), Limits(), NOW)
    assert [f.control for f in verdict.findings] == IDS
    # a buy needs no base to sell
    assert {f.control for f in verdict.findings if f.outcome is Outcome.ALLOW} == {"A7"}


def nothing_known() -> Snapshot:
    def blank(value: Any) -> Any:  # noqa: ANN401
        kept = {"day", "rolling", "peak", "funds", "flow", "safety", "conduct", "health"}
        new = {f.name: None for f in fields(value) if f.name not in {"at", "journal_sequence"}}
        return replace(value, **new | {k: blank(getattr(value, k)) for k in new.keys() & kept})

    return replace(blank(SNAPSHOT), symbols=())


@DEPTH
@given(orders(), snapshots(), pairs())
def test_what_tighter_limits_allow_looser_ones_allow(
    order: Intent, snapshot: Snapshot, both: tuple[Limits, Limits]
) -> None:
    looser, tighter = both
    if evaluate(order, snapshot, tighter, NOW).outcome is Outcome.ALLOW:
        assert evaluate(order, snapshot, looser, NOW).outcome is Outcome.ALLOW


def test_an_unset_limit_never_allows_what_increases_risk() -> None:
    for name in DIRECTIONS:
        verdict = evaluate(intent(), SNAPSHOT, LIMITS.model_copy(update={name: None}), NOW)
        assert verdict.outcome is Outcome.DENY, name
        assert Reason.LIMIT_MISSING in {f.code for f in verdict.refusals}


def inputs(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:  # noqa: ANN401
    """Paths to everything in the snapshot that may be unknown."""
    found = []
    for field in fields(value):
        inner, here = getattr(value, field.name), (*path, field.name)
        if field.name == "symbols" and not path:
            for i, state in enumerate(inner):
                found += inputs(state, (*here, i))
        elif is_dataclass(inner):
            found += inputs(inner, here)
        if "None" in str(field.type) and field.name not in MAY_BE_ABSENT:
            found.append(here)
    return found


# their absence is a statement of its own
MAY_BE_ABSENT = {"breach_since", "released_at_pnl", "realised"}


def without(value: Any, path: tuple[Any, ...]) -> Any:  # noqa: ANN401
    head, *rest = path
    if isinstance(value, tuple):
        return (*value[:head], without(value[head], tuple(rest)), *value[head + 1 :])
    inner = None if not rest else without(getattr(value, head), tuple(rest))
    return replace(value, **{head: inner})


@DEPTH
@given(st.data(), orders(), snapshots())
def test_not_knowing_never_turns_a_refusal_into_leave(
    data: st.DataObject, order: Intent, snapshot: Snapshot
) -> None:
    before = evaluate(order, snapshot, LIMITS, NOW)
    after = evaluate(
        order, without(snapshot, data.draw(st.sampled_from(inputs(snapshot)))), LIMITS, NOW
    )
    if before.risk_increasing and before.outcome is not Outcome.ALLOW:
        assert after.outcome is not Outcome.ALLOW


# a buy takes no base and meets no bids; the order itself makes its own symbol count, whatever
# works there (C4); no order is of unknown fate (G3), none of ours rests (H1), live is live (F8)
NOT_ASKED = {
    *("free_base", "reserved_base", "increasing_orders", "bid_depth"),
    *("unknown_since", "highest_buy", "lowest_sell", "rehearsal"),
}


@pytest.mark.parametrize("known", [SNAPSHOT, armed()], ids=["paper", "live"])
def test_each_input_that_is_not_known_refuses_what_increases_risk(known: Snapshot) -> None:
    assert evaluate(intent(), known, LIMITS, NOW).outcome is Outcome.ALLOW
    asked = [p for p in inputs(known) if p[-1] not in NOT_ASKED]
    for path in asked if known.arming else [p for p in asked if p[-1] != "arming"]:
        verdict = evaluate(intent(), without(known, path), LIMITS, NOW)
        assert verdict.outcome is Outcome.DENY, path
        assert verdict.risk_increasing


@DEPTH
@given(orders(), snapshots())
def test_a_snapshot_survives_json_and_gives_the_same_verdict_again(
    order: Intent, snapshot: Snapshot
) -> None:
    again = from_plain(to_plain(snapshot))
    assert again == snapshot
    limits = Limits.model_validate_json(LIMITS.model_dump_json())
    same = Intent.model_validate_json(order.model_dump_json())
    verdict, replayed = evaluate(order, snapshot, LIMITS, NOW), evaluate(same, again, limits, NOW)
    assert replayed == verdict
    assert replayed.plain() == verdict.plain()
