"""A cheat sheet as the commands in it, run one by one in a shell that stays."""

import os
import re
import subprocess
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

BLOCK = re.compile(r"^```(\w*)\n(.*?)^```$", re.DOTALL | re.MULTILINE)
EXIT = re.compile(r"\s#.*?\bexit (\d)\b")
LAST = re.compile(r"\s<<(\w+)$")
MARK = "@@"
PATIENCE = 60  # seconds for one command


@dataclass(frozen=True)
class Command:
    """As it stands in the page; ``code`` is what it must exit with."""

    text: str
    code: int


@dataclass(frozen=True)
class Step:
    """One block of commands, and what the page shows of their output."""

    heading: str
    commands: tuple[Command, ...]
    shown: tuple[str, ...]


def steps(page: str) -> list[Step]:
    """In the page's order. A block of any other kind than ``sh`` and ``text`` is a mistake."""
    found: list[Step] = []
    for part in re.split(r"^## ", page, flags=re.MULTILINE):
        heading = part.partition("\n")[0]
        for kind, body in BLOCK.findall(part):
            assert kind in {"sh", "text"}, kind
            if kind == "sh":
                found.append(Step(heading, tuple(commands(body)), ()))
            else:
                last = found.pop()
                assert last.heading == heading
                assert not last.shown
                found.append(Step(heading, last.commands, tuple(body.splitlines())))
    return found


def commands(body: str) -> Iterator[Command]:
    lines = iter(body.splitlines())
    for line in lines:
        text, here = line, LAST.search(line)
        while here and (more := next(lines)) is not None:
            text += "\n" + more
            if more == here[1]:
                break
        told = EXIT.search(line)
        if text.strip():
            yield Command(text, int(told[1]) if told else 0)


def inline(page: str) -> set[str]:
    """Commands of ours that the prose names."""
    prose = BLOCK.sub("", page)
    return set(re.findall(r"`(governor [a-z]+(?: [a-z-]+)*)", prose))


@dataclass
class Shell:
    """``bash`` in one folder; ``settled`` waits, after a command, for what a person would see."""

    child: "subprocess.Popen[str]"
    folder: Path
    settled: Mapping[str, Callable[[], None]] = field(default_factory=dict)
    swaps: Mapping[str, str] = field(default_factory=dict)
    ran: list[str] = field(default_factory=list)

    def run(self, step: Step) -> str:
        """All commands of a block; what they said, where every exit code is as told."""
        said = ""
        for command in step.commands:
            said += self.one(command)
        for line in step.shown:
            pattern = r".*".join(re.escape(" ".join(p.split())) for p in line.split("…"))
            flat = "\n".join(" ".join(row.split()) for row in said.splitlines())
            assert re.search(pattern.replace(r"\ .*", ".*"), flat), f"{line!r} is not in\n{said}"
        return said

    def one(self, command: Command) -> str:
        text = command.text
        for old, new in self.swaps.items():
            text = text.replace(old, new)
        assert self.child.stdin is not None
        # its own lines are not its input
        self.child.stdin.write(f"{{ {text}\n}} < /dev/null\nprintf '\\n{MARK}%s\\n' $?\n")
        self.child.stdin.flush()
        self.ran.append(command.text)
        patience = threading.Timer(PATIENCE, self.child.kill)
        patience.start()
        try:
            said, code = self._until_done(self.child.stdout)
        finally:
            patience.cancel()
        assert code == command.code, f"{command.text}\nexit {code}\n{said}"
        for beginning, wait in self.settled.items():
            if command.text.startswith(beginning):
                wait()
        return said

    @staticmethod
    def _until_done(pipe: IO[str] | None) -> tuple[str, int]:
        assert pipe is not None
        said = ""
        for line in pipe:
            if line.startswith(MARK):
                return said, int(line.removeprefix(MARK))
            said += line
        raise AssertionError(f"the shell ended\n{said}")


@contextmanager
def shell(folder: Path, program: Path, **given: Mapping[str, object]) -> Iterator[Shell]:
    """Ends what it started: the jobs of this shell are children of a session of their own."""
    environment = {**os.environ, "PATH": f"{program.parent}:{os.environ['PATH']}"}
    child = subprocess.Popen(
        ["bash", "--norc"],
        cwd=folder,
        env=environment,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )
    try:
        yield Shell(child, folder, **given)  # type: ignore[arg-type]
    finally:
        assert child.stdin is not None
        child.stdin.write("trap '' TERM; kill $(jobs -p) 2>/dev/null; wait; exit\n")
        child.stdin.close()
        child.wait(timeout=60)
        assert child.stdout is not None
        child.stdout.close()
