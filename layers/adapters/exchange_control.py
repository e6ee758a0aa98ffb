"""The control surface beside the API: a socket in the store's folder, one JSON line each way.

The folder is entered by its descriptor, so that its path may be longer than a socket's name.
"""

import os
import socket
import threading
from collections.abc import Callable, Generator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Final

from pydantic import ValidationError

from desired_state.errors import Waiting
from desired_state.reasons import Reason
from layers.local_exchange.control import Command, Told

_NAME: Final = "control.sock"
_MOST_BYTES: Final = 1 << 20
_PATIENCE_S: Final = 10.0
_TICK_S: Final = 0.2
_RETRY: Final = timedelta(seconds=5)


class ExchangeControl:
    """Answers commands until it is closed; only this user can reach it."""

    def __init__(self, folder: Path, carry_out: Callable[[Command], Told]) -> None:
        """Listen in ``folder``; what an earlier server left there is replaced."""
        self._path = folder / _NAME
        self._carry_out = carry_out
        self._stopping = threading.Event()
        try:
            self._path.unlink(missing_ok=True)
            self._socket = socket.socket(socket.AF_UNIX)
            with _entered(folder) as name:
                self._socket.bind(name)
            self._path.chmod(0o600)
            self._socket.listen(8)
            self._socket.settimeout(_TICK_S)
        except OSError as error:
            raise _unreachable(folder, error) from error
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Stop and take the socket away."""
        self._stopping.set()
        self._thread.join()
        self._socket.close()
        self._path.unlink(missing_ok=True)

    def _serve(self) -> None:
        while not self._stopping.is_set():
            try:
                line, _ = self._socket.accept()
            except TimeoutError:
                continue
            with line:
                line.settimeout(_PATIENCE_S)
                try:
                    line.sendall(self._told(_read(line)).model_dump_json().encode() + b"\n")
                except OSError:
                    continue  # whoever asked has gone

    def _told(self, data: bytes) -> Told:
        try:
            return self._carry_out(Command.model_validate_json(data))
        except ValidationError as error:
            return Told(refusal=f"not a command: {error.error_count()} problems")


def ask(folder: Path, command: Command) -> Told:
    """Have ``command`` carried out by the exchange whose store is in ``folder``.

    Raises:
        Waiting: ``VENUE_UNREACHABLE`` where no exchange is served there.
    """
    try:
        with socket.socket(socket.AF_UNIX) as line:
            line.settimeout(_PATIENCE_S)
            with _entered(folder) as name:
                line.connect(name)
            line.sendall(command.model_dump_json().encode() + b"\n")
            return Told.model_validate_json(_read(line))
    except (OSError, ValidationError) as error:
        raise _unreachable(folder, error) from error


def _read(line: socket.socket) -> bytes:
    data = b""
    while not data.endswith(b"\n") and len(data) < _MOST_BYTES:
        piece = line.recv(65_536)
        if not piece:
            break
        data += piece
    return data


@contextmanager
def _entered(folder: Path) -> Generator[str, None, None]:
    opened = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        yield f"/proc/self/fd/{opened}/{_NAME}"
    finally:
        os.close(opened)


def _unreachable(folder: Path, error: Exception) -> Waiting:
    text = f"no exchange answers there ({type(error).__name__})"
    return Waiting(Reason.VENUE_UNREACHABLE, folder.name, text, retry_after=_RETRY)
