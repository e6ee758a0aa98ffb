"""Every version of every ledger file ever seen: a mapping that only grows. Pure.

Papers of one proposal lie on one shelf, some shelves in one case. What did not change is shared
with the ledger before, in memory and as bytes under their digest, so one more vote costs the same
beside ten proposals and beside a thousand (LEDGER-1).
"""

import re
from collections.abc import Container, Iterable, Iterator, Mapping
from typing import Any, Final

from pydantic import GetCoreSchemaHandler
from pydantic_core import CoreSchema, core_schema

from desired_state.canonical import canonical, digest_bytes, from_json
from desired_state.proposals import proposal_path
from desired_state.values import Digest

CASE: Final = 32  # shelves in one case: about as many cases as shelves in each, at a thousand
BESIDE: Final = "beside"  # the case of what belongs to no proposal
_DEPTH: Final = 2  # cases, then shelves, then files
_NUMBER: Final = re.compile(r"(?:proposals|signoffs)/([0-9]{4,8})[./]")
_DIGEST: Final = re.compile(r"sha256:[0-9a-f]{64}\Z")
Versions = tuple[str, ...]
Objects = Mapping[str, bytes]


class Ledger(Mapping[str, Versions]):
    """Path to the digests of its versions, in the order in which they were first seen."""

    __slots__ = ("_root",)

    def __init__(self, root: "_Node | None" = None) -> None:
        """Empty, unless made by one of the other ways."""
        self._root = root or _Node(_DEPTH, {})

    @classmethod
    def of(cls, files: Mapping[str, Iterable[str]]) -> "Ledger":
        """The ledger of a plain mapping."""
        return cls().grown((path, digest) for path, found in files.items() for digest in found)

    @classmethod
    def at(cls, digest: str, objects: Objects) -> "Ledger":
        """The ledger of this digest; its nodes are read where they are looked at, and not before.

        Reading raises what ``objects`` raises, and ``ValueError`` for bytes that are no node.
        """
        return cls(_Node(_DEPTH, None, digest, objects))

    @property
    def digest(self) -> str:
        """Names the whole content."""
        return self._root.digest

    def grown(self, entries: Iterable[tuple[str, str]]) -> "Ledger":
        """With these versions as well, where they are new."""
        root, shelves = self._root, dict[tuple[str, str], dict[str, Versions]]()
        for path, digest in entries:
            place = _place(path)
            shelf = shelves.setdefault(place, {})
            known = shelf.get(path) or root.find((*place, path))
            if digest not in known:
                shelf[path] = (*known, digest)
        for place, files in shelves.items():
            root = root.put(place, files) if files else root
        return self if root is self._root else Ledger(root)

    def under(self, sequence: int) -> Mapping[str, Versions]:
        """The papers of one proposal and what lies beside them, by path."""
        return self._root.files(_shelf(sequence))

    def after(self, sequence: int) -> Iterator[int]:
        """Numbers above this one under which there is a proposal's file, rising."""
        first, _ = _shelf(sequence)
        for case in sorted(name for name in self._root.items if first <= name < BESIDE):
            for shelf in sorted(self._root.items[case].items):
                number = int(shelf)
                if number > sequence and proposal_path(number) in self.under(number):
                    yield number

    def nodes(self, without: Container[str] = ()) -> Iterator[tuple[str, bytes, frozenset[str]]]:
        """Digest, bytes and named versions of each node that is not among the known ones."""
        return self._root.nodes(without)

    def since(self, before: "Ledger") -> Iterator[tuple[str, str]]:
        """Path and digest of every version that ``before`` lacks; what is shared is not looked at.

        Raises:
            ValueError: ``before`` holds what is not here: this one did not grow from it.
        """
        return self._root.since(before._root)  # noqa: SLF001  (of its own kind)

    def __getitem__(self, path: str) -> Versions:
        """Versions of this path. Raises ``KeyError`` where there are none."""
        found = self._root.find((*_place(path), path))
        if not found:
            raise KeyError(path)
        return found

    def __iter__(self) -> Iterator[str]:
        """All paths."""
        return self._root.paths()

    def __len__(self) -> int:
        """How many paths."""
        return sum(1 for _ in self._root.paths())

    def __bool__(self) -> bool:
        """Whether there is anything."""
        return bool(self._root.items)

    def __eq__(self, other: object) -> bool:
        """By content."""
        if isinstance(other, Ledger):
            return self._root is other._root or self.digest == other.digest
        return isinstance(other, Mapping) and dict(self) == dict(other)

    def __hash__(self) -> int:
        """By content."""
        return hash(self.digest)

    def __repr__(self) -> str:
        """As the mapping that it is."""
        return f"Ledger.of({dict(self)!r})"

    def __copy__(self) -> "Ledger":
        """It never changes."""
        return self

    def __deepcopy__(self, memo: object) -> "Ledger":
        """It never changes."""
        return self

    @classmethod
    def __get_pydantic_core_schema__(
        cls, source: object, handler: GetCoreSchemaHandler
    ) -> CoreSchema:
        """In a model's JSON it is the plain mapping."""
        plain = core_schema.no_info_after_validator_function(
            cls.of, handler.generate_schema(dict[str, tuple[Digest, ...]])
        )
        return core_schema.json_or_python_schema(
            json_schema=plain,
            python_schema=core_schema.union_schema([core_schema.is_instance_schema(cls), plain]),
            serialization=core_schema.plain_serializer_function_ser_schema(dict),
        )


