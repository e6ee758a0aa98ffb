"""Keys that may have signed heads of a log: those that count now, and those that did (LOG-1)."""

from dataclasses import dataclass
from typing import TypeAlias

from desired_state.errors import Stalled
from desired_state.reasons import Reason
from evidence_repo.note import Checkpoint, NoteVerifier, key_id, open_checkpoint, parse_note


@dataclass(frozen=True, slots=True)
class LogKeys:
    """Public keys of one log; all bear its origin as their name.

    Whoever hands them in knows them from elsewhere: nothing in the repository is believed.
    """

    current: tuple[NoteVerifier, ...]
    former: tuple[NoteVerifier, ...] = ()  # revoked, or listed no more
    pinned: tuple[Checkpoint, ...] = ()  # heads that people wrote down: they count whoever signed

    @property
    def known(self) -> tuple[NoteVerifier, ...]:
        """Every key that ever counted."""
        return (*self.current, *self.former)

    def counts(self, key: NoteVerifier) -> bool:
        """Whether the key may sign a head now."""
        return any(key.public == other.public for other in self.current)

    def open(self, data: bytes) -> tuple[Checkpoint, NoteVerifier]:
        """The head in a note, and which of the known keys signed it; one that counts first.

        Raises:
            Stalled: ``CHECKPOINT_INVALID`` if none did, or as ``open_checkpoint`` does.
        """
        there = {(line.name, line.key_id) for line in parse_note(data).signatures}
        for key in self.known:
            if (key.name, key_id(key.name, key.public)) in there:
                return open_checkpoint(data, key), key
        names = ", ".join(dict.fromkeys(key.name for key in self.known)) or "a key"
        raise Stalled(
            Reason.CHECKPOINT_INVALID, "checkpoint", f"expected a signature of {names}, found none"
        )


Keys: TypeAlias = LogKeys | NoteVerifier
"""The keys of a log, or its only one."""


def log_keys(keys: Keys) -> LogKeys:
    """The keys, where there is only one as well."""
    return keys if isinstance(keys, LogKeys) else LogKeys((keys,))


def newest_signed(keys: LogKeys, data: bytes) -> Checkpoint:
    """The newest head: by a key that counts now, or one that people pinned, whoever signed it.

    LOG-2: a key that was taken away could have signed anything since, and only the newest head
    stands for every leaf.

    Raises:
        Stalled: ``CHECKPOINT_INVALID``.
    """
    found, key = keys.open(data)
    heads = {(head.size, head.root) for head in keys.pinned}
    if not keys.counts(key) and (found.size, found.root) not in heads:
        text = f"the newest head, of {found.size} leaves, is signed by a key that counts no more"
        raise Stalled(Reason.CHECKPOINT_INVALID, "log/checkpoint", text)
    return found
