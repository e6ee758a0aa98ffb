"""What a plain git server may take: the decision over one push, before it is taken. Pure.

The rules HOOK-1 to HOOK-5 stand in the package's README. A hook can be wrong in one direction only:
it never keeps a stop out, and what it lets in too much the reconciler still refuses.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Protocol

from ci.judgement import Bench, Candidate, Judgement, Way, judge_change
from desired_state.errors import Finding, Stalled, finding
from desired_state.memory import Stop
from desired_state.reasons import Reason
from desired_state.values import instant_text

NONE: Final = "0" * 40
STOP_BRANCH: Final = "refs/heads/stop"
NO_STOP: Final = "NO-STOP"
ACCEPT: Final = "ACCEPT"
_FIELDS: Final = 3
_HEX: Final = frozenset("0123456789abcdef")


@dataclass(frozen=True, slots=True)
class Update:
    """One ref of a push; none where it does not exist before, or not any more after."""

    old: str | None
    new: str | None
    ref: str


class StopsOf(Protocol):
    """Asks for the stops that come with a tip."""

    def __call__(self, known: str | None, tip: str) -> tuple[Stop, ...]:
        """Those that are not in the history of ``known``."""
        ...


def updates(text: str) -> tuple[Update, ...]:
    """The lines that git gives to a pre-receive hook.

    Raises:
        Stalled: ``USAGE`` where one is not ``OLD NEW REF``.
    """
    found = []
    for line in text.splitlines():
        words = line.split(" ", 2)
        ids = words[:2]
        if len(words) != _FIELDS or any(len(i) != len(NONE) or set(i) - _HEX for i in ids):
            raise Stalled(Reason.USAGE, "standard input", f"expected OLD NEW REF, found {line!r}")
        old, new = (None if oid == NONE else oid for oid in ids)
        found.append(Update(old, new, words[2]))
    return tuple(found)


def is_stop_branch(ref: str) -> bool:
    """Branches that can stop and do nothing else."""
    return ref == STOP_BRANCH or ref.startswith(f"{STOP_BRANCH}/")


def watched(pushed: Iterable[Update], main: str) -> tuple[Update, ...]:
    """The updates of a push that concern anybody but their author: HOOK-5."""
    return tuple(u for u in pushed if u.ref == main or is_stop_branch(u.ref))


def new_stops(
    pushed: Sequence[Update], tips: Mapping[str, str], main: str, ask: StopsOf
) -> tuple[Stop, ...]:
    """Every stop that the push brings, on whichever watched branch: HOOK-1."""
    found: dict[str, Stop] = {}
    for update in pushed:
        if update.new is not None:
            known = update.old or (tips.get(main) if update.ref != main else None)
            found.update({stop.id: stop for stop in ask(known, update.new)})
    return tuple(found[key] for key in sorted(found))


def refused(
    bench: Bench, pushed: Sequence[Update], tips: Mapping[str, str], main: str
) -> tuple[tuple[Finding, ...], Judgement | None]:
    """What is against a push that brings no stop, and the judgement of its main branch."""
    found: list[Finding] = []
    judgement = None
    for update in pushed:
        if update.ref != main:
            found += _stop_branch(bench, update, pushed, tips)
        elif update.new is None:
            found.append(finding(Reason.HEAD_REWRITE, main, "expected the branch to stay"))
        elif update.old and not bench.state.descends(update.new, update.old):
            # nothing more is judged: what a rewritten history lacks cannot be read here
            text = f"expected a descendant of {update.old}, found {update.new}"
            found.append(finding(Reason.HEAD_REWRITE, main, text))
        else:
            pushed_commit = Candidate(Way.PUSH, update.new)
            judgement = judge_change(bench, update.old, update.new, (pushed_commit,))
            found += judgement.refusals
    return tuple({(f.code, f.subject): f for f in found}.values()), judgement


def _stop_branch(
    bench: Bench, update: Update, pushed: Sequence[Update], tips: Mapping[str, str]
) -> Iterable[Finding]:
    """HOOK-3: a new host learns of old stops from the branches alone, so their commits stay."""
    if update.new is not None or update.old is None:
        return
    after = {**tips, **{u.ref: u.new for u in pushed}}
    kept = [tip for tip in after.values() if tip is not None]
    if not any(bench.state.descends(tip, update.old) for tip in kept):
        text = f"expected {update.old} to stay reachable from main or another stop branch"
        yield finding(Reason.HEAD_REWRITE, update.ref, text)


def summary(judgement: Judgement) -> str:
    """One line for the person who pushed."""
    looser = sum(change.looser for change in judgement.permitted)
    tighter = len(judgement.permitted) - looser
    waiting = [str(item.sequence) for item in judgement.proposals if item.missing]
    words = f"permitted at {instant_text(judgement.now)}: {looser} looser, {tighter} tighter"
    return f"{words}; waiting for signatures: {', '.join(waiting)}" if waiting else words
