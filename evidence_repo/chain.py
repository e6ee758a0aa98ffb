"""The chain: one canonical line a leaf, numbered without gaps, each naming the one before.

The bytes of a line are those of its RFC 8785 JSON without the newline that ends it in a file;
they are what ``prev`` digests and what the Merkle tree is built over.
"""

import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any, Final

from pydantic import Field, StringConstraints, ValidationError

from desired_state.canonical import canonical, digest_bytes
from desired_state.errors import Finding, Stalled, finding
from desired_state.frozen import Frozen
from desired_state.reasons import Reason
from desired_state.values import Digest, Instant, instant_text

MAX_LINE: Final = 65_536
"""Bytes of one line; what is larger is kept apart and referred to by digest."""
ZERO_DIGEST: Final = "sha256:" + "0" * 64
"""What the first leaf names as the one before."""


def _refuse_float(text: str) -> Any:  # noqa: ANN401
    raise TypeError(f"a float ({text}) is not evidence; write it as a string")


_DECODER: Final = json.JSONDecoder(parse_float=_refuse_float, parse_constant=_refuse_float)
_ENCODER: Final = json.JSONEncoder(
    sort_keys=True, separators=(",", ":"), ensure_ascii=False, check_circular=False
)
_NO_SHORT_INTEGER: Final = re.compile(r"[0-9]{16}|[.+NI]|e-")  # as this encoder writes floats

Kind = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]{0,31}$")]
Revision = Annotated[str, StringConstraints(min_length=1, max_length=200)]


class Leaf(Frozen):
    """One entry of the log.

    ``objects`` are the digests of bytes kept beside the log that this entry rests on; digests
    inside ``body`` are statements and need not be found anywhere.
    """

    seq: Annotated[int, Field(ge=0, lt=2**53)]
    time: Instant
    kind: Kind
    prev: Digest
    revision: Revision | None
    objects: tuple[Digest, ...]
    body: Mapping[str, Any]

    def line(self) -> bytes:
        """The canonical bytes, without a newline. Raises ``TypeError`` for what is not JSON."""
        return _encode(
            {
                "seq": self.seq,
                "time": instant_text(self.time),
                "kind": self.kind,
                "prev": self.prev,
                "revision": self.revision,
                "objects": self.objects,
                "body": dict(self.body),
            }
        )


@dataclass(frozen=True, slots=True)
class Head:
    """Where a chain ends: how many leaves it has and the digest of the last line."""

    size: int = 0
    digest: str = ZERO_DIGEST


GENESIS: Final = Head()


def following(
    head: Head,
    kind: str,
    body: Mapping[str, Any],
    at: datetime,
    revision: str | None = None,
    objects: Sequence[str] = (),
) -> tuple[Leaf, bytes]:
    """The leaf that follows ``head`` and its line, made once.

    Raises:
        TypeError: If the body holds a float or something that is not JSON.
        ValueError: If the line would be longer than ``MAX_LINE`` or a value has another form.
    """
    leaf = Leaf(
        seq=head.size,
        time=at,
        kind=kind,
        prev=head.digest,
        revision=revision,
        objects=tuple(objects),
        body=body,
    )
    line = leaf.line()
    if len(line) > MAX_LINE:
        raise ValueError(f"a leaf of more than {MAX_LINE} bytes: keep the bytes, name the digest")
    return leaf, line


def advance(head: Head, line: bytes) -> Head:
    """The head after one more line."""
    return Head(head.size + 1, digest_bytes(line))


def parse(line: bytes) -> Leaf:
    """The leaf of one line.

    Raises:
        Stalled: ``CHAIN_BROKEN`` if it is not the canonical line of a leaf.
    """
    try:
        _require_canonical(line)
        return Leaf.model_validate_json(line)
    except (ValueError, TypeError, RecursionError) as error:
        raise Stalled(Reason.CHAIN_BROKEN, "leaf", _first_words(error)) from error


def check(
    lines: Iterable[bytes], start: Head = GENESIS, expected: Head | None = None
) -> tuple[Finding, ...]:
    """What is wrong with a chain: one finding for each link that does not hold, none if sound.

    The subject ``leaf n`` is the link between the lines n-1 and n, counted from 0. Only a head
    known from elsewhere (``expected``) tells of an edit in the last line or of a cut tail.
    """
    head, findings = start, []
    for position, _, broken in walk(lines, start):
        head = position
        if broken is not None:
            findings.append(broken)
    if expected is not None and head != expected:
        findings.append(_broken(head.size, "the chain does not end at the head that is known"))
    return tuple(findings)


def walk(
    lines: Iterable[bytes], start: Head = GENESIS
) -> Iterator[tuple[Head, Leaf | None, Finding | None]]:
    """Each line as (head after it, leaf if it is one, finding if its link is broken)."""
    head, due = start, start.size
    for line in lines:
        leaf, broken = _link(line, head, due)
        head = advance(head, line)
        # After a gap go on from the number found, so that one break is one finding.
        due = (leaf.seq if leaf is not None else due) + 1
        yield head, leaf, broken


def _link(line: bytes, head: Head, due: int) -> tuple[Leaf | None, Finding | None]:
    try:
        leaf = parse(line)
    except Stalled as error:
        return None, _broken(head.size, error.message)
    if leaf.seq != due:
        return leaf, _broken(head.size, f"expected sequence number {due}, found {leaf.seq}")
    if leaf.prev != head.digest:
        return leaf, _broken(
            head.size, f"names {leaf.prev} as the line before it, not {head.digest}"
        )
    return leaf, None


def _broken(position: int, message: str) -> Finding:
    return finding(Reason.CHAIN_BROKEN, f"leaf {position}", message)


def _require_canonical(line: bytes) -> None:
    if len(line) > MAX_LINE:
        raise ValueError(f"expected at most {MAX_LINE} bytes, found {len(line)}")
    # Any other order, spelling or space comes out different, and so does a key that stands twice.
    if _encode(_DECODER.decode(line.decode())) != line:
        raise ValueError("expected RFC 8785 form, found another spelling of the same data")


def _encode(data: dict[str, Any]) -> bytes:
    """RFC 8785 bytes, by the fast way where it provably gives the same."""
    text = _ENCODER.encode(data)
    # ASCII sorts alike by code point and by UTF-16 unit, and short integers are exact
    if text.isascii() and "\\" not in text:
        outside = "".join(text.split('"')[::2])  # of texts, where no quote is escaped
        if not _NO_SHORT_INTEGER.search(outside):
            return text.encode()
    return canonical(data)  # which refuses floats


def _first_words(error: Exception) -> str:
    if isinstance(error, ValidationError):
        first = error.errors(include_url=False, include_input=False)[0]
        return f"{'.'.join(map(str, first['loc']))}: {first['msg']}"
    return str(error)[:300]