class _Node:
    """A shelf of files (level 0) or a case of what is one level below; never changed."""

    __slots__ = ("_digest", "_items", "_level", "_objects")

    def __init__(
        self,
        level: int,
        items: dict[str, Any] | None,
        digest: str = "",
        objects: Objects | None = None,
    ) -> None:
        self._level, self._items, self._digest = level, items, digest
        self._objects = objects if objects is not None else {}

    @property
    def items(self) -> dict[str, Any]:
        if self._items is None:
            self._items = self._read(self._objects[self._digest])
        return self._items

    @property
    def digest(self) -> str:
        if not self._digest:
            self._digest = digest_bytes(self.data)
        return self._digest

    @property
    def data(self) -> bytes:
        if self._level == 0:
            return canonical({"files": self.items})
        return canonical({"nodes": {name: node.digest for name, node in self.items.items()}})

    def find(self, names: tuple[str, ...]) -> Versions:
        node: Any = self
        for name in names:
            node = node.items.get(name)
            if node is None:
                return ()
        return tuple(node)

    def files(self, names: tuple[str, ...]) -> Mapping[str, Versions]:
        node: Any = self
        for name in names:
            node = node.items.get(name)
            if node is None:
                return {}
        return dict(node.items)

    def put(self, names: tuple[str, ...], files: Mapping[str, Versions]) -> "_Node":
        """With these files on one shelf, each in place of what stood under its path."""
        if not names:
            return _Node(0, {**self.items, **files})
        name, *rest = names
        below = self.items.get(name) or _Node(self._level - 1, {})
        return _Node(self._level, {**self.items, name: below.put(tuple(rest), files)})

    def paths(self) -> Iterator[str]:
        if self._level == 0:
            yield from self.items
        else:
            for node in self.items.values():
                yield from node.paths()

    def nodes(self, without: Container[str]) -> Iterator[tuple[str, bytes, frozenset[str]]]:
        if self.digest in without:
            return
        if self._level == 0:
            named = frozenset(digest for found in self.items.values() for digest in found)
            yield self.digest, self.data, named
            return
        for node in self.items.values():
            yield from node.nodes(without)
        yield self.digest, self.data, frozenset()

    def since(self, before: "_Node") -> Iterator[tuple[str, str]]:
        if self is before or self.digest == before.digest:
            return
        if before.items.keys() - self.items.keys():
            raise ValueError("the ledger holds less than the one before")
        for name, found in self.items.items():
            known = before.items.get(name)
            if self._level:
                yield from found.since(known or _Node(self._level - 1, {}))
            elif found[: len(known or ())] != (known or ()):
                raise ValueError("the ledger holds other versions than the one before")
            else:
                yield from ((name, digest) for digest in found[len(known or ()) :])

    def _read(self, data: bytes) -> dict[str, Any]:
        key, found = "nodes" if self._level else "files", from_json(data)
        items = found.get(key) if isinstance(found, dict) and len(found) == 1 else None
        if not isinstance(items, dict):
            raise ValueError(f"expected a node of a ledger with its {key}")  # noqa: TRY004
        if not self._level:
            return {path: tuple(map(_checked, versions)) for path, versions in items.items()}
        below = self._level - 1
        return {n: _Node(below, None, _checked(d), self._objects) for n, d in items.items()}


def _checked(digest: object) -> str:
    if not isinstance(digest, str) or not _DIGEST.match(digest):
        raise ValueError(f"expected a digest in a ledger, found {digest!r}"[:200])
    return digest


def _place(path: str) -> tuple[str, str]:
    match = _NUMBER.match(path)
    if match and f"{int(match[1]):04d}" == match[1]:
        return _shelf(int(match[1]))
    return BESIDE, path.rpartition("/")[0].partition("/")[0]


def _shelf(sequence: int) -> tuple[str, str]:
    return f"{sequence // CASE:07d}", f"{sequence:08d}"


NOTHING: Final = Ledger()
