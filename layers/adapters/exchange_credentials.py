"""The key that an exchange hands out: a file that only this user can read."""

import os
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Final

from desired_state.document import load
from desired_state.errors import Waiting
from desired_state.frozen import Frozen
from desired_state.reasons import Reason
from layers.local_exchange.terms import Key

_RETRY: Final = timedelta(seconds=5)
_MOST_BYTES: Final = 4096


class _Document(Frozen):
    key: str
    secret: str


def handed_out(path: Path, draw: Callable[[], str]) -> Key:
    """The key in the file, or a new one from two draws, which the file then holds (mode 0600).

    Raises:
        Waiting: ``VENUE_UNREACHABLE`` where the file can be neither read nor made.
        Stalled: where it is not of this form.
    """
    try:
        with path.open("rb") as file:
            found = load(_Document, file.read(_MOST_BYTES), path.name)
    except FileNotFoundError:
        found = _Document(key=draw(), secret=draw())
        _keep(path, found)
    except OSError as error:
        text = f"cannot be read ({error.strerror})"
        raise Waiting(Reason.VENUE_UNREACHABLE, path.name, text, retry_after=_RETRY) from error
    return Key(name=found.key, secret=found.secret)


def _keep(path: Path, found: _Document) -> None:
    try:
        opened = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(opened, "w", encoding="ascii") as file:
            file.write(f'key: "{found.key}"\nsecret: "{found.secret}"\n')
    except OSError as error:
        text = f"cannot be made ({error.strerror})"
        raise Waiting(Reason.VENUE_UNREACHABLE, path.name, text, retry_after=_RETRY) from error
