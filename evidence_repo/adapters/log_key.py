"""The log's Ed25519 key: an OpenSSH private key file, or its public half as text."""

import base64
import binascii
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import (
    Ed25519PrivateKey,
    Ed25519PublicKey,
)
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    PublicFormat,
    load_ssh_private_key,
    load_ssh_public_key,
)

from desired_state.errors import Stalled
from desired_state.reasons import Reason
from evidence_repo.note import ED25519, key_id

MAX_KEY_FILE: Final = 16_384
"""Bytes of a key file."""


@dataclass(frozen=True, slots=True)
class PublicLogKey:
    """A public key with its name; enough to verify a note."""

    name: str
    public: bytes

    def verify(self, text: bytes, signature: bytes) -> bool:
        """Whether this key made the signature over the text."""
        try:
            Ed25519PublicKey.from_public_bytes(self.public).verify(signature, text)
        except InvalidSignature:
            return False
        return True


class LogKey:
    """The key pair that signs checkpoints; its name is the origin of the log."""

    def __init__(self, path: Path, name: str) -> None:
        """Load an OpenSSH private key without a passphrase, as ssh-keygen writes it.

        Raises:
            Stalled: ``EVIDENCE_UNWRITABLE`` if the file is not a readable Ed25519 key.
        """
        try:
            with path.open("rb") as file:
                loaded = load_ssh_private_key(file.read(MAX_KEY_FILE), password=None)
        except (OSError, ValueError, TypeError, UnsupportedAlgorithm) as error:
            raise _unusable(f"key file {path}", type(error).__name__) from error
        if not isinstance(loaded, Ed25519PrivateKey):
            raise _unusable(f"key file {path}", "expected an ed25519 key")
        self._private = loaded
        self._public = PublicLogKey(name, _raw(loaded.public_key()))

    @property
    def name(self) -> str:
        """Key name, which is the log's origin."""
        return self._public.name

    @property
    def public(self) -> bytes:
        """The 32 bytes of the public key."""
        return self._public.public

    @property
    def verifier(self) -> PublicLogKey:
        """The public half alone."""
        return self._public

    def verify(self, text: bytes, signature: bytes) -> bool:
        """Whether this key made the signature over the text."""
        return self._public.verify(text, signature)

    def sign(self, text: bytes) -> bytes:
        """The 64 bytes of the signature over the text."""
        return self._private.sign(text)


def from_openssh(line: str, name: str) -> PublicLogKey:
    """The key of a line as in a ``.pub`` file.

    Raises:
        Stalled: ``CHECKPOINT_INVALID`` if it is not an Ed25519 public key.
    """
    try:
        loaded = load_ssh_public_key(line.encode())
    except (ValueError, UnsupportedAlgorithm) as error:
        raise _no_key(str(error)) from error
    if not isinstance(loaded, Ed25519PublicKey):
        raise _no_key("expected an ed25519 key")
    return PublicLogKey(name, _raw(loaded))


def openssh_line(public: bytes) -> str:
    """The key as in a ``.pub`` file, without a comment."""
    key = Ed25519PublicKey.from_public_bytes(public)
    return key.public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH).decode()


def from_verifier_key(word: str) -> PublicLogKey:
    """The key of one word ``name+id+base64``, as in ``log/policy``.

    Raises:
        Stalled: ``CHECKPOINT_INVALID`` if it is not of the form or the id is another key's.
    """
    try:
        name, identity, encoded = word.split("+", 2)
        raw = base64.b64decode(encoded, validate=True)
        Ed25519PublicKey.from_public_bytes(raw[1:])
    except (ValueError, binascii.Error) as error:
        raise _no_key("expected name+id+base64") from error
    if raw[:1] != ED25519 or key_id(name, raw[1:]).hex() != identity:
        raise _no_key("the key id does not belong to the name and the key")
    return PublicLogKey(name, raw[1:])


def _raw(key: Ed25519PublicKey) -> bytes:
    return key.public_bytes(Encoding.Raw, PublicFormat.Raw)


def _unusable(subject: str, message: str) -> Stalled:
    return Stalled(
        Reason.EVIDENCE_UNWRITABLE, subject, message, "make it with ssh-keygen -t ed25519"
    )


def _no_key(message: str) -> Stalled:
    return Stalled(Reason.CHECKPOINT_INVALID, "log key", message)
