"""``governor demo``: the main job in small, on real parts (design.md, section 6)."""

import sys
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Final, Protocol

from desired_state.errors import Severity, Stalled
from desired_state.reasons import Reason
from layers.market import Bar
from reconciler.acknowledgement import Acknowledgement
from reconciler.adapters.clock import pause, wall_clock
from reconciler.authority_words import authority_words
from reconciler.demonstration import Granted, SessionTold, StopTold, Story, Tampering
from reconciler.picture import draw_many
from reconciler.ports import Report
from reconciler.proposal_terms import Request as Asking
from reconciler.session import Session
from reconciler.session_request import Request
from reconciler.signing import Answer, sign_off
from reconciler.wiring.auditing import audit, audit_data, sources_of
from reconciler.wiring.desk import Desk, check_out, open_desk
from reconciler.wiring.founding import init
from reconciler.wiring.host import open_host
from reconciler.wiring.host_parts import PAPER, venues
from reconciler.wiring.loop import watching
from reconciler.wiring.paperwork import Paperwork, paperwork
from reconciler.wiring.reading import open_reading
from reconciler.wiring.session import SessionRun
from reconciler.wiring.session_evidence import Outcome

OPERATOR: Final = "olivia"
SIGNERS: Final = ("oscar", "rita")
STOP_AFTER: Final = 170  # bars: a week of trading, with a range and a fall behind it
MIN_FILLS: Final = 20
MIN_OPEN: Final = 3
PATIENCE: Final = 15.0  # seconds
DAILY_LOSS: Final = b'max_daily_loss: "30" '  # so that the crash reaches it


class Stage(Protocol):
    """Where progress is shown."""

    def step(self, words: str) -> None:
        """The next part of the story begins."""
        ...

    def bar(self, done: int) -> None:
        """So many bars of the current session are done."""
        ...


