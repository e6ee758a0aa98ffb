"""A whole desk in a folder: repositories, people, a paper mandate; and its real processes."""

import contextlib
import io
import json
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

from desired_state.memory import Release
from layers.market import Provenance
from layers.paper_venue.spot_rules import BTC_USDT
from layers.paper_venue.terms import MarketModel
from layers.paper_venue.venue import PaperVenue
from reconciler.acknowledgement import Acknowledgement
from reconciler.adapters.latch import Latch
from reconciler.cli import main
from reconciler.host import Host
from reconciler.watcher import Watcher
from reconciler.wiring.founding import init
from reconciler.wiring.host import open_host
from reconciler.wiring.host_parts import latch, paper_store, token_path, token_reader, watcher
from tests.fakes.paper_desk import START, request

ENGAGED = 'state: engaged\nreason: "drill"\nby: anyone\n'
ARMED = 'state: armed\nreason: ""\nby: ""\n'
FUNDS = {"USDT": Decimal(10_000), "BTC": Decimal(1)}


def present() -> datetime:
    return datetime.now(UTC)  # noqa: TID251


def wait_for(condition: Callable[[], object], seconds: float = 15) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it did not come about in time"
        time.sleep(0.01)


@dataclass
class GovernedDesk:
    folder: Path

    @property
    def host(self) -> Host:
        return open_host(self.folder / "governor.yaml")

    @property
    def var(self) -> Path:
        return self.folder / "var"

    @property
    def state(self) -> Path:
        return self.folder / "state"

    @property
    def latch(self) -> Latch:
        return latch(self.host)

    @property
    def venue(self) -> PaperVenue:
        return PaperVenue(paper_store(self.host))

    @staticmethod
    def venue_at(host: Host) -> PaperVenue:
        return PaperVenue(paper_store(host))

    def copy(self, folder: Path) -> "GovernedDesk":
        shutil.copytree(self.folder, folder)
        shutil.rmtree(folder / "var" / "read.git", ignore_errors=True)
        return GovernedDesk(folder)

    # --- people ------------------------------------------------------------------------------
    def git(self, *arguments: str) -> str:
        done = subprocess.run(
            ["git", *arguments], cwd=self.state, check=True, capture_output=True, text=True
        )
        return done.stdout.strip()

    def commit(self, **files: str) -> str:
        for name, text in files.items():
            (self.state / name.replace("__", ".")).write_text(text)
        self.git("add", "-A")
        # no two commits of one second are the same commit
        self.git("commit", "-q", "--allow-empty", "-m", f"by hand {time.monotonic_ns()}")
        return self.git("rev-parse", "HEAD")

    def push(self, branch: str = "main", **files: str) -> str:
        commit = self.commit(**files)
        self.git("push", "-q", "origin", f"HEAD:{branch}")
        return commit

    def edit(self, file: str, old: str, new: str) -> str:
        text = (self.state / file).read_text()
        assert old in text
        return self.push(**{file.replace(".", "__"): text.replace(old, new)})

    def verb(self, *arguments: str) -> int:
        """A verb of the command line, in this process and in silence."""
        told = io.StringIO()
        with contextlib.redirect_stdout(told), contextlib.redirect_stderr(told):
            return main([*arguments, "--config", str(self.folder / "governor.yaml")])

    def told(self, *arguments: str) -> dict[str, Any]:
        """What a verb says with ``--json``, whatever its exit code."""
        said = io.StringIO()
        with contextlib.redirect_stdout(said), contextlib.redirect_stderr(io.StringIO()):
            main([*arguments, "--json", "--config", str(self.folder / "governor.yaml")])
        found: dict[str, Any] = json.loads(said.getvalue())
        return found

    def propose_and_sign(self, sequence: int, *arguments: str) -> None:
        asked = ("propose", "--reason", "a reason", "--as", "olivia", "--push", *arguments)
        if "--clears" in arguments:  # papers are dated by whole seconds, stops are not (RELEASE-5)
            time.sleep(1 - present().microsecond / 1_000_000)
        assert self.verb(*asked) == 0
        for person in ("oscar", "rita"):
            assert self.verb("sign", str(sequence), "--as", person, "--yes", "--push") == 0

    def release_file(self, *stops: str) -> None:
        """What the reconciler writes once it has recorded a release."""
        for stop in stops or tuple(self.latch.in_force()):
            people = ("olivia", "oscar")
            self.latch.put_release(Release(stop=stop, sequence=2, people=people, at=present()))

    # --- the venue ---------------------------------------------------------------------------
    def open_venue(self) -> PaperVenue:
        path = paper_store(self.host)
        path.parent.mkdir(parents=True, exist_ok=True)
        return PaperVenue.create(
            path,
            clock=START,
            model=MarketModel(seed=7, provenance=Provenance.SYNTHETIC),
            rules=(BTC_USDT,),
            balances=FUNDS,
        )

    def place(self, count: int, label: str = "") -> None:
        if not paper_store(self.host).exists():
            self.open_venue()
        for number in range(count):
            self.venue.submit(request(f"{label}{number}", quantity="0.06"))
        assert len(self.venue.open_orders()) >= count

    # --- processes ---------------------------------------------------------------------------
    def start(self, *verb: str) -> "subprocess.Popen[str]":
        command = [sys.executable, "-m", "reconciler", *verb]
        return subprocess.Popen(
            [*command, "--config", str(self.folder / "governor.yaml")],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    @property
    def armed(self) -> bool:
        return token_reader(self.host).check() is None

    @property
    def token(self) -> Path:
        return token_path(self.host)

    @contextlib.contextmanager
    def watched(self, *, armed: bool = True) -> Iterator["subprocess.Popen[str]"]:
        """A watcher process beside the block."""
        child = self.start("watch")
        try:
            wait_for(lambda: self.armed if armed else (self.var / "watcher.pid").exists())
            yield child
        finally:
            if child.poll() is None:
                child.send_signal(signal.SIGCONT)
                child.terminate()
            child.communicate(timeout=10)

    def lane(self) -> Watcher:
        """The stop lane, stepped by hand."""
        made = watcher(self.host)
        _OPENED.append(made.history)
        return made

    @contextlib.contextmanager
    def guarded(self) -> Iterator[None]:
        """The stop lane in a thread of this process."""
        lane, ended = self.lane(), threading.Event()

        def beat() -> None:
            while not ended.wait(0.05):
                lane.step()

        thread = threading.Thread(target=beat)
        lane.step()
        thread.start()
        try:
            yield
        finally:
            ended.set()
            thread.join()
            lane.token.disarm()

    def acknowledged(self, stop: str) -> Acknowledgement:
        """Once it is verified clean."""

        def clean() -> bool:
            found = self.latch.acknowledgements().get(stop)
            return found is not None and found.verified_clean is not None

        wait_for(clean)
        return self.latch.acknowledgements()[stop]


_OPENED: list[Any] = []


def close_git() -> None:
    """End the git processes that read objects for desks of finished tests."""
    while _OPENED:
        _OPENED.pop().close()


def found_desk(folder: Path) -> GovernedDesk:
    init(folder, now=present() - timedelta(minutes=5), demo_keys=True)
    desk = GovernedDesk(folder)
    for key, value in (("user.name", "anyone"), ("user.email", "anyone@example.invalid")):
        desk.git("config", key, value)
    return desk


def mandated_desk(folder: Path) -> GovernedDesk:
    """A paper mandate stands, with limits as shipped but for a burst of messages."""
    desk = found_desk(folder)
    limits = (desk.state / "limits.yaml").read_text()
    mode = (desk.state / "mode.yaml").read_text()
    desk.push(
        limits__yaml=limits.replace("max_messages_per_second: 5 ", "max_messages_per_second: 12"),
        mode__yaml=mode.replace("mode: halted", "mode: paper"),
    )
    desk.propose_and_sign(1)
    shutil.rmtree(desk.var / "read.git", ignore_errors=True)
    return desk


def in_child(work: Callable[[], object]) -> int:
    """The exit code of a copy of this process that does the work and dies."""
    child = os.fork()
    if child == 0:
        try:
            work()
        except BaseException:  # noqa: BLE001  (the copy must not go on as a second pytest)
            os._exit(3)
        os._exit(0)
    _, status = os.waitpid(child, 0)
    return os.waitstatus_to_exitcode(status)
