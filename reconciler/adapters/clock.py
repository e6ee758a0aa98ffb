"""The one reader of the host's clocks."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final


def wall_clock() -> datetime:
    """Now, aware and in UTC."""
    return datetime.now(UTC)  # noqa: TID251  (the one place)


def boot_clock_ns() -> int:
    """Nanoseconds since boot, counted through sleep; never set by anybody."""
    return time.clock_gettime_ns(time.CLOCK_BOOTTIME)


def since_boot() -> timedelta:
    """The same in steps of a microsecond."""
    return timedelta(microseconds=boot_clock_ns() // 1000)


def pause(seconds: float) -> None:
    """Wait."""
    time.sleep(seconds)


@dataclass(frozen=True, slots=True)
class HostClock:
    """Both clocks and the waiting as one value: a session goes by nothing else.

    On a local exchange of virtual time they are the exchange's.
    """

    wall: Callable[[], datetime] = wall_clock
    boot_ns: Callable[[], int] = boot_clock_ns
    pause: Callable[[float], None] = pause

    def since_boot(self) -> timedelta:
        """In steps of a microsecond."""
        return timedelta(microseconds=self.boot_ns() // 1000)


SYSTEM: Final = HostClock()
