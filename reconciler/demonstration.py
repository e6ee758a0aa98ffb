"""What the demonstration shows, as values; the telling of it, in words. Pure."""

from collections.abc import Iterator
from typing import Any

from desired_state.canonical import plain
from desired_state.frozen import Frozen
from desired_state.values import Instant, StopClass, StopId, instant_text
from reconciler.session_ending import Ending


class Granted(Frozen):
    """Who allowed what, until when."""

    sequence: int
    gate: str
    requester: str
    people: tuple[str, ...]
    authority: str  # in words
    until: Instant
    clears: tuple[StopId, ...] = ()


class SessionTold(Frozen):
    """One session in a line."""

    run_id: str
    pack: str
    reconciliation: str
    first: Instant
    last: Instant
    bars: int
    orders: int
    fills: int
    refused: dict[str, int]  # by control of L5
    triggers: dict[str, int]  # NO-TRADE spans by kind
    pnl: str
    ending: Ending
    stop: StopId | None
    reconciled: bool


class StopTold(Frozen):
    """One stop with its times in milliseconds since the push reached the repository."""

    id: StopId
    kind: StopClass
    open_orders_before: int
    cancelled: int
    gate_closed_ms: str
    cancels_acknowledged_ms: str
    verified_clean_ms: str
    open_orders_after: int


class Tampering(Frozen):
    """What somebody tried without signatures, and what it achieved."""

    tried: str
    permitted_before: str
    permitted_after: str
    said: tuple[str, ...]  # reason codes of the findings

    @property
    def achieved(self) -> str:
        """Nothing, one hopes."""
        return "nothing" if self.permitted_before == self.permitted_after else "SOMETHING"


class Story(Frozen):
    """The whole demonstration."""

    folder: str
    seconds: int
    mandate: Granted
    sessions: tuple[SessionTold, ...]
    stop: StopTold
    tampering: tuple[Tampering, ...]
    releases: tuple[Granted, ...]
    audit: dict[str, Any]
    layer_packs: tuple[str, ...]
    picture: str
    permitted: str  # what stands at the end
    stops_in_force: tuple[StopId, ...]
    next: tuple[str, ...]

    @property
    def ok(self) -> bool:
        """Whether everything it set out to show was seen."""
        first = self.sessions[0]
        return (
            bool(self.audit["ok"])
            and all(t.achieved == "nothing" for t in self.tampering)
            and all(s.reconciled for s in self.sessions)
            and first.fills >= MIN_FILLS
            and self.stop.open_orders_before >= MIN_OPEN
            and self.stop.open_orders_after == 0
            and not self.stops_in_force
        )


MIN_FILLS = 20  # design.md, section 6
MIN_OPEN = 3


def story_data(story: Story) -> dict[str, Any]:
    """For ``governor demo --json``."""
    return {**plain(story), "ok": story.ok}


def tell(story: Story) -> Iterator[str]:
    """The closing summary, for somebody who has never seen this before."""
    yield ""
    yield "WHAT WAS PERMITTED, AND BY WHOM"
    yield f"  {_granted(story.mandate)}"
    yield f"  {story.mandate.authority}"
    yield ""
    yield "WHAT THE MACHINE DID WITH IT (real BTC/USDT hours, February and March 2020)"
    for session in story.sessions:
        yield from _session(session)
    yield ""
    yield "WHAT THE KILL SWITCH DID (one line committed with plain git in the middle of it)"
    stop = story.stop
    yield f"  {stop.open_orders_before} orders were open when `state: engaged` was pushed"
    yield f"  no order could leave after      {stop.gate_closed_ms:>6} ms"
    yield f"  all cancels acknowledged after  {stop.cancels_acknowledged_ms:>6} ms"
    yield f"  venue verified clean after      {stop.verified_clean_ms:>6} ms  (2 sweeps, 1 s apart)"
    yield ""
    yield "WHAT TAMPERING ACHIEVED"
    for attempt in story.tampering:
        yield f"  {attempt.tried}: {attempt.achieved} ({', '.join(attempt.said)})"
    yield ""
    yield "WHO LET IT GO ON"
    for release in story.releases:
        yield f"  {_granted(release)}; released {', '.join(release.clears)}"
    yield ""
    yield "WHAT AN AUDITOR FINDS"
    audit = story.audit
    yield (
        f"  {'✔' if audit['ok'] else '✗'} {audit['leaves']} leaves, {audit['packs']} packs,"
        f" {audit['checkpoints']} signed checkpoints; {audit['verdicts_replayed']} verdicts and"
        f" {audit['decisions_replayed']} decisions came out the same again"
    )
    yield ""
    yield f"It took {story.seconds} s. Permitted now: {story.permitted}"
    yield f"A picture of it: {story.picture}"
    yield "Look around next:"
    yield from (f"  {line}" for line in story.next)


def _granted(granted: Granted) -> str:
    people = " and ".join(granted.people)
    return (
        f"proposal {granted.sequence} (gate {granted.gate}) by {granted.requester},"
        f" signed by {people}, until {instant_text(granted.until)}"
    )


def _session(session: SessionTold) -> Iterator[str]:
    span = f"{instant_text(session.first)[:16]} to {instant_text(session.last)[:16]}"
    stop = f" by {session.stop}" if session.stop else ""
    yield (
        f"  {span}: {session.orders} orders, {session.fills} fills, {session.pnl} USDT;"
        f" {session.ending}{stop}"
    )
    refused = ", ".join(f"{name} {count}" for name, count in session.refused.items())
    kinds = ", ".join(f"{name} {count}" for name, count in session.triggers.items())
    yield f"    L5 refused or halted: {refused or 'nothing'}; NO-TRADE spans: {kinds or 'none'}"
    word = "agree" if session.reconciled else "DIFFER"
    yield f"    our books and the venue's {word}; evidence {session.pack}"
