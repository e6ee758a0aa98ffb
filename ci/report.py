"""A judgement as text, as data, and as a comment under a pull request. Pure.

Whoever opens a pull request chooses bytes that land in the comment: reasons, names, paths, whatever
a parser quotes. Every such text stands in a code span (CI-12).
"""

import re
from collections.abc import Iterable
from typing import Final

from ci.judgement import Judgement, Result, Side
from desired_state.canonical import plain
from desired_state.errors import Finding, GovernanceError, Severity
from desired_state.memory import Stop
from desired_state.values import Switch, instant_text
from reconciler.authority_words import authority_words
from reconciler.outstanding import Outstanding, State
from reconciler.proposing import Change, authority_data

MARKER: Final = "<!-- governor-ci check -->"
MAX_SHOWN: Final = 300  # characters of one outside text
MAX_LISTED: Final = 50  # lines of one list
_TITLES: Final = {
    Result.YES: "Nothing is against merging this.",
    Result.NO: "This must not be merged as it stands.",
    Result.CANNOT_JUDGE: "This could not be judged.",
}
_STOPS: Final = "This change stops the machine, so nothing is against merging it."
_MARKS: Final = {Severity.ERROR: "✗", Severity.WARNING: "!", Severity.INFO: "·"}


def told(text: str) -> str:
    """One line without control characters or marks that turn the reading direction, cut short."""
    line = "".join(c if c.isprintable() else " " for c in text[: MAX_SHOWN + 1])
    return line if len(text) <= MAX_SHOWN else f"{line[:MAX_SHOWN]}…"


def span(text: str) -> str:
    """A code span that holds exactly this text, whatever stands in it."""
    shown = told(text).strip() or "-"
    fence = "`" * (max((len(run) for run in re.findall("`+", shown)), default=0) + 1)
    edge = " " if shown.startswith("`") or shown.endswith("`") else ""
    return f"{fence}{edge}{shown}{edge}{fence}"


def judgement_data(found: Judgement) -> dict[str, object]:
    """The object of ``governor-ci check --json``; keys are only ever added."""
    return {
        "result": found.result.value,
        "base": found.base,
        "head": found.head,
        "now": instant_text(found.now),
        "ways": [way.value for way in found.ways],
        "adds_stop": bool(found.stops),
        "stops": [plain(stop) for stop in found.stops],
        "admitted": {"before": found.before.admitted, "after": found.after.admitted},
        "desired": _both(found, "desired"),
        "permitted": _both(found, "permitted"),
        "changes": {
            "desired": [_change(change) for change in found.asked],
            "permitted": [_change(change) for change in found.permitted],
        },
        "proposals": [plain(item) for item in found.proposals],
        "refusals": [plain(item) for item in found.refusals],
        "notices": [plain(item) for item in found.notices],
    }


def unjudged_data(error: GovernanceError, stops: Iterable[Stop]) -> dict[str, object]:
    """The same where nothing could be judged; a stop is a yes all the same (CI-1)."""
    found = [plain(stop) for stop in stops]
    result = Result.YES if found else Result.CANNOT_JUDGE
    return {
        "result": result.value,
        "adds_stop": bool(found),
        "stops": found,
        "refusals": [],
        "notices": [plain(error.finding)],
    }


def _both(found: Judgement, name: str) -> dict[str, object]:
    return {
        "before": authority_data(getattr(found.before, name)),
        "after": authority_data(getattr(found.after, name)),
    }


def _change(change: Change) -> dict[str, object]:
    return {"path": change.path, "now": change.now, "then": change.then, "looser": change.looser}


# --- text ----------------------------------------------------------------------------------------
def text_lines(found: Judgement) -> Iterable[str]:
    """For a terminal or the log of a job."""
    yield _STOPS if found.stops else _TITLES[found.result]
    yield f"{found.head} onto {found.base or 'nothing'}, by {' or '.join(found.ways)}"
    for stop in found.stops:
        yield f"  stop: {stop_words(stop)}"
    yield f"Permitted before: {authority_words(found.before.permitted)}"
    yield f"Permitted after:  {authority_words(found.after.permitted)}"
    yield from _change_lines("What the machine may do", found.permitted)
    yield from _change_lines("What is asked for", found.asked)
    for item in found.proposals:
        yield from proposal_lines(item)
    for one in found.refusals:
        yield from finding_lines(one, "✗")
    for one in found.notices:
        yield from finding_lines(one, _MARKS[min(one.severity, Severity.WARNING, key=_weight)])


def _weight(severity: Severity) -> int:
    return list(Severity).index(severity)


def stop_words(stop: Stop) -> str:
    """One stop that comes with a change."""
    if stop.switch is Switch.UNREADABLE:
        return f"kill_switch.yaml cannot be read in {stop.commit}: {told(stop.reason)}"
    by = f", by {told(stop.by)}" if stop.by else ""
    return f"engaged in {stop.commit}{by}: {told(stop.reason) or 'no reason given'}"


