from datetime import timedelta
from decimal import Decimal
from xml.etree import ElementTree as ET

import pytest
from hypothesis import given
from hypothesis import strategies as st

from desired_state.values import StopClass
from reconciler.canvas import Box, TimeScale, ValueScale, thinned
from reconciler.marks import Mark
from reconciler.picture import draw, draw_many
from reconciler.session_record import TriggerLine
from tests.session import picture_of_prices as prices

SVG = "{http://www.w3.org/2000/svg}"
CRASH = prices.record(
    prices.day(3, 8), prices.day(3, 12) + timedelta(hours=11), stop=StopClass.LOSS
)
AFTER = prices.record(prices.day(3, 13), prices.day(3, 20))
BOX = Box(100, 0, 1000, 100)


def parsed(picture: str) -> ET.Element:
    return ET.fromstring(picture)  # noqa: S314  (our own bytes)


def looks(picture: str, look: str) -> list[ET.Element]:
    return [e for e in parsed(picture).iter() if e.get("class") == look]


def words(picture: str) -> str:
    return "\n".join(e.text or "" for e in parsed(picture).iter(f"{SVG}text"))


def drawn(picture: str, look: str) -> int:
    """How many there are beside the one in the legend."""
    return len(looks(picture, look)) - 1


def test_a_picture_shows_every_order_every_fill_the_triggers_and_the_stop() -> None:
    picture = draw(CRASH)

    orders = CRASH.orders
    assert drawn(picture, "buy") == sum(order.side == "buy" for order in orders)
    assert drawn(picture, "sell") == sum(order.side == "sell" for order in orders)
    assert drawn(picture, "bought") + drawn(picture, "sold") == len(CRASH.fills)
    assert CRASH.fills
    assert len(looks(picture, "price")) == 2  # with the legend's
    assert len(looks(picture, "pnl")) == 1
    assert len(looks(picture, "zero")) == 1
    assert len(looks(picture, "band")) == 2  # of three spans two overlap and are one
    assert drawn(picture, "stop") == 1
    assert "stop: loss" in words(picture)
    for kind in ("VOLATILITY_SPIKE", "EXTREME_TREND"):
        assert kind in words(picture)


def test_the_title_says_symbol_mode_span_orders_fills_and_ending() -> None:
    shown = words(draw(CRASH))

    assert "BTC/USDT \u00b7 paper" in shown
    assert "8 Mar 2020 01:00 to 12 Mar 2020 11:00 UTC" in shown
    assert f"{len(CRASH.orders)} orders \u00b7 {len(CRASH.fills)} fills" in shown
    assert "ended: stopped (loss)" in shown


def test_the_same_record_gives_the_same_bytes() -> None:
    again = type(CRASH).model_validate_json(CRASH.model_dump_json())

    assert draw(again) == draw(CRASH)


def test_a_picture_loads_nothing_and_runs_nothing() -> None:
    picture = draw(CRASH)

    kinds = {element.tag.removeprefix(SVG) for element in parsed(picture).iter()}
    assert kinds <= {"svg", "title", "style", "rect", "line", "text", "polyline", "polygon"}
    assert "url(" not in picture
    assert "@import" not in picture
    assert "href" not in picture


@pytest.mark.parametrize("text", ["<script>alert(1)</script>", "]]>&amp;\"'", "\x00\x1b[2J\ufffe"])
def test_hostile_text_stays_text(text: str) -> None:
    triggers = (
        TriggerLine(kind=text, since=prices.day(3, 9), until=prices.day(3, 10)),
        *CRASH.triggers,
    )
    picture = draw(CRASH.model_copy(update={"run_id": text, "triggers": triggers}))

    assert not [e for e in parsed(picture).iter() if e.tag.endswith("script")]
    shown = "".join(c if c.isprintable() else "\ufffd" for c in text)
    assert words(picture).count(shown) == 2


@given(text=st.text(max_size=40))
def test_no_text_makes_a_picture_invalid(text: str) -> None:
    record = prices.empty_record(prices.day(3, 1)).model_copy(update={"run_id": text})

    parsed(draw(record))


@given(price=st.text(max_size=40) | st.sampled_from(["NaN", "Infinity", "1e99999", "-1"]))
def test_a_mark_without_a_readable_price_leaves_a_gap(price: str) -> None:
    mark = Mark(at=prices.day(3, 1), equity=Decimal(1), realised=Decimal(0), price=price)
    record = prices.empty_record(prices.day(3, 1)).model_copy(update={"marks": (mark,)})

    parsed(draw(record))


def test_a_session_that_did_nothing_and_no_session_at_all_are_pictures_too() -> None:
    nothing = draw(prices.empty_record(prices.day(3, 1)))

    assert "ended: not permitted" in words(nothing)
    assert "no bar was traded on" in words(nothing)
    assert drawn(nothing, "price") == 0
    assert "No session" in words(draw_many(()))


def test_an_order_still_open_at_the_end_is_drawn_to_the_end() -> None:
    still_open = CRASH.orders[0].model_copy(update={"ended_at": None, "filled": Decimal(0)})
    picture = draw(CRASH.model_copy(update={"orders": (still_open,), "fills": ()}))

    (resting,) = [e for e in looks(picture, "buy") if e.get("x2") == "1176.0"]
    assert resting.get("y1") == resting.get("y2")


def test_sessions_that_follow_each_other_share_one_axis_with_the_stop_between() -> None:
    picture = draw_many((CRASH, AFTER))

    (stop,) = [e for e in looks(picture, "stop") if e.get("x1") == e.get("x2")]
    assert 500 < float(stop.get("x1") or 0) < 600
    assert len(looks(picture, "pnl")) == 2
    assert "ended: stopped (loss), then completed" in words(picture)


def test_the_whole_story_counts_from_the_very_first_mark() -> None:
    late = CRASH.marks[-1]
    picture = draw_many((CRASH, AFTER.model_copy(update={"marks": (late,), "fills": ()})))

    lost = late.equity - CRASH.marks[0].equity
    assert f"profit and loss \u2212{-lost}" in words(picture)


def test_two_symbols_have_no_picture_in_common() -> None:
    setup = AFTER.setup.model_copy(update={"symbol": "ETH/USDT"})

    with pytest.raises(ValueError, match="one symbol"):
        draw_many((CRASH, AFTER.model_copy(update={"setup": setup})))


@given(st.decimals("-1e9", "1e9", places=4), st.decimals("0", "1e9", places=4))
def test_a_value_axis_has_a_few_round_marks_inside_its_box(low: Decimal, more: Decimal) -> None:
    scale = ValueScale.over((low, low + more), BOX)

    found = list(scale.ticks(6))
    assert 1 <= len(found) <= 8
    assert all(0 <= y <= 100 for y, _ in found)


@given(st.integers(min_value=60, max_value=400_000_000))
def test_a_time_axis_has_a_few_marks_in_order(seconds: int) -> None:
    start = prices.day(2, 24)
    scale = TimeScale(start, start + timedelta(seconds=seconds), BOX)

    places = [x for x, _ in scale.ticks(10)]
    assert len(places) <= 11
    assert places == sorted(places)


def test_a_year_of_minutes_is_thinned_and_keeps_its_extremes() -> None:
    points = [(Decimal(n) / 500, Decimal(n * 7919 % 1000)) for n in range(500_000)]

    kept = thinned(points)

    assert len(kept) <= 4 * 1001
    assert {y for _, y in kept} >= {Decimal(0), Decimal(999)}
    assert kept == sorted(kept, key=lambda point: point[0])
