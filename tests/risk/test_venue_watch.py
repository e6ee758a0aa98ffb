"""The venue is asked now and then; clocks that move apart are noticed in between."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

from layers.adapters.paper_probe import PaperProbe
from layers.adapters.paper_queries import PaperQueries
from layers.ports import Standing
from layers.risk_snapshot import VenueClass
from reconciler.venue_watch import EVERY, VenueWatch
from tests.fakes.paper_desk import SYMBOL, make_venue

NOW = datetime(2026, 11, 22, 10, tzinfo=UTC)
SECOND = timedelta(seconds=1)


class Clocks:
    def __init__(self) -> None:
        self.wall, self.steady = NOW, timedelta(hours=3)
        self.asked = 0

    def pass_(self, span: timedelta, wall: timedelta | None = None) -> None:
        self.steady += span
        self.wall += span if wall is None else wall

    def standing(self) -> Standing:
        self.asked += 1
        return Standing(self.wall, VenueClass.PAPER, "main", None, None, None, None, {})

    def watch(self) -> VenueWatch:
        return VenueWatch(self, lambda: self.wall, lambda: self.steady)


def test_the_venue_is_asked_at_once_and_then_only_when_it_is_due() -> None:
    clocks = Clocks()
    watch = clocks.watch()
    first = watch.look()
    assert (clocks.asked, first.clock_jump) == (1, timedelta())
    clocks.pass_(EVERY - SECOND)
    assert watch.look() == first
    clocks.pass_(SECOND)
    assert watch.look().standing.at == clocks.wall
    assert clocks.asked == 2


def test_a_clock_that_is_set_is_noticed_at_the_next_look_either_way() -> None:
    for jump in (5 * SECOND, -5 * SECOND):
        clocks = Clocks()
        watch = clocks.watch()
        watch.look()
        clocks.pass_(SECOND, SECOND + jump)
        assert watch.look().clock_jump == jump
        clocks.pass_(EVERY)
        assert watch.look().clock_jump == jump
        clocks.pass_(EVERY)
        assert watch.look().clock_jump == timedelta()


def test_the_paper_venue_tells_of_its_symbols_and_has_no_key_to_steal(tmp_path: Path) -> None:
    venue = make_venue(tmp_path)
    probe = PaperProbe(PaperQueries(venue), "paper", (SYMBOL, "ETH/USDT"), lambda: NOW)
    told = probe.standing()
    assert (told.venue_class, told.account, told.at) == (VenueClass.PAPER, "paper", NOW)
    assert (told.can_withdraw, told.address_bound) == (False, True)
    assert told.trading == {SYMBOL: True, "ETH/USDT": False}
    venue.close()


def test_a_paper_store_that_cannot_be_read_is_not_known_and_never_raises(tmp_path: Path) -> None:
    venue = make_venue(tmp_path)
    venue.close()
    (tmp_path / "venue.db").write_bytes(b"no store at all")
    probe = PaperProbe(PaperQueries(venue), "paper", (SYMBOL,), lambda: NOW)
    told = probe.standing()
    assert (told.venue_class, told.account, told.headroom, told.trading) == (None, None, None, {})
    venue.close()