@dataclass
class Demonstration:
    """One desk, one story. Everything a person does here goes through plain git and ssh keys."""

    folder: Path
    stage: Stage
    seed: int = 7
    _outcomes: list[Outcome] = field(default_factory=list)
    _tampering: list[Tampering] = field(default_factory=list)
    _releases: list[Granted] = field(default_factory=list)
    _stop: StopTold | None = None

    def play(self) -> Story:
        """The story from (a) to (h). Raises ``Stalled`` where the folder is taken."""
        started = wall_clock()
        self.stage.step("two repositories and six people with keys")
        init(self.folder, now=started, demo_keys=True)
        host = open_host(self.folder / "governor.yaml")
        papers = paperwork(host)
        with ExitStack() as stack:
            desk = stack.enter_context(open_desk(host))
            stack.enter_context(watching(host))
            mandate = self._mandate(desk, papers)
            self._first_session(desk, papers)
            self._tamper(desk, papers)
            self._release(desk, papers, "the drill is over")
            self._session(desk, "the crash of March 2020", None)
            if self._outcomes[-1].stop:
                self._release(desk, papers, "loss reviewed; positions stay, limits stay")
                self._session(desk, "after the crash", None)
            self._lower(papers)
            report = desk.reconcile()
            desk.ledger.ship()
            check_out(desk)
        self.stage.step("audit of both repositories")
        found = audit_data(audit(sources_of(host)))
        return self._story(started, mandate, report, found)

    # --- (b) ---------------------------------------------------------------------------------
    def _mandate(self, desk: Desk, papers: Paperwork) -> Granted:
        self.stage.step("a paper mandate, proposed and signed")
        mode = _replaced(papers, "mode.yaml", b"mode: halted ", b"mode: paper ")
        limits = _replaced(papers, "limits.yaml", b'max_daily_loss: "100"', DAILY_LOSS.strip())
        papers.desk.write({"mode.yaml": mode, "limits.yaml": limits})
        papers.publish(("mode.yaml", "limits.yaml"), "Ask for a paper mandate", OPERATOR)
        granted = _grant(papers, desk, Asking(requester=OPERATOR, reason="first paper month"))
        report = desk.reconcile()
        if not report.verdict.as_asked:
            found = report.findings[0] if report.findings else None
            raise Stalled(Reason.NOT_APPROVED, "demonstration", found.message if found else "")
        _until(lambda: desk.token.check() is None, "the armed token")
        return granted

    # --- (c) and (d) -------------------------------------------------------------------------
    def _first_session(self, desk: Desk, papers: Paperwork) -> None:
        def watch(session: Session, _bar: Bar) -> None:
            books = session.desk.execution.books
            ready = len(books.working) >= MIN_OPEN and len(books.fill_ids) >= MIN_FILLS
            if self._stop is None and session.bars >= STOP_AFTER and ready:
                self._stop = self._engage(desk, papers)

        self._session(desk, "a paper session on real prices", watch)
        if self._stop is None:
            raise Stalled(Reason.INTERNAL, "demonstration", "the session gave no moment to stop it")

    def _engage(self, desk: Desk, papers: Paperwork) -> StopTold:
        self.stage.step("`state: engaged` is pushed while orders are open")
        venue = venues(desk.host)()[PAPER]
        before = len(venue.open_orders())
        text = b"state: engaged\nreason: drill in the demonstration\nby: olivia\n"
        papers.desk.write({"kill_switch.yaml": text})
        with _door_watched(desk) as closed:
            papers.publish(("kill_switch.yaml",), "Stop", OPERATOR)
            ref = Path(desk.host.state_url) / "refs" / "heads" / desk.host.file.state.branch
            pushed = ref.stat().st_mtime
            _until(lambda: bool(closed), "the gate to close")
        _until(lambda: _clean(desk) is not None, "the venue to be clean")
        ack = _clean(desk)
        assert ack is not None and ack.cancels_confirmed and ack.verified_clean  # noqa: PT018, S101
        stop = desk.latch.stops()[ack.stop]
        return StopTold(
            id=stop.id,
            kind=stop.kind,
            open_orders_before=before,
            cancelled=ack.cancelled,
            gate_closed_ms=_ms(closed[0], pushed),
            cancels_acknowledged_ms=_ms(ack.cancels_confirmed.timestamp(), pushed),
            verified_clean_ms=_ms(ack.verified_clean.timestamp(), pushed),
            open_orders_after=len(venue.open_orders()),
        )

    def _session(
        self, desk: Desk, words: str, watch: Callable[[Session, Bar], None] | None
    ) -> None:
        self.stage.step(words)

        def seen(session: Session, bar: Bar) -> None:
            self.stage.bar(session.bars)
            if watch:
                watch(session, bar)

        self._outcomes.append(SessionRun(desk, Request(seed=self.seed), seen).run())

    # --- (e) ---------------------------------------------------------------------------------
    def _tamper(self, desk: Desk, papers: Paperwork) -> None:
        self.stage.step("tampering: a stop reverted, a limit raised, nobody signed")
        self._attempt(desk, "the stop's commit reverted to `armed`", lambda: _revert(papers))
        raised = _replaced(
            papers, "limits.yaml", b'max_order_notional: "50"', b'max_order_notional: "5000"'
        )

        def raise_limit() -> None:
            papers.desk.write({"limits.yaml": raised})
            papers.publish(("limits.yaml",), "A larger limit, unsigned", OPERATOR)

        self._attempt(desk, "max_order_notional raised to 5000 without signatures", raise_limit)

    def _attempt(self, desk: Desk, words: str, act: Callable[[], object]) -> None:
        before = desk.reconcile()
        act()
        after = desk.reconcile()
        worth = {Severity.ERROR, Severity.WARNING}
        codes = dict.fromkeys(f.code.value for f in after.findings if f.severity in worth)
        for lasting in (Reason.GATE_FRAGILE, Reason.GATE_TOUCH):  # of the root, before and after
            codes.pop(lasting.value, None)
        self._tampering.append(
            Tampering(
                tried=words,
                permitted_before=authority_words(before.verdict.permitted),
                permitted_after=authority_words(after.verdict.permitted),
                said=tuple(codes),
            )
        )

    # --- (f) ---------------------------------------------------------------------------------
    def _release(self, desk: Desk, papers: Paperwork, reason: str) -> None:
        self.stage.step("the stop is released with the signatures it takes")
        desk.reconcile()  # the stop is in the chain before anybody can name it
        stops = tuple(sorted(desk.latch.in_force()))
        for stop in stops:
            _until(lambda stop=stop: _acknowledged(desk, stop), "the stop to be verified")  # type: ignore[misc]
        request = Asking(requester=OPERATOR, reason=reason, clears=stops)
        granted = _grant(papers, desk, request)
        report = desk.reconcile()
        left = desk.latch.in_force()
        if left or report.verdict.stops:
            raise Stalled(Reason.KILL_ENGAGED, ", ".join(left), "the release did not take")
        _until(lambda: desk.token.check() is None, "the armed token")
        self._releases.append(granted)

    def _lower(self, papers: Paperwork) -> None:
        """The unsigned limit is taken back, so that what is asked is what is permitted."""
        lowered = _replaced(
            papers, "limits.yaml", b'max_order_notional: "5000"', b'max_order_notional: "50"'
        )
        papers.desk.write({"limits.yaml": lowered})
        papers.publish(("limits.yaml",), "Back to the signed limit", OPERATOR)

    # --- (h) ---------------------------------------------------------------------------------
    def _story(
        self, started: datetime, mandate: Granted, report: Report, found: dict[str, object]
    ) -> Story:
        picture = self.folder / "session.svg"
        picture.write_text(draw_many([outcome.record for outcome in self._outcomes]))
        packs = dict.fromkeys(p for outcome in self._outcomes for p in outcome.record.plans)
        assert self._stop is not None  # noqa: S101  (the first session sets it)
        first = self._outcomes[0].session_pack
        return Story(
            folder=str(self.folder),
            seconds=round((wall_clock() - started).total_seconds()),
            mandate=mandate,
            sessions=tuple(_told(outcome) for outcome in self._outcomes),
            stop=self._stop,
            tampering=tuple(self._tampering),
            releases=tuple(self._releases),
            audit=found,
            layer_packs=tuple(packs),
            picture=str(picture),
            permitted=authority_words(report.verdict.permitted),
            stops_in_force=tuple(stop.id for stop in report.verdict.stops),
            next=(
                f'cd {self.folder} && export PATH="{Path(sys.executable).parent}:$PATH"',
                "governor status               # conditions; governor run keeps them true",
                "governor diff                 # asked, approved, permitted",
                "governor approvals            # who signed what",
                f"governor evidence verify {first}",
                "governor audit                # everything again",
                "git -C state log --oneline    # what people asked for",
                "git -C evidence log --stat    # what the machine wrote down",
            ),
        )


