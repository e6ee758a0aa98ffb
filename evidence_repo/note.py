"""Signed heads of the log: C2SP checkpoints (tlog-checkpoint) as C2SP signed notes, Ed25519.

Text, blank line, signature lines ``— <name> <base64(key id || signature)>``. What signs and what
verifies comes in as an argument; here are only the bytes.
"""

import base64
import binascii
import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Protocol

from desired_state.errors import Stalled
from desired_state.reasons import Reason

MAX_NOTE: Final = 65_536
"""Bytes of one note."""
MAX_SIGNATURES: Final = 16
"""Signature lines of one note; C2SP asks verifiers to accept at least so many."""
ED25519: Final = b"\x01"
"""Signature type byte of C2SP signed-note."""
KEY_ID_BYTES: Final = 4
SIGNATURE_BYTES: Final = 64
ROOT_BYTES: Final = 32

_DASH: Final = "\u2014 "
_NAME: Final = re.compile(r"[^\s+]{1,200}\Z")
_CONTROL: Final = re.compile(r"[\x00-\x09\x0b-\x1f]")
_SIZE: Final = re.compile(r"(0|[1-9][0-9]{0,15})\Z")


class NoteVerifier(Protocol):
    """A public key with its name."""

    @property
    def name(self) -> str:
        """Key name; the log's is its origin."""
        ...

    @property
    def public(self) -> bytes:
        """The 32 bytes of the Ed25519 public key."""
        ...

    def verify(self, text: bytes, signature: bytes) -> bool:
        """Whether this key made the signature over the text."""
        ...


class NoteSigner(NoteVerifier, Protocol):
    """A key pair with its name."""

    def sign(self, text: bytes) -> bytes:
        """The 64 bytes of the Ed25519 signature over the text."""
        ...


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """The head of a log: ``size`` leaves have the Merkle root ``root``."""

    origin: str
    size: int
    root: bytes


@dataclass(frozen=True, slots=True)
class Signature:
    """One signature line."""

    name: str
    key_id: bytes
    signature: bytes


@dataclass(frozen=True, slots=True)
class Note:
    """A note taken apart; nothing in it is verified."""

    text: bytes
    signatures: tuple[Signature, ...]


def key_id(name: str, public: bytes) -> bytes:
    """First four bytes of SHA-256(name, newline, type, public key)."""
    return hashlib.sha256(name.encode() + b"\n" + ED25519 + public).digest()[:KEY_ID_BYTES]


def verifier_key(key: NoteVerifier) -> str:
    """The key as one word for people and policies: ``name+id+base64(type || public key)``."""
    encoded = base64.b64encode(ED25519 + key.public).decode()
    return f"{key.name}+{key_id(key.name, key.public).hex()}+{encoded}"


def policy_text(log: NoteVerifier) -> bytes:
    """The trust policy of a log without witnesses, in the form of C2SP tlog-policy."""
    return f"log {verifier_key(log)}\nquorum none\n".encode()


def checkpoint_text(checkpoint: Checkpoint) -> bytes:
    """The three lines that are signed."""
    encoded = base64.b64encode(checkpoint.root).decode()
    return f"{checkpoint.origin}\n{checkpoint.size}\n{encoded}\n".encode()


def sign_checkpoint(checkpoint: Checkpoint, signers: Sequence[NoteSigner]) -> bytes:
    """The signed note of a head, one line for each signer."""
    text = checkpoint_text(checkpoint)
    lines = [_signature_line(key.name, key.public, key.sign(text)) for key in signers]
    note = text + b"\n" + "".join(lines).encode()
    parse_checkpoint(parse_note(note).text)
    return note


def open_checkpoint(data: bytes, key: NoteVerifier) -> Checkpoint:
    """The head that ``key`` signed. Lines of other keys are not looked at.

    Raises:
        Stalled: ``CHECKPOINT_INVALID`` if the form is wrong, the key did not sign, a signature of
            the key fails, or the origin is another log's.
    """
    note = parse_note(data)
    wanted = (key.name, key_id(key.name, key.public))
    ours = [s for s in note.signatures if (s.name, s.key_id) == wanted]
    if not ours:
        raise _invalid(f"expected a signature of {key.name}, found none")
    if not all(key.verify(note.text, s.signature) for s in ours):
        raise _invalid(f"the signature of {key.name} does not fit the text")
    checkpoint = parse_checkpoint(note.text)
    if checkpoint.origin != key.name:
        raise _invalid(f"expected origin {key.name}, found {checkpoint.origin}")
    return checkpoint


def parse_note(data: bytes) -> Note:
    """A signed note taken apart, strictly.

    Raises:
        Stalled: ``CHECKPOINT_INVALID`` if it is not exactly of the form.
    """
    if len(data) > MAX_NOTE:
        raise _invalid(f"expected at most {MAX_NOTE} bytes, found {len(data)}")
    try:
        whole = data.decode()
    except UnicodeDecodeError as error:
        raise _invalid("expected UTF-8") from error
    text, blank, tail = whole.rpartition("\n\n")
    if not blank or not tail.endswith("\n") or _CONTROL.search(whole):
        raise _invalid("expected text, a blank line and signature lines, each ended by a newline")
    lines = tail[:-1].split("\n")
    if len(lines) > MAX_SIGNATURES:
        raise _invalid(f"expected at most {MAX_SIGNATURES} signatures, found {len(lines)}")
    return Note((text + "\n").encode(), tuple(_parse_signature(line) for line in lines))


def parse_checkpoint(text: bytes) -> Checkpoint:
    """The head written in a note's text: three lines, no extension lines.

    Raises:
        Stalled: ``CHECKPOINT_INVALID`` if it is not exactly of the form.
    """
    try:
        origin, size, root, end = text.decode().split("\n")
    except ValueError as error:
        raise _invalid("expected the three lines origin, size and root") from error
    decoded = _decode(root)
    if end or not _NAME.match(origin) or not _SIZE.match(size) or len(decoded) != ROOT_BYTES:
        raise _invalid("expected an origin, a decimal size and 32 bytes of root in base64")
    return Checkpoint(origin, int(size), decoded)


def _parse_signature(line: str) -> Signature:
    words = line.removeprefix(_DASH).split(" ")
    if not line.startswith(_DASH) or len(words) != 2 or not _NAME.match(words[0]):  # noqa: PLR2004
        raise _invalid("expected a signature line: dash, name, base64")
    raw = _decode(words[1])
    if len(raw) <= KEY_ID_BYTES:
        raise _invalid("expected a key id and a signature, found too few bytes")
    return Signature(words[0], raw[:KEY_ID_BYTES], raw[KEY_ID_BYTES:])


def _signature_line(name: str, public: bytes, signature: bytes) -> str:
    if len(signature) != SIGNATURE_BYTES:
        raise _invalid(f"expected a signature of 64 bytes, found {len(signature)}")
    return f"{_DASH}{name} {base64.b64encode(key_id(name, public) + signature).decode()}\n"


def _decode(text: str) -> bytes:
    try:
        raw = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError) as error:
        raise _invalid("expected standard base64") from error
    if base64.b64encode(raw).decode() != text:
        raise _invalid("expected base64 in its one canonical form")
    return raw


def _invalid(message: str) -> Stalled:
    return Stalled(Reason.CHECKPOINT_INVALID, "checkpoint", message)
