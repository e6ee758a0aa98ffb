"""The governed files of one commit as folders, so that what did not change costs nothing. Pure."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Entry:
    """One path of a tree: git's mode, the object's id, and its size in bytes (-1: no blob)."""

    mode: str
    oid: str
    size: int


@dataclass(frozen=True, slots=True)
class Folder:
    """What one folder holds: files by their whole path, folders by theirs with a slash."""

    oid: str
    files: Mapping[str, Entry]
    folders: Mapping[str, "Folder"]
    count: int  # of files, here and below
    inside: int  # folders below


@dataclass(frozen=True, slots=True)
class Tree(Mapping[str, Entry]):
    """Every governed file of one commit by its path."""

    root: Folder

    def __getitem__(self, path: str) -> Entry:
        """The file under this path. Raises ``KeyError``."""
        at = self.root
        start = path.find("/") + 1
        while start:
            at = at.folders[path[:start]]
            start = path.find("/", start) + 1
        return at.files[path]

    def __iter__(self) -> Iterator[str]:
        """All paths."""
        return (path for path, _ in _walk(self.root, ()))

    def __len__(self) -> int:
        """How many files."""
        return self.root.count

    def outside(self, folders: tuple[str, ...]) -> Iterator[tuple[str, Entry]]:
        """Path and entry of every file that is not below these folders."""
        return _walk(self.root, folders)

    def changes(self, before: "Tree | None", within: tuple[str, ...]) -> dict[str, Entry | None]:
        """What stands under these folders now where it is not as before; none: gone."""
        found: dict[str, Entry | None] = {}
        _compare(before.root if before else None, self.root, within, found)
        return found


def _walk(folder: Folder, without: tuple[str, ...]) -> Iterator[tuple[str, Entry]]:
    yield from folder.files.items()
    for name, inner in folder.folders.items():
        if not name.startswith(without or "\0"):
            yield from _walk(inner, without)


def _compare(
    old: Folder | None,
    new: Folder | None,
    within: tuple[str, ...],
    found: dict[str, Entry | None],
) -> None:
    if old and new and old.oid == new.oid:
        return
    before, after = (old.files if old else {}), (new.files if new else {})
    other = [path for path, entry in after.items() if before.get(path) is not entry]
    moved = [path for path in other if before.get(path) != after[path]]
    moved += before.keys() - after.keys()
    found.update((path, after.get(path)) for path in moved if path.startswith(within))
    inner = (old.folders if old else {}), (new.folders if new else {})
    changed = [name for name, folder in inner[1].items() if inner[0].get(name) is not folder]
    for name in (*changed, *(inner[0].keys() - inner[1].keys())):
        if name.startswith(within) or any(folder.startswith(name) for folder in within):
            _compare(inner[0].get(name), inner[1].get(name), within, found)
