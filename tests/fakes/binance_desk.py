"""Binance's adapters in front of a server on loopback, as a rehearsal wires them."""

import time
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

from desired_state.canonical import digest
from layers.adapters.binance_venue import BinanceVenue, open_venue
from layers.adapters.ccxt_line import Clock, Terms
from layers.adapters.venue_credentials import Credentials
from layers.binance.listing import Fees
from layers.binance.rows import MILLISECOND
from layers.binance.wire import Place
from layers.l6_execution.client_ids import client_order_id
from layers.local_exchange.shapes import account_number
from layers.local_exchange.terms import DESK
from layers.market import EPOCH, Provenance
from layers.orders import OrderRequest, Side, TimeInForce
from layers.risk_snapshot import VenueClass
from tests.fakes.exchange import Served

KEY = "KEYkeyKEYkeyKEYkeyKEYkeyKEYkey01"
SECRET = "SECRETsecretSECRETsecretSECRET02"  # noqa: S105  (planted, to be searched for)
SYMBOL = "BTC/USDT"
ACCOUNT = str(account_number(DESK))
PATIENT = timedelta(seconds=5)  # for what must be answered, however busy this machine is
PLACE = Place(venue="binance", account=ACCOUNT, symbols=(SYMBOL,))
SYSTEM = Clock(wall=lambda: datetime.now(UTC), monotonic=time.monotonic)  # noqa: TID251


@dataclass
class Seconds:
    """Seconds that only a test moves; what the venue demands is counted in them (BIN-13)."""

    now: float = 1_000.0

    def __call__(self) -> float:
        return self.now


def terms(base: str | None, **changes: object) -> Terms:
    standing = Terms(
        place=PLACE,
        venue_class=VenueClass.TESTNET,
        timeout=timedelta(milliseconds=200),
        provenance=Provenance.SYNTHETIC,
        rehearsal_at=base,
        throttled=False,
    )
    return replace(standing, **changes)


def desk(
    base: str,
    *,
    credentials: Credentials | None = None,
    clock: Clock = SYSTEM,
    traded: Iterable[str] = (),
    fees: Fees | None = None,
    **changes: object,
) -> BinanceVenue:
    opened = open_venue(
        terms(base, **changes),
        credentials or Credentials(KEY, SECRET),
        clock,
        lambda: traded,
        fees,
    )
    opened.lines[0].skew.account = ACCOUNT  # as if the probe had asked
    return opened


def request(
    name: object,
    side: Side = Side.BUY,
    price: str = "95",
    quantity: str = "1",
    tif: TimeInForce = TimeInForce.GTC,
) -> OrderRequest:
    return OrderRequest(
        venue=PLACE.venue,
        account=PLACE.account,
        symbol=SYMBOL,
        side=side,
        time_in_force=tif,
        quantity=quantity,
        price=price,
        client_order_id=client_order_id("I-" + digest(str(name))[7:23], 0),
    )


def rehearsed(exchange: Served, **changes: object) -> BinanceVenue:
    """In front of the local exchange, with its key and on its clock, which alone ends a wait."""
    key = exchange.credentials
    clock = Clock(
        wall=lambda: EPOCH + exchange.clock.now_ms * MILLISECOND,
        monotonic=lambda: exchange.clock.now_ms / 1000,
    )
    credentials = Credentials(key.name, key.secret)
    opened = desk(exchange.url, **{"credentials": credentials, "clock": clock, **changes})
    opened.lines[0].skew.account = None
    for _ in range(9):  # a venue with faults may need to be asked again, and may demand a wait
        if opened.probe.standing().account is not None:
            return opened
        exchange.advance(timedelta(milliseconds=500))
    opened.close()
    raise AssertionError("the venue told of no account in nine answers")
