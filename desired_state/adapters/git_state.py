"""The state repository in a bare clone of our own (trust.md, sections 2, 6 and 7).

A local remote is read in place through git's alternates, so a push is visible at once; any other
remote is fetched. Refs of the clone decide nothing: what is trusted stands in memory.
"""

import re
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Final

from desired_state.adapters.git_history import GitHistory
from desired_state.adapters.git_objects import RETRY, GitObjects, as_waiting
from desired_state.adapters.git_trees import GitTrees
from desired_state.canonical import sha256_hex
from desired_state.errors import Stalled, Waiting
from desired_state.reasons import Reason
from desired_state.repository import LineStep
from desired_state.state_files import MAX_FILE_BYTES
from desired_state.stops import PLAIN_FILE, SwitchBlob, SwitchChange
from desired_state.trees import Tree

_HASH: Final = re.compile(r"[0-9a-f]{40}\Z")


class GitState:
    """Implements the three ports of the state repository."""

    def __init__(self, clone: Path, url: str, branch: str) -> None:
        """``clone`` is made where it does not exist. Reads nothing yet."""
        self._url = url
        self._main = f"refs/heads/{branch}"
        self._local = _local_repository(url)
        _make(clone, self._local)
        self._objects = GitObjects(clone)
        self._history = GitHistory(self._objects)
        self._trees = GitTrees(self._objects)
        self._fetched: dict[str, str] = {}

    @property
    def main(self) -> str:
        """Full name of the branch that holds the desired state."""
        return self._main

    def tips(self) -> dict[str, str]:
        """As the remote advertises them; for any but a local one the objects are fetched."""
        found = _read_refs(self._local) if self._local else None
        if found is None:
            out = self._objects.run("ls-remote", "--refs", "--", self._url)
            found = {ref: oid for oid, _, ref in (x.partition("\t") for x in out.splitlines())}
        found = {ref: oid for ref, oid in found.items() if self._is_watched(ref)}
        if not self._local and found != self._fetched:
            self._fetch(found)
        return found

    def tree(self, commit: str) -> Tree:
        """Governed entries of one commit; refuses what is no plain file by name."""
        return self._trees.tree(self._history.root_tree(commit))

    def blob(self, oid: str) -> bytes:
        """Content of a blob whose size ``tree`` has judged."""
        return self._objects.data(oid)

    def descends(self, commit: str, ancestor: str) -> bool:
        """Whether ``ancestor`` is ``commit`` or before it; false for what does not exist."""
        return self._history.descends(commit, ancestor)

    def steps(self, head: str, since: str | None) -> tuple[LineStep, ...]:
        """The steps of main after ``since``, with what each brings."""
        found = self._history.steps(head, since)
        self._objects.expect(oid for step in found for _, oid in step.versions)
        return found

    def switch(self, commit: str) -> SwitchBlob | None:
        """The kill switch file of one commit, read without anything else of it."""
        found = self._history.switch(commit)
        return self._switch_blob(*found) if found else None

    def switch_changes(
        self, tips: Collection[str], known: Collection[str]
    ) -> tuple[SwitchChange, ...]:
        """Whatever the ancestry: commits reachable now and not from what was seen (STOP-3)."""
        if not set(tips) - set(known):
            return ()
        return tuple(self._history.switch_changes(tips, known, self._switch_blob))

    def first_commit(self, tip: str) -> str:
        """Where the first-parent line of this tip begins."""
        return self._history.first_commit(tip)

    def close(self) -> None:
        """End the git processes behind this clone."""
        self._objects.close()

    def _switch_blob(self, mode: str, oid: str) -> SwitchBlob:
        readable = mode == PLAIN_FILE and self._objects.size(oid) <= MAX_FILE_BYTES
        return SwitchBlob(mode, self._objects.data(oid) if readable else None)

    def _is_watched(self, ref: str) -> bool:
        return ref in {self._main, "refs/heads/stop"} or ref.startswith("refs/heads/stop/")

    def _fetch(self, tips: Mapping[str, str]) -> None:
        # by digest, for a branch stop and a branch stop/x cannot both be a file and a folder here
        refs = [f"+{ref}:refs/seen/{sha256_hex(ref.encode())}" for ref in tips]
        if refs:
            self._objects.run(
                *("fetch", "--quiet", "--no-tags", "--no-write-fetch-head", "--", self._url, *refs),
                timeout_s=30,
            )
        if (self._objects.clone / "shallow").exists():
            raise Stalled(Reason.SHALLOW, self._url)
        self._fetched = dict(tips)


def _local_repository(url: str) -> Path | None:
    """The git directory behind a plain local path; none for anything with a scheme."""
    if "://" in url or (":" in url and not Path(url).exists()):
        return None
    path = Path(url)
    return path / ".git" if (path / ".git").is_dir() else path


def _make(clone: Path, local: Path | None) -> None:
    with as_waiting(str(clone.name)):
        if not (clone / "HEAD").exists():
            clone.mkdir(parents=True, exist_ok=True)
            GitObjects(clone).run("init", "--quiet", "--bare", "--template=", ".")
        if local is None:
            return
        if (local / "shallow").exists():
            raise Stalled(Reason.SHALLOW, local.name)
        alternates = clone / "objects" / "info" / "alternates"
        alternates.parent.mkdir(parents=True, exist_ok=True)
        text = f"{(local / 'objects').resolve()}\n"
        if not alternates.exists() or alternates.read_text() != text:
            alternates.write_text(text)


def _read_refs(repository: Path) -> dict[str, str] | None:
    """Loose and packed refs of a local repository; none where only git itself can tell."""
    heads, packed = repository / "refs" / "heads", repository / "packed-refs"
    if (repository / "reftable").exists():
        return None
    if not heads.is_dir():
        raise Waiting(Reason.FETCH, repository.name, "no such repository", retry_after=RETRY)
    found: dict[str, str] = {}
    with as_waiting(repository.name):
        for path in heads.rglob("*"):
            if path.is_file() and not path.name.endswith(".lock"):
                text = path.read_text().strip()
                if not _HASH.match(text):
                    return None
                found[f"refs/heads/{path.relative_to(heads).as_posix()}"] = text
        # packed after loose, as git does: a ref that is being packed is in one of the two
        if packed.exists():
            for line in packed.read_text().splitlines():
                oid, _, ref = line.partition(" ")
                if _HASH.match(oid) and ref.startswith("refs/heads/"):
                    found.setdefault(ref, oid)
    return found
