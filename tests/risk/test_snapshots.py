import json
from dataclasses import FrozenInstanceError
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from desired_state.canonical import canonical, from_json
from desired_state.errors import Stalled
from desired_state.reasons import Reason
from layers.risk_snapshot import from_plain, to_plain, window
from tests.risk.judged_order import HOUR, SECOND, SNAPSHOT, D, edited

MINUTE = 60 * SECOND
AMOUNT = st.decimals(min_value=-(10**15), max_value=10**15, places=12)


@given(AMOUNT, AMOUNT, st.none() | AMOUNT)
def test_every_amount_survives_json_exactly(position: D, bid: D, equity: D | None) -> None:
    snapshot = edited(symbol__position=position, quote__bid=bid, equity_now=equity)
    plain = to_plain(snapshot)
    assert from_plain(plain) == snapshot
    assert from_plain(from_json(canonical(plain))) == snapshot  # no float anywhere


@pytest.mark.parametrize("number", ["NaN", "sNaN", "Infinity", "-Infinity"])
def test_a_number_that_is_not_finite_is_not_known(number: str) -> None:
    snapshot = edited(equity_now=D(number), quote__ask=D(number), day__equity_open=D(number))
    assert snapshot.equity_now is None
    assert snapshot.symbols[0].quote is not None
    assert snapshot.symbols[0].quote.ask is None
    assert snapshot.day.equity_open is None


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("equity_now", 1.5),
        ("equity_now", 1),
        ("equity_now", "NaN"),
        ("equity_now", " 1"),
        ("equity_now", "1e3"),
        ("mode", "yolo"),
        ("at", "2020-03-12T10:00:00"),
        ("journal_sequence", True),
        ("journal_sequence", "7"),
        ("surprise", "x"),
    ],
)
def test_anything_but_a_snapshot_is_refused_by_name(key: str, value: object) -> None:
    with pytest.raises(Stalled) as refusal:
        from_plain({**to_plain(SNAPSHOT), key: value})
    assert refusal.value.code is Reason.ARTIFACT_INVALID


def test_a_snapshot_with_a_part_left_out_is_refused() -> None:
    plain = to_plain(SNAPSHOT)
    for key in plain:
        with pytest.raises(Stalled):
            from_plain({k: v for k, v in plain.items() if k != key})


def test_a_snapshot_cannot_be_changed() -> None:
    with pytest.raises(FrozenInstanceError):
        SNAPSHOT.equity_now = D(1)  # type: ignore[misc]
    assert json.loads(json.dumps(to_plain(SNAPSHOT)))["equity_now"] == "1000"


def test_a_window_is_itself_on_ticks_and_whole_bars_on_bars() -> None:
    assert window(2 * SECOND, timedelta(0)) == 2 * SECOND
    assert window(2 * SECOND, HOUR) == HOUR
    assert window(HOUR, HOUR) == HOUR
    assert window(5 * MINUTE, 2 * MINUTE) == 6 * MINUTE
    assert window(timedelta(0), HOUR) == timedelta(0)
