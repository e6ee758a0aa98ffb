"""A desk as people use it: plain git in the working clone, and the command line."""

import json
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from reconciler.cli import main


@dataclass
class Desk:
    folder: Path
    capture: pytest.CaptureFixture[str]

    @property
    def state(self) -> Path:
        return self.folder / "state"

    def git(self, *arguments: str) -> str:
        done = subprocess.run(
            ["git", *arguments], cwd=self.state, check=True, capture_output=True, text=True
        )
        return done.stdout.strip()

    def push(self, branch: str = "main", **files: str) -> str:
        """Write whole files (``__`` stands for ``.``), commit with plain git and push."""
        for name, text in files.items():
            (self.state / name.replace("__", ".")).write_text(text)
        self.git("add", "-A")
        self.git("commit", "-q", "--allow-empty", "-m", "by hand")
        self.git("push", "-q", "origin", f"HEAD:{branch}")
        return self.git("rev-parse", "HEAD")

    def edit(self, file: str, old: str, new: str) -> str:
        text = (self.state / file).read_text()
        assert old in text
        return self.push(**{file.replace(".", "__"): text.replace(old, new)})

    def run(self, *arguments: str) -> tuple[int, str, str]:
        self.capture.readouterr()
        code = main([*arguments, "--config", str(self.folder / "governor.yaml")])
        told = self.capture.readouterr()
        return code, told.out, told.err

    def verify(self, *arguments: str) -> tuple[int, dict[str, Any]]:
        code, out, err = self.run("verify", "--json", *arguments)
        assert out, err
        return code, json.loads(out)

    def mode(self) -> str:
        return str(self.verify()[1]["permitted"]["mode"])

    def codes(self) -> set[str]:
        return {found["code"] for found in self.verify()[1]["findings"]}

    def propose(self, *arguments: str) -> dict[str, Any]:
        code, out, err = self.run(
            *("propose", "--reason", "a reason", "--as", "olivia", "--push", "--json"), *arguments
        )
        assert code == 0, err
        return dict(json.loads(out))

    def sign(self, sequence: int, person: str, *arguments: str) -> None:
        code, _, err = self.run(
            "sign", str(sequence), "--as", person, "--yes", "--push", *arguments
        )
        assert code == 0, err

    def mandate(self) -> None:
        """Paper is asked for, proposed by olivia, and signed by oscar and rita."""
        self.edit("mode.yaml", "mode: halted", "mode: paper")
        self.propose()
        self.sign(1, "oscar")
        self.sign(1, "rita")
