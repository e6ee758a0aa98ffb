"""The chain of trust roots as a person in a working clone sees it. Pure.

Which roots count comes from what was admitted; which files would be the next, and who signed them,
from the files at hand, pushed or not.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from desired_state.canonical import digest_bytes
from desired_state.errors import Finding, Stalled
from desired_state.memory import Memory
from desired_state.observation import LedgerFile
from desired_state.reasons import Reason
from desired_state.root_chain import Candidate, Trusted, root_number, root_path, root_signers
from desired_state.trust_history import Seen, pinned, root_standing
from desired_state.trust_root import ROOT_ROLE, Root
from desired_state.values import instant_text


@dataclass(frozen=True, slots=True)
class Accepted:
    """One root that counts or counted."""

    path: str
    digest: str
    root: Root
    signed_old: tuple[str, ...]  # persons of the root before; the first one stands by its pin
    signed_new: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class RootView:
    """Accepted roots, oldest first, and the files that would be the next one."""

    accepted: tuple[Accepted, ...]
    candidates: tuple[Candidate, ...]
    findings: tuple[Finding, ...]
    taken: frozenset[str]  # key ids that are revoked

    @property
    def last(self) -> Accepted:
        """The root that judges now."""
        return self.accepted[-1]


def root_view(
    files: Mapping[str, bytes], memory: Memory, pin: str, repository: str | None
) -> RootView:
    """The chain from the pin on, over the files of a work tree and what was admitted.

    Raises:
        Stalled: ``ROOT_PIN``, ``ROOT_SCHEMA`` and what else keeps the first root from counting;
            ``ROOT_ERASED`` where an accepted one is not at hand.
    """
    blobs = {digest_bytes(data): data for data in files.values()}
    digests = {path: digest_bytes(data) for path, data in files.items()}
    try:
        trusted, problems = pinned(memory, digests, blobs, pin, repository)
    except KeyError as error:
        told = "an accepted root is not in the working clone; pull it"
        raise Stalled(Reason.ROOT_ERASED, str(error), told) from error
    if trusted is None:
        raise Stalled(problems[0].code, problems[0].subject, problems[0].message)
    ledger = [LedgerFile(path=path, digest=digest) for path, digest in sorted(digests.items())]
    seen = Seen({}, ledger)
    candidates, findings = root_standing(trusted, digests, seen, blobs)
    accepted = tuple(_accepted(trusted, digests, (seen, blobs)))
    return RootView(accepted, candidates, findings, trusted.taken)


def _accepted(
    trusted: Trusted,
    files: Mapping[str, str],
    papers: tuple[Mapping[str, Sequence[str]], Mapping[str, bytes]],
) -> Iterable[Accepted]:
    before: Root | None = None
    for number, (root, digest) in enumerate(zip(trusted.roots, trusted.digests, strict=True), 1):
        at = (path for path, d in files.items() if d == digest and root_number(path) == number)
        path = next(at, root_path(number))
        by_old = root_signers(before, path, digest, papers, frozenset()) if before else ()
        by_new = root_signers(root, path, digest, papers, frozenset())
        yield Accepted(path, digest, root, by_old, by_new)
        before = root


def chain_data(view: RootView, pin: str, now: datetime) -> dict[str, Any]:
    """What ``governor trust show --json`` prints; keys are only ever added."""
    return {
        "pin": pin,
        "accepted": [
            {
                "version": item.root.version,
                "path": item.path,
                "sha256": item.digest,
                "pinned": item.digest == pin,
                "issued": instant_text(item.root.issued),
                "expires": instant_text(item.root.expires),
                "expired": item.root.expires <= now,
                "threshold": item.root.thresholds.get(ROOT_ROLE),
                "signed_old": list(item.signed_old),
                "signed_new": list(item.signed_new),
            }
            for item in view.accepted
        ],
        "candidates": [candidate_data(item, view.last.root) for item in view.candidates],
        "persons": {n: list(p.roles) for n, p in view.last.root.persons.items()},
        "keys": keys_data(view.last.root, view.taken, now),
        "findings": [found.model_dump(mode="json") for found in view.findings],
    }


def candidate_data(candidate: Candidate, old: Root) -> dict[str, Any]:
    """One file that would be the next root, and which thresholds it has met by whom."""
    new = candidate.root
    return {
        "path": candidate.path,
        "sha256": candidate.digest,
        "complete": candidate.complete,
        "threshold_old": old.thresholds.get(ROOT_ROLE),
        "threshold_new": new.thresholds.get(ROOT_ROLE) if new else None,
        "signed_old": list(candidate.signed_old),
        "signed_new": list(candidate.signed_new),
        "findings": [found.model_dump(mode="json") for found in candidate.problems],
    }


def keys_data(root: Root, taken: frozenset[str], now: datetime) -> list[dict[str, Any]]:
    """Every key of a root: whose, what for, how long, and whether it counts now."""
    return [
        {
            "key": key_id,
            "person": key.person,
            "uses": [use.value for use in key.uses],
            "kind": root.key(key_id).kind,
            "hardware": key.hardware,
            "valid_from": instant_text(key.valid_from),
            "valid_until": instant_text(key.valid_until),
            "revoked": key_id in taken,
            "counts": key_id not in taken and key.valid_from <= now < key.valid_until,
        }
        for key_id, key in sorted(root.keys.items(), key=lambda item: (item[1].person, item[0]))
    ]
