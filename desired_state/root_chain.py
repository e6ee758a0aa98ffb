"""Later trust roots: where they stand, and who must have signed one so that it is the next.

Root N+1 is the next if it reads well, names N by digest, is for the same repository and
environment, and the thresholds of N and of N+1 signed its bytes (ROOT-1, ROOT-2). No clock is
asked here (ROOT-3): whoever follows the chain years later comes to the same root.
"""

import re
from collections.abc import Container, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from desired_state.detached import verifies
from desired_state.document import load
from desired_state.errors import Finding, Severity, Stalled, finding
from desired_state.reasons import Reason
from desired_state.revocations import all_revoked
from desired_state.trust_root import ROOT_ROLE, Root, Use, root_findings

ROOT_FOLDER: Final = "trust/root/"
VERSIONS_LOOKED_AT: Final = 16
"""Of one path; where others were pushed before, the next root takes another WORD (ROOT-5)."""
_HARMLESS: Final = frozenset({Reason.GATE_FRAGILE, Reason.GATE_TOUCH})
"""What a root may say of itself and still be the next one, as it may be the first."""
_ROOT: Final = re.compile(r"trust/root/([1-9][0-9]{0,6})(?:\.([a-z0-9]{1,32}))?\.yaml\Z")
_SIGNATURE: Final = re.compile(
    r"(trust/root/[1-9][0-9]{0,6}(?:\.[a-z0-9]{1,32})?)\.sigs/"
    r"([A-Za-z0-9][A-Za-z0-9._-]{0,63})\.sig\Z"
)

Papers = tuple[Mapping[str, Sequence[str]], Mapping[str, bytes]]
"""Every version ever seen of each path, oldest first, by digest; and the bytes of digests."""


@dataclass(frozen=True, slots=True)
class Trusted:
    """The accepted roots from the pinned one on, and every key that was ever revoked."""

    roots: tuple[Root, ...]
    digests: tuple[str, ...]  # of the roots' files
    revoked: Mapping[str, str]  # key id to the digest of the file that revoked it

    @property
    def root(self) -> Root:
        """The one that judges now."""
        return self.roots[-1]

    @property
    def taken(self) -> frozenset[str]:
        """Every key id that counts no more."""
        return all_revoked(self.roots, self.revoked)


@dataclass(frozen=True, slots=True)
class Candidate:
    """One file that would be the next root, and what is still against it."""

    path: str
    digest: str
    root: Root | None  # none: it does not read
    signed_old: tuple[str, ...]  # persons of the last root whose signatures count there
    signed_new: tuple[str, ...]  # persons of this root whose signatures count here
    problems: tuple[Finding, ...]  # warnings: a candidate never hurts

    @property
    def complete(self) -> bool:
        """Whether it is the next root."""
        return self.root is not None and not any(
            found.code not in _HARMLESS for found in self.problems
        )


def root_path(number: int, word: str = "") -> str:
    """``trust/root/2.yaml``, or ``trust/root/2.WORD.yaml``."""
    return f"{ROOT_FOLDER}{number}{'.' + word if word else ''}.yaml"


def root_number(path: str) -> int | None:
    """The number in a root's path, or none for any other path."""
    match = _ROOT.match(path)
    return int(match[1]) if match else None


def root_signature_path(path: str, person: str) -> str:
    """``trust/root/2.sigs/ann.sig`` for ``trust/root/2.yaml``."""
    return f"{path.removesuffix('.yaml')}.sigs/{person}.sig"


def signed_root(path: str) -> str | None:
    """The root's path that a signature's path belongs to, or none for any other path."""
    match = _SIGNATURE.match(path)
    return f"{match[1]}.yaml" if match else None


@lru_cache(maxsize=64)
def read_root(data: bytes, path: str) -> tuple[Root, tuple[Finding, ...]]:
    """A root and what is wrong with it, which never changes for the same bytes.

    Raises:
        Stalled: ``STATE_YAML`` or ``STATE_SCHEMA``.
    """
    root = load(Root, data, path)
    return root, root_findings(root)


