"""The watcher's key: OpenSSH signatures made in this process, many times a minute."""

import base64
import hashlib
from pathlib import Path
from typing import Final

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    PublicFormat,
    load_ssh_private_key,
)

from desired_state.errors import Stalled
from desired_state.reasons import Reason

MAX_KEY_FILE: Final = 16_384
COLUMNS: Final = 70
MAGIC: Final = b"SSHSIG"
HASH: Final = b"sha512"
KIND: Final = b"ssh-ed25519"


class WatcherKey:
    """Signs in one namespace, in the form that ssh-keygen -Y sign writes."""

    def __init__(self, path: Path, namespace: str) -> None:
        """Load an Ed25519 key without a passphrase.

        Raises:
            Stalled: ``SIGNING_FAILED`` if the file is none.
        """
        try:
            with path.open("rb") as file:
                loaded = load_ssh_private_key(file.read(MAX_KEY_FILE), password=None)
        except (OSError, ValueError, TypeError, UnsupportedAlgorithm) as error:
            raise Stalled(Reason.SIGNING_FAILED, str(path), type(error).__name__) from error
        if not isinstance(loaded, Ed25519PrivateKey):
            raise Stalled(Reason.SIGNING_FAILED, str(path), "expected an ed25519 key")
        self._key, self._namespace = loaded, namespace.encode()
        raw = loaded.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
        self._blob = _wire(KIND, raw)

    def sign(self, message: bytes) -> bytes:
        """The armoured signature of the message."""
        inner = _wire(self._namespace, b"", HASH, hashlib.sha512(message).digest())
        signature = _wire(KIND, self._key.sign(MAGIC + inner))
        head = MAGIC + (1).to_bytes(4, "big")
        blob = head + _wire(self._blob, self._namespace, b"", HASH, signature)
        text = base64.b64encode(blob).decode()
        lines = [text[at : at + COLUMNS] for at in range(0, len(text), COLUMNS)]
        return "\n".join(
            ("-----BEGIN SSH SIGNATURE-----", *lines, "-----END SSH SIGNATURE-----\n")
        ).encode()


def _wire(*parts: bytes) -> bytes:
    return b"".join(len(part).to_bytes(4, "big") + part for part in parts)