def _grant(papers: Paperwork, desk: Desk, asking: Asking) -> Granted:
    """Proposed by one person, signed by two others, pushed by each."""
    now = wall_clock()
    with open_reading(desk.host) as reading:
        admission, verdict = reading.reader.verify(None, now)
    key = papers.key_of(asking.requester, None)
    made, paper = papers.propose(asking, admission, verdict.permitted, key, now)
    papers.publish_paper(paper)
    for person in SIGNERS:
        key = papers.key_of(person, None)
        answer = Answer(person, papers.key_id(key))
        signoff = sign_off(made.proposal, paper.digest, answer, admission, wall_clock())
        papers.publish_paper(papers.answer(signoff, key))
    return Granted(
        sequence=made.proposal.sequence,
        gate=made.proposal.gate,
        requester=asking.requester,
        people=SIGNERS,
        authority=authority_words(made.proposal.authority),
        until=made.proposal.expires,
        clears=made.proposal.clears,
    )


def _told(outcome: Outcome) -> SessionTold:
    record = outcome.record
    marks = record.marks
    pnl = marks[-1].earned - marks[0].earned if marks else 0
    return SessionTold(
        run_id=record.run_id,
        pack=outcome.session_pack,
        reconciliation=outcome.reconciliation_pack,
        first=record.first or record.setup.start,
        last=record.last or record.setup.start,
        bars=record.bars,
        orders=len(record.orders),
        fills=len(record.fills),
        refused=record.refusals,
        triggers=dict(sorted(Counter(line.kind for line in record.triggers).items())),
        pnl=f"{pnl:+.2f}",
        ending=record.ending,
        stop=outcome.stop,
        reconciled=outcome.agrees,
    )


def _replaced(papers: Paperwork, path: str, old: bytes, new: bytes) -> bytes:
    """The file with one place changed, the way a person edits it."""
    data = papers.desk.read(path) or b""
    if data.count(old) != 1:
        raise Stalled(Reason.USAGE, path, f"expected {old.decode()} once")
    return data.replace(old, new)


def _revert(papers: Paperwork) -> None:
    identity = ("-c", f"user.name={OPERATOR}", "-c", f"user.email={OPERATOR}@demo.invalid")
    papers.desk.run(*identity, "revert", "--no-edit", "HEAD")
    papers.desk.push(papers.branch)


@contextmanager
def _door_watched(desk: Desk) -> Iterator[list[float]]:
    """Looks at the token as the door does, as fast as it can, until it first says no."""
    closed: list[float] = []
    over = threading.Event()

    def look() -> None:
        while not over.is_set():
            if desk.token.check() is not None:
                closed.append(wall_clock().timestamp())
                return
            over.wait(0.0002)

    thread = threading.Thread(target=look, daemon=True)
    thread.start()
    try:
        yield closed
    finally:
        over.set()
        thread.join()


def _clean(desk: Desk) -> Acknowledgement | None:
    """The acknowledgement of the stop in force, once the venue is verified clean."""
    acks = desk.latch.acknowledgements()
    found = (acks.get(stop) for stop in sorted(desk.latch.in_force()))
    return next((ack for ack in found if ack and ack.verified_clean), None)


def _acknowledged(desk: Desk, stop: str) -> bool:
    ack = desk.latch.acknowledgements().get(stop)
    return ack is not None and ack.verified_clean is not None


def _until(true: Callable[[], bool], what: str) -> None:
    end = wall_clock().timestamp() + PATIENCE
    while not true():
        if wall_clock().timestamp() > end:
            raise Stalled(Reason.INTERNAL, "demonstration", f"waited in vain for {what}")
        pause(0.005)


def _ms(at: float, since: float) -> str:
    return f"{max(0.0, at - since) * 1000:.0f}"
