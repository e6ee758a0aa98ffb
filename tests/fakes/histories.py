"""One desk, its model, and what a host does there: it looks, waits, restarts, crashes and forgets.

The moves of people and of main stand in histories_of_people and histories_of_main.
"""

import shutil
import tempfile
from copy import deepcopy
from datetime import timedelta
from pathlib import Path

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, rule

from desired_state.authority import Authority, SymbolAccess
from desired_state.values import Access, Mode, Trading
from tests.fakes.authority_model import (
    ACTIVE,
    HALTED,
    NOTHING,
    PAPER,
    PATHS,
    Model,
    Rooted,
    Vector,
)
from tests.fakes.branching_desk import BranchingDesk
from tests.fakes.trust_desk import DAY, LIMITS_TEXT, MINUTE, codes
from tests.fakes.trust_desk import START as BEGIN

TRADING = (Trading.HALTED, Trading.REDUCING, Trading.ACTIVE)
NOTIONALS = (0, 10, 30, 50)
START: Vector = {"mode": PAPER, "trading": ACTIVE, "notional": 50, "eth": 0}
FIRST_VOTERS = frozenset({"oscar", "dora", "rita", "sam", "otto", "sybil"})
FIELDS = {
    "mode": st.sampled_from([HALTED, PAPER]),
    "trading": st.integers(0, 2),
    "notional": st.sampled_from(NOTIONALS),
    "eth": st.sampled_from([0, 1, 2]),
}
edits = st.sampled_from(PATHS).flatmap(lambda p: st.tuples(st.just(p), FIELDS[p]))
granted = st.fixed_dictionaries(
    {
        "mode": st.just(PAPER),
        "trading": st.sampled_from([1, 2, 2]),
        "notional": st.sampled_from(NOTIONALS[1:]),
        "eth": st.sampled_from([0, 1, 2]),
    }
)


def mode_file(asked: Vector) -> bytes:
    mode = "paper" if asked["mode"] == PAPER else "halted"
    eth = list(Access)[asked["eth"]]
    return (
        f"mode: {mode}\ntrading: {TRADING[asked['trading']]}\nsymbols:\n"
        "  BTC/USDT: {venue: paper, access: trade}\n"
        f"  ETH/USDT: {{venue: paper, access: {eth}}}\n"
        'layers: [L2, L5, L6]\nbudgets: {models_per_day: "50"}\n'
    ).encode()


def limits_file(asked: Vector) -> bytes:
    return LIMITS_TEXT.replace(b'"50"', f'"{asked["notional"]}"'.encode())


def files_of(asked: Vector) -> dict[str, bytes]:
    return {"mode.yaml": mode_file(asked), "limits.yaml": limits_file(asked)}


def vector_of(permitted: Authority) -> Vector:
    """What is permitted in the model's numbers; nothing where nothing may be sent."""
    if permitted.mode < Mode.SHADOW:
        return dict(NOTHING)
    eth = permitted.symbols.get("ETH/USDT", SymbolAccess(venue="paper", access=Access.NONE))
    return {
        "mode": permitted.mode.rank,
        "trading": permitted.trading.rank,
        "notional": int(permitted.limits.max_order_notional or 0),
        "eth": eth.access.rank,
    }


