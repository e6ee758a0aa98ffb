"""Revocations: files that take a key away for ever (trust.md, section 6, step 4).

Taking away is tightening, so one signature is enough: by the key itself, or by any key of any
accepted root with the use ``revocation``. No clock is asked and no later loss of the signer's key
matters; only a key that was itself revoked before takes nothing but itself away (REVOKE-2).
"""

import re
from collections.abc import Container, Mapping, Sequence
from functools import lru_cache
from typing import Final

from desired_state.detached import verifies
from desired_state.document import load
from desired_state.errors import Finding, Severity, Stalled, finding
from desired_state.frozen import Frozen
from desired_state.reasons import Reason
from desired_state.signatures import public_key
from desired_state.trust_root import KeyEntry, RepositoryId, Root, Use
from desired_state.values import Environment, Instant, KeyId, Person, Text

REVOCATION_FOLDER: Final = "revocations/"
_PLACE: Final = re.compile(r"revocations/SHA256-([A-Za-z0-9_-]{43})(?:\.([a-z0-9]{1,32}))?\.yaml\Z")


class Revocation(Frozen):
    """One key that counts no more, who says so, with which key, and why."""

    key: KeyId
    repository: RepositoryId
    environment: Environment
    person: Person  # who revokes
    by_key: KeyId  # with which key; the revoked one may revoke itself
    reason: Text
    at: Instant  # what the signer says; nothing is decided by it


def revocation_path(key: str, word: str = "") -> str:
    """``revocations/SHA256-….yaml`` or ``revocations/SHA256-….WORD.yaml``.

    The key id's base64 in the alphabet for file names: ``+`` is ``-`` and ``/`` is ``_``.
    """
    name = key.removeprefix("SHA256:").translate(str.maketrans("+/", "-_"))
    return f"{REVOCATION_FOLDER}SHA256-{name}{'.' + word if word else ''}.yaml"


def revoked_key(path: str) -> str | None:
    """The key id that a revocation's path names, or none for any other path."""
    match = _PLACE.match(path)
    return f"SHA256:{match[1].translate(str.maketrans('-_', '+/'))}" if match else None


def judge_revocation(
    path: str,
    data: bytes,
    signatures: Sequence[bytes],
    roots: Sequence[Root],
    revoked: Container[str],
) -> Revocation | Finding:
    """The revocation in these bytes if it counts under the accepted ``roots``, else why not."""
    try:
        found = load(Revocation, data, path)
    except Stalled as error:
        return _warning(Reason.REVOCATION_SCHEMA, error.subject, error.message)
    if found.key != revoked_key(path):
        return _warning(
            Reason.REVOCATION_SCHEMA, path, f"expected the key in its name, found {found.key}"
        )
    last = roots[-1]
    if (found.repository, found.environment) != (last.repository, last.environment):
        text = (
            f"expected {last.repository} ({last.environment}),"
            f" found {found.repository} ({found.environment})"
        )
        return _warning(Reason.REVOCATION_FOREIGN, path, text)
    if found.by_key != found.key and found.by_key in revoked:
        text = f"{found.by_key} was revoked before it signed this"
        return _warning(Reason.REVOCATION_SIGNATURE, path, text)
    for entry in _may_revoke(found, roots):
        if any(verifies(s, data, Use.REVOCATION.namespace, entry.public) for s in signatures):
            return found
    text = f"expected a signature by {found.person} with a key that may revoke, found none"
    return _warning(Reason.REVOCATION_SIGNATURE, path, text)


def all_revoked(roots: Sequence[Root], revoked: Mapping[str, str]) -> frozenset[str]:
    """Every key id that is taken away, in whatever form its key material stands (REVOKE-4)."""
    if not revoked:
        return frozenset()
    listed = {i: _material(key.public) for root in roots for i, key in root.keys.items()}
    taken = {listed[key_id] for key_id in revoked if key_id in listed}
    return frozenset(revoked) | {key_id for key_id, m in listed.items() if m in taken}


@lru_cache(maxsize=1024)
def _material(line: str) -> bytes:
    return public_key(line).material


def _may_revoke(found: Revocation, roots: Sequence[Root]) -> list[KeyEntry]:
    entries = [root.keys[found.by_key] for root in roots if found.by_key in root.keys]
    return [
        entry
        for entry in entries
        if entry.person == found.person
        and (Use.REVOCATION in entry.uses or found.by_key == found.key)
    ]


def _warning(code: Reason, subject: str, text: str) -> Finding:
    return finding(code, subject, text, severity=Severity.WARNING)
