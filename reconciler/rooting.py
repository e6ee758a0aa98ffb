"""Writing the next trust root. Pure.

The next root is the last one's own data with what was asked changed in it, so nothing that nobody
named changes. It counts once the thresholds of both roots have signed its bytes.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from desired_state.canonical import digest_bytes
from desired_state.document import dump, load, parse
from desired_state.errors import Finding, Severity, Stalled
from desired_state.reasons import Reason
from desired_state.signatures import public_key
from desired_state.trust_root import Root, Use, root_findings
from desired_state.values import instant_text, parse_instant
from reconciler.founding import PERSONAL_USES
from reconciler.root_changes import RootChange, root_changes

_HEADER: Final = (
    "yaml-language-server: $schema=../../schema/root.json\n"
    "Who may sign what, for how long and how much. It counts once the people that `thresholds`\n"
    "asks for have signed these bytes, those of the root before and those of this one."
)


@dataclass(frozen=True, slots=True)
class NewPerson:
    """Somebody to add, or more roles and keys for somebody who is there."""

    name: str
    roles: tuple[str, ...]
    keys: tuple[str, ...]  # lines as in .pub files
    uses: tuple[Use, ...] = PERSONAL_USES


@dataclass(frozen=True, slots=True)
class RootEdit:
    """What the next root changes."""

    add: tuple[NewPerson, ...] = ()
    remove_persons: tuple[str, ...] = ()
    remove_keys: tuple[str, ...] = ()
    renew: timedelta | None = None  # none: it ends when the last one does
    whole: bytes | None = None  # an edited root to take everything else from


@dataclass(frozen=True, slots=True)
class DraftRoot:
    """The next root, ready to be signed, and what it means."""

    root: Root
    data: bytes
    changes: tuple[RootChange, ...]
    warnings: tuple[Finding, ...]


def draft_root(last: Root, data: bytes, edit: RootEdit, now: datetime) -> DraftRoot:
    """The root after ``last``, whose bytes are ``data``, with what ``edit`` asks changed.

    Raises:
        Stalled: ``USAGE`` where nothing changes or somebody named is not there, ``STATE_SCHEMA``,
            ``SIGNATURE``, or the code under which the reconciler would refuse the root.
    """
    found = _plain(edit.whole or data)
    _remove(found, edit)
    issued = now.replace(second=0, microsecond=0)
    found |= {
        "version": last.version + 1,
        "prev": digest_bytes(data),
        "repository": last.repository,
        "environment": last.environment.value,
        "issued": instant_text(issued),
    }
    if edit.renew is not None:
        _renew(found, issued, issued + edit.renew)
    for person in edit.add:
        _add(found, person, issued)
    name = f"trust/root/{last.version + 1}.yaml"
    made = dump(found, header=_HEADER, name=name)
    root = load(Root, made, name)
    warnings = refuse_bad(root_findings(root))
    changes = root_changes(last, root)
    if not changes:
        raise Stalled(Reason.USAGE, name, "it would change nothing; say what is to change")
    if root.expires <= now:
        told = f"it ended at {instant_text(root.expires)}; give --renew DAYS"
        raise Stalled(Reason.ROOT_EXPIRED, name, told)
    return DraftRoot(root, made, changes, warnings)


def refuse_bad(findings: Sequence[Finding]) -> tuple[Finding, ...]:
    """The warnings, where there is nothing worse. Raises the first error as ``Stalled``."""
    for wrong in findings:
        if wrong.severity is Severity.ERROR:
            raise Stalled(wrong.code, wrong.subject, wrong.message)
    return tuple(findings)


def _plain(data: bytes) -> dict[str, Any]:
    parsed = parse(data, "trust root").data
    found: dict[str, Any] = dict(parsed)
    found["persons"] = {name: dict(entry) for name, entry in found.get("persons", {}).items()}
    found["keys"] = {key_id: dict(entry) for key_id, entry in found.get("keys", {}).items()}
    return found


def _remove(found: dict[str, Any], edit: RootEdit) -> None:
    for name in edit.remove_persons:
        _known(name, found["persons"], "person")
        del found["persons"][name]
        found["keys"] = {k: v for k, v in found["keys"].items() if v.get("person") != name}
    for key_id in edit.remove_keys:
        _known(key_id, found["keys"], "key")
        del found["keys"][key_id]


def _known(name: str, there: Mapping[str, Any], kind: str) -> None:
    if name not in there:
        told = f"expected a {kind} of the trust root, found {name}"
        raise Stalled(Reason.USAGE, name, told)


def _renew(found: dict[str, Any], issued: datetime, expires: datetime) -> None:
    """Root and keys run to the new end; a key that ended before its root did stays ended."""
    kept = min(issued, parse_instant(found["expires"]))
    found["expires"] = instant_text(expires)
    for entry in found["keys"].values():
        until = parse_instant(entry["valid_until"])
        if until >= kept:
            entry["valid_until"] = instant_text(max(until, expires))


def _add(found: dict[str, Any], person: NewPerson, issued: datetime) -> None:
    held = found["persons"].setdefault(person.name, {"roles": []})
    held["roles"] = list(dict.fromkeys([*held["roles"], *person.roles]))
    for line in person.keys:
        key = public_key(line.strip())
        if key.key_id in found["keys"]:
            raise Stalled(Reason.ROOT_DUPLICATE_KEY, key.key_id, "it is in the trust root already")
        found["keys"][key.key_id] = {
            "public": key.line,
            "person": person.name,
            "uses": [use.value for use in person.uses],
            "valid_from": instant_text(issued),
            "valid_until": found["expires"],
            "hardware": key.hardware,
        }