class Histories(RuleBasedStateMachine):
    """A desk and its model, told the same; each look compares them."""

    def __init__(self) -> None:
        super().__init__()
        self.folder = Path(tempfile.mkdtemp())
        self.desk = BranchingDesk(self.folder / "desk")
        self.desk.push(files_of(START))
        self.model = Model(line=[dict(START)], roots=[Rooted(1, FIRST_VOTERS, BEGIN + 90 * DAY)])
        self.bases = [self.desk.head]  # the revision of each state on the model's line
        self.before: Vector = dict(NOTHING)
        self.asked_before: Vector = dict(START)
        self.known: list[str] = []  # stops

    def teardown(self) -> None:
        self.desk.close()
        shutil.rmtree(self.folder)

    def then(self, look: bool) -> None:  # noqa: FBT001
        if look:
            self.look()

    @rule()
    def look(self) -> None:
        self.verdict = verdict = self.desk.cycle()
        model, memory, old = self.model, self.desk.memory, deepcopy(self.model)
        expected, permitted = model.cycle(self.desk.now), vector_of(verdict.permitted)
        assert permitted == expected, (permitted, expected, old, verdict.findings)
        assert (memory.high.sequence if memory.high else 0) == model.high, verdict.findings
        assert {s.commit for s in verdict.stops} == model.raised - model.released
        assert len(memory.roots) == len(model.roots), verdict.findings
        assert len(memory.revoked) == len(model.revoked), verdict.findings
        for path in (p for p in PATHS if permitted[p] > self.before[p]):
            rose = model.desired()[path] > self.asked_before[path]
            unbound = path not in model.fallen()
            assert model.events or self._rose_as_asked(path, permitted, rose and unbound), path
        self.before, self.asked_before = permitted, dict(model.desired())
        self.known = [str(stop) for stop in memory.stops]

    def _rose_as_asked(self, path: str, permitted: Vector, rose: bool) -> bool:  # noqa: FBT001
        approved = self.model.known[self.model.high].authority
        if rose and permitted[path] <= approved[path]:
            return True
        # from nothing at all: some other path that sending needs rose so
        return not any(self.before.values()) and any(
            self.model.desired()[p] > self.asked_before[p] and p not in self.model.fallen()
            for p in PATHS
        )

    # --- time and the host ---------------------------------------------------------------------
    @rule(span=st.sampled_from([MINUTE, 10 * MINUTE, 61 * MINUTE, DAY]))
    def wait(self, span: timedelta) -> None:
        self.desk.now += span
        self.look()

    @rule()
    def restart(self) -> None:
        self.desk.restart()

    @rule(back=st.sampled_from([2 * MINUTE, 61 * MINUTE, 2 * DAY, 300 * DAY]))
    def set_the_clock_back(self, back: timedelta) -> None:
        """Nothing is permitted while it is behind, nothing is learned, and nothing brought back."""
        self.look()
        now, memory = self.desk.now, self.desk.memory
        self.desk.now -= back
        verdict = self.desk.cycle()
        assert "CLOCK_UNSURE" in codes(verdict)
        assert vector_of(verdict.permitted) == NOTHING
        assert self.desk.memory == memory
        self.desk.now = now
        self.look()

    @rule()
    def crash(self) -> None:
        """Before what was judged is on the disk, or after it and before anything is done."""
        before = self.desk.memory
        self.look()
        after = self.desk.memory
        for memory in (before, after):
            again = self.desk.again(memory)
            assert again == self.verdict
            assert self.desk.memory == after

    @rule()
    def lose_memory(self) -> None:
        """A host that starts from the pin trusts the same, knows every stop, and permits no more.

        Releases cannot be rebuilt: who cleared a stop stands in memory alone.
        """
        self.look()
        memory = self.desk.memory
        rebuilt, verdict = self.desk.rebuilt()
        permitted = vector_of(verdict.permitted)
        assert all(permitted[p] <= self.before[p] for p in PATHS), (permitted, verdict.findings)
        lost = {s.commit for s in memory.stops.values()} - {
            s.commit for s in rebuilt.stops.values()
        }
        assert lost <= self.model.raised - self.model.reachable
        if not self.model.readable:
            return  # then it has not admitted anything yet, and permits nothing
        assert (rebuilt.roots, rebuilt.revoked) == (memory.roots, memory.revoked)
        high = rebuilt.high.sequence if rebuilt.high else 0
        assert {n for n in memory.voided if n > high} <= set(rebuilt.voided)
        assert memory.stops or memory.high is None or high >= memory.high.sequence
