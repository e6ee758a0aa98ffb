"""The stop lane's judgement: which commits raise a stop, and under which id (trust.md, section 7).

Pure, and before and independent of admission: it needs the bytes of one file and nothing else.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from desired_state.canonical import sha256_hex
from desired_state.document import parse
from desired_state.errors import Stalled
from desired_state.memory import Stop
from desired_state.reasons import Reason
from desired_state.state_files import KILL_SWITCH
from desired_state.values import StopClass, Switch

LOST: Final = "LOST-"  # begins the id of a stop that a lost memory raised
PLAIN_FILE: Final = "100644"
MAX_SWITCH_BYTES: Final = 4096  # one line and its reason; what is larger would delay a stop


@dataclass(frozen=True, slots=True)
class SwitchBlob:
    """The kill switch file in one commit; none where it is missing."""

    mode: str
    data: bytes | None  # none: not read because it is no plain file or too large


@dataclass(frozen=True, slots=True)
class SwitchChange:
    """A commit in which the kill switch file is not what it is in the first parent."""

    commit: str
    before: SwitchBlob | None
    after: SwitchBlob | None


@dataclass(frozen=True, slots=True)
class SwitchReading:
    """What the file says, for people and for the stop's record."""

    state: Switch
    reason: str = ""
    by: str = ""


def read_switch(blob: SwitchBlob | None) -> SwitchReading:
    """Armed or engaged as written; anything else whatever is unreadable (STOP-1)."""
    if blob is None:
        return SwitchReading(Switch.UNREADABLE, "the file is missing")
    if blob.mode != PLAIN_FILE or blob.data is None or len(blob.data) > MAX_SWITCH_BYTES:
        return SwitchReading(Switch.UNREADABLE, "not a plain file of readable size")
    try:
        found = parse(blob.data, KILL_SWITCH).data
    except Stalled as error:
        return SwitchReading(Switch.UNREADABLE, f"{error.subject}: {error.message}"[:500])
    state, extra = found.get("state"), set(found) - {"state", "reason", "by"}
    reason, by = found.get("reason", ""), found.get("by", "")
    texts = isinstance(reason, str) and isinstance(by, str)
    if state == "engaged":  # a readable wish to stop is never refused for what stands beside it
        return SwitchReading(Switch.ENGAGED, str(reason)[:1000], str(by)[:200])
    if state == "armed" and texts and not extra:
        return SwitchReading(Switch.ARMED, str(reason)[:1000], str(by)[:200])
    return SwitchReading(Switch.UNREADABLE, f"{KILL_SWITCH}: expected state armed or engaged")


def stop_id(repository: str, commit: str) -> str:
    """``S-`` and 16 hex: nobody can know it before the commit exists (STOP-2)."""
    return "S-" + sha256_hex(f"{repository}\n{commit}\n{KILL_SWITCH}".encode())[:16]


def raised(changes: Iterable[SwitchChange], repository: str, seen_at: datetime) -> tuple[Stop, ...]:
    """A stop for each commit whose switch is not armed and not what its first parent had."""
    found = []
    for change in changes:
        now, before = read_switch(change.after), read_switch(change.before)
        if now.state is Switch.ARMED or (change.before and now.state is before.state):
            continue
        found.append(stop_of(repository, change.commit, now, seen_at))
    return tuple(found)


def stop_of(repository: str, commit: str, reading: SwitchReading, seen_at: datetime) -> Stop:
    """The stop that this reading raises at this commit."""
    engaged = reading.state is Switch.ENGAGED
    return Stop(
        id=stop_id(repository, commit),
        kind=StopClass.PERSON if engaged else StopClass.TECHNICAL,
        reason=reading.reason,
        by=reading.by,
        commit=commit,
        seen_at=seen_at,
        switch=reading.state,
    )


def loss_code(stop: Stop) -> Reason:
    """The code at the front of the reason of a stop that was raised for a lost memory (MEM-2)."""
    word = stop.reason.partition(":")[0]
    return Reason.STORE_ROLLBACK if word == Reason.STORE_ROLLBACK else Reason.MEMORY_UNREADABLE
