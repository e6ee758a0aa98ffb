"""A person's working clone of the state repository: plain git, shut off from this machine's own.

Nothing is decided here. What a person could type is done as they would type it.
"""

import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Final, Self

import git
from git.exc import GitCommandNotFound, GitError

from desired_state.errors import Stalled
from desired_state.reasons import Reason

TIMEOUT_S: Final = 60
MAX_FILE: Final = 64 * 1024
_ENVIRONMENT: Final[Mapping[str, str]] = {
    "GIT_CONFIG_NOSYSTEM": "1",
    "GIT_CONFIG_GLOBAL": os.devnull,
    "GIT_TERMINAL_PROMPT": "0",
    "GIT_NO_REPLACE_OBJECTS": "1",
    "LC_ALL": "C",
}
_OPTIONS: Final = ("-c", f"core.hooksPath={os.devnull}", "-c", "commit.gpgSign=false")


class GitDesk:
    """One working clone. Every failure leaves as ``Stalled(DESK_GIT)`` with git's own words."""

    def __init__(self, folder: Path) -> None:
        """``folder`` is the work tree."""
        self.folder = folder
        self._git = git.Git(str(folder))
        self._git.update_environment(**_ENVIRONMENT)

    @classmethod
    def found(cls, clone: Path, bare: Path, branch: str = "main") -> Self:
        """A bare repository and an empty working clone beside it, which knows it as ``origin``."""
        for folder, kind in ((bare, ["--bare"]), (clone, [])):
            folder.mkdir(parents=True)
            cls(folder).run("init", "--quiet", "--template=", f"--initial-branch={branch}", *kind)
        desk = cls(clone)
        desk.set_origin(os.path.relpath(bare, clone))
        return desk

    def set_origin(self, url: str) -> None:
        """The remote that people push to; a relative one moves with the folder."""
        self.run("config", "remote.origin.url", url)
        self.run("config", "remote.origin.fetch", "+refs/heads/*:refs/remotes/origin/*")
        branch = self.run("symbolic-ref", "--short", "HEAD").strip()
        self.run("config", f"branch.{branch}.remote", "origin")  # so that a plain git push works
        self.run("config", f"branch.{branch}.merge", f"refs/heads/{branch}")

    def clean(self) -> bool:
        """Whether nothing is changed here that is not committed."""
        return not self.run("status", "--porcelain").strip()

    def pull(self, branch: str) -> None:
        """The remote's newest, by fast forward alone."""
        if self.run("ls-remote", "--heads", "origin", branch).strip():
            self.run("pull", "--quiet", "--ff-only", "origin", branch)

    def read(self, path: str) -> bytes | None:
        """One file of the work tree, or none."""
        try:
            with (self.folder / path).open("rb") as file:
                return file.read(MAX_FILE + 1)
        except FileNotFoundError:
            return None
        except OSError as error:
            raise Stalled(Reason.DESK_GIT, path, str(error)) from error

    def committed(self, commit: str, path: str) -> bytes | None:
        """One file as a commit has it; none where that is not here, or has no such file."""
        name = f"{commit}:{path}"
        try:
            return self.run("cat-file", "blob", name).encode()
        except Stalled as error:
            if error.code is not Reason.DESK_GIT:
                raise
            return None

    def names(self, folder: str) -> tuple[str, ...]:
        """Names in one folder of the work tree, sorted."""
        place = self.folder / folder
        return tuple(sorted(p.name for p in place.iterdir())) if place.is_dir() else ()

    def write(self, files: Mapping[str, bytes]) -> None:
        """The files stand in the work tree."""
        try:
            for path, data in files.items():
                target = self.folder / path
                target.parent.mkdir(parents=True, exist_ok=True)
                target.write_bytes(data)
        except OSError as error:
            raise Stalled(Reason.DESK_GIT, str(self.folder), str(error)) from error

    def commit(self, paths: Sequence[str], message: str, author: str, at: datetime) -> str:
        """One commit with these paths, in the author's name. Its id."""
        self.run("add", "--", *paths)
        stamp = f"{int(at.timestamp())} +0000"
        mail = f"{author}@demo.invalid"
        with self._git.custom_environment(
            GIT_AUTHOR_NAME=author,
            GIT_AUTHOR_EMAIL=mail,
            GIT_AUTHOR_DATE=stamp,
            GIT_COMMITTER_NAME=author,
            GIT_COMMITTER_EMAIL=mail,
            GIT_COMMITTER_DATE=stamp,
        ):
            self.run("commit", "--quiet", "--no-verify", "-m", message, "--", *paths)
        return self.run("rev-parse", "HEAD").strip()

    def push(self, branch: str) -> None:
        """What is committed here is at the remote, by a push that forces nothing."""
        self.run("push", "--quiet", "origin", f"HEAD:refs/heads/{branch}")

    def resolve(self, name: str) -> str | None:
        """The commit that a name or a beginning of an id means here, or none."""
        with _as_stalled(self.folder):
            status, out, _ = self._git.execute(
                [
                    *("git", "rev-parse", "--verify", "--quiet", "--end-of-options"),
                    f"{name}^{{commit}}",
                ],
                with_extended_output=True,
                with_exceptions=False,
            )
        return str(out).strip() if status == 0 else None

    def run(self, *arguments: str) -> str:
        """Standard output of one git command here, bounded in time."""
        with _as_stalled(self.folder):
            return str(
                self._git.execute(
                    ["git", *_OPTIONS, *arguments],
                    kill_after_timeout=TIMEOUT_S,
                    strip_newline_in_stdout=False,
                )
            )


@contextmanager
def _as_stalled(folder: Path) -> Iterator[None]:
    try:
        yield
    except GitCommandNotFound as error:
        raise Stalled(Reason.TOOL_MISSING, "git", str(error)) from error
    except (GitError, OSError, ValueError) as error:
        told = getattr(error, "stderr", "") or str(error)
        text = " ".join(str(told).split())[:500]
        raise Stalled(Reason.DESK_GIT, folder.name, text) from error
