"""What happens to main: edits, reverts, branches in every way of merging, and rewrites."""

from datetime import timedelta

from hypothesis import strategies as st
from hypothesis.stateful import precondition, rule

from tests.fakes.authority_model import ACTIVE, PAPER, Vector
from tests.fakes.histories import FIELDS, START, edits, files_of, limits_file, mode_file
from tests.fakes.histories_of_people import PeoplesHistories
from tests.fakes.trust_desk import ARMED, DAY, ENGAGED, MINUTE, ROOT

SIDE = "refs/heads/side"


class MainsHistories(PeoplesHistories):
    """Whoever can push, by accident or on purpose."""

    # --- in one line ---------------------------------------------------------------------------
    @rule(changes=st.lists(edits, min_size=1, max_size=3), look=st.booleans())
    def edit(self, changes: list[tuple[str, int]], look: bool) -> None:  # noqa: FBT001
        """One commit a change, all in one push."""
        states = self._after(self.model.line[-1], changes)
        self.desk.push(*(self._files(state) for state in states))
        self._note(states)
        self.then(look)

    @rule(back=st.integers(1, 4))
    def revert(self, back: int) -> None:
        state = dict(self.model.line[max(0, len(self.model.line) - 1 - back)])
        if state != self.model.line[-1]:
            self.desk.push(self._files(state))
            self._note([state])
        self.look()

    def _after(self, state: Vector, changes: list[tuple[str, int]]) -> list[Vector]:
        states = []
        for path, value in changes:
            state = {**state, path: value}
            states.append(state)
        return states

    def _files(self, state: Vector) -> dict[str, bytes]:
        if self.model.readable:
            return files_of(state)
        state["notional"] = self.model.line[-1]["notional"]  # the broken file stays as it is
        return {"mode.yaml": mode_file(state)}

    def _note(self, states: list[Vector], *, reads: bool | None = None) -> None:
        if not states:
            return
        last = ("rev-list", "--reverse", "--first-parent", f"-{len(states)}", "main")
        self.model.line += states
        self.model.reads += [self.model.readable if reads is None else reads] * len(states)
        self.bases += self.desk.remote.git(*last).split()

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
        self.desk.push({"limits.yaml": b"currency: USD\nmax_order_notional: 5000\n"})
        self._note([dict(self.model.line[-1])], reads=False)
        self.then(look)

    @precondition(lambda self: not self.model.readable)
    @rule(notional=FIELDS["notional"])
    def mend(self, notional: int) -> None:
        state = {**self.model.line[-1], "notional": notional}
        self.desk.push({"limits.yaml": limits_file(state)})
        self._note([state], reads=True)
        self.look()

    # --- branches ------------------------------------------------------------------------------
    @precondition(lambda self: self.model.readable)
    @rule(
        fork=st.integers(0, 4),
        changes=st.lists(edits, max_size=2),
        papers=st.sampled_from(["none", "asked", "signed", "vetoed", "withdrawn", "stop"]),
        way=st.sampled_from(["merge", "squash", "rebase", "ours"]),
        look=st.booleans(),
    )
    def branch(
        self,
        fork: int,
        changes: list[tuple[str, int]],
        papers: str,
        way: str,
        look: bool,  # noqa: FBT001
    ) -> None:
        """Made on an older state, with files of any kind, and brought into main."""
        at = max(0, len(self.bases) - 1 - fork)
        self.desk.aside = []
        if papers not in {"none", "stop"}:
            self._write(papers)
        written, self.desk.aside = self.desk.aside, None
        there = [files_of(state) for state in self._after(self.model.line[at], changes)]
        stop = [{"kill_switch.yaml": data} for data in (ARMED, self.engaged(), ARMED)]
        commits = [*there, *written, *(stop if papers == "stop" else [])] or [{}]
        made = self.desk.remote.push(*commits, ref=SIDE, onto=self.bases[at])
        states = self._after(self.model.line[-1], changes)
        here = [files_of(state) for state in states]
        whole = {path: data for files in (*here, *written) for path, data in files.items()}
        if way == "rebase":
            self.desk.push(*here)
            self._note(states)
            self.desk.push(*written)
        elif way == "squash":
            self.desk.push(whole)
            self._note(states[-1:] or [dict(self.model.line[-1])])
        else:
            self.desk.push(whole if way == "merge" else {}, merge=made[-1])
            self._note((states if way == "merge" else [])[-1:] or [dict(self.model.line[-1])])
            if papers == "stop":
                self.raise_stop(made[-2])
        self.then(look)

    @precondition(lambda self: self.model.readable)
    @rule(fork=st.integers(0, 2), way=st.sampled_from(["merge", "ours"]))
    def withdraw_on_a_branch(self, fork: int, way: str) -> None:
        """What stands is withdrawn where no revision of main itself ever shows it."""
        self.propose({**START, "eth": 1}, 0, timedelta(), 7 * DAY, ("dora", "otto"), clear=False)
        self.branch(fork=fork, changes=[], papers="withdrawn", way=way, look=True)

    def _write(self, papers: str) -> None:
        if papers != "withdrawn" or not self.asked:
            self.write_proposal({**START, "eth": 2}, self.bases[-1], timedelta(), 7 * DAY)
        number = max(self.asked)
        for name in ("oscar", "rita") if papers != "asked" else ():
            self.write_vote(number, name, 30 * DAY)
        if papers in {"vetoed", "withdrawn"}:
            self.write_veto(number, "sam")

    # --- the branch itself ---------------------------------------------------------------------
    @precondition(lambda self: self.model.readable)
    @rule(
        kind=st.sampled_from(["rewind", "orphan", "delete"]),
        back=st.integers(1, 3),
        span=st.sampled_from([timedelta(), 10 * MINUTE]),
        stop=st.booleans(),
    )
    def lose_main(self, kind: str, back: int, span: timedelta, stop: bool) -> None:  # noqa: FBT001
        """By force; somebody may stop there as well; then the line is back."""
        self.look()
        head = self.desk.head
        self.model.gone, self.model.gone_reads = True, True
        at = max(0, len(self.bases) - 1 - back)
        if kind == "orphan":
            files = {**files_of({**START, "eth": 2}), "kill_switch.yaml": ARMED}
            (to,) = self.desk.remote.push(
                {**files, "trust/root/1.yaml": ROOT}, ref=f"refs/heads/orphan{len(self.bases)}"
            )
            self.desk.force(to)
        elif kind == "delete":
            self.desk.force(None)
        elif self.bases[at] != head:
            self.model.gone_reads = self.model.reads[at]
            self.desk.force(self.bases[at])
        else:
            self.model.gone = False
        if stop and kind != "delete" and self.model.gone:
            switch = [{"kill_switch.yaml": data} for data in (ARMED, self.engaged())]
            self.raise_stop(self.desk.remote.push(*switch)[-1], reachable=False)
        self.look()
        self.wait(span)
        self.desk.force(head)
        self.model.gone = False
        self.look()

    # --- the switch ----------------------------------------------------------------------------
    def engaged(self) -> bytes:
        self.count += 1
        return ENGAGED + f"# {self.count}\n".encode()

    def raise_stop(self, commit: str, *, reachable: bool = True) -> None:
        self.model.raised.add(commit)
        if reachable:
            self.model.reachable.add(commit)

    @precondition(lambda self: self.model.armed)
    @rule(way=st.sampled_from(["main", "main", "both", "stop"]))
    def engage(self, way: str) -> None:
        engaged = {"kill_switch.yaml": self.engaged()}
        if way == "stop":
            made = self.desk.remote.push(engaged, ref="refs/heads/stop", onto=self.desk.head)
            self.raise_stop(made[0], reachable=False)  # until the next one takes its place there
        elif way == "both":
            self.raise_stop(self.desk.push(engaged, {"kill_switch.yaml": ARMED})[0])
        else:
            self.raise_stop(self.desk.push(engaged)[0])
            self.model.armed = False
        self.look()

    @precondition(lambda self: not self.model.armed)
    @rule(look=st.booleans())
    def arm(self, look: bool) -> None:  # noqa: FBT001
        self.desk.push({"kill_switch.yaml": ARMED})
        self.model.armed = True
        self.then(look)

    @precondition(lambda self: self.model.released != self.model.raised and self.model.readable)
    @rule()
    def release(self) -> None:
        """As people do it: armed, then a full quorum that names every stop."""
        if not self.model.armed:
            self.arm(look=False)
        self.look()
        self.propose({**START, "eth": 1}, 0, timedelta(), 7 * DAY, ("dora", "otto"), clear=True)
