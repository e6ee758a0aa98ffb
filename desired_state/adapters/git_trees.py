"""The governed files of one commit: checked by name, and once a folder (trust.md, section 2)."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

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
FOLDER_MODE: Final = "040000"
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

    def tree(self, root: str) -> Tree:
        """Governed entries below a root tree; refuses what is no plain file by name."""
        left = _Left()
        governed = []
        for mode, name, oid in self._objects.folder(root):
            if is_governed(name) or name in _FOLDERS:
                governed.append((mode, name, oid))
            elif name.casefold() in _CASELESS:
                raise Stalled(Reason.TREE_PATH, name, "it differs from a governed path in case")
        return Tree(self._gathered(root, "", governed, left))

    def _folder(self, oid: str, path: str, left: _Left) -> Folder:
        known = self._known.get((path, oid))
        if known:
            left.take(path, known.count, 1)
            return known
        if path.count("/") > MAX_DEPTH:
            raise Stalled(Reason.TREE_PATH, path, f"expected at most {MAX_DEPTH} folders deep")
        left.take(path, folders=1)
        found = self._gathered(oid, path, self._objects.folder(oid), left)
        if len(self._known) >= _CACHED:
            self._known.clear()
        self._known[path, oid] = found
        return found

    def _gathered(
        self, oid: str, path: str, entries: Iterable[tuple[str, str, str]], left: _Left
    ) -> Folder:
        files: dict[str, Entry] = {}
        folders: dict[str, Folder] = {}
        taken: set[str] = set()
        for mode, name, entry in entries:
            here = path + name
            _require_name(here, name.casefold() in taken)
            taken.add(name.casefold())
            if mode == FOLDER_MODE and (path or name in _FOLDERS):
                folders[here + "/"] = self._folder(entry, here + "/", left)
            else:
                left.take(path, files=1)
                files[here] = self._entry(here, mode, entry)
        count = len(files) + sum(folder.count for folder in folders.values())
        return Folder(oid, files, folders, count)

    def _entry(self, path: str, mode: str, oid: str) -> Entry:
        if mode != PLAIN_FILE:
            text = f"expected a plain file (mode {PLAIN_FILE}), found mode {mode}"
            raise Stalled(Reason.TREE_MODE, path, text)
        size = self._objects.size(oid)
        if size > MAX_FILE_BYTES:
            text = f"expected at most {MAX_FILE_BYTES} bytes, found {size}"
            raise Stalled(Reason.TREE_SIZE, path, text)
        return Entry(mode, oid, size)


def _require_name(path: str, taken: bool) -> None:  # noqa: FBT001  (one caller, one line above)
    if taken or not path.isprintable():
        shown = path.encode("utf-8", "backslashreplace").decode()
        text = "expected one file of this name, whatever its case, in plain text"
        raise Stalled(Reason.TREE_PATH, shown, text)
