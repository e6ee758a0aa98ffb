"""The keys of a host's log, as the trust root lists them; nothing in the log is believed."""

from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from typing import Final

from desired_state.adapters.git_state import GitState
from desired_state.errors import GovernanceError, Stalled
from desired_state.reasons import Reason
from desired_state.root_chain import Trusted
from desired_state.signatures import public_key
from evidence_repo.adapters.log_key import LogKey, PublicLogKey, from_openssh, openssh_line
from evidence_repo.log_keys import LogKeys
from evidence_repo.note import Checkpoint, NoteVerifier
from evidence_repo.pinned import read_pinned
from reconciler.adapters.evidence_chain import EvidenceChain
from reconciler.adapters.file_memory import FileMemory
from reconciler.contents import Lazy
from reconciler.host import Host
from reconciler.log_trust import counting, evidence_keys, remembered, trusted_from

ORIGIN: Final = "{}/evidence"  # the log's origin names the repository whose root lists its key


def pinned_head(host: Host) -> Checkpoint | None:
    """The head of the log that people wrote into ``governor.yaml``."""
    text = host.file.evidence.checkpoint
    return read_pinned(text) if text else None


def key_id(key: NoteVerifier) -> str:
    """As it stands in the trust root."""
    return public_key(openssh_line(key.public)).key_id


def listed_keys(trusted: Trusted, pinned: Checkpoint | None) -> LogKeys:
    """Every key that an accepted root ever listed for evidence, apart by whether it counts now."""
    now = counting(trusted)
    lines = evidence_keys(trusted.roots)
    origin = ORIGIN.format(trusted.root.repository)
    return LogKeys(
        tuple(_verifiers((line for name, line in lines.items() if name in now), origin)),
        tuple(_verifiers((line for name, line in lines.items() if name not in now), origin)),
        (pinned,) if pinned else (),
    )


def _verifiers(lines: Iterable[str], origin: str) -> Iterable[PublicLogKey]:
    for line in lines:
        with suppress(Stalled):  # a key of another kind signs no heads
            yield from_openssh(line, origin)


def head_of_main(state: GitState) -> str:
    """Where main stands. Raises ``Waiting(FETCH)``, or ``Stalled(FETCH)`` without a main."""
    tip = state.tips().get(state.main)
    if tip is None:
        raise Stalled(Reason.FETCH, state.main, "the state repository has no such branch")
    return tip


def trust_at_start(
    host: Host, state: GitState, chain: EvidenceChain, memory: Path, own: LogKey
) -> Trusted | None:
    """Whom to trust before the first cycle: as remembered, else as history shows from the pin on.

    History is asked where memory does not know this host's own key, which may be of a root that
    came since. None where neither answers: then nothing is permitted either.
    """
    pin = host.file.trust_root
    with suppress(GovernanceError):
        found = FileMemory(memory).load()
        known = remembered(found, Lazy(chain.kept), pin) if found else None
        if known and key_id(own) in counting(known):
            return known
    with suppress(GovernanceError):
        return trusted_from(state, head_of_main(state), pin)
    return None
