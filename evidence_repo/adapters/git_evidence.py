"""The writer's clone of the evidence repository: plumbing alone, no index and no work tree.

A commit is one run of ``git fast-import``: it costs the folders it touches, not the repository.
"""

import os
from collections.abc import Mapping
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final, Self

from desired_state.errors import Stalled, Waiting
from desired_state.reasons import Reason
from desired_state.values import Commit
from evidence_repo import layout
from evidence_repo.adapters.git_process import RETRY, GitProcess
from evidence_repo.contents import MAX_FILE

AUTHOR: Final = "peak-governor <governor@localhost>"
PUSH_TIMEOUT: Final = timedelta(seconds=10)
"""Past this the condition EvidenceWritable is false."""
FETCH_TIMEOUT: Final = timedelta(seconds=60)
MAX_TREE: Final = 1024 * 1024
"""Bytes of one tree object; 256 names need about 20 KiB."""


class GitEvidence:
    """One branch of a clone that nobody else commits to, and the remote it is pushed to."""

    def __init__(
        self,
        clone: Path,
        remote: str,
        branch: str = "main",
        push_timeout: timedelta = PUSH_TIMEOUT,
    ) -> None:
        """``clone`` is a repository that is there; ``remote`` an address or a path."""
        self._git = GitProcess(clone)
        self._clone, self._remote = clone, remote
        self._ref = f"refs/heads/{branch}"
        self._push_timeout = push_timeout
        self._head: Commit | None = None
        self._pushed: Commit | None = None

    @classmethod
    def create(cls, clone: Path, bare: Path, branch: str = "main") -> Self:
        """Two empty repositories, the second one the remote of the first.

        Raises:
            Stalled: ``EVIDENCE_UNWRITABLE`` if git could not make them.
        """
        bare.mkdir(parents=True, exist_ok=True)
        (clone / ".git").mkdir(parents=True, exist_ok=True)
        first = f"--initial-branch={branch}"
        # The address is relative, so that both may be moved together.
        address = os.path.relpath(bare, clone)
        for folder, command in (
            (bare, ["init", "--quiet", "--bare", first]),
            (clone, [f"--work-tree={clone}", "init", "--quiet", first]),
            (clone, ["remote", "add", "origin", address]),
        ):
            done = GitProcess(folder).run(command)
            if done.status:
                raise Stalled(Reason.EVIDENCE_UNWRITABLE, str(folder), done.err)
        return cls(clone, str(bare), branch)

    @classmethod
    def at(cls, clone: Path, remote: str, branch: str = "main") -> Self:
        """The clone; an empty one is made where there is none, as on a host that is new.

        Raises:
            Stalled: ``EVIDENCE_UNWRITABLE`` if git could not make it.
        """
        if not (clone / ".git").exists() and not (clone / "HEAD").exists():
            (clone / ".git").mkdir(parents=True, exist_ok=True)
            for command in (
                [f"--work-tree={clone}", "init", "--quiet", f"--initial-branch={branch}"],
                ["remote", "add", "origin", remote],
            ):
                done = GitProcess(clone).run(command)
                if done.status:
                    raise Stalled(Reason.EVIDENCE_UNWRITABLE, str(clone), done.err)
        return cls(clone, remote, branch)

    def head(self) -> Commit | None:
        """The newest commit here, or none in an empty repository."""
        found = self._git.resolve(self._ref)
        self._head = found[0] if found else None
        return self._head

    def read(self, path: str) -> bytes | None:
        """The file at the head, or none."""
        head = self.head()
        if head is None or self._git.resolve(f"{head}:{path}") is None:
            return None
        return self._git.content(f"{head}:{path}", MAX_FILE)

    def folder(self, path: str) -> tuple[str, ...]:
        """The names in a folder at the head, sorted; none where there is no such folder."""
        head = self.head()
        if head is None or self._git.resolve(f"{head}:{path}") is None:
            return ()
        return tuple(sorted(_names(self._git.content(f"{head}:{path}", MAX_TREE))))

    def commit(self, files: Mapping[str, bytes], message: str, at: datetime) -> Commit:
        """One commit on top of the head that was last read, whole or not at all.

        Raises:
            Stalled: ``ANOTHER_WRITER`` if the branch moved meanwhile, or a write-once file stands.
            Waiting: ``EVIDENCE_UNWRITABLE`` if git could not write it.
        """
        before = self._head
        if self.head() != before:
            raise Stalled(Reason.ANOTHER_WRITER, str(self._clone), f"{self._ref} moved")
        self._require_new(files)
        stream = _fast_import(self._ref, before, files, (message, int(at.timestamp())))
        done = self._git.run(["fast-import", "--quiet", "--done", "--date-format=raw"], stream)
        after = self.head()
        if done.status or after is None or after == before:
            raise Waiting(Reason.EVIDENCE_UNWRITABLE, str(self._clone), done.err, retry_after=RETRY)
        return after

    def push(self) -> None:
        """What is here is at the remote as well, by a push that forces nothing.

        Raises:
            Stalled: ``ANOTHER_WRITER`` if the remote has what is not here.
            Waiting: ``EVIDENCE_UNWRITABLE`` if it did not answer in time or refused.
        """
        head = self.head()
        if head is None or head == self._pushed:
            return
        done = self._git.run(
            ["push", "--porcelain", self._remote, f"{head}:{self._ref}"],
            timeout=self._push_timeout,
        )
        if done.status:
            # The porcelain form: flag, refs and summary in columns; "[remote rejected]" is a hook.
            told = done.out.decode(errors="replace")
            if any(line.startswith("!") and "[rejected]" in line for line in told.splitlines()):
                raise Stalled(Reason.ANOTHER_WRITER, self._remote, "the remote has other commits")
            raise Waiting(Reason.EVIDENCE_UNWRITABLE, self._remote, done.err, retry_after=RETRY)
        self._pushed = head

    def follow(self) -> None:
        """The branch here is at least where the remote's is (LDG-4).

        Where both have what the other has not, the remote's counts, for others have read it; what
        was here stays under ``refs/governor/aside``.

        Raises:
            Waiting: ``EVIDENCE_UNWRITABLE`` if the remote did not answer in time.
        """
        there, here = self._advertised(), self.head()
        if there is None or there == here or (here and self._is_before(there, here)):
            return
        self._fetch()
        if here and not self._is_before(here, there):
            self._move(f"refs/governor/aside/{here}", here)
        self._move(self._ref, there)
        self.head()

    def require_sole(self) -> None:
        """The remote has nothing that is not here (EPOCH-2).

        Raises:
            Stalled: ``ANOTHER_WRITER`` if it has.
            Waiting: ``EVIDENCE_UNWRITABLE`` if it did not answer in time.
        """
        there, here = self._advertised(), self.head()
        if there is not None and (here is None or not self._is_before(there, here)):
            raise Stalled(Reason.ANOTHER_WRITER, self._remote, "the remote has other commits")

    def _advertised(self) -> Commit | None:
        done = self._git.run(["ls-remote", self._remote, self._ref], timeout=self._push_timeout)
        if done.status:
            raise Waiting(Reason.EVIDENCE_UNWRITABLE, self._remote, done.err, retry_after=RETRY)
        return done.out.decode(errors="replace").partition("\t")[0] or None

    def _is_before(self, ancestor: Commit, commit: Commit) -> bool:
        return not self._git.run(["merge-base", "--is-ancestor", ancestor, commit]).status

    def _fetch(self) -> None:
        done = self._git.run(
            ["fetch", "--quiet", "--no-tags", "--no-write-fetch-head", self._remote,
             f"+{self._ref}:refs/governor/remote"],
            timeout=FETCH_TIMEOUT,
        )  # fmt: skip
        if done.status:
            raise Waiting(Reason.EVIDENCE_UNWRITABLE, self._remote, done.err, retry_after=RETRY)

    def _move(self, ref: str, commit: Commit) -> None:
        done = self._git.run(["update-ref", ref, commit])
        if done.status:
            raise Waiting(Reason.EVIDENCE_UNWRITABLE, str(self._clone), done.err, retry_after=RETRY)

    def check_out(self) -> None:
        """The files of the head lie in the work tree, for people; never needed by the program.

        Raises:
            Waiting: ``EVIDENCE_UNWRITABLE`` if git could not write them.
        """
        if self.head() is None:
            return
        done = self._git.run(
            [f"--work-tree={self._clone}", "read-tree", "--reset", "-u", self._ref]
        )
        if done.status:
            raise Waiting(Reason.EVIDENCE_UNWRITABLE, str(self._clone), done.err, retry_after=RETRY)

    def close(self) -> None:
        """End what was started to read objects."""
        self._git.close()

    def _require_new(self, files: Mapping[str, bytes]) -> None:
        """LDG-3: a write-once file is never written a second time."""
        for path in files:
            if not layout.may_change(path) and self._git.resolve(f"{self._head}:{path}"):
                raise Stalled(Reason.ANOTHER_WRITER, path, "a write-once file is there already")


def _fast_import(
    ref: str, parent: Commit | None, files: Mapping[str, bytes], stamp: tuple[str, int]
) -> bytes:
    message, seconds = stamp
    text = message.encode()
    parts = [
        f"commit {ref}\nauthor {AUTHOR} {seconds} +0000\n".encode(),
        f"committer {AUTHOR} {seconds} +0000\ndata {len(text)}\n".encode(),
        text + b"\n",
        f"from {parent}\n".encode() if parent else b"",
    ]
    for path in sorted(files):
        parts.append(f"M 100644 inline {path}\ndata {len(files[path])}\n".encode())
        parts.append(files[path] + b"\n")
    return b"".join([*parts, b"done\n"])


def _names(tree: bytes) -> list[str]:
    names, at = [], 0
    while at < len(tree):
        start = tree.index(b" ", at) + 1
        end = tree.index(b"\x00", start)
        names.append(tree[start:end].decode(errors="replace"))
        at = end + 21
    return names
