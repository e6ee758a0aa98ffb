"""Where a line to Binance leads, what may go there, and what is never said aloud."""

import logging
import subprocess
import sys
from collections.abc import Callable

import ccxt
import pytest

from desired_state.errors import Stalled
from desired_state.reasons import Reason
from layers.adapters.binance_venue import BinanceVenue
from layers.adapters.ccxt_line import Line, Skew, unproven
from layers.adapters.venue_credentials import Credentials
from layers.binance.protocol import ACCOUNT as READ_ACCOUNT
from layers.binance.protocol import ALLOWED, ENDPOINTS, HOSTS, LOOK_UP, ORDER, Endpoint
from layers.orders import AnswerKind
from layers.risk_snapshot import VenueClass
from tests.fakes.binance_desk import (
    KEY,
    PATIENT,
    SECRET,
    SYSTEM,
    desk,
    request,
    terms,
)
from tests.fakes.leave import Leave
from tests.fakes.scripted_venue import Said, ScriptedVenue, refused, said

POST = ("POST", "/api/v3/order")
APPROVED = "https://testnet.binance.vision/api/v3/"
TESTNET_HOST, LIVE_HOST = HOSTS[VenueClass.TESTNET], HOSTS[VenueClass.LIVE]


def test_cancels_have_a_line_of_their_own_that_nothing_slows(venue: ScriptedVenue) -> None:
    opened = desk(venue.base, throttled=True)
    venue.says("GET", "/api/v3/openOrders", said([]))
    assert opened.cancels.open_orders() == ()
    limited = [line.terms.throttled for line in opened.lines]
    opened.close()
    assert limited == [True, True, False]


def test_a_question_that_fails_is_not_asked_again_by_the_transport(
    venue: ScriptedVenue, binance: BinanceVenue
) -> None:
    for answer in (Said(reset=True), Said(503), Said(302, b"", {"Location": APPROVED + "time"})):
        venue.says("GET", "/api/v3/account", answer)
        before = len(venue.heard)
        assert not binance.lines[1].ask(READ_ACCOUNT, {}).good
        assert len(venue.heard) == before + 1


@pytest.mark.parametrize(
    "endpoint",
    [
        Endpoint("sapi_post_capital_withdraw_apply", "POST", ""),
        Endpoint("private_post_order_oco", "POST", ""),
        Endpoint("private_post_order_cancelreplace", "POST", ""),
        Endpoint("private_post_sor_order", "POST", ""),
        Endpoint("private_post_order_test", "POST", ""),
        Endpoint("public_get_ping", "GET", ""),
        Endpoint("fapiprivate_post_order", "POST", ""),
    ],
    ids=lambda one: one.call,
)
@pytest.mark.parametrize("kind", [VenueClass.TESTNET, VenueClass.LIVE])
def test_what_is_not_in_the_table_never_leaves(
    venue: ScriptedVenue, endpoint: Endpoint, kind: VenueClass
) -> None:
    line = Line(terms(venue.base, venue_class=kind), Credentials(KEY, SECRET), SYSTEM, Skew())
    heard = line.ask(endpoint, {"symbol": "BTCUSDT"})
    line.close()
    assert not heard.written
    assert heard.fault
    assert venue.heard == []


def test_the_table_moves_no_funds_and_has_one_way_to_place_an_order() -> None:
    assert {one for one in ALLOWED if one[0] not in {"GET", "DELETE"}} == {POST}


def test_a_redirect_is_not_followed(venue: ScriptedVenue, binance: BinanceVenue) -> None:
    again = {"Location": f"{venue.base}/api/v3/order"}
    venue.says(*POST, Said(307, b"", again))
    answer = binance.entry.submit(request("again"), Leave())
    assert answer.kind is AnswerKind.UNKNOWN
    assert venue.asked(*POST) == 1


