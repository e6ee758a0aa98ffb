"""Loss windows: written down at midnight or not known; and what a release remembers."""

import json
from datetime import UTC, datetime, timedelta
from decimal import Decimal

from layers.l5_risk_gate.loss import loss_pnl
from reconciler.marks import LossStop, Mark, Marks

START = datetime(2020, 3, 1, tzinfo=UTC)
HOUR = timedelta(hours=1)
MOST = Decimal(100)
D300 = Decimal(-300)


def mark(hours: float, equity: str, realised: str = "0", paid_in: str = "0") -> Mark:
    return Mark(
        at=START + hours * HOUR,
        equity=Decimal(equity),
        realised=Decimal(realised),
        paid_in=Decimal(paid_in),
    )


def marks(*found: Mark) -> Marks:
    made = Marks()
    for one in found:
        made.add(one, MOST)
    return made


def test_the_day_begins_at_midnight_and_the_rolling_window_a_day_ago() -> None:
    made = marks(*(mark(h, str(1_000 + h)) for h in range(50)))
    now = mark(49, "1049")
    assert made.pnl("day", now) == 1
    assert made.pnl("rolling", now) == 24
    at_midnight = mark(48, "1048")
    assert made.pnl("day", at_midnight) == 0
    assert made.window("day", at_midnight, frozenset()).equity_open == 1_048


def test_a_day_whose_midnight_was_missed_is_not_known() -> None:
    made = marks(*(mark(h, "1000") for h in range(24)), *(mark(h, "900") for h in range(25, 30)))
    now = mark(29, "900")
    assert made.pnl("day", now) is None  # D1: never taken to be what it is worth now
    window = made.window("day", now, frozenset())
    assert (window.equity_open, window.realised) == (None, None)
    assert made.pnl("rolling", now) == -100
    assert made.pnl("day", mark(48, "900")) is None


def test_the_midnight_after_is_known_again() -> None:
    made = marks(
        mark(1, "1000"), mark(23, "1000"), mark(25, "900"), mark(48, "880"), mark(49, "870")
    )
    assert made.pnl("day", mark(49, "870")) == -10


def test_an_account_opened_in_the_middle_of_a_day_is_measured_from_its_opening() -> None:
    made = marks(mark(7, "1000"), mark(8, "990"))
    now = mark(8, "990")
    assert made.pnl("day", now) == -10
    assert made.pnl("rolling", now) == -10


def test_a_breach_goes_on_since_it_began_and_ends() -> None:
    made = marks(mark(0, "1000"), mark(1, "899"), mark(2, "880"))
    assert made.window("day", mark(2, "880"), frozenset()).breach_since == START + HOUR
    made.add(mark(3, "950"), MOST)
    assert made.window("day", mark(3, "950"), frozenset()).breach_since is None
    made.add(mark(4, "850"), MOST)
    assert made.window("day", mark(4, "850"), frozenset()).breach_since == START + 4 * HOUR


def test_without_a_limit_no_breach_is_counted() -> None:
    made = marks(mark(0, "1000"), mark(1, "899"))
    made.add(mark(2, "800"), None)
    assert made.window("day", mark(2, "800"), frozenset()).breach_since is None


def test_a_released_loss_is_remembered_within_its_window_alone() -> None:
    made = marks(*(mark(h, "1000" if h == 0 else "890") for h in range(30)))
    told = LossStop(stop="L-local-1", window="day", pnl=Decimal(-110), at=START + HOUR)
    made.stops.append(told)
    now = mark(5, "890")
    assert made.window("day", now, frozenset()).released_at_pnl is None  # not released yet
    freed = frozenset({"L-local-1"})
    assert made.window("day", now, freed).released_at_pnl == -110
    assert made.window("rolling", now, freed).released_at_pnl is None
    assert made.window("day", mark(29, "890"), freed).released_at_pnl is None  # another day


def test_the_peak_is_the_highest_equity_and_its_breach_has_a_bound_of_its_own() -> None:
    made = Marks()
    for hour, equity in enumerate(("1000", "1100", "1050", "900", "890")):
        made.add(mark(hour, equity, str(hour)), Decimal(1000), Decimal(200))
    window = made.window("peak", mark(4, "890", "4"), frozenset())
    assert (window.equity_open, window.realised) == (1_100, 3)
    assert window.breach_since == START + 3 * HOUR  # and not the day's, whose bound is far
    assert made.window("day", mark(4, "890"), frozenset()).breach_since is None
    made.add(mark(5, "1200"), Decimal(1000), Decimal(200))
    assert made.pnl("peak", mark(5, "1200")) == 0


def test_a_drawdown_released_is_remembered_until_there_is_a_new_peak() -> None:
    made = marks(mark(0, "1000"), mark(1, "700"))
    made.stops.append(LossStop(stop="L-h-1", window="peak", pnl=D300, at=START + HOUR))
    known = made.window("peak", mark(1, "700"), frozenset({"L-h-1"}))
    assert known.released_at_pnl == D300
    assert made.window("peak", mark(1, "700"), frozenset()).released_at_pnl is None
    made.add(mark(2, "1001"), MOST)
    assert made.window("peak", mark(2, "1001"), frozenset({"L-h-1"})).released_at_pnl is None


def test_what_people_paid_in_or_out_is_neither_profit_nor_loss_in_any_window() -> None:
    made = marks(mark(0, "1000"), mark(1, "1010"))
    for equity, paid_in in (("1500", "500"), ("500", "-500")):
        now = mark(2, equity, paid_in=paid_in)
        made.add(now, MOST)
        assert {name: made.pnl(name, now) for name in ("day", "rolling", "peak")} == {
            "day": 0,
            "rolling": 0,
            "peak": -10,  # a deposit is no new height
        }
        window = made.window("day", now, frozenset())
        assert (window.equity_open, window.net_transfers) == (1_000, Decimal(paid_in))
        assert loss_pnl(now.equity, window) == 0


def test_a_loss_behind_a_deposit_is_a_breach() -> None:
    made = marks(mark(0, "1000"), mark(1, "1380", paid_in="500"))
    assert made.pnl("day", mark(1, "1380", paid_in="500")) == -120
    assert made.window("day", mark(1, "1380", paid_in="500"), frozenset()).breach_since is not None


def test_a_mark_without_transfers_is_told_as_ever_and_one_with_them_tells_them() -> None:
    assert "paid_in" not in mark(0, "1000").told()
    told = mark(0, "1000", paid_in="5").told()
    assert Mark.model_validate_json(json.dumps(told)).earned == 995
