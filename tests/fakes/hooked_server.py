"""A plain git server with our hook, pushed to by plain git."""

import subprocess
from pathlib import Path

from ci.cli import main
from tests.fakes.pull_requests import PullRequests


class HookedServer:
    """The bare repository of a desk, with the hook in it; ``url`` is how people reach it."""

    def __init__(self, requests: PullRequests, url: str = "") -> None:
        self.requests = requests
        self.bare = requests.folder / "state.git"
        self.url = url or f"file://{self.bare}"
        installed = main(["hook", "--install", str(self.bare), "--pin", requests.pin])
        assert installed == 0

    def tip(self, ref: str = "refs/heads/main") -> str:
        return self._git("rev-parse", "--verify", "-q", ref)

    def push(self, *refs: str, force: bool = False) -> tuple[bool, str]:
        """Whether the push was taken, and what the server said."""
        words = ["git", "push", *(["--force"] if force else []), self.url, *refs]
        done = subprocess.run(
            words, cwd=self.requests.state, capture_output=True, text=True, check=False, timeout=120
        )
        return done.returncode == 0, done.stderr

    def refuses(self, *refs: str, force: bool = False) -> str:
        """What was said; main stands where it stood."""
        before = self._git("for-each-ref")
        taken, said = self.push(*refs, force=force)
        assert not taken, said
        assert self._git("for-each-ref") == before
        return said

    def takes(self, *refs: str, force: bool = False) -> str:
        taken, said = self.push(*refs, force=force)
        assert taken, said
        return said

    @property
    def hook(self) -> Path:
        return self.bare / "hooks" / "pre-receive"

    def _git(self, *arguments: str) -> str:
        done = subprocess.run(
            ["git", *arguments], cwd=self.bare, capture_output=True, text=True, check=False
        )
        return done.stdout.strip()
