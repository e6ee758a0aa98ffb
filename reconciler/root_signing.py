"""Who may sign a root or take a key away, asked before anybody does. Pure."""

from collections.abc import Container
from dataclasses import dataclass
from datetime import datetime

from desired_state.canonical import plain
from desired_state.document import dump
from desired_state.errors import Stalled
from desired_state.reasons import Reason
from desired_state.revocations import Revocation, revocation_path
from desired_state.trust_root import ROOT_ROLE, Root, Use


@dataclass(frozen=True, slots=True)
class Taking:
    """Whose key counts no more, who says so, with which key, and why."""

    key: str
    person: str
    by_key: str
    reason: str
    word: str = ""  # for the file's name, where another stands under the plain one


def refuse_useless_signature(
    person: str, key: str, roots: tuple[Root, ...], taken: Container[str]
) -> None:
    """Returns if a signature by this key counts under the old root or the new one.

    Raises:
        Stalled: ``SIGNOFF_KEY_REVOKED``, ``SIGNOFF_ROLE``, ``SIGNOFF_KEY_UNKNOWN``.
    """
    if key in taken:
        raise Stalled(Reason.SIGNOFF_KEY_REVOKED, key)
    holding = [r for r in roots if person in r.persons and ROOT_ROLE in r.persons[person].roles]
    if not holding:
        told = f"expected somebody with role {ROOT_ROLE} in the old root or the new, found {person}"
        raise Stalled(Reason.SIGNOFF_ROLE, person, told)
    entries = [root.keys[key] for root in holding if key in root.keys]
    if not any(entry.person == person and Use.TRUST_ROOT in entry.uses for entry in entries):
        told = f"expected a key of {person} with the use {Use.TRUST_ROOT}, found {key}"
        raise Stalled(Reason.SIGNOFF_KEY_UNKNOWN, key, told)


def revocation_file(
    taking: Taking, root: Root, taken: Container[str], now: datetime
) -> tuple[str, bytes]:
    """The file that takes a key away for ever, and its path.

    Raises:
        Stalled: ``USAGE`` where the key is not there or gone already, ``REVOCATION_SIGNATURE``
            where the one who signs may not take it away.
    """
    if taking.key not in root.keys or taking.key in taken:
        told = f"expected a key of root {root.version} that still counts, found {taking.key}"
        raise Stalled(Reason.USAGE, taking.key, told)
    entry = root.keys.get(taking.by_key)
    itself = taking.by_key == taking.key
    may = entry is not None and (itself or Use.REVOCATION in entry.uses)
    if not may or entry is None or entry.person != taking.person or taking.by_key in taken:
        told = f"expected a key of {taking.person} that may revoke, found {taking.by_key}"
        raise Stalled(Reason.REVOCATION_SIGNATURE, taking.by_key, told)
    path = revocation_path(taking.key, taking.word)
    found = Revocation(
        key=taking.key,
        repository=root.repository,
        environment=root.environment,
        person=taking.person,
        by_key=taking.by_key,
        reason=taking.reason,
        at=now.replace(microsecond=0),
    )
    header = "A key that counts no more, for ever. These bytes never change once they are signed."
    return path, dump(plain(found), header=header, name=path)
