"""Branches of a desk's state repository, as people open pull requests with them."""

import json
from typing import Any

from ci.cli import main
from desired_state.canonical import digest_bytes
from tests.fakes.people_desk import Desk

ENGAGED = 'state: engaged\nreason: "a drill"\nby: sam\n'


class PullRequests(Desk):
    """The working clone beside a bare repository; ``main`` is what is merged into."""

    @property
    def pin(self) -> str:
        return digest_bytes((self.git("show", "main:trust/root/1.yaml") + "\n").encode())

    def branch(self, name: str = "change", start: str = "main") -> None:
        self.git("checkout", "-q", "-B", name, start)

    def write(self, path: str, text: str) -> None:
        target = self.state / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text)

    def replace(self, path: str, old: str, new: str) -> None:
        text = (self.state / path).read_text()
        assert old in text
        self.write(path, text.replace(old, new))

    def commit(self, message: str = "by hand") -> str:
        self.git("add", "-A")
        self.git("commit", "-q", "--allow-empty", "-m", message)
        return self.git("rev-parse", "HEAD")

    def raise_limit(self) -> None:
        self.replace("limits.yaml", 'max_order_notional: "50"', 'max_order_notional: "60"')

    def raise_limit_again(self) -> None:
        self.replace("limits.yaml", 'max_order_notional: "60"', 'max_order_notional: "70"')

    def propose_here(self, *arguments: str) -> int:
        """A proposal for what main asks, written into the branch that is checked out."""
        code, out, err = self.run(
            *("propose", "--reason", "a reason", "--as", "olivia", "--json"), *arguments
        )
        assert code == 0, err
        return int(json.loads(out)["sequence"])

    def sign_here(self, sequence: int, *people: str, **options: str) -> None:
        extra = [word for key, value in options.items() for word in (f"--{key}", value)]
        for person in people:
            code, _, err = self.run("sign", str(sequence), "--as", person, "--yes", *extra)
            assert code == 0, err

    def ci(self, *arguments: str) -> tuple[int, str, str]:
        self.capture.readouterr()
        code = main(list(arguments))
        told = self.capture.readouterr()
        return code, told.out, told.err

    def check(self, *arguments: str, base: str = "main", head: str = "HEAD") -> dict[str, Any]:
        """What the check says of a branch, with its exit code under ``exit``."""
        code, out, err = self.ci(
            *("check", base, head, "--repository", str(self.state)),
            *("--pin", self.pin, "--json", *arguments),
        )
        assert out, err
        return {**json.loads(out), "exit": code}

    def against(self, **options: str) -> tuple[int, set[str]]:
        told = self.check(**options)
        return told["exit"], {found["code"] for found in told["refusals"]}
