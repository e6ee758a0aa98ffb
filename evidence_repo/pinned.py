"""A head of the log that people wrote down: ``SIZE:ROOT``, as the audit prints it (LOG-3).

What lies before it is not judged again; that the log still holds it, and only grew from there, is
shown by an RFC 6962 consistency proof between it and the newest signed head.
"""

import base64
import re
from collections.abc import Sequence
from typing import Annotated, Final

from pydantic import StringConstraints

from desired_state.errors import Stalled
from desired_state.reasons import Reason
from evidence_repo.merkle import consistency_proof, grew
from evidence_repo.note import Checkpoint

_FORM: Final = r"^[1-9][0-9]{0,14}:[A-Za-z0-9+/]{43}=\Z"
Pinned = Annotated[str, StringConstraints(pattern=r"^[1-9][0-9]{0,14}:[A-Za-z0-9+/]{43}=$")]


def pinned_text(head: Checkpoint) -> str:
    """How people write it down."""
    return f"{head.size}:{base64.b64encode(head.root).decode()}"


def read_pinned(text: str) -> Checkpoint:
    """The head that people wrote down; it is of whatever log it is found in.

    Raises:
        Stalled: ``USAGE`` if it is not of the form.
    """
    size, _, root = text.partition(":")
    if re.match(_FORM, text) is None:
        told = f"expected SIZE:ROOT, the root in base64 as the audit prints it, found {text!r}"
        raise Stalled(Reason.USAGE, "checkpoint", told)
    return Checkpoint("", int(size), base64.b64decode(root))


def require_grown(
    pinned: Checkpoint, lines: Sequence[bytes], newest: Checkpoint
) -> tuple[bytes, ...]:
    """The proof that the log of these lines, whose head is ``newest``, grew from the pinned one.

    Raises:
        Stalled: ``CHECKPOINT_INVALID`` if it did not.
    """
    told = f"expected a log that grew from {pinned_text(pinned)}"
    if pinned.size > len(lines):
        text = f"{told}, found one of {len(lines)} leaves"
        raise Stalled(Reason.CHECKPOINT_INVALID, "pinned checkpoint", text)
    proof = consistency_proof(lines, pinned.size)
    if not grew((pinned.size, pinned.root), (newest.size, newest.root), proof):
        text = f"{told}, found another past"
        raise Stalled(Reason.CHECKPOINT_INVALID, "pinned checkpoint", text)
    return proof