def _change_lines(title: str, changes: Iterable[Change]) -> Iterable[str]:
    shown = list(changes)
    if not shown:
        yield f"{title}: no change"
        return
    yield f"{title}:"
    for change in shown[:MAX_LISTED]:
        sign, word = ("+", "looser") if change.looser else ("-", "tighter")
        yield told(f"  {sign} {change.path}: {change.now} -> {change.then} ({word})")
    if len(shown) > MAX_LISTED:
        yield f"  and {len(shown) - MAX_LISTED} more"


def proposal_lines(item: Outstanding) -> Iterable[str]:
    """Who signed one proposal and who is missing."""
    yield (
        f"Proposal {item.sequence} ({item.state}), gate {item.gate}, by {item.requester}:"
        f" {told(item.reason)}"
    )
    for vote in item.signed:
        role = f" as {vote.role}" if vote.role else ""
        yield f"  signed by {vote.person}{role}, counts until {instant_text(vote.until)}"
    for slot in item.missing:
        yield f"  missing {slot.words}: {', '.join(slot.people) or 'nobody could'}"
    word = "would end" if item.state is State.OPEN else "ends"
    yield f"  {word} {instant_text(item.expires)}"


def finding_lines(item: Finding, mark: str) -> Iterable[str]:
    """One finding and its remedy."""
    yield f"{mark} {item.code} {told(item.subject)}: {told(item.message)}"
    yield f"    {told(item.remedy)}"


# --- a comment -----------------------------------------------------------------------------------
def comment(found: Judgement) -> str:
    """Markdown for one comment that is written anew with every push; the marker finds it again."""
    title = _STOPS if found.stops else _TITLES[found.result]
    lines = [MARKER, f"### Governor: {title}", ""]
    lines += [f"Merging {span(found.head)} onto {span(found.base or 'nothing')}.", ""]
    lines += [f"- **Stop**: {span(stop_words(stop))}" for stop in found.stops]
    lines += _section("Against it", [_finding_item(item) for item in found.refusals])
    lines += _authority(found.before, found.after)
    lines += _section("What the machine may do", _change_items(found.permitted), "No change.")
    lines += _section("What is asked for", _change_items(found.asked), "No change.")
    for item in found.proposals:
        lines += _section(f"Proposal {item.sequence}, {item.state}", list(_proposal_items(item)))
    lines += _section("Also seen", [_finding_item(item) for item in found.notices])
    lines += [
        f"Judged as a {' and as a '.join(found.ways)} at {instant_text(found.now)}, as the"
        " reconciler would judge it, apart from stops in force. Only signatures grant anything;"
        " this comment decides nothing."
    ]
    return "\n".join(lines) + "\n"


def unjudged_comment(error: GovernanceError, stops: Iterable[Stop]) -> str:
    """The same where nothing could be judged."""
    found = list(stops)
    title = _STOPS if found else _TITLES[Result.CANNOT_JUDGE]
    lines = [MARKER, f"### Governor: {title}", ""]
    lines += [f"- **Stop**: {span(stop_words(stop))}" for stop in found]
    lines += _section("Not judged", [_finding_item(error.finding)])
    return "\n".join(lines) + "\n"


def _section(title: str, items: list[str], otherwise: str = "") -> list[str]:
    if not items and not otherwise:
        return []
    more = [f"- and {len(items) - MAX_LISTED} more"] if len(items) > MAX_LISTED else []
    return ["", f"#### {title}", "", *(items[:MAX_LISTED] or [otherwise]), *more, ""]


def _authority(before: Side, after: Side) -> list[str]:
    words = [f"- before: {span(authority_words(before.permitted))}"]
    words += [f"- after: {span(authority_words(after.permitted))}"]
    return _section("Permitted, apart from stops", words)


def _change_items(changes: Iterable[Change]) -> list[str]:
    return [
        f"- {'**looser**' if c.looser else 'tighter'} {span(c.path)}:"
        f" {span(c.now)} → {span(c.then)}"
        for c in changes
    ]


def _proposal_items(item: Outstanding) -> Iterable[str]:
    yield f"- gate {span(item.gate)}, asked by {span(item.requester)}: {span(item.reason)}"
    for vote in item.signed:
        role = f" as {span(vote.role)}" if vote.role else ""
        yield f"- signed by {span(vote.person)}{role} until {instant_text(vote.until)}"
    for slot in item.missing:
        people = ", ".join(span(name) for name in slot.people) or "nobody could"
        yield f"- **missing** {span(slot.words)}: {people}"
    yield f"- until {instant_text(item.expires)}"


def _finding_item(item: Finding) -> str:
    # the code's own remedy is ours; one that an error brought along may quote outside text
    ours = item.remedy == item.code.explanation.remedy
    remedy = told(item.remedy) if ours else span(item.remedy)
    return f"- **{item.code}** {span(item.subject)}: {span(item.message)}<br>{remedy}"