def root_signers(
    root: Root, path: str, digest: str, papers: Papers, revoked: Container[str]
) -> tuple[str, ...]:
    """Persons with the role ``root`` in ``root`` who signed the file at ``path``.

    Persons count and not keys; a key counts if ``root`` gives it the use ``trust-root`` and it was
    not revoked before (REVOKE-3). Its validity does not matter (ROOT-3).
    """
    versions, blobs = papers
    found = []
    for person in sorted(p for p, entry in root.persons.items() if ROOT_ROLE in entry.roles):
        signatures = versions.get(root_signature_path(path, person), ())[:VERSIONS_LOOKED_AT]
        lines = [
            key.public
            for key_id, key in root.keys.items()
            if key.person == person and Use.TRUST_ROOT in key.uses and key_id not in revoked
        ]
        if any(
            verifies(blobs[signature], blobs[digest], Use.TRUST_ROOT.namespace, line)
            for signature in signatures
            for line in lines
        ):
            found.append(person)
    return tuple(found)


def judge_root(place: tuple[str, str], trusted: Trusted, papers: Papers) -> Candidate:
    """Whether the file (path and digest) is the root after the last one that is trusted."""
    path, digest = place
    old = trusted.root
    try:
        root, problems = read_root(papers[1][digest], path)
    except Stalled as error:
        problem = _warning(Reason.ROOT_SCHEMA, error.subject, error.message)
        return Candidate(path, digest, None, (), (), (problem,))
    # ROOT-5: whatever is wrong with it is a warning, for anybody who can push could write it
    against = [_warning(f.code, f"{path}: {f.subject}", f.message) for f in problems]
    against += _chained(root, path, old, trusted.digests[-1])
    revoked = all_revoked((*trusted.roots, root), trusted.revoked)
    by_old = root_signers(old, path, digest, papers, revoked)
    by_new = root_signers(root, path, digest, papers, revoked)
    against += _short(Reason.ROOT_THRESHOLD_OLD, path, old, by_old)
    against += _short(Reason.ROOT_THRESHOLD_NEW, path, root, by_new)
    return Candidate(path, digest, root, by_old, by_new, tuple(against))


def next_root(paths: Iterable[str], trusted: Trusted, papers: Papers) -> Candidate | None:
    """The complete one among every version ever seen of these paths, if there is one."""
    for path in sorted(paths, key=lambda name: (len(name), name)):
        for digest in papers[0].get(path, ())[:VERSIONS_LOOKED_AT]:
            candidate = judge_root((path, digest), trusted, papers)
            if candidate.complete:
                return candidate
    return None


def _chained(root: Root, path: str, old: Root, prev: str) -> Iterable[Finding]:
    number = root_number(path)
    if number != root.version:
        text = f"expected version {number} as in its name, found {root.version}"
        yield _warning(Reason.ROOT_VERSION, path, text)
    elif number != old.version + 1:
        text = f"expected version {old.version + 1} after {old.version}, found {number}"
        yield _warning(Reason.ROOT_VERSION, path, text)
    if root.prev != prev:
        text = f"expected {prev} as prev, found {root.prev or 'none'}"
        yield _warning(Reason.ROOT_PREV, path, text)
    if (root.repository, root.environment) != (old.repository, old.environment):
        text = (
            f"expected {old.repository} ({old.environment}),"
            f" found {root.repository} ({root.environment})"
        )
        yield _warning(Reason.ROOT_REPOSITORY, path, text)


def _short(code: Reason, path: str, root: Root, signed: Sequence[str]) -> Iterable[Finding]:
    needed = root.thresholds.get(ROOT_ROLE)
    told = f"signed by {', '.join(signed) or 'nobody'} of root {root.version}"
    if needed is None:  # ROOT-6: what no number of people can replace is never begun
        yield _warning(code, path, f"root {root.version} states no threshold of role root")
    elif len(signed) < needed:
        yield _warning(code, path, f"expected {needed} people with role root, {told}")


def _warning(code: Reason, subject: str, text: str) -> Finding:
    return finding(code, subject, text, severity=Severity.WARNING)
