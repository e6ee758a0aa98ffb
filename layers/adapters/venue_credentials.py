"""Key and secret of a venue, from the environment or from a file that nobody else can read.

BIN-7: they are values of a class that does not show them, and what comes back from the venue or a
library is searched for them before anybody else sees it.
"""

import os
import stat
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from pydantic import SecretStr

from desired_state.document import load
from desired_state.errors import Stalled
from desired_state.frozen import Frozen
from desired_state.reasons import Reason

MAX_BYTES: Final = 16 * 1024  # an RSA key in PEM form has 3 kB
_SHORTEST: Final = 8  # what is shorter would be found in innocent text
_OTHERS: Final = stat.S_IXUSR | stat.S_IRWXG | stat.S_IRWXO


@dataclass(frozen=True, slots=True)
class Credentials:
    """A key's name and its secret; neither is shown by ``repr``."""

    key: str = field(repr=False)
    secret: str = field(repr=False)

    def __post_init__(self) -> None:
        """Both must be long enough to be recognised wherever they turn up."""
        for value in (self.key, self.secret):
            if len(value) < _SHORTEST:
                raise Stalled(
                    Reason.CREDENTIALS, "credentials", "key or secret is shorter than any real one"
                )

    def hide(self, text: str) -> str:
        """The text without key and secret."""
        return text.replace(self.secret, "***").replace(self.key, "***")

    def hide_bytes(self, data: bytes) -> bytes:
        """The same for bytes."""
        for value in (self.secret, self.key):
            data = data.replace(value.encode(), b"***")
        return data


class _Document(Frozen):
    key: SecretStr
    secret: SecretStr


def from_environment(key: str, secret: str, environment: Mapping[str, str]) -> Credentials:
    """The values of two variables.

    Raises:
        Stalled: ``CREDENTIALS``, with the names of those that are not set.
    """
    missing = [name for name in (key, secret) if not environment.get(name)]
    if missing:
        text = f"expected environment variables {' and '.join(missing)}, found none"
        raise Stalled(Reason.CREDENTIALS, "credentials", text)
    return Credentials(environment[key], environment[secret])


def from_file(path: Path) -> Credentials:
    """What ``key`` and ``secret`` of this YAML file say.

    Raises:
        Stalled: ``CREDENTIALS`` for a file that is missing, of another owner, open to others
            (expected mode 0600) or not of this form; never with any of its text.
    """
    try:
        with path.open("rb") as file:
            _only_ours(os.fstat(file.fileno()), path)
            data = file.read(MAX_BYTES + 1)
    except OSError as fault:
        text = f"cannot be read ({fault.strerror})"
        raise Stalled(Reason.CREDENTIALS, path.name, text) from fault
    found = _parsed(data, path)
    if found is None:
        raise Stalled(Reason.CREDENTIALS, path.name, "expected two strings, key and secret")
    return Credentials(found.key.get_secret_value(), found.secret.get_secret_value())


def _only_ours(status: os.stat_result, path: Path) -> None:
    mode = stat.S_IMODE(status.st_mode)
    if not stat.S_ISREG(status.st_mode) or status.st_uid != os.geteuid() or mode & _OTHERS:
        text = f"expected a file of this user with mode 0600, found mode {mode:04o}"
        raise Stalled(Reason.CREDENTIALS, path.name, text)


def _parsed(data: bytes, path: Path) -> _Document | None:
    """The document; a parser's error quotes the text, so it goes no further."""
    try:
        return load(_Document, data, path.name)
    except Stalled:
        return None
