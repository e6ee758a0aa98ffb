"""The property at the end of trust.md, section 4, over random histories in real git.

Permitted rises between two cycles only if a proposal's quorum completed or reached its not before;
or desired rose, within approved, in a path that had not fallen since the base; or a named fact
cleared; or a stop was released. And it is at every cycle what a small model of the text says.
"""

import shutil
import tempfile
from copy import deepcopy
from datetime import timedelta
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule
from hypothesis.stateful import run_state_machine_as_test as run

from desired_state.authority import Authority, SymbolAccess
from desired_state.proposals import Decision
from desired_state.values import Access, Mode, Trading
from tests.fakes.authority_model import ACTIVE, HALTED, PAPER, PATHS, Asked, Model, Vector, Voted
from tests.fakes.trust_desk import ARMED, DAY, ENGAGED, LIMITS_TEXT, MINUTE, TrustDesk

TRADING = (Trading.HALTED, Trading.REDUCING, Trading.ACTIVE)
NOTIONALS = (0, 10, 30, 50)
START: Vector = {"mode": PAPER, "trading": ACTIVE, "notional": 50, "eth": 0}
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


def vector_of(permitted: Authority) -> Vector:
    """What is permitted in the model's numbers; nothing where nothing may be sent."""
    if permitted.mode < Mode.SHADOW:
        return dict.fromkeys(PATHS, 0)
    eth = permitted.symbols.get("ETH/USDT", SymbolAccess(venue="paper", access=Access.NONE))
    return {
        "mode": permitted.mode.rank,
        "trading": permitted.trading.rank,
        "notional": int(permitted.limits.max_order_notional or 0),
        "eth": eth.access.rank,
    }


