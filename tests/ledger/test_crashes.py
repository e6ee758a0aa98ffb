from contextlib import suppress
from datetime import UTC, date, datetime
from typing import Any

import pytest

from evidence_repo import chain
from evidence_repo.ledger import Ledger
from evidence_repo.manifest import PackKind
from evidence_repo.packs import build

AT = datetime(2020, 3, 12, 10, tzinfo=UTC)
EFFECTS = {"append", "keep", "commit", "push", "save"}
STEPS = 13
Desk = Any


class Crash(Exception):  # noqa: N818
    """The process is gone."""


class Countdown:
    """Ends the process before the n-th effect, which is just after the one before it."""

    def __init__(self, step: int) -> None:
        self.left = step

    def around(self, call: Any, *args: Any) -> Any:  # noqa: ANN401
        self.left -= 1
        if self.left == 0:
            raise Crash
        return call(*args)


class FaultAt:
    """A real port in front of a countdown."""

    def __init__(self, inner: object, countdown: Countdown) -> None:
        self._inner, self._countdown = inner, countdown

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401
        reached = getattr(self._inner, name)
        if name not in EFFECTS:
            return reached
        return lambda *args: self._countdown.around(reached, *args)


def run(desk: Desk, countdown: Countdown) -> None:
    journal = FaultAt(desk.journal, countdown)
    store, cache = FaultAt(desk.store, countdown), FaultAt(desk.cache, countdown)
    ledger = Ledger(journal, store, desk.key, cache)
    digest = journal.keep(b"bytes")
    journal.append("note", {"n": 0}, AT, None, (digest,))
    ledger.ship()
    inputs = {"bars.csv": chain.digest_bytes(b"bars")}
    pack = build(PackKind.SESSION, date(2020, 3, 12), inputs, {"a.txt": b"x"})
    ledger.record_pack(pack, AT)
    journal.append("note", {"n": 1}, AT, None, ())
    ledger.ship()


@pytest.mark.parametrize("step", range(1, STEPS + 1))
def test_a_crash_before_any_effect_loses_nothing_and_doubles_nothing(desk: Desk, step: int) -> None:
    countdown = Countdown(step)
    with suppress(Crash):
        run(desk, countdown)
    assert (countdown.left == 0) == (step < STEPS)
    told = list(desk.journal.lines())
    desk.reopen()
    desk.note()
    desk.ledger.ship()
    assert desk.lines()[: len(told)] == told
    assert desk.lines() == list(desk.journal.lines())
    found = desk.audit()
    assert found.findings == ()
    assert found.leaves == desk.journal.head.size
