"""File events as "look again". The door to watchfiles; an event carries no data (design.md, 4)."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from threading import Event
from typing import Final

from watchfiles import watch

STEP_MS: Final = 1  # design.md, section 4: with the defaults an event takes 1.6 s
DEBOUNCE_MS: Final = 5


def looks(paths: list[Path], at_least_every: timedelta, stop: Event) -> Iterator[None]:
    """Yields at once, after each event below ``paths``, and at least this often, until ``stop``."""
    yield None
    there = [path for path in paths if path.exists()]
    if not there:
        while not stop.wait(at_least_every.total_seconds()):
            yield None
        return
    for _ in watch(
        *there,
        watch_filter=None,
        step=STEP_MS,
        debounce=DEBOUNCE_MS,
        rust_timeout=max(1, int(at_least_every / timedelta(milliseconds=1))),
        yield_on_timeout=True,
        stop_event=stop,
        raise_interrupt=False,
    ):
        yield None
