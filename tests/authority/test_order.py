"""``compare`` is a partial order of what may be done, and ``meet`` its greatest lower bound."""

from datetime import timedelta
from decimal import Decimal

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from desired_state.authority import (
    BOTTOM,
    Authority,
    Order,
    SymbolAccess,
    at_most,
    compare,
    differences,
    from_points,
    meet,
    parse_point,
    point_text,
    points,
    settle,
    tighter,
    unaccounted,
)
from desired_state.document import load
from desired_state.errors import Stalled
from desired_state.limits import DIRECTIONS, Limits, Tighter
from desired_state.state_files import LimitsFile
from desired_state.values import Access, Mode, Trading
from tests.fakes.authorities import authorities, values_of, whole

FLIPPED = {
    Order.EQUAL: Order.EQUAL,
    Order.TIGHTER: Order.LOOSER,
    Order.LOOSER: Order.TIGHTER,
    Order.INCOMPARABLE: Order.INCOMPARABLE,
}
FEWER = settings(max_examples=settings.default.max_examples // 3)
CONSTANTS = {"currency", "enforce_limits", "allow_override", "require_kill_switch_active"}
FULL = Authority(
    mode=Mode.PAPER,
    trading=Trading.ACTIVE,
    symbols={"BTC/USDT": SymbolAccess(venue="paper", access=Access.TRADE)},
    limits=Limits(
        currency="USD",
        max_order_notional=Decimal(50),
        max_total_exposure=Decimal(500),
        max_daily_loss=Decimal(100),
        duplicate_window=timedelta(seconds=10),
    ),
    layers=("L5", "L6"),
    budgets={"models_per_day": Decimal(50)},
)


@FEWER
@given(authorities())
def test_everything_is_equal_to_itself(a: Authority) -> None:
    assert compare(a, a) is Order.EQUAL
    assert at_most(a, a)


@FEWER
@given(authorities(), authorities())
def test_compare_flips_under_swap(a: Authority, b: Authority) -> None:
    assert compare(a, b) is FLIPPED[compare(b, a)]


@FEWER
@given(authorities(), authorities())
def test_what_is_equal_means_the_same(a: Authority, b: Authority) -> None:
    assert (compare(a, b) is Order.EQUAL) == (points(settle(a)) == points(settle(b)))


@FEWER
@given(authorities(), authorities(), authorities())
def test_at_most_is_transitive(a: Authority, b: Authority, c: Authority) -> None:
    low, high = meet(a, b, c), meet(b, c)  # a chain, which three at random seldom are
    assert at_most(low, high)
    assert at_most(high, c)
    assert at_most(low, c)
    if at_most(a, b) and at_most(b, c):
        assert at_most(a, c)


@FEWER
@given(authorities(), authorities())
def test_meet_is_a_lower_bound_and_commutes(a: Authority, b: Authority) -> None:
    both = meet(a, b)
    assert at_most(both, a)
    assert at_most(both, b)
    assert both == meet(b, a)


@FEWER
@given(authorities(), authorities(), authorities())
def test_meet_is_associative_and_idempotent(a: Authority, b: Authority, c: Authority) -> None:
    assert meet(meet(a, b), c) == meet(a, meet(b, c)) == meet(a, b, c)
    assert meet(a, a) == settle(a)


@FEWER
@given(authorities(), authorities(), authorities())
def test_no_lower_bound_is_greater_than_meet(a: Authority, b: Authority, c: Authority) -> None:
    for lower in (c, meet(a, b, c)):
        if at_most(lower, a) and at_most(lower, b):
            assert at_most(lower, meet(a, b))


@FEWER
@given(authorities(), authorities())
def test_what_is_at_most_both_is_their_meet(a: Authority, b: Authority) -> None:
    assert (compare(meet(a, b), a) is Order.EQUAL) == at_most(a, b)


@FEWER
@given(authorities(), authorities())
def test_settling_never_adds_keeps_the_order_and_is_done_once(a: Authority, b: Authority) -> None:
    before, after = points(a), _meaning(settle(a))
    assert all(path in before and not tighter(path, before[path], v) for path, v in after.items())
    assert settle(settle(a)) == settle(a)
    low, high = _meaning(settle(from_points(_pointwise(a, b)))), _meaning(settle(a))
    assert all(path in high and not tighter(path, high[path], v) for path, v in low.items())


def _meaning(settled: Authority) -> dict[str, object]:
    return {} if settled == BOTTOM else dict(points(settled))  # bottom has no time window


def _pointwise(a: Authority, b: Authority) -> dict[str, object]:
    x, y = points(a), points(b)
    return {p: x[p] if tighter(p, x[p], y[p]) else y[p] for p in x if p in y}


@FEWER
@given(authorities())
def test_bottom_is_at_most_everything_and_absorbs(a: Authority) -> None:
    assert at_most(BOTTOM, a)
    assert meet(a, BOTTOM) == BOTTOM


@pytest.mark.parametrize(
    "change",
    [
        {"trading": Trading.HALTED},
        {"symbols": {}},
        {"symbols": {"BTC/USDT": SymbolAccess(venue="paper", access=Access.NONE)}},
        {"limits": Limits()},
        {"limits": FULL.limits.model_copy(update={"max_order_notional": None})},
        {"limits": FULL.limits.model_copy(update={"max_order_notional": Decimal(0)})},
        {"limits": FULL.limits.model_copy(update={"max_total_exposure": None})},
    ],
)
def test_where_nothing_could_be_sent_the_mode_is_at_most_advisory(
    change: dict[str, object],
) -> None:
    assert settle(FULL).mode is Mode.PAPER
    left = settle(FULL.model_copy(update=change))
    assert (left.mode, left.symbols, left.limits) == (Mode.ADVISORY, {}, Limits())
    assert settle(FULL.model_copy(update={**change, "layers": ()})) == BOTTOM


@FEWER
@given(authorities())
def test_an_empty_time_window_is_bottom(a: Authority) -> None:
    assume(a.not_before and a.expires and a.not_before >= a.expires)
    assert settle(a) == BOTTOM


def test_another_currency_counts_as_nothing() -> None:
    euros = FULL.model_copy(update={"limits": FULL.limits.model_copy(update={"currency": "EUR"})})
    assert compare(FULL, euros) is Order.INCOMPARABLE
    both = meet(FULL, euros)
    assert both.mode is Mode.ADVISORY
    assert both.limits == Limits()


@pytest.mark.parametrize("name", sorted(DIRECTIONS))
def test_a_missing_limit_is_tighter_than_any(name: str) -> None:
    kind = str(Limits.model_fields[name].annotation)
    value = timedelta(seconds=1) if "timedelta" in kind else Decimal(1) if "Decimal" in kind else 1
    limits = FULL.limits.model_copy(update={name: value})
    with_it = FULL.model_copy(update={"limits": limits})
    without = FULL.model_copy(update={"limits": limits.model_copy(update={name: None})})
    assert compare(without, with_it) is Order.TIGHTER
    assert meet(without, with_it) == settle(without)
    assert f"limits.USD.{name}" not in points(meet(without, with_it))


@pytest.mark.parametrize("venue", ["binance", "kraken"])
def test_the_same_symbol_at_another_venue_is_another_permission(venue: str) -> None:
    other = SymbolAccess(venue=venue, access=Access.TRADE)
    moved = FULL.model_copy(update={"symbols": {"BTC/USDT": other}})
    assert compare(FULL, moved) is Order.INCOMPARABLE
    assert meet(FULL, moved).symbols == {}


def test_every_field_of_limits_has_a_direction_or_is_a_constant() -> None:
    assert set(Limits.model_fields) == set(DIRECTIONS) | CONSTANTS
    assert {name for name, way in DIRECTIONS.items() if way is Tighter.HIGHER} == {
        "duplicate_window",
        "jump_good_ticks",
        "loss_collar",
        "min_headroom",
        "quote_haircut",
        "repeat_window",
    }


@pytest.mark.parametrize("name", sorted(DIRECTIONS))
@settings(max_examples=settings.default.max_examples // 8)
@given(data=st.data())
def test_each_limit_moves_authority_in_its_direction_alone(name: str, data: st.DataObject) -> None:
    low, high = sorted((data.draw(values_of(name)), data.draw(values_of(name))))
    assume(low != high)
    small, large = (
        FULL.model_copy(update={"limits": FULL.limits.model_copy(update={name: value})})
        for value in (low, high)
    )
    assume(settle(small).mode is Mode.PAPER)
    expected = Order.TIGHTER if DIRECTIONS[name] is Tighter.LOWER else Order.LOOSER
    assert compare(small, large) is expected


@FEWER
@given(whole)
def test_points_and_back_is_the_same_authority(a: Authority) -> None:
    assert points(from_points(points(a))) == points(a)
    assert from_points(points(from_points(points(a)))) == from_points(points(a))


@FEWER
@given(whole)
def test_every_point_reads_back_from_its_text(a: Authority) -> None:
    for path, value in points(a).items():
        again = parse_point(path, point_text(value))
        assert again == value
        assert type(again) is type(value)


@FEWER
@given(authorities(), authorities())
def test_differences_name_exactly_what_differs(a: Authority, b: Authority) -> None:
    named = {path for path, _, _ in differences(a, b)}
    x, y = points(a), points(b)
    assert named == {path for path in x.keys() | y.keys() if x.get(path) != y.get(path)}


@FEWER
@given(whole)
def test_an_authority_survives_its_written_form(a: Authority) -> None:
    assert Authority.model_validate_json(a.model_dump_json()) == a


@pytest.mark.parametrize("name", ["max_open_positions", "max_digits", "jump_good_ticks"])
@pytest.mark.parametrize("value", ["true", '"3"', "3.0", "-1", "null"])
def test_a_count_is_an_integer_and_nothing_else(name: str, value: str) -> None:
    with pytest.raises(Stalled):
        load(LimitsFile, f"currency: USD\n{name}: {value}\n".encode(), "limits.yaml")


@pytest.mark.parametrize("name", sorted(DIRECTIONS))
def test_true_is_no_limit(name: str) -> None:
    with pytest.raises(ValidationError):
        Limits(currency="USD", **{name: True})
    with pytest.raises(Stalled):
        load(LimitsFile, f"currency: USD\n{name}: true\n".encode(), "limits.yaml")


# --- build and account ---------------------------------------------------------------------------
BUILD = "sha256:" + "a" * 64
TESTNET = FULL.model_copy(
    update={
        "mode": Mode.TESTNET,
        "symbols": {"BTC/USDT": SymbolAccess(venue="binance", access=Access.TRADE)},
        "build": BUILD,
        "accounts": {"binance": "12345678"},
    }
)


@pytest.mark.parametrize("mode", [Mode.TESTNET, Mode.BOUNDED_LIVE])
@pytest.mark.parametrize("lost", [{"build": None}, {"accounts": {}}, {"accounts": {"kraken": "1"}}])
def test_from_testnet_up_without_build_or_account_it_is_at_most_paper(
    mode: Mode, lost: dict[str, object]
) -> None:
    whole = TESTNET.model_copy(update={"mode": mode})
    assert settle(whole) == whole
    left = settle(whole.model_copy(update=lost))
    assert (left.mode, left.build, left.accounts) == (Mode.PAPER, None, {})
    assert left.symbols == whole.symbols


@pytest.mark.parametrize("mode", [Mode.SHADOW, Mode.PAPER])
def test_below_testnet_build_and_account_mean_nothing(mode: Mode) -> None:
    named = TESTNET.model_copy(update={"mode": mode})
    silent = named.model_copy(update={"build": None, "accounts": {}})
    assert compare(named, silent) is Order.EQUAL
    assert settle(named) == settle(silent)


@pytest.mark.parametrize(
    "other", [{"build": "sha256:" + "b" * 64}, {"accounts": {"binance": "87654321"}}]
)
def test_another_build_or_account_is_another_permission(other: dict[str, object]) -> None:
    changed = TESTNET.model_copy(update=other)
    assert compare(TESTNET, changed) is Order.INCOMPARABLE
    both = meet(TESTNET, changed)
    assert (both.mode, both.build, both.accounts) == (Mode.PAPER, None, {})


def test_venues_without_an_account_are_named_and_never_change_the_others() -> None:
    both = {**TESTNET.symbols, "ETH/USDT": SymbolAccess(venue="kraken", access=Access.TRADE)}
    more = TESTNET.model_copy(update={"symbols": both})
    assert unaccounted(TESTNET) == ()
    assert unaccounted(more) == ("kraken",)
    assert unaccounted(more.model_copy(update={"mode": Mode.PAPER})) == ()
    # settled as a whole, the one symbol alone would allow more than the two
    assert compare(TESTNET, more) is Order.TIGHTER
    assert at_most(meet(TESTNET, more), more)
