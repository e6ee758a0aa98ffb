"""Reading an evidence repository: what its reader must be able to do, and the log's own order."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Protocol

from desired_state.canonical import digest_bytes
from desired_state.values import Commit
from evidence_repo import layout
from evidence_repo.chain import GENESIS, Head


@dataclass(frozen=True, slots=True)
class Entry:
    """One file of the tree: its git mode and its size in bytes."""

    mode: str
    size: int


@dataclass(frozen=True, slots=True)
class Change:
    """What one commit did to one path: ``A`` added, ``M`` changed, anything else."""

    commit: Commit
    status: str
    path: str


@dataclass(frozen=True, slots=True)
class Join:
    """A commit with more than one parent; a log of one writer has none."""

    commit: Commit


class EvidenceReader(Protocol):
    """One commit of an evidence repository, and how it came about."""

    def files(self) -> Mapping[str, Entry]:
        """Every file by its path, in the order of the paths."""
        ...

    def read(self, path: str) -> bytes:
        """The bytes of a file that is there.

        Raises:
            Stalled: ``FETCH`` if it is not there; ``TREE_SIZE`` if it is too large.
        """
        ...

    def history(self) -> Iterator[Change | Join]:
        """Every change from the first commit on, oldest first."""
        ...


def shards(files: Mapping[str, Entry]) -> list[str]:
    """The paths of the shards in the order of their leaves."""
    found = [(int(match[1]), path) for path in files if (match := layout.SHARD.match(path))]
    return [path for _, path in sorted(found)]


def lines(reader: EvidenceReader) -> Iterator[bytes]:
    """Every line of the log in order, one shard in memory at a time; nothing is verified."""
    for path in shards(reader.files()):
        yield from reader.read(path).split(b"\n")[:-1]


def pack_folders(files: Mapping[str, Entry]) -> dict[str, dict[str, str]]:
    """The path of each file of each pack: pack id, name in the pack, path in the repository."""
    found: dict[str, dict[str, str]] = {}
    for path in files:
        if match := layout.PACK_FILE.match(path):
            found.setdefault(match[1], {})[match[2]] = path
    return found


def pack_files(reader: EvidenceReader, pack_id: str) -> dict[str, bytes]:
    """The files of one pack by their name in it; empty if there is no such pack."""
    paths = pack_folders(reader.files()).get(pack_id, {})
    return {name: reader.read(path) for name, path in paths.items()}


def head_of(reader: EvidenceReader) -> Head:
    """The head of the log as it stands, unverified: for a journal that begins on a new host."""
    paths = shards(reader.files())
    if not paths:
        return GENESIS
    last = reader.read(paths[-1]).split(b"\n")[:-1]
    first = int(paths[-1].rpartition("/")[2].partition(".")[0])
    return Head(first + len(last), digest_bytes(last[-1]) if last else GENESIS.digest)
