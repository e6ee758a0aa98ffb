"""Reads this host's clocks once a cycle, and keeps the anchor (trust.md, section 6, step 0)."""

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final

from desired_state.clock import Anchor, Clocks, Reading, read
from desired_state.errors import Stalled
from reconciler.adapters.anchor_file import AnchorFile
from reconciler.adapters.clock import boot_clock_ns, wall_clock
from reconciler.adapters.file_memory import FileMemory
from reconciler.adapters.kernel_time import KernelTime, boot_id
from reconciler.host import Host
from reconciler.ports import TimeSource

SAVE: Final = timedelta(minutes=1)  # an anchor that moves with a second source is saved so often


@dataclass
class HostTime:
    """This host's clocks and its anchor."""

    file: AnchorFile
    sources: list[TimeSource]
    floor: datetime | None  # memory's as it lay on the disk at the start
    checked_by: str = ""  # a person who says that the wall clock is right, for the next reading
    _anchor: Anchor | None = None
    _saved: Anchor | None = field(default=None)

    def __post_init__(self) -> None:
        """The anchor of the last run, where there was one."""
        self._anchor = self._saved = self.file.load()

    def look(self, floor: datetime | None = None) -> Reading:
        """This moment; nothing is written."""
        agreeing = [source.name for source in self.sources if source.agrees()]
        agreeing += [self.checked_by] if self.checked_by else []
        clocks = Clocks(wall_clock(), boot_id(), boot_clock_ns(), tuple(agreeing))
        return read(clocks, self._anchor, floor or self.floor)

    def read(self, floor: datetime | None = None) -> Reading:
        """As ``look``, and what is believed is kept; a disk that refuses leaves the old anchor."""
        found = self.look(floor)
        self._anchor, self.checked_by = found.anchor, ""
        if found.anchor and self._due(found.anchor):
            with suppress(Stalled):
                self.file.save(found.anchor)
                self._saved = found.anchor
        return found

    def _due(self, anchor: Anchor) -> bool:
        saved = self._saved
        return saved is None or saved.boot != anchor.boot or abs(anchor.at - saved.at) >= SAVE


def host_time(host: Host, memory: Path, *more: Callable[[], TimeSource]) -> HostTime:
    """The clocks of this host with the second sources that ``governor.yaml`` leaves it."""
    try:
        known = FileMemory(memory).load()
    except Stalled:
        known = None
    sources: list[TimeSource] = [KernelTime()] if host.file.clock.kernel else []
    sources += [make() for make in more]
    path = host.var / "trusted" / "clock"
    return HostTime(AnchorFile(path), sources, known.floor if known else None)
