"""Who is trusted, as history changed it: accepted roots and revoked keys (trust.md, 3 and 6).

Files are taken one by one in the order in which history shows them, so how often somebody looked
decides nothing: a stranger who starts from the pin comes to the same roots and revocations as a
host that lived through them (ROOT-4).
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from desired_state.errors import Finding, Severity, Stalled, finding
from desired_state.memory import Memory
from desired_state.observation import LedgerFile
from desired_state.reasons import Reason
from desired_state.revocations import (
    REVOCATION_FOLDER,
    Revocation,
    judge_revocation,
    revoked_key,
)
from desired_state.root_chain import (
    ROOT_FOLDER,
    VERSIONS_LOOKED_AT,
    Candidate,
    Trusted,
    judge_root,
    next_root,
    read_root,
    root_number,
    root_path,
    signed_root,
)
from desired_state.trust_root import Root

FIRST = root_path(1)
Blobs = Mapping[str, bytes]


@dataclass(frozen=True, slots=True)
class Turn:
    """One change of who is trusted, made by the file at this index of those that are new."""

    index: int
    before: Trusted
    after: Trusted


class Seen(Mapping[str, tuple[str, ...]]):
    """Every version of each path: those remembered, and new ones as they are taken."""

    def __init__(self, known: Mapping[str, Sequence[str]], new: Iterable[LedgerFile] = ()) -> None:
        """``new`` are taken at once; further ones by ``take``."""
        self._known = known
        self._new: dict[str, tuple[str, ...]] = {}
        for file in new:
            self.take(file)

    def take(self, file: LedgerFile) -> None:
        """One more version, unless it was seen before."""
        if file.digest not in (versions := self.get(file.path, ())):
            self._new[file.path] = (*versions, file.digest)

    def __getitem__(self, path: str) -> tuple[str, ...]:
        return self._new[path] if path in self._new else tuple(self._known[path])

    def __iter__(self) -> Iterator[str]:
        yield from self._known
        yield from (path for path in self._new if path not in self._known)

    def __len__(self) -> int:
        return sum(1 for _ in self)


def pinned(
    memory: Memory, files: Mapping[str, str], blobs: Blobs, pin: str, repository: str | None
) -> tuple[Trusted | None, tuple[Finding, ...]]:
    """What memory holds, from the pinned root on; at the first sight root 1 comes from the head."""
    digest = memory.roots.get("1") or files.get(FIRST)
    if digest is None or digest != pin:
        text = f"expected {pin} as pinned, found {digest or 'no root'}"
        return None, (finding(Reason.ROOT_PIN, FIRST, text),)
    later = sorted((int(number), d) for number, d in memory.roots.items() if number != "1")
    digests = (digest, *(d for _, d in later))
    try:
        read = [read_root(blobs[d], root_path(n)) for n, d in enumerate(digests, 1)]
    except Stalled as error:
        return None, (finding(Reason.ROOT_SCHEMA, error.subject, error.message),)
    first, problems = read[0]
    found = [item for item in problems if item.severity is Severity.ERROR]
    if first.version != 1 or first.prev:
        text = f"expected version 1 without prev, found {first.version} with {first.prev!r}"
        found.append(finding(Reason.ROOT_VERSION, FIRST, text))
    if repository is not None and first.repository != repository:
        text = f"expected {repository}, found {first.repository}"
        found.append(finding(Reason.ROOT_REPOSITORY, FIRST, text))
    if found:
        return None, tuple(found)
    return Trusted(tuple(root for root, _ in read), digests, memory.revoked), ()


def noted(trusted: Trusted, memory: Memory) -> Memory:
    """Memory that holds these roots and revocations."""
    roots = {str(number): digest for number, digest in enumerate(trusted.digests, 1)}
    return memory.model_copy(update={"roots": roots, "revoked": dict(trusted.revoked)})


def follow(
    trusted: Trusted, known: Mapping[str, Sequence[str]], new: Sequence[LedgerFile], blobs: Blobs
) -> tuple[Turn, ...]:
    """Every change that the new files make, in their order, after those already ``known``."""
    seen, turns = Seen(known), []
    for index, file in enumerate(new):
        if not file.path.startswith((ROOT_FOLDER, REVOCATION_FOLDER)):
            continue
        seen.take(file)
        after = _taken(trusted, file.path, seen, blobs)
        if after is not trusted:
            turns.append(Turn(index, trusted, after))
            trusted = after
    return tuple(turns)


def _taken(trusted: Trusted, path: str, seen: Seen, blobs: Blobs) -> Trusted:
    """After one more version of this path; the same object where nothing changed."""
    if path.startswith(REVOCATION_FOLDER):
        return _revoked(trusted, path.removesuffix(".sig"), seen, blobs)
    paths = [signed_root(path) or path]
    while found := _successor(trusted, paths, seen, blobs):
        root, digest = found
        trusted = replace(trusted, roots=(*trusted.roots, root), digests=(*trusted.digests, digest))
        # a new root may know the key of a revocation, and may have its successor beside it
        paths = [name for name in seen if root_number(name) == root.version + 1]
        for name in sorted(name for name in seen if revoked_key(name)):
            trusted = _revoked(trusted, name, seen, blobs)
    return trusted


def _successor(
    trusted: Trusted, paths: Iterable[str], seen: Seen, blobs: Blobs
) -> tuple[Root, str] | None:
    fitting = [path for path in paths if root_number(path) == trusted.root.version + 1]
    if not fitting:
        return None
    found = next_root(fitting, trusted, (seen, blobs))
    return (found.root, found.digest) if found and found.root else None


def _revoked(trusted: Trusted, path: str, seen: Seen, blobs: Blobs) -> Trusted:
    key = revoked_key(path)
    if key is None or key in trusted.revoked:
        return trusted
    for digest in seen.get(path, ())[:VERSIONS_LOOKED_AT]:
        if isinstance(_judged(trusted, path, digest, seen, blobs), Revocation):
            return replace(trusted, revoked={**trusted.revoked, key: digest})
    return trusted


def _judged(
    trusted: Trusted, path: str, digest: str, seen: Mapping[str, Sequence[str]], blobs: Blobs
) -> Revocation | Finding:
    found = seen.get(path + ".sig", ())[:VERSIONS_LOOKED_AT]
    signatures = [blobs[name] for name in found]
    return judge_revocation(path, blobs[digest], signatures, trusted.roots, trusted.taken)


def root_standing(
    trusted: Trusted, files: Mapping[str, str], seen: Mapping[str, Sequence[str]], blobs: Blobs
) -> tuple[tuple[Candidate, ...], tuple[Finding, ...]]:
    """What the head says of the accepted roots, and which files there would be the next."""
    at = {path: number for path in files if (number := root_number(path))}
    found = list(_unkept(trusted, files, at))
    found += read_root(blobs[trusted.digests[-1]], root_path(trusted.root.version))[1]
    candidates = []
    following = trusted.root.version + 1
    for path in _shown(p for p in at if at[p] == following):
        judged = judge_root((path, files[path]), trusted, (seen, blobs))
        candidates.append(judged)
        found += judged.problems
    roots = (p for p in files if p.startswith(ROOT_FOLDER) and p.endswith(".yaml"))
    for path in _shown(p for p in roots if p not in at or at[p] > following):
        text = f"expected number {following} as the next"
        found.append(finding(Reason.ROOT_VERSION, path, text, severity=Severity.WARNING))
    return tuple(candidates), tuple(found)


def _shown(paths: Iterable[str]) -> list[str]:
    """The first of them, shortest names first: a flood of names costs nobody's time (ROOT-5)."""
    return sorted(paths, key=lambda path: (len(path), path))[:VERSIONS_LOOKED_AT]


