"""The one door to requests: what may leave for Binance, and the last word before an order does.

BIN-4: egress is an allow-list. One host, by https, and only the requests of the protocol's table;
everything else meets ``Blackhole``. BIN-5: an order's bytes are written by a connection that is
already made, and right after its leave was asked for.
"""

import io
import ipaddress
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Final
from urllib.parse import SplitResult, urlsplit, urlunsplit

from requests import PreparedRequest, Response, Session
from requests.adapters import HTTPAdapter
from requests.exceptions import ConnectionError as RequestsConnectionError
from requests.exceptions import TooManyRedirects
from requests.structures import CaseInsensitiveDict
from urllib3 import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import ConnectionPool
from urllib3.exceptions import HTTPError

from desired_state.errors import Finding, GovernanceError, Stalled, finding
from desired_state.reasons import Reason
from layers.binance.protocol import ALLOWED, KEY_HEADER, ORDER
from layers.orders import OrderRequest
from layers.ports import Leave

MAX_BODY: Final = 16 * 1024 * 1024  # bytes of one answer; exchangeInfo of one symbol has 10 kB
_CHUNK: Final = 64 * 1024
SUBJECT: Final = "binance"


class Kept(Exception):  # noqa: N818  (named by what happened: it is no error of the venue's)
    """An order or request that was held back before a byte of it was written."""

    def __init__(self, refusal: Finding) -> None:
        """``refusal`` says why."""
        super().__init__(refusal.message)
        self.refusal = refusal


@dataclass(slots=True)
class Exchange:
    """One request and answer, as they went over the wire."""

    written: bool = False
    status: int | None = None
    body: bytes = b""
    headers: dict[str, str] = field(default_factory=dict)
    host: str | None = None  # of the signed request, before any redirect


@dataclass(slots=True)
class LastWord:
    """Reads an order off the bytes that are about to leave and asks its leave, once."""

    read_back: Callable[[bytes | str | None], OrderRequest | None]
    _leave: Leave | None = None

    @contextmanager
    def armed_with(self, leave: Leave) -> Iterator[None]:
        """While it lasts, one order may ask this leave."""
        self._leave = leave
        try:
            yield
        finally:
            self._leave = None

    def refuses(self, body: bytes | str | None) -> Finding | None:
        """None if exactly this order may be written now; a second asking is always refused."""
        leave, self._leave = self._leave, None
        if leave is None:
            return finding(Reason.PERMIT_INVALID, SUBJECT, "expected a leave, found none")
        wire = self.read_back(body)
        if wire is None:
            return finding(Reason.WIRE_UNREADABLE, SUBJECT)
        try:
            return leave.refuses(wire)
        except GovernanceError as fault:
            return fault.finding


class Blackhole(HTTPAdapter):
    """Where everything goes that is not on the list."""

    def send(self, request: PreparedRequest, *_: object, **__: object) -> Response:
        """Raise ``Kept``; names host and path, never a query."""
        where = urlsplit(request.url or "")
        raise Kept(_not_allowed(request, where))


class Approved(HTTPAdapter):
    """The approved host: table of requests, last word, bounded answers, no retry, no redirect."""

    def __init__(
        self,
        last_word: LastWord,
        base: str | None,
        patience: Callable[[], float],
        held: Callable[[], Finding | None],
    ) -> None:
        """``base`` is where the host stands in a rehearsal; ``patience`` is monotonic seconds.

        ``held`` says why nothing may be written now, whatever it is.
        """
        self._last_word = last_word
        self._held = held
        self._base = None if base is None else urlsplit(base)
        self._patience = patience
        self.exchange = Exchange()
        self._pool_of: dict[tuple[Any, ...], ConnectionPool] = {}
        super().__init__(pool_connections=1, pool_maxsize=1, max_retries=0)

    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:  # noqa: ANN401
        """Connections of these pools ask before they write."""
        super().init_poolmanager(*args, **kwargs)
        self.poolmanager.pool_classes_by_scheme = _pools(self._about_to_write)

    def close(self) -> None:
        """Close every connection; a request after it would open its own."""
        self._pool_of.clear()
        super().close()

    def get_connection_with_tls_context(
        self,
        request: PreparedRequest,
        verify: Any,  # noqa: ANN401
        proxies: Any = None,  # noqa: ANN401
        cert: Any = None,  # noqa: ANN401
    ) -> ConnectionPool:
        """The library's own answer, which is the same for one host and one trust."""
        scheme, _, rest = (request.url or "").partition("://")
        known = (scheme, rest.partition("/")[0], verify, cert)
        if known not in self._pool_of:
            found = super().get_connection_with_tls_context(request, verify, proxies, cert)
            self._pool_of[known] = found
        return self._pool_of[known]

    def build_response(self, req: PreparedRequest, resp: Any) -> Response:  # noqa: ANN401
        """What ccxt and we read of an answer; cookies, which nobody keeps, are left alone."""
        answer = Response()
        answer.status_code, answer.reason, answer.raw = resp.status, resp.reason, resp
        answer.headers = CaseInsensitiveDict(resp.headers)
        answer.url, answer.request = req.url or "", req
        return answer

    def send(
        self,
        request: PreparedRequest,
        stream: bool = False,  # noqa: FBT001, FBT002
        timeout: Any = None,  # noqa: ANN401
        verify: Any = True,  # noqa: ANN401, FBT002
        cert: Any = None,  # noqa: ANN401
        proxies: Any = None,  # noqa: ANN401
    ) -> Response:
        """Send what the table allows; the answer is read here, within bytes and seconds."""
        where = urlsplit(request.url or "")
        if (request.method, where.path) not in ALLOWED or any((proxies or {}).values()):
            raise Kept(_not_allowed(request, where))
        # whatever was written stays written: only the line begins a new exchange
        self.exchange.host = _signed_host(request, where)
        if self._base is not None:
            request.url = _moved(where, self._base)
        try:
            answer = super().send(request, stream, timeout, verify, cert, None)
            self._hear(answer, timeout)
        except HTTPError as fault:
            # the body's errors are urllib3's own; ccxt knows those of requests alone
            raise RequestsConnectionError(fault, request=request) from fault
        return answer

    def _about_to_write(self, method: str, target: str, body: bytes | str | None) -> None:
        """The connection stands and nothing of this request was written yet."""
        held = self._held()  # BIN-13: another line may have been told while this one waited
        if held is not None:
            raise Kept(held)
        if (method, target) == (ORDER.method, ORDER.path):
            refusal = self._last_word.refuses(body)
            if refusal is not None:
                raise Kept(refusal)
        elif method == ORDER.method:
            raise Kept(finding(Reason.EGRESS, SUBJECT, f"{method} {target.partition('?')[0]}"))
        self.exchange.written = True

    def _hear(self, answer: Response, timeout: float | None) -> None:
        """Read the body whole, or fail as a read that timed out does."""
        self.exchange.headers = {str(k).lower(): str(v) for k, v in answer.headers.items()}
        ends = self._patience() + (timeout or 0)
        body = bytearray()
        with answer.raw as source:
            for chunk in source.stream(_CHUNK, decode_content=True):
                body += chunk
                if len(body) > MAX_BODY or self._patience() > ends:
                    raise RequestsConnectionError("Read timed out.", request=answer.request)
        self.exchange.status, self.exchange.body = answer.status_code, bytes(body)
        answer.raw = io.BytesIO(self.exchange.body)


