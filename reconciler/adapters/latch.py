"""Stops, releases and acknowledgements as files on this host: they outlive every process."""

from collections.abc import Iterable
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import TypeVar

from pydantic import ValidationError

from desired_state.adapters.memory_store import write_whole
from desired_state.canonical import canonical
from desired_state.frozen import Frozen
from desired_state.memory import Release, Stop
from desired_state.values import StopClass, Switch
from reconciler.acknowledgement import Acknowledgement

M = TypeVar("M", bound=Frozen)


class Latch:
    """One folder a kind, one file a record. Nothing here deletes a stop or a release."""

    def __init__(self, var: Path) -> None:
        """Folders are made; where the disk refuses, reading still works."""
        self.stops_folder = var / "stops"
        self.releases_folder = var / "releases"
        self._acks = var / "acknowledgements"
        with suppress(OSError):
            for folder in (self.stops_folder, self.releases_folder, self._acks):
                folder.mkdir(parents=True, exist_ok=True)

    def stops(self) -> dict[str, Stop]:
        """Every stop latched here, by id. A file that does not read is a stop as well (STOP-1)."""
        found = {}
        for path in _files(self.stops_folder):
            stop = _read(Stop, path)
            found[path.stem] = stop or _unreadable(path)
        return found

    def releases(self) -> dict[str, Release]:
        """Every release stored here; one that does not read releases nothing."""
        read = ((path.stem, _read(Release, path)) for path in _files(self.releases_folder))
        return {name: release for name, release in read if release and release.stop == name}

    def acknowledgements(self) -> dict[str, Acknowledgement]:
        """By stop."""
        read = (_read(Acknowledgement, path) for path in _files(self._acks))
        return {ack.stop: ack for ack in read if ack}

    def in_force(self) -> dict[str, Stop]:
        """Stops without a release."""
        releases = self.releases()
        return {name: stop for name, stop in self.stops().items() if name not in releases}

    def mark(self, stop: Stop) -> None:
        """Put the stop in place without waiting for the disk: whoever looks next sees it."""
        path = self.stops_folder / f"{stop.id}.json"
        if not path.exists():
            with suppress(OSError):
                path.write_bytes(canonical(stop))

    def put_stop(self, stop: Stop) -> None:
        """On disk (fsync) when this returns. Raises ``Stalled(EVIDENCE_UNWRITABLE)``."""
        write_whole(self.stops_folder / f"{stop.id}.json", canonical(stop))

    def put_release(self, release: Release) -> None:
        """As ``put_stop``."""
        write_whole(self.releases_folder / f"{release.stop}.json", canonical(release))

    def put_acknowledgement(self, ack: Acknowledgement) -> None:
        """As ``put_stop``."""
        write_whole(self._acks / f"{ack.stop}.json", canonical(ack))

    def next_local(self, host: str) -> str:
        """Id of the next stop raised on this host: ``L-<host>-<n>``, n counted in the folder."""
        taken = [p.stem.rpartition("-")[2] for p in _files(self.stops_folder) if p.stem[0] == "L"]
        return f"L-{host}-{max((int(n) for n in taken if n.isdigit()), default=0) + 1}"


def _files(folder: Path) -> Iterable[Path]:
    try:
        return sorted(p for p in folder.iterdir() if p.suffix == ".json")
    except OSError:
        return ()


def _read(model: type[M], path: Path) -> M | None:
    try:
        return model.model_validate_json(path.read_bytes())
    except (OSError, ValidationError):
        return None


def _unreadable(path: Path) -> Stop:
    return Stop(
        id=path.stem,
        kind=StopClass.INTEGRITY,
        reason="its record on this host does not read",
        by="",
        commit=None,
        seen_at=datetime.fromtimestamp(0, UTC),
        switch=Switch.UNREADABLE,
    )
