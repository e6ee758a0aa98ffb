"""Desks to measure on: real repositories and keys in a folder, plain git, the command line."""

import os
import shutil
import subprocess
import sys
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass
from io import StringIO
from pathlib import Path

from reconciler.adapters.clock import wall_clock
from reconciler.cli import main
from reconciler.host import Host
from reconciler.wiring.founding import init
from reconciler.wiring.host import open_host

GOVERNOR = (sys.executable, "-m", "reconciler")
ENVIRONMENT = {
    **{name: value for name, value in os.environ.items() if not name.startswith("GIT_")},
    "GIT_CONFIG_GLOBAL": os.devnull,
    "GIT_CONFIG_NOSYSTEM": "1",
    "GIT_AUTHOR_NAME": "Bench",
    "GIT_AUTHOR_EMAIL": "bench@example.invalid",
    "GIT_COMMITTER_NAME": "Bench",
    "GIT_COMMITTER_EMAIL": "bench@example.invalid",
    "LC_ALL": "C",
}


@dataclass(frozen=True, slots=True)
class Desk:
    """What ``governor init --demo-keys`` leaves in ``folder``."""

    folder: Path

    @property
    def config(self) -> Path:
        return self.folder / "governor.yaml"

    @property
    def host(self) -> Host:
        return open_host(self.config)

    def git(self, *arguments: str, into: bytes | None = None, at: str = "state") -> str:
        """Plain git in the working clone, or in the bare repository."""
        done = subprocess.run(
            ["git", *arguments],
            cwd=self.folder / at,
            check=True,
            capture_output=True,
            input=into,
            env=ENVIRONMENT,
        )
        return done.stdout.decode().strip()

    def commit(self, **files: str) -> str:
        """Whole files (``__`` stands for ``.``) in one commit of the working clone."""
        for name, text in files.items():
            (self.folder / "state" / name.replace("__", ".")).write_text(text)
        self.git("add", "-A")
        self.git("commit", "-q", "-m", "by hand")
        return self.git("rev-parse", "HEAD")

    def push(self) -> None:
        self.git("push", "-q", "origin", "HEAD:main")

    def governor(self, *arguments: str) -> None:
        """One verb of the command line, which must say yes."""
        told = StringIO()
        with redirect_stdout(told), redirect_stderr(told):
            code = main([*arguments, "--config", str(self.config)])
        if code:
            raise RuntimeError(f"governor {' '.join(arguments)}: {code}\n{told.getvalue()}")

    def copy(self, folder: Path) -> "Desk":
        """The same in another folder, without the clones that name the folder they were made in."""
        shutil.copytree(self.folder, folder)
        for clone in (folder / "var").glob("*.git"):
            shutil.rmtree(clone)
        return Desk(folder)


def founded(folder: Path) -> Desk:
    """A new desk with six people and their keys."""
    init(folder, now=wall_clock(), demo_keys=True)
    return Desk(folder)


def lengthen(desk: Desk, commits: int) -> None:
    """So many more commits on main that change nothing, pushed and pulled."""
    if not commits:
        return
    head = desk.git("rev-parse", "HEAD")
    stamp = desk.git("log", "-1", "--format=%ct")
    stream = [
        f"commit refs/heads/main\ncommitter Bench <bench@example.invalid> {stamp} +0000\n"
        f"data 5\nagain\n{f'from {head}' if number == 0 else ''}\n"
        for number in range(commits)
    ]
    desk.git("fast-import", "--quiet", into="".join(stream).encode(), at="state.git")
    desk.git("pull", "-q", "--ff-only", "origin", "main")