def test_proxies_of_the_environment_are_not_used(
    venue: ScriptedVenue, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy", "https_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    venue.says("GET", "/api/v3/openOrders", said([]))
    binance = desk(venue.base, timeout=PATIENT)
    assert binance.cancels.open_orders() == ()
    binance.close()


@pytest.mark.parametrize(
    "base",
    [
        "http://localhost:8080",
        "http://10.0.0.1:8080",
        "http://testnet.binance.vision:80",
        "https://127.0.0.1:8080",
        "http://127.0.0.1",
        "http://127.0.0.1:8080/path",
        "http://user@127.0.0.1:8080",
        "http://127.0.0.1:8080?x=1",
        "file:///etc/passwd",
    ],
)
def test_a_rehearsal_leads_to_this_machine_by_address_or_nowhere(base: str) -> None:
    with pytest.raises(Stalled) as refusal:
        Line(terms(base), Credentials(KEY, SECRET), SYSTEM, Skew())
    assert refusal.value.code is Reason.VENUE_UNPROVEN


def test_no_line_to_the_paper_class(venue: ScriptedVenue) -> None:
    with pytest.raises(Stalled) as refusal:
        Line(
            terms(venue.base, venue_class=VenueClass.PAPER),
            Credentials(KEY, SECRET),
            SYSTEM,
            Skew(),
        )
    assert refusal.value.code is Reason.VENUE_UNPROVEN


def moved(section: str, url: str) -> object:
    """The real class with one url of its sandbox changed, as another version might have it."""
    return ccxt.binance({"urls": {"test": {section: url}}})


@pytest.mark.parametrize(
    ("exchange", "words"),
    [
        (ccxt.kraken, "found TypeError"),
        (ccxt.coinbase, "expected a sandbox"),
        (ccxt.okx, "expected testnet.binance.vision"),
        (ccxt.bybit, "expected testnet.binance.vision"),
        (lambda: moved("private", "https://api.binance.com/api/v3"), "for private"),
        (lambda: moved("public", "https://api.binance.com/api/v3"), "for public"),
        (lambda: moved("private", "http://testnet.binance.vision/api/v3"), "found http://"),
        (lambda: moved("private", "https://testnet.binance.vision.evil.example/x"), "vision.evil"),
        (lambda: moved("private", "https://testnet.binance.vision@evil.example/x"), "//evil"),
    ],
)
def test_a_sandbox_that_is_not_proven_is_refused(
    exchange: Callable[[], object], words: str
) -> None:
    assert words in unproven(exchange(), VenueClass.TESTNET, TESTNET_HOST)


def test_live_is_the_production_host_and_nothing_else() -> None:
    assert unproven(ccxt.binance(), VenueClass.LIVE, LIVE_HOST) == ""
    assert unproven(ccxt.binance(), VenueClass.TESTNET, TESTNET_HOST) == ""
    assert "expected api.binance.com" in unproven(
        ccxt.binance({"options": {}, "sandbox": True}), VenueClass.LIVE, LIVE_HOST
    )


def test_the_class_is_the_host_of_the_signed_request(venue: ScriptedVenue) -> None:
    venue.says("GET", "/api/v3/account", said({"uid": 7, "balances": []}))
    venue.says("GET", "/sapi/v1/account/apiRestrictions", said({"enableWithdrawals": False}))
    found = {}
    for kind in (VenueClass.TESTNET, VenueClass.LIVE):
        binance = desk(venue.base, timeout=PATIENT, venue_class=kind)
        standing = binance.probe.standing()
        binance.close()
        found[kind] = (standing.venue_class, standing.account, standing.can_withdraw)
    assert found == {
        VenueClass.TESTNET: (VenueClass.TESTNET, "7", None),
        VenueClass.LIVE: (VenueClass.LIVE, "7", False),
    }


def test_a_timestamp_off_the_venues_is_mended_for_questions_and_cancels(
    venue: ScriptedVenue, binance: BinanceVenue
) -> None:
    venue.says("GET", "/api/v3/time", said({"serverTime": 1_000_000_000_000}))
    off = refused(-1021, "Timestamp for this request is outside of the recvWindow.")
    venue.says("GET", "/api/v3/openOrders", off, said([]))
    assert binance.cancels.open_orders() == ()
    target = venue.heard[-1][1]
    stamp = int(target.partition("timestamp=")[2].partition("&")[0])
    assert abs(stamp - 1_000_000_000_000) < 2_000


def test_an_answer_without_end_is_cut(venue: ScriptedVenue, binance: BinanceVenue) -> None:
    venue.says("GET", "/api/v3/order", Said(200, b"[" + b" " * 17 * 1024 * 1024 + b"]"))
    heard = binance.lines[1].ask(LOOK_UP, {"symbol": "BTCUSDT", "orderId": 1})
    assert not heard.good
    assert heard.body == b""


def test_paper_and_the_reading_verbs_never_load_ccxt() -> None:
    script = (
        "import sys\n"
        "import reconciler.cli.main, reconciler.wiring.session, layers.adapters.binance_venue\n"
        "sys.exit('ccxt' in sys.modules)\n"
    )
    done = subprocess.run([sys.executable, "-c", script], check=False, capture_output=True)
    assert done.returncode == 0, done.stderr


def test_the_libraries_are_silent_even_at_debug(
    venue: ScriptedVenue, binance: BinanceVenue, caplog: pytest.LogCaptureFixture
) -> None:
    for name in (None, "ccxt.base.exchange", "urllib3.connectionpool"):
        caplog.set_level(logging.DEBUG, logger=name)
    venue.says("GET", "/api/v3/openOrders", said([]))
    binance.cancels.open_orders()
    logging.getLogger("ccxt.base.exchange").warning("key %s", KEY)
    assert [record.getMessage() for record in caplog.records] == ["key ***"]


def test_every_request_of_the_table_is_one_that_ccxt_makes_like_that(venue: ScriptedVenue) -> None:
    line = Line(
        terms(venue.base, venue_class=VenueClass.LIVE), Credentials(KEY, SECRET), SYSTEM, Skew()
    )
    for endpoint in ENDPOINTS:
        if endpoint is not ORDER:
            assert line.ask(endpoint, {"symbol": "BTCUSDT"}).written
    line.close()
    asked = {(method, target.partition("?")[0]) for method, target, _ in venue.heard}
    assert asked == ALLOWED - {POST}
