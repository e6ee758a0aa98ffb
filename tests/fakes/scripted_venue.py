"""A server on loopback that says over the wire exactly what a test tells it to."""

import json
import socket
import socketserver
import ssl
import struct
import threading
from collections import defaultdict, deque
from dataclasses import dataclass, field
from typing import Self


@dataclass(frozen=True)
class Said:
    """An answer: its status and bytes, or what goes wrong instead."""

    status: int = 200
    body: bytes = b"{}"
    headers: dict[str, str] = field(default_factory=dict)
    hang: float = 0.0  # seconds before the answer
    reset: bool = False  # the connection, instead of an answer
    missing: int = 0  # bytes of the body that never come
    closes: bool = False  # the connection, after the answer and without a word


def said(data: object, status: int = 200, **terms: object) -> Said:
    return Said(status, json.dumps(data).encode(), **terms)


def refused(code: int, message: str, status: int = 400, **terms: object) -> Said:
    return said({"code": code, "msg": message}, status, **terms)


class ScriptedVenue:
    """Answers by (method, path): each of the list in turn, the last for ever."""

    def __init__(self, tls: ssl.SSLContext | None = None) -> None:
        self.script: dict[tuple[str, str], deque[Said]] = defaultdict(deque)
        self.heard: list[tuple[str, str, bytes]] = []  # method, target, body
        self.connections = 0
        self._open: list[socket.socket] = []
        venue = self

        class Handler(socketserver.StreamRequestHandler):
            def handle(self) -> None:
                venue.connections += 1
                venue._open.append(self.connection)
                try:
                    while venue._serve(self):
                        pass
                except OSError:
                    return

        class Server(socketserver.ThreadingTCPServer):
            daemon_threads = True
            block_on_close = False

        self._server = Server(("127.0.0.1", 0), Handler)
        if tls is not None:
            self._server.socket = tls.wrap_socket(self._server.socket, server_side=True)
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,))

    @property
    def base(self) -> str:
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    def says(self, method: str, path: str, *answers: Said) -> None:
        self.script[method, path] = deque(answers)

    def asked(self, method: str, path: str) -> int:
        return sum((m, t.partition("?")[0]) == (method, path) for m, t, _ in self.heard)

    def drop(self) -> None:
        """Reset every connection, as a venue that restarts does."""
        while self._open:
            linger = struct.pack("ii", 1, 0)
            line = self._open.pop()
            line.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
            line.shutdown(socket.SHUT_RDWR)
            line.close()

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def _serve(self, handler: socketserver.StreamRequestHandler) -> bool:
        first = handler.rfile.readline()
        if not first:
            return False
        method, target, _ = first.decode().split(" ")
        headers = {}
        while line := handler.rfile.readline().strip():
            name, _, value = line.decode().partition(":")
            headers[name.lower()] = value.strip()
        body = handler.rfile.read(int(headers.get("content-length", "0")))
        self.heard.append((method, target, body))
        answers = self.script[method, target.partition("?")[0]]
        answer = answers.popleft() if len(answers) > 1 else answers[0] if answers else Said(404)
        return self._answer(handler, answer)

    def _answer(self, handler: socketserver.StreamRequestHandler, answer: Said) -> bool:
        if answer.hang:
            threading.Event().wait(answer.hang)
        if answer.reset:
            linger = struct.pack("ii", 1, 0)
            handler.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
            handler.connection.close()
            return False
        headers = {"Content-Length": str(len(answer.body)), **answer.headers}
        head = f"HTTP/1.1 {answer.status} Said\r\n"
        head += "".join(f"{name}: {value}\r\n" for name, value in headers.items())
        body = answer.body[: len(answer.body) - answer.missing]
        handler.wfile.write(head.encode() + b"\r\n" + body)
        return not (answer.missing or answer.closes)
