"""The one door to ccxt: its unmodified sync class as a line to Binance that is what it claims.

ccxt signs, keeps to the rate limit and sorts errors into its classes. Its own reading of answers
is not used: it goes through floats and makes an order without an id out of garbage (spec: venues).
ccxt is imported when the first line is opened, so that paper and all reading verbs never load it.
"""

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from threading import RLock
from typing import Any, Final
from urllib.parse import urlsplit

from desired_state.errors import Finding, Stalled
from desired_state.reasons import Reason
from layers.adapters.binance_restraint import Held, Restraint
from layers.adapters.binance_transport import (
    Approved,
    Exchange,
    Kept,
    LastWord,
    Straight,
    loopback,
    mounted,
)
from layers.adapters.venue_credentials import Credentials
from layers.binance.heard import Heard
from layers.binance.offset import PROBES, Sample, estimate
from layers.binance.protocol import HOSTS, ORDER, RECEIVE_WINDOW, TIME, TIMESTAMP, Endpoint
from layers.binance.restraint import Errand
from layers.binance.rows import MILLISECOND, instant, millis
from layers.binance.wire import Place, read_back
from layers.market import Provenance
from layers.ports import Leave
from layers.risk_snapshot import VenueClass

SUBJECT: Final = "binance"
_LOGGERS: Final = ("ccxt.base.exchange", "urllib3.connectionpool")
# What a hostile or broken answer can make of ccxt's parsing; the answer itself was heard before.
_STUMBLES: Final = (
    ArithmeticError,
    AttributeError,
    LookupError,
    OSError,  # every error of requests is one
    RecursionError,
    TypeError,
    ValueError,
)


@dataclass(frozen=True, slots=True)
class Clock:
    """Time as arguments: aware UTC, and seconds that only rise."""

    wall: Callable[[], datetime]
    monotonic: Callable[[], float]


@dataclass(slots=True)
class Skew:
    """What the venue said of itself to this key, shared by all lines; none is not known yet."""

    offset: timedelta | None = None  # the venue's clock less ours
    account: str | None = None  # its own id of the account that the key belongs to


@dataclass(frozen=True, slots=True)
class Terms:
    """What a line is for. ``rehearsal_at`` is where the local exchange stands in for the host."""

    place: Place
    venue_class: VenueClass
    timeout: timedelta
    provenance: Provenance = Provenance.LIVE
    rehearsal_at: str | None = None
    throttled: bool = True
    errand: Errand = Errand.ASK


@dataclass(slots=True)
class Line:
    """One session with the venue, for one thread at a time. Close it."""

    terms: Terms
    credentials: Credentials = field(repr=False)
    clock: Clock
    skew: Skew
    restraint: Restraint = field(default_factory=Restraint)
    _ccxt: Any = field(init=False, repr=False)
    _exchange: Any = field(init=False, repr=False)
    _approved: Approved = field(init=False, repr=False)
    _last_word: LastWord = field(init=False, repr=False)
    _held: Held = field(init=False, repr=False)
    _lock: Any = field(init=False, repr=False, default_factory=RLock)

    def __post_init__(self) -> None:
        """Open it and prove where it leads.

        Raises:
            Stalled: ``VENUE_UNPROVEN`` if it may lead anywhere else; ``TOOL_MISSING`` without ccxt.
        """
        terms = self.terms
        host, base = _destination(terms)
        self._ccxt = _library()
        _quiet(self.credentials)
        self._exchange = self._ccxt.binance(_settings(terms, self.credentials))
        self._last_word = LastWord(lambda body: read_back(body, terms.place))
        self._held = Held(self.restraint, terms.errand, self.clock.monotonic)
        self._approved = Approved(self._last_word, base, self.clock.monotonic, self._held.refuses)
        self._exchange.session.close()
        self._exchange.session = Straight()
        mounted(self._exchange.session, host, self._approved)
        refusal = unproven(self._exchange, terms.venue_class, host)
        if refusal:
            self.close()
            raise Stalled(Reason.VENUE_UNPROVEN, SUBJECT, refusal)

    def close(self) -> None:
        """Close the connections."""
        self._exchange.session.close()

    def ask(self, endpoint: Endpoint, parameters: Mapping[str, Any]) -> Heard:
        """Ask or cancel, which may be repeated: a timestamp off the venue's is mended and retried.

        An order goes through ``send_order`` alone; without a leave the transport keeps it.
        """
        heard = self._call(endpoint, parameters)
        if heard.says(TIMESTAMP) and self.measure(1) is not None:
            return self._call(endpoint, parameters)
        return heard

    def send_order(self, parameters: Mapping[str, Any], leave: Leave) -> Heard:
        """Send an order once, if ``leave`` allows what its bytes say."""
        with self._lock, self._last_word.armed_with(leave):
            return self._call(ORDER, parameters)

    def time(self) -> datetime:
        """The venue's time as well as it is known: our clock and the offset last measured."""
        return self.clock.wall() + (self.skew.offset or timedelta(0))

    def measure(self, probes: int = PROBES) -> timedelta | None:
        """The venue's clock less ours, asked now and kept for signing; none if it cannot tell."""
        samples = [sample for _ in range(probes) if (sample := self._sample()) is not None]
        found = estimate(samples)
        if found is not None:
            self.skew.offset = found
        return found

    def _sample(self) -> Sample | None:
        sent, start = self.clock.wall(), self.clock.monotonic()
        heard = self._call(TIME, {})
        took = timedelta(seconds=self.clock.monotonic() - start)
        if not heard.good or not isinstance(heard.data, dict):
            return None
        try:
            return Sample(sent, took, instant(heard.data.get("serverTime")))
        except (ValueError, OverflowError):
            return None

    def _call(self, endpoint: Endpoint, parameters: Mapping[str, Any]) -> Heard:
        with self._lock:
            held = self._held.refuses()
            if held is not None:  # before ccxt waits for its limiter and anything is connected
                return Heard(written=False, kept=held, wait=self._held.left)
            self._approved.exchange = Exchange()
            self._set_time()
            fault, kept = self._attempt(endpoint, parameters)
            heard = self._heard(self._approved.exchange, fault, kept)
            self._held.hear(heard)
            return replace(heard, wait=self._held.left)

    def _attempt(
        self, endpoint: Endpoint, parameters: Mapping[str, Any]
    ) -> tuple[str, Finding | None]:
        """The class of the fault and why it was kept. Their texts and chains end here (BIN-7)."""
        try:
            getattr(self._exchange, endpoint.call)(dict(parameters))
        except Kept as kept:
            return type(kept).__name__, kept.refusal
        except (self._ccxt.BaseError, *_STUMBLES) as fault:
            return type(fault).__name__, None
        return "", None

    def _heard(self, exchange: Exchange, fault: str, kept: Finding | None) -> Heard:
        hide = self.credentials
        return Heard(
            written=exchange.written,
            status=exchange.status,
            body=hide.hide_bytes(exchange.body),
            headers={name: hide.hide(value) for name, value in exchange.headers.items()},
            fault=fault,
            kept=kept,
            host=exchange.host,
        )

    def _set_time(self) -> None:
        """Make ccxt sign with our clock, corrected to the venue's, whatever clock ccxt reads."""
        ours = self.time()
        self._exchange.options["timeDifference"] = self._exchange.milliseconds() - millis(ours)


