"""The one reader of the host's clocks."""

import time
from datetime import UTC, datetime, timedelta


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
