"""What desired fell to stays down: the definition of trust.md, section 4, by brute force."""

from collections.abc import Sequence
from datetime import timedelta
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from desired_state.authority import (
    Authority,
    Point,
    SymbolAccess,
    at_most,
    from_points,
    meet,
    parse_point,
    point_text,
    points,
    settle,
    tighter,
)
from desired_state.limits import Limits
from desired_state.ratchet import Fall, falls, forget, lower, merge
from desired_state.values import Access, Mode, Trading
from tests.fakes.authorities import authorities

FEWER = settings(max_examples=settings.default.max_examples // 3)
FULL = Authority(
    mode=Mode.PAPER,
    trading=Trading.ACTIVE,
    symbols={"BTC/USDT": SymbolAccess(venue="paper", access=Access.TRADE)},
    limits=Limits(
        currency="USD",
        max_order_notional=Decimal(100),
        max_total_exposure=Decimal(500),
        duplicate_window=timedelta(seconds=10),
    ),
    layers=("L5", "L6"),
    budgets={"models_per_day": Decimal(50)},
)
REVISIONS = [f"{n:040x}" for n in range(1, 20)]


def limited(**changes: object) -> Authority:
    return FULL.model_copy(update={"limits": FULL.limits.model_copy(update=changes)})


def history(asked: Sequence[Authority]) -> tuple[Fall, ...]:
    found: tuple[Fall, ...] = ()
    for revision, before, after in zip(REVISIONS, asked, asked[1:], strict=False):
        found = merge(found, falls(before, after, revision))
    return found


def least_by_definition(asked: Sequence[Authority], path: str) -> tuple[bool, Point | None]:
    """Whether this path ever fell, and the meet of every value that was tighter than an earlier."""
    values = [points(one).get(path) for one in asked]
    fallen = [
        later
        for i, later in enumerate(values)
        if any(_tighter(path, later, earlier) for earlier in values[:i])
    ]
    least: Point | None = None
    for position, value in enumerate(fallen):
        if position == 0 or _tighter(path, value, least):
            least = value
    return bool(fallen), least


def _tighter(path: str, a: Point | None, b: Point | None) -> bool:
    if a is None or b is None:
        return a is None and b is not None
    return tighter(path, a, b)


@FEWER
@given(st.lists(authorities(), min_size=1, max_size=8), authorities())
def test_consecutive_falls_are_the_definitions_low(
    asked: list[Authority], approved: Authority
) -> None:
    expected = points(approved)
    for path in tuple(expected):
        fell, least = least_by_definition(asked, path)
        if fell and least is None:
            del expected[path]
        elif fell and least is not None and tighter(path, least, expected[path]):
            expected[path] = least
    assert lower(approved, history(asked)) == settle(from_points(expected))


@FEWER
@given(st.lists(authorities(), min_size=2, max_size=8), st.data())
def test_forgetting_up_to_a_base_leaves_the_falls_since_that_base(
    asked: list[Authority], data: st.DataObject
) -> None:
    base = data.draw(st.integers(0, len(asked) - 1))
    since = history(asked)
    left = forget(since, set(REVISIONS[:base]))
    top = meet(FULL, FULL)
    again: tuple[Fall, ...] = ()
    pairs = zip(REVISIONS[base:], asked[base:], asked[base + 1 :], strict=False)
    for revision, before, after in pairs:
        again = merge(again, falls(before, after, revision))
    assert lower(top, left) == lower(top, again)


@FEWER
@given(authorities(), st.lists(authorities(), min_size=2, max_size=6))
def test_lowering_never_adds_and_more_falls_never_allow_more(
    a: Authority, asked: list[Authority]
) -> None:
    every = history(asked)
    assert at_most(lower(a, every), a)
    for number in range(len(every)):
        assert at_most(lower(a, every), lower(a, every[:number]))
    assert lower(lower(a, every), every) == lower(a, every)


@FEWER
@given(authorities(), authorities())
def test_a_rise_is_no_fall(a: Authority, b: Authority) -> None:
    both, raised = points(meet(a, b)), points(settle(a))
    fell = falls(meet(a, b), settle(a), REVISIONS[0])
    assert all(_tighter(f.path, raised.get(f.path), both[f.path]) for f in fell)
    assert falls(a, a, REVISIONS[0]) == ()


@pytest.mark.parametrize(
    ("change", "path", "value"),
    [
        ({"max_order_notional": Decimal(50)}, "limits.USD.max_order_notional", "50"),
        ({"max_order_notional": None}, "limits.USD.max_order_notional", None),
        ({"max_order_notional": Decimal(0)}, "limits.USD.max_order_notional", None),
        ({"duplicate_window": timedelta(seconds=20)}, "limits.USD.duplicate_window", "20s"),
    ],
)
def test_a_tightening_that_is_reverted_stays(
    change: dict[str, object], path: str, value: str | None
) -> None:
    fallen = history([FULL, limited(**change), FULL])
    assert [(fall.path, fall.value) for fall in fallen] == [(path, value)]
    assert lower(FULL, fallen) == settle(limited(**change))


def test_rising_first_is_no_fall_and_falling_later_is() -> None:
    low = limited(max_order_notional=Decimal(50))
    assert history([low, FULL]) == ()
    assert lower(FULL, history([low, FULL, low, FULL])) == low


def test_a_longer_window_that_is_taken_back_stays_long() -> None:
    longer = limited(duplicate_window=timedelta(seconds=20))
    assert lower(FULL, history([FULL, longer, FULL])) == longer


def test_switching_the_currency_there_and_back_leaves_nothing() -> None:
    fallen = history([FULL, limited(currency="EUR"), FULL])
    assert lower(FULL, fallen).mode is Mode.ADVISORY


@pytest.mark.parametrize("access", [Access.NONE, Access.REDUCE])
def test_a_symbol_that_was_narrowed_stays_narrow(access: Access) -> None:
    entry = {"BTC/USDT": SymbolAccess(venue="paper", access=access)}
    fallen = history([FULL, FULL.model_copy(update={"symbols": entry}), FULL])
    held = lower(FULL, fallen)
    assert held.symbols == (entry if access is Access.REDUCE else {})


@given(authorities(), authorities())
def test_every_fall_survives_its_written_form(a: Authority, b: Authority) -> None:
    for fall in falls(a, b, REVISIONS[0]):
        again = Fall.model_validate_json(fall.model_dump_json())
        assert again == fall
        if again.value is not None:
            assert point_text(parse_point(again.path, again.value)) == again.value


def test_merging_twice_changes_nothing_and_forgets_no_other_revision() -> None:
    low = limited(max_order_notional=Decimal(50))
    first, second = falls(FULL, low, REVISIONS[0]), falls(FULL, low, REVISIONS[1])
    both = merge(merge(first, second), first)
    assert {fall.revision for fall in both} == set(REVISIONS[:2])
    assert forget(both, {REVISIONS[0]}) == second