def unproven(exchange: Any, kind: VenueClass, host: str) -> str:  # noqa: ANN401
    """Why this ccxt exchange does not lead to ``host`` as ``kind``; empty where it does.

    BIN-6: a sandbox is proven, not requested. Whatever ccxt answers, the hosts count.
    """
    if kind is VenueClass.TESTNET:
        try:
            exchange.set_sandbox_mode(True)
        except (_library().BaseError, *_STUMBLES) as fault:
            return f"expected a sandbox, found {type(fault).__name__}"
    urls = exchange.urls["api"]
    for section in ("public", "private"):
        found = urlsplit(str(urls.get(section) if isinstance(urls, dict) else urls))
        if (found.scheme, found.netloc) != ("https", host):
            return f"expected {host} for {section}, found {found.scheme}://{found.hostname}"
    return ""


def _library() -> Any:  # noqa: ANN401
    try:
        import ccxt  # noqa: PLC0415  (a quarter of a second and 75 MB that paper does without)
    except ImportError as error:
        text = "expected ccxt, found none; install the extra named live"
        raise Stalled(Reason.TOOL_MISSING, SUBJECT, text) from error
    return ccxt


def _settings(terms: Terms, credentials: Credentials) -> dict[str, Any]:
    return {
        "apiKey": credentials.key,
        "secret": credentials.secret,
        "timeout": terms.timeout // MILLISECOND,
        "enableRateLimit": terms.throttled,
        "verbose": False,
        "has": {"fetchCurrencies": False},
        "options": {
            "recvWindow": RECEIVE_WINDOW // MILLISECOND,
            "maxRetriesOnFailure": 0,  # it would send an order again after any failure
            "adjustForTimeDifference": False,  # its estimate ignores the way there
            "warnOnFetchOpenOrdersWithoutSymbol": False,
            "fetchMargins": False,
            "fetchMarkets": {"types": ["spot"]},
        },
    }


def _destination(terms: Terms) -> tuple[str, str | None]:
    """The host, and where it stands in a rehearsal. Raises ``Stalled(VENUE_UNPROVEN)``."""
    host = HOSTS.get(terms.venue_class)
    if host is None:
        text = f"expected testnet or live, found {terms.venue_class}"
        raise Stalled(Reason.VENUE_UNPROVEN, SUBJECT, text)
    return host, None if terms.rehearsal_at is None else loopback(terms.rehearsal_at)


class Redaction(logging.Filter):
    """Drops what a library says for its developers (headers and bodies), and hides the rest."""

    def __init__(self, credentials: Credentials) -> None:
        """``credentials`` are replaced wherever they turn up."""
        super().__init__()
        self._credentials = credentials

    def filter(self, record: logging.LogRecord) -> bool:
        """False for anything below INFO."""
        record.msg = self._credentials.hide(record.getMessage())
        record.args = ()
        return record.levelno >= logging.INFO

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Redaction) and other._credentials == self._credentials

    def __hash__(self) -> int:
        return hash(self._credentials)


def _quiet(credentials: Credentials) -> None:
    """Put the filter before each library's own logger, where no handler can be reached past it."""
    for name in _LOGGERS:
        logger = logging.getLogger(name)
        redaction = Redaction(credentials)
        if redaction not in logger.filters:
            logger.addFilter(redaction)
