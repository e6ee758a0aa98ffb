"""Trust roots in words that a stranger reads."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

from desired_state.root_chain import Candidate
from desired_state.trust_root import ROOT_ROLE, Root
from desired_state.values import instant_text
from reconciler.root_changes import root_change_lines, root_changes
from reconciler.root_view import Accepted, RootView, keys_data
from reconciler.rooting import DraftRoot


def accepted_lines(item: Accepted, pin: str) -> Iterable[str]:
    """One root that counts or counted, and why."""
    root = item.root
    yield f"root {root.version} {item.path} {item.digest}"
    yield f"  for {root.repository} ({root.environment}), until {instant_text(root.expires)}"
    if item.digest == pin:
        yield "  counts by the pin in governor.yaml"
    else:
        yield f"  signed by {_names(item.signed_old)} of root {root.version - 1}"
    yield f"  signed by {_names(item.signed_new)} of its own; threshold {_threshold(root)}"


def candidate_lines(candidate: Candidate, old: Root) -> Iterable[str]:
    """A file that would be the next root: what it changes, and what is still against it."""
    word = "complete" if candidate.complete else "NOT COMPLETE"
    yield f"next: {candidate.path} {candidate.digest}: {word}"
    if candidate.root is not None:
        yield f"  old root: {len(candidate.signed_old)} of {_threshold(old)}" + _who(
            candidate.signed_old
        )
        yield f"  new root: {len(candidate.signed_new)} of {_threshold(candidate.root)}" + _who(
            candidate.signed_new
        )
        yield from root_change_lines(root_changes(old, candidate.root))
    for found in candidate.problems:
        yield f"  {found.code}: {found.message}"


def key_lines(view: RootView, now: datetime) -> Iterable[str]:
    """Every person's keys under the last root."""
    yield f"keys of root {view.last.root.version}:"
    for key in keys_data(view.last.root, view.taken, now):
        state = "counts" if key["counts"] else "REVOKED" if key["revoked"] else "outside its time"
        touch = " hardware" if key["hardware"] else ""
        yield (
            f"  {key['person']} {key['key']} {key['kind']}{touch}: {', '.join(key['uses'])};"
            f" until {key['valid_until']}, {state}"
        )


def sign_next(old: Root, new: Root) -> Iterable[str]:
    """Who must sign the next root, and with what."""
    yield f"To be signed by {_threshold(old)} of {_holders(old)} (root {old.version})"
    yield f"and by {_threshold(new)} of {_holders(new)} (root {new.version})."
    yield f"Next: governor trust sign {new.version} --as PERSON --push"


def draft_data(path: str, made: DraftRoot, commit: str | None) -> dict[str, Any]:
    """What ``governor trust propose --json`` prints; keys are only ever added."""
    return {
        "version": made.root.version,
        "path": path,
        "prev": made.root.prev,
        "changes": [
            {"path": c.path, "now": c.now, "then": c.then, "looser": c.looser} for c in made.changes
        ],
        "findings": [found.model_dump(mode="json") for found in made.warnings],
        "commit": commit,
    }


def _holders(root: Root) -> str:
    return _names([name for name, p in root.persons.items() if ROOT_ROLE in p.roles])


def _threshold(root: Root) -> str:
    found = root.thresholds.get(ROOT_ROLE)
    return "no number stated" if found is None else str(found)


def _names(people: Sequence[str]) -> str:
    return ", ".join(people) or "nobody"


def _who(people: Sequence[str]) -> str:
    return f", by {', '.join(people)}" if people else ""
