"""What this host remembers of venues, and how long a look at one is believed."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

import pytest

from desired_state.errors import Stalled
from desired_state.reasons import Reason
from layers.orders import CancelReport, VenueOrder
from layers.risk_snapshot import VenueClass
from reconciler.adapters.opened_venues import OpenedVenues
from reconciler.lately_seen import LatelySeen
from reconciler.opened_venue import OpenedVenue

SECOND = timedelta(seconds=1)
OPENED = OpenedVenue(
    venue="binance",
    venue_class=VenueClass.TESTNET,
    account="12345678",
    rehearsed=True,
    symbols=("BTC/USDT",),
)


@dataclass
class Counted:
    """A way out that counts how often somebody looks."""

    looks: int = 0
    cancelled: list[str] = field(default_factory=list)

    def cancel(self, symbol: str, client_order_id: str) -> CancelReport:
        self.cancelled.append(f"{symbol} {client_order_id}")
        return CancelReport(confirmed=(client_order_id,), still_open=())

    def cancel_all(self) -> CancelReport:
        self.cancelled.append("all")
        return CancelReport(confirmed=(), still_open=())

    def open_orders(self) -> tuple[VenueOrder, ...]:
        self.looks += 1
        return ()


@pytest.mark.parametrize(
    "act",
    [lambda way: way.cancel("BTC/USDT", "g1"), lambda way: way.cancel_all()],
    ids=["one", "all"],
)
def test_a_look_is_believed_for_a_moment_and_never_after_a_cancel(
    act: Callable[[LatelySeen], object],
) -> None:
    now = [SECOND]
    way = Counted()
    seen = LatelySeen(way, lambda: now[0], 2 * SECOND)
    seen.open_orders()
    now[0] += SECOND
    seen.open_orders()
    assert way.looks == 1
    act(seen)
    assert len(way.cancelled) == 1
    seen.open_orders()
    assert way.looks == 2
    now[0] += 2 * SECOND
    seen.open_orders()
    assert way.looks == 3


def test_a_venue_once_opened_is_one_account_at_one_place_and_its_symbols_only_grow() -> None:
    more = OPENED.model_copy(update={"symbols": ("ETH/USDT",)})
    whole = OPENED.goes_on(more)
    assert whole is not None
    assert whole.symbols == ("BTC/USDT", "ETH/USDT")
    for change in ({"account": "87654321"}, {"rehearsed": False}, {"venue_class": VenueClass.LIVE}):
        assert OPENED.goes_on(more.model_copy(update=change)) is None


def test_a_record_that_does_not_read_is_a_venue_that_cannot_tell(tmp_path: Path) -> None:
    records = OpenedVenues(tmp_path)
    assert records.read("binance") is None
    records.write(OPENED)
    assert records.read("binance") == OPENED
    assert list(records.names()) == ["binance"]
    (tmp_path / "venues" / "binance.venue.json").write_bytes(b"{")
    assert list(records.names()) == ["binance"]
    with pytest.raises(Stalled) as caught:
        records.read("binance")
    assert caught.value.code is Reason.VENUE_UNPROVEN
