"""An ssh-agent that holds hardware keys in software, as ssh-keygen speaks to one."""

import socket
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from tests.fakes.software_token import SoftwareToken, wire

FAILURE, IDENTITIES, ANSWER, SIGN, SIGNED = b"\x05", 11, b"\x0c", 13, b"\x0e"


@contextmanager
def token_agent(path: Path, tokens: Sequence[SoftwareToken]) -> Iterator[str]:
    """Its socket; everything it is asked to sign is signed, with each token's own flags."""
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(str(path))
        listening.listen()
        thread = threading.Thread(target=_serve, args=(listening, tokens), daemon=True)
        thread.start()
        yield str(path)
        listening.shutdown(socket.SHUT_RDWR)
        thread.join(5)


def _serve(listening: socket.socket, tokens: Sequence[SoftwareToken]) -> None:
    while True:
        try:
            caller, _ = listening.accept()
        except OSError:
            return
        with caller, caller.makefile("rwb") as stream:
            while len(size := stream.read(4)) == 4:
                answer = _answer(stream.read(int.from_bytes(size, "big")), tokens)
                stream.write(wire(answer))
                stream.flush()


def _answer(asked: bytes, tokens: Sequence[SoftwareToken]) -> bytes:
    if asked[0] == IDENTITIES:
        listed = b"".join(wire(token.blob, b"token") for token in tokens)
        return ANSWER + len(tokens).to_bytes(4, "big") + listed
    if asked[0] == SIGN:
        blob, rest = _string(asked[1:])
        data, _ = _string(rest)
        for token in tokens:
            if token.blob == blob:
                return SIGNED + wire(wire(token.kind, token.raw(data)) + token.said)
    return FAILURE


def _string(data: bytes) -> tuple[bytes, bytes]:
    end = 4 + int.from_bytes(data[:4], "big")
    return data[4:end], data[end:]