def _unkept(trusted: Trusted, files: Mapping[str, str], at: Mapping[str, int]) -> Iterable[Finding]:
    """Accepted roots whose bytes do not stand at the head any more."""
    for number, digest in enumerate(trusted.digests, 1):
        paths = [FIRST] if number == 1 else sorted(p for p, n in at.items() if n == number)
        here = {files[path] for path in paths if path in files}
        if digest in here:
            continue
        if here:
            text = f"expected {digest}, found {', '.join(sorted(here))}"
            yield finding(Reason.ROOT_CHANGED, root_path(number), text)
        else:
            yield finding(Reason.ROOT_ERASED, root_path(number))


def revocation_findings(
    trusted: Trusted, files: Mapping[str, str], seen: Mapping[str, Sequence[str]], blobs: Blobs
) -> tuple[Finding, ...]:
    """Revocations of the head that do not count, and those in force that are gone from it."""
    here = {path: d for path, d in files.items() if path.startswith(REVOCATION_FOLDER)}
    found = []
    papers = (path for path in here if path.endswith(".yaml"))
    for path in _shown(p for p in papers if revoked_key(p) not in trusted.revoked):
        key = revoked_key(path)
        if key is None:
            text = "expected SHA256-, the key's id in the alphabet for file names, and .yaml"
            found.append(finding(Reason.REVOCATION_SCHEMA, path, text, severity=Severity.WARNING))
        else:
            judged = _judged(trusted, path, here[path], seen, blobs)
            found += [judged] if isinstance(judged, Finding) else []
    kept = set(here.values())
    for key, digest in sorted(trusted.revoked.items()):
        if digest not in kept:
            text = f"{digest}, which revoked it, is gone; it stays revoked"
            found.append(finding(Reason.REVOCATION_ERASED, key, text, severity=Severity.WARNING))
    return tuple(found)