class Histories(RuleBasedStateMachine):
    """People, accidents and attackers at one desk."""

    def __init__(self) -> None:
        super().__init__()
        self.folder = Path(tempfile.mkdtemp())
        self.desk = TrustDesk(self.folder / "desk")
        self.model = Model(line=[dict(START)])
        self.bases = [self.desk.head]  # the revision of each state on the model's line
        self.before: Vector = dict.fromkeys(PATHS, 0)
        self.asked_before: Vector = dict(START)
        self.known: list[str] = []
        self.count = 0

    def teardown(self) -> None:
        self.desk.close()
        shutil.rmtree(self.folder)

    @initialize(signed=st.booleans())
    def begin(self, signed: bool) -> None:  # noqa: FBT001
        self._push({"mode.yaml": mode_file(START), "limits.yaml": limits_file(START)})
        self.bases, self.model.line = [self.desk.head], [dict(START)]
        if signed:
            self._propose({**START, "eth": 2}, self.bases[0], timedelta(), 7 * DAY)
            self._sign(1, "oscar", 30 * DAY)
            self._sign(1, "rita", 30 * DAY)
        self.look()

    # --- cycles ------------------------------------------------------------------------------
    @rule()
    def look(self) -> None:
        verdict = self.desk.cycle()
        model, old = self.model, deepcopy(self.model)
        expected, permitted = model.cycle(self.desk.now), vector_of(verdict.permitted)
        assert permitted == expected, (permitted, expected, old, verdict.findings)
        assert self.desk.memory.high is None or self.desk.memory.high.sequence == model.high
        assert {s.commit for s in verdict.stops} == model.raised - model.released
        for path in (p for p in PATHS if permitted[p] > self.before[p]):
            rose = model.desired()[path] > self.asked_before[path]
            unbound = path not in model.fallen()
            assert model.events or self._rose_as_asked(path, permitted, rose and unbound), path
        self.before, self.asked_before = permitted, dict(model.desired())
        self.known = [str(stop.id) for stop in self.desk.memory.stops.values()]

    def _rose_as_asked(self, path: str, permitted: Vector, rose: bool) -> bool:  # noqa: FBT001
        approved = self.model.known[self.model.high].authority
        if rose and permitted[path] <= approved[path]:
            return True
        # from nothing at all: some other path that sending needs rose so
        return not any(self.before.values()) and any(
            self.model.desired()[p] > self.asked_before[p] and p not in self.model.fallen()
            for p in PATHS
        )

    @rule(span=st.sampled_from([MINUTE, 10 * MINUTE, 61 * MINUTE, DAY]))
    def wait(self, span: timedelta) -> None:
        self.desk.now += span
        self.look()

    @rule()
    def restart(self) -> None:
        self.desk.restart()

    # --- main ---------------------------------------------------------------------------------
    @rule(changes=st.lists(edits, min_size=1, max_size=3), look=st.booleans())
    def edit(self, changes: list[tuple[str, int]], look: bool) -> None:  # noqa: FBT001
        """One commit a change, all in one push."""
        states = []
        for path, value in changes:
            states.append({**(states[-1] if states else self.model.line[-1]), path: value})
        self._push(*(self._files(state) for state in states))
        self._note(states)
        self._then(look)

    @rule(back=st.integers(1, 4))
    def revert(self, back: int) -> None:
        state = dict(self.model.line[max(0, len(self.model.line) - 1 - back)])
        if state != self.model.line[-1]:
            self._push(self._files(state))
            self._note([state])
        self.look()

    def _files(self, state: Vector) -> dict[str, bytes]:
        if self.model.readable:
            return {"mode.yaml": mode_file(state), "limits.yaml": limits_file(state)}
        state["notional"] = self.model.line[-1]["notional"]  # the broken file stays as it is
        return {"mode.yaml": mode_file(state)}

    def _note(self, states: list[Vector]) -> None:
        new = self.desk.remote.git("rev-list", "--reverse", f"-{len(states)}", "main").split()
        self.model.line += states
        self.bases += new

    def _push(self, *files: dict[str, bytes]) -> None:
        self.desk.push(*files)

    @precondition(lambda self: self.model.readable and self.model.raised == self.model.released)
    @rule(low=st.sampled_from([10, 30]), back=st.integers(0, 3), together=st.booleans())
    def tighten_revert_and_ask(self, low: int, back: int, together: bool) -> None:  # noqa: FBT001
        """Somebody tightens, it is reverted, and people restore from this or an older base."""
        self.edit([("mode", PAPER), ("trading", ACTIVE), ("notional", 50)], look=True)
        down, up = ("notional", low), ("notional", 50)
        for changes in [[down, up]] if together else [[down], [up]]:
            self.edit(changes, look=True)
        granted = {**self.model.line[-1], "eth": 2}
        self.propose(granted, back, timedelta(), 7 * DAY, ("oscar", "rita"), clear=False)

    @precondition(lambda self: self.model.readable)
    @rule(look=st.booleans())
    def malform(self, look: bool) -> None:  # noqa: FBT001
        self._push({"limits.yaml": b"currency: USD\nmax_order_notional: 5000\n"})
        self.model.readable = False
        self._note([dict(self.model.line[-1])])
        self._then(look)

    @precondition(lambda self: not self.model.readable)
    @rule(notional=FIELDS["notional"])
    def mend(self, notional: int) -> None:
        state = {**self.model.line[-1], "notional": notional}
        self._push({"limits.yaml": limits_file(state)})
        self.model.readable = True
        self._note([state])
        self.look()

    # --- the switch -----------------------------------------------------------------------------
    @precondition(lambda self: self.model.armed)
    @rule(way=st.sampled_from(["main", "main", "both", "stop"]))
    def engage(self, way: str) -> None:
        self.count += 1
        note = f"# {self.count}\n".encode()
        if way == "stop":
            ref = "refs/heads/stop"
            made = self.desk.remote.push(
                {"kill_switch.yaml": ENGAGED + note}, ref=ref, onto=self.desk.head
            )
        elif way == "both":
            made = self.desk.push({"kill_switch.yaml": ENGAGED + note}, {"kill_switch.yaml": ARMED})
        else:
            made = self.desk.push({"kill_switch.yaml": ENGAGED + note})
            self.model.armed = False
        self.model.raised.add(made[0])
        self.look()

    @precondition(lambda self: not self.model.armed)
    @rule(look=st.booleans())
    def arm(self, look: bool) -> None:  # noqa: FBT001
        self.desk.push({"kill_switch.yaml": ARMED})
        self.model.armed = True
        self._then(look)

    # --- people -----------------------------------------------------------------------------
    @rule(
        authority=granted,
        back=st.integers(0, 5),
        start=st.sampled_from([timedelta(), timedelta(), 10 * MINUTE, DAY]),
        life=st.sampled_from([5 * MINUTE, 2 * DAY, 7 * DAY]),
        names=st.sampled_from([("oscar", "rita"), ("oscar",), ()]),
        clear=st.booleans(),
    )
    def propose(
        self,
        authority: Vector,
        back: int,
        start: timedelta,
        life: timedelta,
        names: tuple[str, ...],
        clear: bool,  # noqa: FBT001
    ) -> None:
        base = self.bases[max(0, len(self.bases) - 1 - back)]
        self._propose(authority, base, start, life, clear=clear)
        for name in names:
            self._sign(max(self.model.proposals), name, 30 * DAY)
        self.look()

    @precondition(lambda self: self.model.released != self.model.raised and self.model.readable)
    @rule(authority=granted)
    def release(self, authority: Vector) -> None:
        """As people do it: armed, then a full quorum that names every stop."""
        if not self.model.armed:
            self.arm(look=False)
        self.look()
        self.propose(authority, 0, timedelta(), 7 * DAY, ("oscar", "sam"), clear=True)

    @rule(signed=st.booleans(), named=st.booleans())
    def wind_down(self, signed: bool, named: bool) -> None:  # noqa: FBT001
        """People's own exits: to the model of what the machine may do, nothing at all."""
        number = max(self.model.proposals, default=0) + 1
        now, granted = self.desk.now, self._authority({**START, "trading": 1, "eth": 0})
        btc = {"BTC/USDT": SymbolAccess(venue="paper", access=Access.REDUCE)}
        self.desk.propose(
            number,
            gate="wind_down",
            authority=granted.model_copy(update={"symbols": btc}),
            expires=now + 60 * MINUTE,
            under=tuple(self.known) if named else (),
        )
        base = len(self.bases) - 1
        self.model.proposals[number] = Asked(
            START, base, now, now + 60 * MINUTE, frozenset(), vetoed=True
        )
        for name in ("oscar", "rita") if signed else ():
            self._sign(number, name, 30 * DAY)
        self.look()

    def _propose(
        self,
        authority: Vector,
        base: str,
        start: timedelta,
        life: timedelta,
        *,
        clear: bool = False,
    ) -> None:
        number = max(self.model.proposals, default=0) + 1
        begins = self.desk.now + start
        made = self.desk.proposal(
            number,
            authority=self._authority(authority),
            base=base,
            not_before=begins,
            expires=begins + life,
            clears=tuple(self.known) if clear else (),
        )
        self.desk.propose(number, **{name: getattr(made, name) for name in type(made).model_fields
                                     if name != "sequence"})  # fmt: skip
        commits = {str(s.id): str(s.commit) for s in self.desk.memory.stops.values()}
        self.model.proposals[number] = Asked(
            authority=authority,
            base=self.bases.index(base),
            not_before=begins,
            expires=begins + life,
            clears=frozenset(commits[name] for name in made.clears),
        )

    def _authority(self, granted: Vector) -> Authority:
        eth = SymbolAccess(venue="paper", access=list(Access)[granted["eth"]])
        btc = SymbolAccess(venue="paper", access=Access.TRADE)
        limits = self.desk.files["limits.yaml"]
        self.desk.files["limits.yaml"] = LIMITS_TEXT
        asked = self.desk.asked
        self.desk.files["limits.yaml"] = limits
        notional = {"max_order_notional": Decimal(granted["notional"])}
        return asked.model_copy(
            update={
                "mode": Mode.PAPER,
                "trading": TRADING[granted["trading"]],
                "symbols": {"BTC/USDT": btc, "ETH/USDT": eth},
                "limits": asked.limits.model_copy(update=notional),
            }
        )

    @precondition(lambda self: self.model.proposals)
    @rule(
        back=st.integers(0, 2),
        name=st.sampled_from(["oscar", "rita", "sam"]),
        life=st.sampled_from([5 * MINUTE, 30 * DAY]),
        look=st.booleans(),
    )
    def sign(self, back: int, name: str, life: timedelta, look: bool) -> None:  # noqa: FBT001
        self._sign(max(1, max(self.model.proposals) - back), name, life)
        self._then(look)

    def _sign(self, number: int, name: str, life: timedelta) -> None:
        it, now = self.model.proposals[number], self.desk.now
        end = min(it.expires, now + life)
        self.desk.sign(number, name, issued=now, expires=end)
        fresh = deepcopy(it)
        fresh.votes.append(Voted(name, now, end))
        self.model.proposals[number] = fresh

    @precondition(lambda self: self.model.proposals)
    @rule(back=st.integers(0, 2), name=st.sampled_from(["rita", "sam"]), delete=st.booleans())
    def withdraw(self, back: int, name: str, delete: bool) -> None:  # noqa: FBT001
        number = max(1, max(self.model.proposals) - back)
        self.desk.sign(number, name, decision=Decision.WITHDRAW)
        fresh = deepcopy(self.model.proposals[number])
        fresh.vetoed = True
        self.model.proposals[number] = fresh
        if delete:
            path = f"signoffs/{number:04d}/{name}.WITHDRAW.yaml"
            self.desk.push({path: None, path + ".sig": None})
        self.look()

    def _then(self, look: bool) -> None:  # noqa: FBT001
        if look:
            self.look()


QUIET = (HealthCheck.too_slow, HealthCheck.filter_too_much, HealthCheck.data_too_large)


def test_permitted_rises_only_by_people_by_facts_or_by_desire_that_never_fell() -> None:
    few = settings(
        max_examples=12, stateful_step_count=20, deadline=None, suppress_health_check=QUIET
    )
    run(Histories, settings=few)


@pytest.mark.slow
def test_permitted_rises_only_so_over_many_long_histories() -> None:
    many = settings(
        max_examples=300, stateful_step_count=40, deadline=None, suppress_health_check=QUIET
    )
    run(Histories, settings=many)
