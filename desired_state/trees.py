"""The governed files of one commit as folders, so that what did not change costs nothing. Pure."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Final


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
    since: tuple[str, frozenset[str]] = ("", frozenset())
    """Id of another folder under this path, and the paths (no slash) at which it differs."""

    def differing(self, old: "Folder") -> frozenset[str] | None:
        """Where this one may differ from the old one; none where only looking can tell."""
        return self.since[1] if old.oid and self.since[0] == old.oid else None


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
    before, after = old or _NOTHING, new or _NOTHING
    near = after.differing(before)
    files = near if near is not None else before.files.keys() | after.files.keys()
    moved = [path for path in files if before.files.get(path) != after.files.get(path)]
    found.update((path, after.files.get(path)) for path in moved if path.startswith(within))
    every = before.folders.keys() | after.folders.keys() if near is None else _slashed(near)
    for name in every:
        inner = before.folders.get(name), after.folders.get(name)
        if inner[0] is not inner[1] and (
            name.startswith(within) or any(folder.startswith(name) for folder in within)
        ):
            _compare(*inner, within, found)


def _slashed(paths: Iterable[str]) -> Iterator[str]:
    return (path + "/" for path in paths)


_NOTHING: Final = Folder("", {}, {}, 0, 0)
