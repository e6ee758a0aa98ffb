"""The governed files of one commit: checked by name, and once a folder (trust.md, section 2)."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from desired_state.adapters.git_objects import FOLDER, GitObjects, name_of
from desired_state.errors import Stalled
from desired_state.reasons import Reason
from desired_state.state_files import (
    CONFIGURATION,
    CONFIGURATION_FOLDERS,
    KILL_SWITCH,
    LEDGER_FOLDERS,
    LIMITS,
    MAX_FILE_BYTES,
    MODE,
    is_governed,
)
from desired_state.stops import PLAIN_FILE
from desired_state.trees import Entry, Folder, Tree

MAX_ENTRIES: Final = 20_000  # files, and as many folders
MAX_DEPTH: Final = 8  # folders inside each other under a governed path
Raw = dict[bytes, tuple[bytes, bytes]]
_CACHED: Final = 65_536
_FOLDERS: Final = frozenset(f.split("/")[0] for f in CONFIGURATION_FOLDERS + LEDGER_FOLDERS)
_CASELESS: Final = frozenset(
    name.casefold() for name in (MODE, LIMITS, KILL_SWITCH, *CONFIGURATION, *_FOLDERS)
)


@dataclass(slots=True)
class _Left:
    """What one reading may still take in."""

    files: int = MAX_ENTRIES
    folders: int = MAX_ENTRIES

    def take(self, path: str, files: int = 0, folders: int = 0) -> None:
        self.files -= files
        self.folders -= folders
        if min(self.files, self.folders) < 0:
            raise Stalled(Reason.TREE_SIZE, path, f"expected at most {MAX_ENTRIES} files")


class GitTrees:
    """Reads trees; a folder that was found good under its path is not looked at again."""

    def __init__(self, objects: GitObjects) -> None:
        """Reads nothing yet."""
        self._objects = objects
        self._known: dict[tuple[str, str], Folder] = {}
        self._last: dict[str, tuple[Raw, Folder]] = {}

    def tree(self, root: str) -> Tree:
        """Governed entries below a root tree; refuses what is no plain file by name."""
        listing = self._objects.folder(root)
        governed = {}
        for raw, entry in listing.entries.items():
            name = name_of(raw)
            if is_governed(name) or name in _FOLDERS:
                governed[raw] = entry
            elif name.casefold() in _CASELESS:
                raise Stalled(Reason.TREE_PATH, name, "it differs from a governed path in case")
        if listing.twice:
            raise _name_refused(root)
        return Tree(self._gathered(root, "", governed, _Left()))

    def _folder(self, oid: str, path: str, left: _Left) -> Folder:
        known = self._known.get((path, oid))
        if known:
            left.take(path, known.count, known.inside + 1)
            return known
        if path.count("/") > MAX_DEPTH:
            raise Stalled(Reason.TREE_PATH, path, f"expected at most {MAX_DEPTH} folders deep")
        left.take(path, folders=1)
        listing = self._objects.folder(oid)
        if listing.twice:
            raise _name_refused(path)
        found = self._gathered(oid, path, listing.entries, left)
        if len(self._known) >= _CACHED:
            self._known.clear()
            self._last.clear()
        self._known[path, oid] = found
        return found

    def _gathered(self, oid: str, path: str, entries: Raw, left: _Left) -> Folder:
        """Goes on from what this folder held last, so that only what changed is looked at."""
        before, base = self._last.get(path, ({}, Folder("", {}, {}, 0, 0)))
        files, folders = dict(base.files), dict(base.folders)
        changed = [name_of(raw) for raw in before.keys() - entries.keys()]
        new = {raw: entry for raw, entry in entries.items() if before.get(raw) != entry}
        changed += [name_of(raw) for raw in new.keys() & before.keys()]
        for name in changed:
            files.pop(path + name, None)
            folders.pop(path + name + "/", None)
        left.take(path, len(files))
        kept = _sums(folders.values())
        left.take(path, kept[0], kept[1])
        for raw in sorted(new):
            self._put(path + name_of(raw), new[raw], (files, folders), left)
        if new and _alike(entries):
            raise _name_refused(path)
        below, inside = _sums(folders.values())
        found = Folder(oid, files, folders, len(files) + below, inside)
        self._last[path] = entries, found
        return found

    def _put(
        self,
        path: str,
        entry: tuple[bytes, bytes],
        found: tuple[dict[str, Entry], dict[str, Folder]],
        left: _Left,
    ) -> None:
        if not path.isprintable():
            raise _name_refused(path)
        mode, oid = entry[0].decode().zfill(6), entry[1].hex()
        if entry[0] == FOLDER and ("/" in path or path in _FOLDERS):
            found[1][path + "/"] = self._folder(oid, path + "/", left)
        else:
            left.take(path, files=1)
            found[0][path] = self._entry(path, mode, oid)

    def _entry(self, path: str, mode: str, oid: str) -> Entry:
        if mode != PLAIN_FILE:
            text = f"expected a plain file (mode {PLAIN_FILE}), found mode {mode}"
            raise Stalled(Reason.TREE_MODE, path, text)
        size = self._objects.size(oid)
        if size > MAX_FILE_BYTES:
            text = f"expected at most {MAX_FILE_BYTES} bytes, found {size}"
            raise Stalled(Reason.TREE_SIZE, path, text)
        return Entry(mode, oid, size)


def _sums(folders: Iterable[Folder]) -> tuple[int, int]:
    files = inside = 0
    for folder in folders:
        files += folder.count
        inside += folder.inside + 1
    return files, inside


def _alike(names: Iterable[bytes]) -> bool:
    """Whether two of these differ in case alone."""
    every = tuple(names)
    if b"".join(every).isascii():
        return len({name.lower() for name in every}) != len(every)
    return len({name_of(name).casefold() for name in every}) != len(every)


def _name_refused(path: str) -> Stalled:
    shown = path.encode("utf-8", "backslashreplace").decode()
    text = "expected one file of each name, whatever its case, in plain text"
    return Stalled(Reason.TREE_PATH, shown, text)
