"""What is known of the venue and our key, what is not, and a testnet that forgot everything."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from desired_state.reasons import Reason
from layers.adapters.ccxt_line import Clock
from layers.binance.listing import headroom
from layers.binance.offset import Sample, estimate
from layers.binance.wipe import Known, Shown, reset
from layers.local_exchange.faults import Fault, FaultKind
from layers.local_exchange.rest import Asks
from layers.local_exchange.terms import ExchangeTerms, Key, RateTerms
from layers.market import EPOCH
from layers.risk_snapshot import VenueClass
from tests.fakes.binance_desk import KEY, PATIENT, SYMBOL, desk, rehearsed, request
from tests.fakes.exchange import Served, carried_bars, served
from tests.fakes.leave import Leave
from tests.fakes.scripted_venue import Said, ScriptedVenue, refused, said

T0 = datetime(2026, 1, 1, tzinfo=UTC)
SECOND = timedelta(seconds=1)


@pytest.fixture
def exchange(tmp_path: Path) -> Iterator[Served]:
    terms = ExchangeTerms(rates=RateTerms(weight_per_minute=6000))
    with served(tmp_path, bars=carried_bars(12), terms=terms) as found:
        found.advance(timedelta(hours=6))
        yield found


def test_a_healthy_testnet_is_known_but_for_the_keys_scope(exchange: Served) -> None:
    binance = rehearsed(exchange, timeout=PATIENT)
    standing = binance.probe.standing()
    binance.close()
    assert standing.venue_class is VenueClass.TESTNET
    assert standing.account.isdigit()
    assert (standing.can_withdraw, standing.address_bound) == (None, None)
    assert abs(standing.clock_offset) < SECOND
    assert Decimal("0.9") < standing.headroom < 1
    assert standing.trading == {SYMBOL: True}


def test_a_live_key_tells_whether_it_can_withdraw_and_from_where_it_works(tmp_path: Path) -> None:
    loose = Key(name="w" * 64, secret="s" * 64, may_withdraw=True, from_anywhere=True)
    with served(tmp_path, bars=carried_bars(2), keys=(loose,)) as exchange:
        binance = rehearsed(exchange, timeout=PATIENT, venue_class=VenueClass.LIVE)
        standing = binance.probe.standing()
        found = (standing.venue_class, standing.can_withdraw, standing.address_bound)
        binance.close()
    assert found == (VenueClass.LIVE, True, False)


@pytest.mark.parametrize(
    ("scope", "can"),
    [
        ({"enableWithdrawals": False}, False),
        ({"enableWithdrawals": True}, True),
        ({"enableWithdrawals": False, "permitsUniversalTransfer": True}, True),
        ({"enableWithdrawals": False, "enableInternalTransfer": True}, True),
        ({"enableWithdrawals": "false"}, None),
        ({}, None),
        ([], None),
    ],
    ids=str,
)
def test_a_scope_is_no_only_where_every_way_out_is_denied(
    venue: ScriptedVenue, scope: object, can: object
) -> None:
    venue.says("GET", "/sapi/v1/account/apiRestrictions", said(scope))
    binance = desk(venue.base, timeout=PATIENT, venue_class=VenueClass.LIVE)
    assert binance.probe.standing().can_withdraw is can
    binance.close()


@pytest.mark.parametrize(
    "answer",
    [Said(502, b"<html>"), Said(reset=True), said([]), said({}), refused(-2015, "Invalid", 401)],
    ids=["502", "reset", "list", "empty", "refused"],
)
def test_what_fails_is_not_known_and_nothing_is_raised(venue: ScriptedVenue, answer: Said) -> None:
    for path in ("/api/v3/account", "/api/v3/exchangeInfo", "/api/v3/time"):
        venue.says("GET", path, answer)
    binance = desk(venue.base, timeout=PATIENT)
    standing = binance.probe.standing()
    binance.close()
    assert standing.venue_class is None
    assert standing.clock_offset is None
    assert standing.headroom is None
    assert standing.trading == {}


def test_an_account_without_an_id_is_named_after_its_key(venue: ScriptedVenue) -> None:
    venue.says("GET", "/api/v3/account", said({"balances": []}))
    binance = desk(venue.base, timeout=PATIENT)
    named = binance.probe.standing().account
    binance.close()
    assert named.startswith("key-")
    assert KEY not in named


@pytest.mark.parametrize(
    ("row", "trading"),
    [
        ({"status": "HALT"}, {SYMBOL: False}),
        ({"status": "BREAK"}, {SYMBOL: False}),
        ({"isSpotTradingAllowed": False}, {SYMBOL: False}),
        ({}, {SYMBOL: True}),
        ({"isSpotTradingAllowed": "yes"}, {}),
        ({"quoteAsset": "TUSD"}, {SYMBOL: False}),
    ],
    ids=str,
)
def test_a_symbol_trades_where_the_venue_says_so(
    venue: ScriptedVenue, row: dict[str, object], trading: dict[str, bool]
) -> None:
    listed = {
        "symbol": "BTCUSDT",
        "baseAsset": "BTC",
        "quoteAsset": "USDT",
        "status": "TRADING",
        "isSpotTradingAllowed": True,
        "filters": [],
    }
    venue.says("GET", "/api/v3/exchangeInfo", said({"symbols": [{**listed, **row}]}))
    binance = desk(venue.base, timeout=PATIENT)
    assert binance.probe.standing().trading == trading
    binance.close()


def test_a_clock_far_off_is_measured_and_then_signed_with(exchange: Served) -> None:
    ahead = timedelta(minutes=3)

    def wall() -> datetime:
        return EPOCH + exchange.clock.now_ms * timedelta(milliseconds=1) + ahead

    key = exchange.credentials
    binance = rehearsed(exchange, timeout=PATIENT, clock=Clock(wall, lambda: 0.0))
    assert binance.probe.standing().clock_offset == -ahead
    sent = request("in time", price="5000", quantity="0.002")
    assert binance.entry.submit(sent, Leave()).order is not None
    binance.close()
    assert key.name not in repr(binance)


samples = st.builds(
    Sample,
    sent=st.just(T0),
    took=st.timedeltas(timedelta(0), timedelta(seconds=5)),
    venue=st.timedeltas(-timedelta(days=1), timedelta(days=1)).map(T0.__add__),
)


@given(
    st.timedeltas(-timedelta(days=1), timedelta(days=1)),
    st.lists(
        st.tuples(
            st.timedeltas(timedelta(0), timedelta(seconds=5)),
            st.timedeltas(timedelta(0), timedelta(seconds=5)),
        ),
        min_size=1,
        max_size=9,
    ),
)
def test_the_offset_is_off_by_at_most_half_the_shortest_way(
    truth: timedelta, ways: list[tuple[timedelta, timedelta]]
) -> None:
    asked = [Sample(T0, there + back, T0 + there + truth) for there, back in ways]
    found = estimate(asked)
    # half a microsecond is rounded either way
    assert abs(found - truth) <= min(s.took for s in asked) / 2 + timedelta(microseconds=1)


def test_without_samples_the_offset_is_not_known() -> None:
    assert estimate([]) is None
    assert estimate([Sample(T0, -SECOND, T0)]) is None


@pytest.mark.parametrize(
    ("used", "limit", "left"),
    [
        ("0", 6000, "1"),
        ("1500", 6000, "0.75"),
        ("9000", 6000, "0"),
        (None, 6000, None),
        ("x", 6000, None),
        ("-5", 6000, None),
        ("5", None, None),
        ("5", 0, None),
    ],
    ids=str,
)
def test_headroom_is_the_share_left_or_not_known(
    used: str | None, limit: int | None, left: str | None
) -> None:
    assert headroom(used, limit) == (None if left is None else Decimal(left))


ids = st.frozensets(st.sampled_from("abcdef"))


@given(ours=st.tuples(ids, ids), theirs=st.tuples(ids, ids), moved=st.booleans())
def test_only_a_testnet_that_forgot_all_of_it_was_wiped(
    ours: tuple[frozenset[str], frozenset[str]],
    theirs: tuple[frozenset[str], frozenset[str]],
    *,
    moved: bool,
) -> None:
    (orders, fills), (shown, traded) = ours, theirs
    known = Known(orders, fills)
    seen = Shown("7", shown, traded, moved)
    found = reset(VenueClass.TESTNET, known, seen)
    forgot = bool(orders | fills) and not (orders & shown) and not (fills & traded)
    forgot = forgot and (moved or not fills)
    assert (found is not None) is forgot
    for kind in (None, VenueClass.LIVE, VenueClass.PAPER):
        assert reset(kind, known, seen) is None
    for silent in (Shown(None, shown, traded), Shown("7", None, traded), Shown("7", shown, None)):
        assert reset(VenueClass.TESTNET, known, silent) is None


def test_a_wipe_of_the_local_exchange_is_recognised_and_says_what_to_do(exchange: Served) -> None:
    binance = rehearsed(exchange, timeout=PATIENT)
    sent = request("gone", price="5000", quantity="0.002")
    binance.entry.submit(sent, Leave())
    known = Known(frozenset({sent.client_order_id}), frozenset())

    def now_shown() -> Shown:
        order = binance.queries.order(SYMBOL, sent.client_order_id)
        fills = binance.queries.fills(SYMBOL, EPOCH)
        return Shown(
            account=binance.probe.standing().account,
            orders=frozenset(() if order is None else {order.client_order_id}),
            fills=frozenset(fill.fill_id for fill in fills),
        )

    assert reset(VenueClass.TESTNET, known, now_shown()) is None
    exchange.inject(Fault(kind=FaultKind.WIPE, on=(Asks.PUBLIC,), times=1))
    binance.probe.standing()
    found = reset(VenueClass.TESTNET, known, now_shown())
    binance.close()
    assert found.code is Reason.VENUE_RESET
    assert found.remedy
