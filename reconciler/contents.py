"""Bytes by digest, read once: what a cycle looks at twice does not touch the disk twice."""

from collections import OrderedDict
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Final, Protocol

from desired_state.canonical import digest_bytes
from desired_state.errors import GovernanceError, Stalled
from desired_state.repository import Contents

MAX_CACHED: Final = 4096


class Lazy(Mapping[str, bytes]):
    """Objects as a mapping; only what is asked for is read."""

    def __init__(self, objects: Callable[[str], bytes]) -> None:
        """``objects`` gives the bytes of a digest."""
        self._objects = objects

    def __getitem__(self, name: str) -> bytes:
        return self._objects(name)

    def __iter__(self) -> Iterator[str]:
        return iter(())

    def __len__(self) -> int:
        return 0


class Cached(Mapping[str, bytes]):
    """A mapping over a store of content-addressed bytes."""

    def __init__(self, store: Contents) -> None:
        """``store`` keeps; this only remembers."""
        self._store = store
        self._known: OrderedDict[str, bytes] = OrderedDict()
        self._waiting: dict[str, bytes] = {}

    def keep(self, data: bytes, *more: bytes) -> str:
        """The bytes are at hand from now on; the store has them after ``settle``."""
        for each in (data, *more):
            digest = digest_bytes(each)
            if digest not in self._known:
                self._waiting[digest] = each
        return digest_bytes(data)

    def settle(self) -> None:
        """The store has everything that was given here, and took it at once."""
        if self._waiting:
            self._store.keep(*self._waiting.values())
            for digest, data in self._waiting.items():
                self._remember(digest, data)
            self._waiting = {}

    def kept(self, digest: str) -> bytes:
        """The bytes of this digest."""
        return self[digest]

    def __getitem__(self, digest: str) -> bytes:
        if digest in self._waiting:
            return self._waiting[digest]
        if digest not in self._known:
            self._remember(digest, self._store.kept(digest))
        return self._known[digest]

    def __iter__(self) -> Iterator[str]:
        return iter(self._known)

    def __len__(self) -> int:
        return len(self._known)

    def _remember(self, digest: str, data: bytes) -> None:
        self._known[digest] = data
        if len(self._known) > MAX_CACHED:
            self._known.popitem(last=False)


class Read(Protocol):
    """Where bytes may be found again."""

    def kept(self, digest: str) -> bytes:
        """The bytes of this digest. Raises ``Stalled`` where they are not there."""
        ...


class Mended:
    """Contents over others: what is gone here is taken from there, and kept again (MEM-4)."""

    def __init__(self, store: Contents, other: Read) -> None:
        """``store`` keeps; ``other`` is asked for what it lacks."""
        self._store, self._other = store, other

    def keep(self, data: bytes, *more: bytes) -> str:
        """As the store."""
        return self._store.keep(data, *more)

    def kept(self, digest: str) -> bytes:
        """From the store, else from the other one. Raises ``Stalled`` where neither has it."""
        try:
            return self._store.kept(digest)
        except (KeyError, Stalled):
            data = self._other.kept(digest)
            self._store.keep(data)
            return data


class InMemory:
    """Contents that are gone with the process, over others that may be read; for reading verbs."""

    def __init__(self, below: Contents | None = None) -> None:
        """``below`` is asked for what was not kept here."""
        self._kept: dict[str, bytes] = {}
        self._below = below

    def keep(self, data: bytes, *more: bytes) -> str:
        """Nothing touches the disk."""
        self._kept.update((digest_bytes(each), each) for each in (data, *more))
        return digest_bytes(data)

    def kept(self, digest: str) -> bytes:
        """From here, or from below. Raises ``KeyError`` where neither has it."""
        if digest in self._kept or self._below is None:
            return self._kept[digest]
        return self._below.kept(digest)


class Recalled:
    """Contents over others: what nobody kept is read again from history, once, and if it is asked.

    Where history does not read, ``problem`` says so, for who asked may take it for a bad file.
    """

    def __init__(self, store: Contents, history: Callable[[], Iterable[bytes]]) -> None:
        """``history`` gives every version that there ever was."""
        self._store, self._history = store, history
        self._asked = False
        self.problem: GovernanceError | None = None

    def keep(self, data: bytes, *more: bytes) -> str:
        """As the store."""
        return self._store.keep(data, *more)

    def kept(self, digest: str) -> bytes:
        """From the store, or from history. Raises ``KeyError`` or ``Stalled`` if in neither."""
        try:
            return self._store.kept(digest)
        except (KeyError, Stalled):
            if self._asked:
                raise
            self._recall()
            return self._store.kept(digest)

    def _recall(self) -> None:
        self._asked = True
        try:
            for data in self._history():
                self._store.keep(data)
        except GovernanceError as error:
            self.problem = error
            raise
