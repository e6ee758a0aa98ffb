"""An authority taken apart, told, and put together again, value by value."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from pydantic import ValidationError

from desired_state.authority import (
    ALWAYS,
    BOTTOM,
    FOREVER,
    Authority,
    Point,
    SymbolAccess,
    differences,
    from_points,
    meet,
    parse_point,
    point_text,
    points,
    settle,
    tighter,
)
from desired_state.limits import Limits
from desired_state.values import Access, Mode, Trading

START = datetime(2026, 11, 22, 10, tzinfo=UTC)
END = datetime(2026, 11, 29, 10, 30, tzinfo=UTC)
BUILD = "sha256:" + "a" * 64
DESK = Authority(
    mode=Mode.TESTNET,
    trading=Trading.REDUCING,
    symbols={
        "BTC/USDT": SymbolAccess(venue="binance", access=Access.TRADE),
        "ETH/USDT": SymbolAccess(venue="kraken", access=Access.REDUCE),
    },
    limits=Limits(
        currency="USD",
        max_order_notional=Decimal("50.5"),
        max_total_exposure=Decimal(500),
        max_open_positions=3,
        duplicate_window=timedelta(seconds=90),
        intent_ttl=timedelta(milliseconds=250),
    ),
    layers=("L2", "L5"),
    budgets={"gpu": Decimal("1.25"), "models_per_day": Decimal(50)},
    build=BUILD,
    accounts={"binance": "desk.one@peak.1", "kraken": "desk-2"},
    not_before=START,
    expires=END,
)
TOLD = {
    "mode": (Mode.TESTNET, "testnet"),
    "trading": (Trading.REDUCING, "reducing"),
    "symbols.BTC/USDT@binance": (Access.TRADE, "trade"),
    "symbols.ETH/USDT@kraken": (Access.REDUCE, "reduce"),
    "limits.USD.max_order_notional": (Decimal("50.5"), "50.5"),
    "limits.USD.max_total_exposure": (Decimal(500), "500"),
    "limits.USD.max_open_positions": (3, "3"),
    "limits.USD.duplicate_window": (timedelta(seconds=90), "90s"),
    "limits.USD.intent_ttl": (timedelta(milliseconds=250), "250ms"),
    "layers.L2": (1, "1"),
    "layers.L5": (1, "1"),
    "budgets.gpu": (Decimal("1.25"), "1.25"),
    "budgets.models_per_day": (Decimal(50), "50"),
    f"build.{BUILD}": (1, "1"),
    "accounts.binance.desk.one@peak.1": (1, "1"),
    "accounts.kraken.desk-2": (1, "1"),
    "not_before": (START, "2026-11-22T10:00:00Z"),
    "expires": (END, "2026-11-29T10:30:00Z"),
}


def test_each_part_is_one_point_under_its_path_and_nothing_is_left_out() -> None:
    assert points(DESK) == {path: value for path, (value, _) in TOLD.items()}
    assert points(BOTTOM) == {"not_before": ALWAYS, "expires": FOREVER}


def test_what_is_0_or_none_allows_nothing_and_is_no_point() -> None:
    limits = DESK.limits.model_copy(
        update={"max_order_notional": Decimal(0), "intent_ttl": timedelta(), "max_digits": None}
    )
    nothing = DESK.model_copy(
        update={
            "trading": Trading.HALTED,
            "symbols": {"BTC/USDT": SymbolAccess(venue="binance", access=Access.NONE)},
            "limits": limits,
            "budgets": {"gpu": Decimal(0)},
        }
    )
    gone = set(TOLD) - set(points(nothing))
    assert gone == {
        "trading",
        "symbols.BTC/USDT@binance",
        "symbols.ETH/USDT@kraken",
        "limits.USD.max_order_notional",
        "limits.USD.intent_ttl",
        "budgets.gpu",
        "budgets.models_per_day",
    }


def test_a_window_or_a_count_whose_0_is_the_loosest_stays_a_point() -> None:
    limits = DESK.limits.model_copy(update={"duplicate_window": timedelta(), "jump_good_ticks": 0})
    found = points(DESK.model_copy(update={"limits": limits}))
    assert found["limits.USD.duplicate_window"] == timedelta()
    assert found["limits.USD.jump_good_ticks"] == 0


def test_a_budget_that_bears_the_name_of_a_limit_is_a_budget_still() -> None:
    assert tighter("limits.USD.loss_collar", Decimal(2), Decimal(1))
    assert tighter("budgets.loss_collar", Decimal(1), Decimal(2))
    assert not tighter("budgets.loss_collar", Decimal(2), Decimal(1))
    nothing = DESK.model_copy(update={"budgets": {"loss_collar": Decimal(0)}})
    assert "budgets.loss_collar" not in points(nothing)


@pytest.mark.parametrize("mode", [Mode.SHADOW, Mode.PAPER])
def test_from_shadow_up_symbols_and_limits_mean_something(mode: Mode) -> None:
    below = DESK.model_copy(update={"mode": mode, "build": None, "accounts": {}})
    assert settle(below) == below


def test_a_constant_of_the_schema_and_a_limit_without_a_currency_are_no_points() -> None:
    nowhere = DESK.limits.model_copy(update={"currency": None})
    found = points(DESK.model_copy(update={"limits": nowhere}))
    assert [path for path in found if path.startswith("limits.")] == []
    assert not [path for path in points(DESK) if path.endswith("enforce_limits")]


@pytest.mark.parametrize("path", sorted(TOLD))
def test_a_value_is_written_as_people_write_it_and_read_as_its_own_kind(path: str) -> None:
    value, text = TOLD[path]
    assert point_text(value) == text
    again = parse_point(path, text)
    assert (again, type(again)) == (value, type(value))


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("mode", "trade"),
        ("trading", "paper"),
        ("symbols.BTC/USDT@binance", "active"),
        ("limits.USD.max_open_positions", "3.5"),
        ("limits.USD.duplicate_window", "90"),
        ("limits.USD.max_order_notional", "90s"),
        ("budgets.gpu", "-1"),
        ("layers.L5", "yes"),
        ("expires", "tomorrow"),
    ],
)
def test_a_text_of_another_kind_is_no_value_of_the_path(path: str, text: str) -> None:
    with pytest.raises(ValueError):  # noqa: PT011  (each kind has its own words)
        parse_point(path, text)


def test_what_has_points_is_put_together_again_from_them_alone() -> None:
    assert from_points(points(DESK)) == DESK
    assert settle(DESK) == DESK
    assert from_points({}) == BOTTOM
    assert from_points({"mode": Mode.PAPER}) == BOTTOM.model_copy(update={"mode": Mode.PAPER})


def test_names_stand_in_their_order_however_the_points_came() -> None:
    backwards: dict[str, Point] = dict(sorted(points(DESK).items(), reverse=True))
    found = from_points(backwards)
    assert found == DESK
    assert list(found.symbols) == sorted(DESK.symbols)
    assert list(found.budgets) == sorted(DESK.budgets)
    assert list(found.accounts) == sorted(DESK.accounts)
    assert found.layers == ("L2", "L5")


def test_a_difference_is_told_with_both_values_and_a_dash_where_there_is_none() -> None:
    other = DESK.model_copy(
        update={
            "mode": Mode.PAPER,
            "layers": ("L5", "L6"),
            "limits": DESK.limits.model_copy(update={"max_order_notional": Decimal(60)}),
        }
    )
    assert list(differences(DESK, DESK)) == []
    assert list(differences(DESK, other)) == [
        ("layers.L2", "1", "-"),
        ("layers.L6", "-", "1"),
        ("limits.USD.max_order_notional", "50.5", "60"),
        ("mode", "testnet", "paper"),
    ]


def test_an_account_whose_name_has_dots_answers_for_its_venue() -> None:
    alone = DESK.model_copy(update={"accounts": {"binance": "desk.one@peak.1"}})
    assert settle(alone) == alone
    nowhere = DESK.model_copy(update={"accounts": {"coinbase": "a.binance.kraken"}})
    assert settle(nowhere).mode is Mode.PAPER


def test_meet_takes_the_tighter_value_of_each_path_and_the_paths_of_all() -> None:
    tight = DESK.model_copy(
        update={
            "limits": DESK.limits.model_copy(
                update={"max_order_notional": Decimal(10), "duplicate_window": timedelta(minutes=9)}
            ),
            "not_before": START + timedelta(hours=1),
            "layers": ("L5",),
        }
    )
    late = DESK.model_copy(update={"expires": None, "not_before": None})
    for found in (meet(DESK, tight), meet(tight, DESK), meet(late, DESK, tight), meet(tight)):
        assert (found.limits, found.not_before, found.layers) == (
            tight.limits,
            tight.not_before,
            ("L5",),
        )
    assert meet(late, DESK, tight).expires == END
    assert meet(DESK, tight, BOTTOM) == BOTTOM


def test_a_layer_that_stands_twice_is_refused_in_these_words() -> None:
    with pytest.raises(ValidationError, match="expected each layer once"):
        Authority.model_validate({**dict(DESK), "layers": ("L5", "L5")})
