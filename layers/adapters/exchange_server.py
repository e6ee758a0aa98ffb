"""The local exchange on a loopback port: the standard library's HTTP server, and nothing more.

One write for each answer and no Nagle: with either left as it is, a POST takes 40 ms.
"""

import socket
import struct
import threading
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Final
from urllib.parse import parse_qsl

from desired_state.errors import Waiting
from desired_state.reasons import Reason
from layers.adapters.exchange_host import LocalExchange
from layers.local_exchange.delivery import Delivery, Manner
from layers.local_exchange.parameters import Request

_RETRY: Final = timedelta(seconds=5)
_LOOPBACK: Final = "127.0.0.1"  # and never anything else: what is rehearsed here is nobody's
_MOST_BODY: Final = 65_536
_IDLE_S: Final = 120.0


class ExchangeServer:
    """Serves until it is closed; ``url`` is where."""

    def __init__(self, exchange: LocalExchange, port: int = 0) -> None:
        """Bind; port 0 takes a free one. Raises ``Waiting(VENUE_UNREACHABLE)`` if it is taken."""
        try:
            self._server = _Server((_LOOPBACK, port), exchange)
        except OSError as error:
            text = f"port {port} of this machine cannot be used: {error}"
            raise Waiting(Reason.VENUE_UNREACHABLE, _LOOPBACK, text, retry_after=_RETRY) from error
        self.url = f"http://{_LOOPBACK}:{self._server.server_address[1]}"
        self._thread = threading.Thread(
            target=self._server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True
        )

    def start(self) -> None:
        """Serve in a thread."""
        self._thread.start()

    def close(self) -> None:
        """Stop, drop every line, and wait for the threads."""
        self._server.stopping.set()
        self._server.shutdown()
        self._server.drop_lines()
        self._server.server_close()
        self._thread.join()


class _Server(ThreadingHTTPServer):
    daemon_threads = False  # closing waits for them, so that nothing is left half done
    block_on_close = True
    allow_reuse_address = True
    request_queue_size = 128

    def __init__(self, address: tuple[str, int], exchange: LocalExchange) -> None:
        self.exchange = exchange
        self.stopping = threading.Event()
        self._lines: set[socket.socket] = set()
        self._guard = threading.Lock()
        super().__init__(address, _Line)

    def enter(self, line: socket.socket) -> None:
        with self._guard:
            self._lines.add(line)

    def leave(self, line: socket.socket) -> None:
        with self._guard:
            self._lines.discard(line)

    def drop_lines(self) -> None:
        with self._guard:
            for line in self._lines:
                try:
                    line.shutdown(socket.SHUT_RDWR)
                except OSError:
                    continue  # the client was faster


class _Line(BaseHTTPRequestHandler):
    server: _Server
    protocol_version = "HTTP/1.1"
    wbufsize = -1
    disable_nagle_algorithm = True
    timeout = _IDLE_S
    server_version = "exchange"
    sys_version = ""

    def setup(self) -> None:
        super().setup()
        self.server.enter(self.connection)

    def finish(self) -> None:
        self.server.leave(self.connection)
        try:
            super().finish()
        except OSError:
            self.close_connection = True  # the client has gone; nobody is left to tell

    def handle(self) -> None:
        try:
            super().handle()
        except OSError:
            self.close_connection = True

    def do_GET(self) -> None:
        self._serve()

    def do_POST(self) -> None:
        self._serve()

    def do_DELETE(self) -> None:
        self._serve()

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        """Nothing is logged: requests hold keys and signatures."""

    def _serve(self) -> None:
        length = self.headers.get("Content-Length", "0")
        if not length.isdecimal() or int(length) > _MOST_BODY:
            self.send_error(413)
            return
        body = self.rfile.read(int(length)).decode("utf-8", "replace")
        path, _, query = self.path.partition("?")
        request = Request(
            method=self.command,
            path=path,
            query=query,
            body=body,
            pairs=(*_decoded(query), *_decoded(body)),
            key=self.headers.get("X-MBX-APIKEY", ""),
        )
        self._deliver(self.server.exchange.handle(request))

    def _deliver(self, delivery: Delivery) -> None:
        if delivery.manner is Manner.HANG:
            self.server.stopping.wait(delivery.hold_ms / 1000)
            self.close_connection = True
            return
        if delivery.manner is Manner.RESET:
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            self.close_connection = True
            return
        answer = delivery.answer
        data = answer.body.encode()
        self.send_response(answer.status)
        headers = dict(answer.headers)
        headers.setdefault("Content-Type", "application/json;charset=UTF-8")
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)
        self.wfile.flush()


def _decoded(text: str) -> list[tuple[str, str]]:
    return parse_qsl(text, keep_blank_values=True)
