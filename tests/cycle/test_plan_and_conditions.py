"""The plan over its full product, and the eight conditions."""

import itertools
from datetime import UTC, datetime, timedelta

import pytest

from desired_state.authority import BOTTOM, SymbolAccess
from desired_state.errors import Severity, finding
from desired_state.memory import Memory, Release
from desired_state.reasons import Reason
from desired_state.values import Access, Mode, Switch, Trading
from reconciler.conditions import Condition, Kind, Status
from reconciler.gate import Verdict
from reconciler.plan import Actual, Doing, VenueView, plan
from reconciler.summarize import summarize

NOW = datetime(2026, 1, 1, tzinfo=UTC)
STOP = "S-0123456789abcdef"


def verdict(mode: Mode, trading: Trading, access: Access, venue: str = "paper") -> Verdict:
    symbols = {"BTC/USDT": SymbolAccess(venue=venue, access=access)}
    permitted = BOTTOM.model_copy(
        update={"mode": mode, "trading": trading, "symbols": symbols, "accounts": {venue: "1"}}
    )
    return Verdict(
        now=NOW,
        revision="1" * 40,
        admitted=True,
        desired=permitted,
        approved=permitted,
        permitted=permitted,
        switch=Switch.ARMED,
        stops=(),
        sequence=1,
        people=(),
        configuration=None,
        findings=(),
        valid_until=None,
    )


def actual(orders: tuple[str, ...] | None, released: tuple[str, ...] = ()) -> Actual:
    view = VenueView(venue="paper", open_orders=orders)
    return Actual(venues=(view,), token_age_ms=5, released=released, journal_head=1, seen_at=NOW)


PRODUCT = list(
    itertools.product(Mode, Trading, Access, ("paper", "elsewhere"), (None, (), ("a",)), (0, 1, 2))
)


def test_the_plan_over_every_case() -> None:
    release = Release(stop=STOP, sequence=2, people=("a", "b"), at=NOW)
    for mode, trading, access, venue, orders, freed in PRODUCT:
        memory = Memory(releases={STOP: release} if freed else {})
        seen = actual(orders, (STOP,) if freed == 2 else ())
        found = plan(verdict(mode, trading, access, venue), memory, seen)
        works = (
            mode >= Mode.PAPER
            and trading is not Trading.HALTED
            and access is not Access.NONE
            and venue == "paper"
        )
        expected = [Doing.CANCEL_ALL] if orders and not works else []
        expected += [Doing.RELEASE] if freed == 1 else []
        assert [action.doing for action in found] == expected
        assert sorted(action.widens for action in found) == [a.widens for a in found]


def test_the_plan_is_done_when_it_has_been_applied() -> None:
    for mode, trading, access, venue, _, _ in PRODUCT:
        assert plan(verdict(mode, trading, access, venue), Memory(), actual(())) == ()


def conditions(
    told: Verdict, seen: Actual | None, last: dict[Kind, Condition] | None = None
) -> dict[Kind, Condition]:
    found = summarize(told, seen, told.findings, last or {}, 2_000)
    assert [c.kind for c in found] == list(Kind)
    return {c.kind: c for c in found}


GOOD = verdict(Mode.PAPER, Trading.ACTIVE, Access.TRADE)


def test_all_eight_are_true_when_all_is_well() -> None:
    assert {c.status for c in conditions(GOOD, actual(())).values()} == {Status.TRUE}


SPOILED = {
    Kind.SOURCE_VERIFIED: (Reason.HEAD_REWRITE, {"admitted": False}),
    Kind.APPROVED: (Reason.NOT_APPROVED, {}),
    Kind.FRESH: (Reason.SOURCE_STALE, {}),
    Kind.VENUE_RECONCILED: (Reason.RECON_DIFF, {}),
    Kind.EVIDENCE_WRITABLE: (Reason.JOURNAL, {}),
}


@pytest.mark.parametrize("kind", SPOILED)
def test_ready_is_false_when_any_other_is_not_true(kind: Kind) -> None:
    code, update = SPOILED[kind]
    found = (finding(code, "subject", severity=Severity.ERROR),)
    told = conditions(GOOD.model_copy(update={"findings": found, **update}), actual(()))
    assert (told[kind].status, told[kind].reason) == (Status.FALSE, code)
    assert told[Kind.READY].status is Status.FALSE
    assert told[Kind.READY].reason is code
    rest = {k: c.status for k, c in told.items() if k not in {kind, Kind.READY}}
    assert set(rest.values()) == {Status.TRUE}


@pytest.mark.parametrize(
    ("seen", "kind"),
    [
        (None, Kind.LAYERS_HEALTHY),
        (actual(None), Kind.VENUE_RECONCILED),
        (actual(()).model_copy(update={"token_age_ms": None}), Kind.KILL_SWITCH_ARMED),
        (actual(()).model_copy(update={"token_age_ms": 2_001}), Kind.KILL_SWITCH_ARMED),
        (actual(()).model_copy(update={"journal_head": None}), Kind.EVIDENCE_WRITABLE),
    ],
)
def test_unknown_is_never_ready(seen: Actual | None, kind: Kind) -> None:
    told = conditions(GOOD, seen)
    assert told[kind].status is Status.UNKNOWN
    assert told[Kind.READY].status is Status.FALSE


def test_since_moves_only_with_the_status() -> None:
    first = conditions(GOOD, actual(()))
    later = GOOD.model_copy(update={"now": NOW + timedelta(minutes=1)})
    assert {c.since for c in conditions(later, actual(()), first).values()} == {NOW}
    bad = later.model_copy(update={"findings": (finding(Reason.SOURCE_STALE, "main"),)})
    second = conditions(bad, actual(()), first)
    moved = {k for k, c in second.items() if c.since != NOW}
    assert moved == {Kind.FRESH, Kind.READY}
    last = bad.model_copy(update={"now": NOW + timedelta(minutes=2)})
    third = conditions(last, actual(()), second)
    assert third[Kind.FRESH].since == later.now
