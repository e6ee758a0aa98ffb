"""Heartbeats of watchers: what they say, whether it counts, what it tells that is not known here.

A file is one canonical line and an OpenSSH signature of it in the namespace of heartbeats, by a key
that the root in force gives that use (BEAT-1). A number never falls (BEAT-2). Pure.
"""

from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Annotated, Final

from pydantic import Field, StringConstraints, ValidationError

from desired_state.canonical import canonical
from desired_state.errors import Stalled
from desired_state.frozen import Frozen
from desired_state.reasons import Reason
from desired_state.signatures import PublicKey, SignatureRefused, verify
from desired_state.trust_root import Root, Use, usable
from desired_state.values import Commit, Instant, StopId

MAX_BYTES: Final = 64 * 1024
MAX_STOPS: Final = 1000


class Heartbeat(Frozen):
    """One sign of life."""

    host: Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9.-]{1,40}$")]
    number: Annotated[int, Field(ge=0, lt=2**53)]
    at: Instant
    head: Commit | None  # of main, as last seen
    stops: Annotated[tuple[StopId, ...], Field(max_length=MAX_STOPS)]


@dataclass(frozen=True, slots=True)
class Known:
    """What is known here."""

    stops: Collection[str]
    is_known: Callable[[str], bool]  # whether this commit is the head or before it


@dataclass(frozen=True, slots=True)
class Ears:
    """What was heard so far, in one process."""

    host: str  # of the watcher here
    numbers: dict[str, int] = field(default_factory=dict)
    beat_at: datetime | None = None  # when the number of the one here was last seen to rise
    elsewhere_at: datetime | None = None  # the time in the newest heartbeat that rose in this cycle
    elsewhere_since: datetime | None = None
    elsewhere_stops: tuple[StopId, ...] = ()
    files: tuple[bytes, ...] = ()  # those that counted
    problems: tuple[Stalled, ...] = ()

    def heard(
        self, files: Iterable[bytes], keys: Collection[PublicKey], known: Known, now: datetime
    ) -> "Ears":
        """After one look at every file."""
        numbers, beat_at = dict(self.numbers), self.beat_at
        counted, problems, more = [], [], []
        rose: list[datetime] = []
        for data in files:
            try:
                beat = opened(data, keys)
                _require_no_fall(beat, numbers)
            except Stalled as error:
                problems.append(error)
                continue
            risen = beat.number > numbers.get(beat.host, -1)
            numbers[beat.host] = beat.number
            counted.append(data)
            if beat.host == self.host:
                beat_at = now if risen else beat_at
                continue
            rose += [beat.at] if risen else []
            # a stop that a host raised on itself is its own; one in a commit is everybody's
            stops = tuple(s for s in beat.stops if s.startswith("S-") and s not in known.stops)
            if stops or (beat.head and not known.is_known(beat.head)):
                more.append(stops)
        return replace(
            self,
            numbers=numbers,
            beat_at=beat_at,
            elsewhere_at=max(rose, default=None),
            elsewhere_since=(self.elsewhere_since or now) if more else None,
            elsewhere_stops=tuple(sorted({stop for stops in more for stop in stops})),
            files=tuple(counted),
            problems=tuple(problems),
        )


def heartbeat_keys(
    root: Root, now: datetime, revoked: Collection[str] = ()
) -> tuple[PublicKey, ...]:
    """The keys by which a heartbeat counts now."""
    return tuple(
        root.key(key_id)
        for key_id, entry in root.keys.items()
        if usable(entry, Use.HEARTBEAT, now) and key_id not in revoked
    )


def sealed(beat: Heartbeat, sign: Callable[[bytes], bytes]) -> bytes:
    """The file; ``sign`` gives the armoured signature of the line."""
    line = canonical(beat) + b"\n"
    return line + sign(line)


def opened(data: bytes, keys: Iterable[PublicKey]) -> Heartbeat:
    """The heartbeat of a file.

    Raises:
        Stalled: ``HEARTBEAT_INVALID`` if it does not read or none of the keys signed it.
    """
    line, end, signature = data[: MAX_BYTES + 1].partition(b"\n")
    if len(data) > MAX_BYTES or not any(_signed(line + end, signature, key) for key in keys):
        raise Stalled(Reason.HEARTBEAT_INVALID, "heartbeat", "no watcher's key signed it")
    try:
        return Heartbeat.model_validate_json(line)
    except ValidationError as error:
        raise Stalled(Reason.HEARTBEAT_INVALID, "heartbeat", "it does not read") from error


def _signed(line: bytes, signature: bytes, key: PublicKey) -> bool:
    try:
        verify(signature, line, namespace=Use.HEARTBEAT.namespace, key=key)
    except SignatureRefused:
        return False
    return True


def _require_no_fall(beat: Heartbeat, numbers: dict[str, int]) -> None:
    last = numbers.get(beat.host, -1)
    if beat.number < last:
        text = f"expected number {last} or above, found {beat.number}"
        raise Stalled(Reason.HEARTBEAT_INVALID, f"heartbeat of {beat.host}", text)
