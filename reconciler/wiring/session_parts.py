"""Builds one session on this host: its counter's place, its desk, its layers and its marks.

What it trades at is its counter's business (``reconciler.counter``); here nothing depends on it.
"""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from desired_state.canonical import digest
from desired_state.configuration import configuration_digest
from desired_state.errors import Stalled
from desired_state.reasons import Reason
from desired_state.values import parse_instant
from layers.pegs import quoted
from layers.ports import JournalEntry
from reconciler.adapters.shared_journal import SharedJournal
from reconciler.conduct import ConductRecord
from reconciler.counter import Counter
from reconciler.gate import Verdict
from reconciler.market_state import MarketState
from reconciler.marking import marks_of
from reconciler.noted_journal import NotedJournal
from reconciler.peg_watch import PegWatch
from reconciler.permits import SENDING
from reconciler.scene import Wired
from reconciler.session import Session
from reconciler.session_desk import Desk as SessionDesk
from reconciler.session_record import SessionSetup
from reconciler.session_request import Request
from reconciler.thinking import Thinking
from reconciler.venue_watch import VenueWatch
from reconciler.wiring.approved import scopes_of
from reconciler.wiring.counters import DoorKeys, Place, books_name
from reconciler.wiring.desk import Desk, ship
from reconciler.wiring.host_parts import HEARTBEAT
from reconciler.wiring.renewal import Renewal
from reconciler.wiring.session_halt import Flag, SessionHalt

FOREVER: Final = datetime.max.replace(microsecond=0, tzinfo=UTC)


@dataclass(frozen=True)
class Parts:
    """What a session is built from; ``verdict`` is the one under which it begins."""

    desk: Desk
    request: Request
    renewal: Renewal
    verdict: Verdict
    files: dict[str, bytes]  # the approved configuration

    @property
    def _venue(self) -> str:
        entry = self.verdict.permitted.symbols.get(self.request.symbol)
        if entry is None:
            text = "the authority does not name it"
            raise Stalled(Reason.NOT_APPROVED, self.request.symbol, text)
        return entry.venue

    def place(self, flag: Flag) -> Place:
        """Where its counter is to be opened."""
        return Place(
            host=self.desk.host,
            request=self.request,
            files=self.files,
            venue=self._venue,
            account=self.verdict.permitted.accounts.get(self._venue),
            told_account=self.renewal.told_account,
            journal=self._journal(),
            attested=self.renewal.attested,
            verdict=lambda: self.desk.permits.digest,
            shipped=lambda: ship(self.desk),
            keys=DoorKeys(self.desk.permits, self.desk.epoch, flag),
            clock=self.desk.clock,
        )

    def _journal(self) -> NotedJournal:
        """Entries of this counter; what was only imagined before counts for nothing."""
        mode, clock = self.request.mode, self.desk.clock
        name = books_name(mode, self._venue)
        shared = SharedJournal(self.desk.journal, self.renewal.revision, clock.wall, name)
        real = mode in SENDING
        conduct = ConductRecord.rebuilt(shared.entries()) if real else ConductRecord()
        return NotedJournal(shared, conduct)

    def setup(self, counter: Counter) -> SessionSetup:
        """What was asked for, by digest where it is long."""
        return SessionSetup(
            symbol=self.request.symbol,
            mode=self.request.mode,
            interval=self.request.interval,
            seed=self.request.seed,
            start=counter.start,
            end=self.request.end or FOREVER,
            feed=counter.feed,
            configuration=self.verdict.configuration or "",
            limits=digest(self.verdict.permitted.limits),
        )

    def session(self, counter: Counter, halt: SessionHalt) -> Session:
        """At this counter, with what the account was worth and decided before."""
        entries = tuple(counter.journal.entries()) if counter.goes_on else ()
        peg = self._peg(counter)
        return Session(
            desk=self._desk(counter, halt, peg),
            wired=self._wired(counter),
            thinking=self._thinking(),
            market=MarketState(self.request.series),
            marks=marks_of(entries, quoted(self.verdict.permitted.limits, peg.look())),
            mode=self.request.mode,
            conduct=counter.journal.conduct,
            judged=dict(_intent_of(e) for e in entries if e.kind == "decision"),
        )

    def _desk(self, counter: Counter, halt: SessionHalt, peg: PegWatch) -> SessionDesk:
        clock = self.desk.clock
        return SessionDesk(
            execution=counter.orders,
            hand=counter.hand,
            queries=counter.queries,
            journal=counter.journal,
            advance=counter.advance,
            now=counter.now,
            verdict=self.renewal.verdict,
            verdict_digest=self.desk.permits.digest_of,
            token=halt.token,
            halt=halt.halt,
            wall_clock=clock.wall,
            venue=VenueWatch(counter.probe, clock.wall, clock.since_boot),
            peg=peg,
        )

    def _peg(self, counter: Counter) -> PegWatch:
        currency = self.request.symbol.split("/")[1]
        row = counter.pegs.get(currency)
        clock = self.desk.clock
        return PegWatch(currency, row, counter.touch, clock.wall, clock.since_boot)

    def _wired(self, counter: Counter) -> Wired:
        return Wired(
            venue=counter.venue,
            account=counter.account,
            venue_class=counter.venue_class,
            rules=counter.queries.rules(self.request.symbol),
            heartbeat_max_age=HEARTBEAT,
            configuration=configuration_digest(self.files),
            build=self.desk.cycle.ports.build,
            rehearsal=counter.venue in self.desk.host.rehearsed,
        )

    def _thinking(self) -> Thinking:
        return Thinking(
            series=self.request.series,
            scopes=scopes_of(self.files),
            layers=frozenset(self.verdict.permitted.layers),
            keep=self.renewal.keep,
            revision=self.verdict.revision or "",
        )


def _intent_of(entry: JournalEntry) -> tuple[str, datetime]:
    """Its id, and when it expires."""
    intent = entry.body["intent"]
    return str(intent["intent_id"]), parse_instant(intent["expires_at"])
