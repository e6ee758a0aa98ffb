"""Stops, releases and acknowledgements as files on this host: they outlive every process."""

import os
import re
from collections.abc import Iterable
from contextlib import suppress
from datetime import UTC, datetime
from functools import lru_cache
from pathlib import Path
from typing import Final, TypeVar

from pydantic import ValidationError

from desired_state.adapters.memory_store import write_whole
from desired_state.canonical import canonical, sha256_hex
from desired_state.frozen import Frozen
from desired_state.memory import Release, Stop
from desired_state.values import StopClass, Switch
from reconciler.acknowledgement import Acknowledgement

M = TypeVar("M", bound=Frozen)
_STOP_ID: Final = re.compile(r"S-[0-9a-f]{16}|(L|LOST)-[A-Za-z0-9.-]{1,64}-[0-9]{1,12}")


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
            if stop is None or stop.id != path.stem:
                stop = _unreadable(path)
            found[stop.id] = stop
        if _hidden(self.stops_folder):
            stop = _unreadable(self.stops_folder)
            found[stop.id] = stop
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
        part = path.with_name(f"{path.name}.{os.getpid()}.mark")
        with suppress(OSError):
            if path.exists():
                return
            try:
                part.write_bytes(canonical(stop))
                part.replace(path)  # whole, so that nobody reads half of it
            except OSError:
                path.touch()  # an empty record is a stop as well, and may need no space

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
        """Id of the next stop raised on this host: ``L-<host>-<n>``.

        ``n`` is above that of every record, and of every release: a number that was released once
        would be born released where the stop's own record is gone (STOP-2).
        """
        files = (*_files(self.stops_folder), *_files(self.releases_folder))
        taken = [path.stem.rpartition("-")[2] for path in files if path.stem.startswith("L-")]
        return f"L-{host}-{max((int(n) for n in taken if n.isdecimal()), default=0) + 1}"


def _files(folder: Path) -> Iterable[Path]:
    try:
        return sorted(p for p in folder.iterdir() if p.suffix == ".json")
    except OSError:
        return ()


def _read(model: type[M], path: Path) -> M | None:
    """Parsed once a version: a host keeps every stop it ever had and looks at all of them."""
    try:
        found = path.stat()
    except OSError:
        return None
    return _parsed(model, path, (found.st_ino, found.st_mtime_ns, found.st_size))


@lru_cache(maxsize=4096)
def _parsed(model: type[M], path: Path, _version: tuple[int, int, int]) -> M | None:
    try:
        return model.model_validate_json(path.read_bytes())
    except (OSError, ValidationError):
        return None


def _hidden(folder: Path) -> bool:
    """Whether there is something that cannot be listed: what it holds is not known."""
    try:
        os.scandir(folder).close()
    except FileNotFoundError:
        return False
    except OSError:
        return True
    return False


def _unreadable(path: Path) -> Stop:
    name = path.stem
    if not _STOP_ID.fullmatch(name):  # a record under no stop's name gets one that people can name
        name = f"L-unreadable-{int(sha256_hex(name.encode('utf-8', 'replace'))[:9], 16)}"
    return Stop(
        id=name,
        kind=StopClass.INTEGRITY,
        reason="its record on this host does not read",
        by="",
        commit=None,
        seen_at=datetime.fromtimestamp(0, UTC),
        switch=Switch.UNREADABLE,
    )