class Straight(Session):
    """A session without what no request of ours has: cookies, hooks, redirects, environment.

    ccxt has written url, headers and body already; to work them out again costs half a millisecond
    of a request's two.
    """

    def request(  # type: ignore[override]  # (as ccxt calls it)
        self,
        method: str,
        url: str,
        data: bytes | None = None,
        headers: Mapping[str, str] | None = None,
        **way: Any,  # noqa: ANN401
    ) -> Response:
        """One request and its answer; a redirect is an error, as it would send a second time."""
        if way.pop("files", None) is not None:
            raise Kept(finding(Reason.EGRESS, SUBJECT, "files"))
        request = PreparedRequest()
        request.method, request.url, request.body = method, url, data or None
        request.headers = CaseInsensitiveDict(headers or {})
        for name, value in self.headers.items():
            request.headers.setdefault(name, str(value))
        if data or method != "GET":
            request.headers["Content-Length"] = str(len(data or b""))
        answer = self.get_adapter(url).send(request, **way)
        if answer.is_redirect:
            raise TooManyRedirects("expected an answer, found a redirect", response=answer)
        return answer


def mounted(session: Session, host: str, approved: Approved) -> None:
    """The session with one way out: https to ``host``."""
    session.trust_env = False
    session.max_redirects = 0  # a redirect would send a second time
    for prefix in ("https://", "http://"):
        session.mount(prefix, Blackhole())
    session.mount(f"https://{host}/", approved)


def loopback(url: str) -> str:
    """The url, if it leads to this machine by its address.

    Raises:
        Stalled: ``VENUE_UNPROVEN`` for anything else; a name could be resolved to anywhere.
    """
    try:
        where = urlsplit(url)
        near = where.hostname is not None and ipaddress.ip_address(where.hostname).is_loopback
        port = where.port
    except ValueError:
        near, port = False, None
    bare = where.path in {"", "/"} and not (where.query or where.fragment or where.username)
    if near and port and bare and where.scheme == "http":
        return url
    text = "expected http://, a loopback address and a port, and nothing after them"
    raise Stalled(Reason.VENUE_UNPROVEN, SUBJECT, text)


def _pools(asks: Callable[[str, str, bytes | str | None], None]) -> dict[str, Any]:
    """Pools whose connections call ``asks`` when they stand and before they write."""

    class Plain(HTTPConnection):
        # http.client would open a lost connection again by itself, after the asking
        auto_open = 0

        def request(  # the library's signature
            self,
            method: str,
            url: str,
            body: Any = None,  # noqa: ANN401
            headers: Any = None,  # noqa: ANN401
            **options: Any,  # noqa: ANN401
        ) -> None:
            if self.is_closed:
                self.connect()
            asks(method, url, body)
            super().request(method, url, body, headers, **options)

    class Secure(Plain, HTTPSConnection):
        pass

    class PlainPool(HTTPConnectionPool):
        ConnectionCls = Plain

    class SecurePool(HTTPSConnectionPool):
        ConnectionCls = Secure

    return {"http": PlainPool, "https": SecurePool}


def _signed_host(request: PreparedRequest, where: SplitResult) -> str | None:
    """The host, where the request carries our key's name and a signature."""
    body = request.body.decode("latin-1") if isinstance(request.body, bytes) else request.body
    signed = "signature=" in where.query or "signature=" in str(body or "")
    return where.hostname if signed and request.headers.get(KEY_HEADER) else None


def _moved(where: SplitResult, base: SplitResult) -> str:
    return urlunsplit((base.scheme, base.netloc, where.path, where.query, ""))


def _not_allowed(request: PreparedRequest, where: SplitResult) -> Finding:
    text = f"{request.method} {where.scheme}://{where.hostname}{where.path} is not on the list"
    return finding(Reason.EGRESS, SUBJECT, text)
