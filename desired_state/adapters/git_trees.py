"""The governed files of one commit: checked by name, and once a folder (trust.md, section 2)."""

from dataclasses import dataclass
from itertools import islice
from typing import Final, NamedTuple

from desired_state.adapters.git_listing import (
    FOLDER,
    NOTHING,
    PLAIN,
    Listing,
    Raw,
    fresh,
    name_of,
)
from desired_state.adapters.git_objects import GitObjects
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
_CACHED: Final = 65_536  # paths
_AT_ONCE: Final = 64  # folders
_REMEMBERED: Final = 4  # versions of each: a folder of thousands is not small
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


class _Changes(NamedTuple):
    """Where a listing differs from the one that was read last under the same path."""

    new: Raw
    gone: tuple[bytes, ...]  # or there with another id


class _Last(NamedTuple):
    """A folder that was found good: its bytes, its names without their case, and its entries."""

    listing: Listing
    names: set[str]
    found: Folder


_EMPTY: Final = _Last(NOTHING, set(), Folder("", {}, {}, 0, 0))


class GitTrees:
    """Reads trees; a folder that was found good under its path is not looked at again."""

    def __init__(self, objects: GitObjects) -> None:
        """Reads nothing yet."""
        self._objects = objects
        self._known: dict[str, tuple[Folder, ...]] = {}
        self._last: dict[str, _Last] = {}

    def tree(self, root: str) -> Tree:
        """Governed entries below a root tree; refuses what is no plain file by name."""
        found = self._objects.folder(root)
        changes = self._changes("", found)
        governed = {}
        for raw, entry in changes.new.items():
            name = name_of(raw)
            if is_governed(name) or name in _FOLDERS:
                governed[raw] = entry
            elif name.casefold() in _CASELESS:
                raise Stalled(Reason.TREE_PATH, name, "it differs from a governed path in case")
        if found.twice:
            raise _name_refused(root)
        return Tree(self._gathered(root, "", found, changes._replace(new=governed), _Left()))

    def _folder(self, oid: str, path: str, left: _Left) -> Folder:
        before = self._known.get(path, ())
        if known := next((folder for folder in before if folder.oid == oid), None):
            left.take(path, known.count, known.inside + 1)
            return known
        if path.count("/") > MAX_DEPTH:
            raise Stalled(Reason.TREE_PATH, path, f"expected at most {MAX_DEPTH} folders deep")
        left.take(path, folders=1)
        listing = self._objects.folder(oid)
        if listing.twice:
            raise _name_refused(path)
        found = self._gathered(oid, path, listing, self._changes(path, listing), left)
        if len(self._known) >= _CACHED:
            self._known.clear()
            self._last.clear()
        self._known[path] = (found, *before[: _REMEMBERED - 1])
        return found

    def _changes(self, path: str, listing: Listing) -> _Changes:
        before = self._last[path].listing if path in self._last else NOTHING
        return _Changes(fresh(listing, before), tuple(fresh(before, listing)))

    def _gathered(
        self, oid: str, path: str, listing: Listing, changes: _Changes, left: _Left
    ) -> Folder:
        """Goes on from what this folder held last, so that only what changed is looked at."""
        _, names, base = self._last.get(path, _EMPTY)
        files, folders, names = dict(base.files), dict(base.folders), set(names)
        below, inside = base.count - len(base.files), base.inside
        gone = [name_of(raw) for raw in changes.gone]
        for name in gone:
            if files.pop(path + name, None):
                names.discard(name.casefold())
            elif folder := folders.pop(path + name + "/", None):
                names.discard(name.casefold())
                below, inside = below - folder.count, inside - folder.inside - 1
        left.take(path, len(files) + below, inside)
        new = {name_of(raw): entry for raw, entry in sorted(changes.new.items())}
        measured = (oid.hex() for mode, oid in new.values() if mode == PLAIN)
        self._objects.measure(islice(measured, left.files))
        waiting = iter(new.items())
        while some := list(islice(waiting, _AT_ONCE)):
            inner = [oid.hex() for _, (mode, oid) in some if mode == FOLDER]
            self._objects.foresee(inner, left.files)
            for name, entry in some:
                if "/" in name:  # git makes no such name; by hand it would pose as a file below
                    raise _name_refused(path + name)
                self._put(path + name, entry, (files, folders), left)
        names.update(name.casefold() for name in new)
        if len(names) != len(files) + len(folders):
            raise _name_refused(path)
        fresh_folders = [folders[path + name + "/"] for name in new if path + name + "/" in folders]
        below += sum(folder.count for folder in fresh_folders)
        inside += sum(folder.inside + 1 for folder in fresh_folders)
        moved = frozenset(path + name for name in (*gone, *new))
        found = Folder(oid, files, folders, len(files) + below, inside, (base.oid, moved))
        self._last[path] = _Last(listing, names, found)
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


def _name_refused(path: str) -> Stalled:
    shown = path.encode("utf-8", "backslashreplace").decode()
    text = "expected one file of each name, whatever its case, in plain text"
    return Stalled(Reason.TREE_PATH, shown, text)
