"""The state repository in a bare clone of our own (trust.md, sections 2, 6 and 7).

A local remote is read in place through git's alternates, so a push is visible at once; any other
remote is fetched. Refs of the clone decide nothing: what is trusted stands in memory.
"""

import re
from collections.abc import Collection, Iterable, Mapping
from pathlib import Path
from typing import Final

from desired_state.adapters.git_objects import RETRY, GitObjects, as_waiting
from desired_state.canonical import sha256_hex
from desired_state.errors import Stalled, Waiting
from desired_state.reasons import Reason
from desired_state.repository import Entry, LineFiles
from desired_state.state_files import (
    CONFIGURATION,
    CONFIGURATION_FOLDERS,
    KILL_SWITCH,
    LEDGER_FOLDERS,
    LIMITS,
    MAX_FILE_BYTES,
    MODE,
    is_governed,
)
from desired_state.stops import PLAIN_FILE, SwitchBlob, SwitchChange

MAX_ENTRIES: Final = 20_000
MAX_DEPTH: Final = 8  # folders inside each other under a governed path
FOLDER_MODE: Final = "040000"
NOTHING: Final = "0" * 40
_GOVERNED_FOLDERS: Final = frozenset(
    f.split("/")[0] for f in CONFIGURATION_FOLDERS + LEDGER_FOLDERS
)
_CASELESS: Final = frozenset(
    name.casefold() for name in (MODE, LIMITS, KILL_SWITCH, *CONFIGURATION, *_GOVERNED_FOLDERS)
)
_RAW: Final = re.compile(r":(\d{6}) (\d{6}) ([0-9a-f]{40}) ([0-9a-f]{40}) [A-Z]\d*\t(.*)\Z")
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

    def tree(self, commit: str) -> dict[str, Entry]:
        """Governed entries of one commit; refuses what is no plain file by name."""
        found: dict[str, Entry] = {}
        for mode, name, oid in self._objects.folder(self._objects.root_tree(commit)):
            if mode == FOLDER_MODE and name in _GOVERNED_FOLDERS:
                self._walk(oid, name + "/", found)
            elif is_governed(name) or name in _GOVERNED_FOLDERS:
                self._add(name, (mode, oid), found)
            elif name.casefold() in _CASELESS:
                raise Stalled(Reason.TREE_PATH, name, "it differs from a governed path in case")
        twins = len({path.casefold() for path in found}) != len(found)
        if twins:
            raise Stalled(Reason.TREE_PATH, commit, "two governed paths differ in case alone")
        return found

    def blob(self, oid: str) -> bytes:
        """Content of a blob whose size ``tree`` has judged."""
        return self._objects.data(oid)

    def descends(self, commit: str, ancestor: str) -> bool:
        """By ``git merge-base --is-ancestor``."""
        if commit == ancestor:
            return True
        return self._objects.succeeds("merge-base", "--is-ancestor", ancestor, commit)

    def line(self, head: str, since: str | None) -> tuple[LineFiles, ...]:
        """States of main are its first parents; what a branch held before its merge is not.

        Where the parents of a merge were swapped, the old line hangs on a side: then every commit
        counts, so that nothing main ever was is passed over (RATCHET-3).
        """
        span = f"{since}..{head}" if since else head
        walk = ("--first-parent",) if self._is_straight(head, since) else ("--full-history",)
        out = self._objects.run(
            *("rev-list", *walk, "--topo-order", "--reverse", span, "--", MODE, LIMITS),
            timeout_s=60,
        )
        return tuple(
            LineFiles(commit, self._plain(commit, MODE), self._plain(commit, LIMITS))
            for commit in out.split()
        )

    def ledger(self, head: str, since: str | None) -> tuple[tuple[str, str], ...]:
        """Every version on every side of every merge, so an overwritten vote is seen as well."""
        span = f"{since}..{head}" if since else head
        folders = [folder.rstrip("/") for folder in LEDGER_FOLDERS]
        out = self._objects.run(
            *("log", "--reverse", "--topo-order", "--full-history", "-m", "--raw", "--root"),
            *("--no-abbrev", "--no-renames", "--format=%H", span, "--", *folders),
            timeout_s=60,
        )
        found = dict.fromkeys(
            (match[5], match[4])
            for match in map(_RAW.match, out.splitlines())
            if match and match[2] == PLAIN_FILE and self._objects.size(match[4]) <= MAX_FILE_BYTES
        )
        return tuple(found)

    def switch(self, commit: str) -> SwitchBlob | None:
        """The kill switch file of one commit, read without anything else of it."""
        found = self._objects.find(self._objects.root_tree(commit), KILL_SWITCH)
        return self._switch_blob(*found) if found else None

    def switch_changes(
        self, tips: Collection[str], known: Collection[str]
    ) -> tuple[SwitchChange, ...]:
        """Whatever the ancestry: commits reachable now and not from what was seen (STOP-3)."""
        if not set(tips) - set(known):
            return ()
        for tip in tips:
            self._objects.size(tip)  # raises where it is missing; what is ignored is only known
        out = self._objects.run(
            *("log", "--full-history", "--diff-merges=first-parent", "--raw", "--root"),
            *("--no-abbrev", "--no-renames", "--format=%H", "--ignore-missing"),
            *(*tips, "--not", *known),
            *("--", KILL_SWITCH),
        )
        return tuple(self._changes(out.splitlines()))

    def first_commit(self, tip: str) -> str:
        """Where the first-parent line of this tip begins."""
        out = self._objects.run("rev-list", "--first-parent", "--max-parents=0", tip, timeout_s=60)
        return out.split()[0]

    def close(self) -> None:
        """End the git processes behind this clone."""
        self._objects.close()

    def _is_straight(self, head: str, since: str | None) -> bool:
        if since is None or head == since:
            return True
        out = self._objects.run(
            *("rev-list", "--first-parent", "--parents", f"{since}..{head}"), timeout_s=60
        )
        oldest = out.split("\n")[-2].split()
        return oldest[1:2] == [since]

    def _changes(self, lines: Iterable[str]) -> Iterable[SwitchChange]:
        commit = ""
        for line in lines:
            if _HASH.match(line):
                commit = line
            elif match := _RAW.match(line):
                before = None if match[3] == NOTHING else self._switch_blob(match[1], match[3])
                after = None if match[4] == NOTHING else self._switch_blob(match[2], match[4])
                yield SwitchChange(commit, before, after)

    def _switch_blob(self, mode: str, oid: str) -> SwitchBlob:
        readable = mode == PLAIN_FILE and self._objects.size(oid) <= MAX_FILE_BYTES
        return SwitchBlob(mode, self._objects.data(oid) if readable else None)

    def _plain(self, commit: str, path: str) -> str | None:
        found = self._objects.find(self._objects.root_tree(commit), path)
        if found and found[0] == PLAIN_FILE and self._objects.size(found[1]) <= MAX_FILE_BYTES:
            return found[1]
        return None

    def _walk(self, tree: str, prefix: str, found: dict[str, Entry]) -> None:
        if prefix.count("/") > MAX_DEPTH:
            raise Stalled(Reason.TREE_PATH, prefix, f"expected at most {MAX_DEPTH} folders deep")
        for mode, name, oid in self._objects.folder(tree):
            path = prefix + name
            if mode == FOLDER_MODE:
                self._walk(oid, path + "/", found)
            else:
                self._add(path, (mode, oid), found)
            if len(found) > MAX_ENTRIES:
                raise Stalled(Reason.TREE_SIZE, prefix, f"expected at most {MAX_ENTRIES} files")

    def _add(self, path: str, entry: tuple[str, str], found: dict[str, Entry]) -> None:
        if path in found or not path.isprintable():
            shown = path.encode("utf-8", "backslashreplace").decode()
            raise Stalled(Reason.TREE_PATH, shown, "expected one file of this name, in plain text")
        found[path] = self._entry(path, *entry)

    def _entry(self, path: str, mode: str, oid: str) -> Entry:
        if mode != PLAIN_FILE:
            text = f"expected a plain file (mode {PLAIN_FILE}), found mode {mode}"
            raise Stalled(Reason.TREE_MODE, path, text)
        size = self._objects.size(oid)
        if size > MAX_FILE_BYTES:
            text = f"expected at most {MAX_FILE_BYTES} bytes, found {size}"
            raise Stalled(Reason.TREE_SIZE, path, text)
        return Entry(mode, oid, size)

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
