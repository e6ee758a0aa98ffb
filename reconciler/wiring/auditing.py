"""``governor audit``: both repositories from their bytes alone, and the pin of the first root."""

import base64
import tempfile
from contextlib import ExitStack, closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from desired_state.adapters.git_state import GitState
from desired_state.canonical import plain
from evidence_repo.adapters.git_reader import GitReader
from evidence_repo.audit import audit_chain
from evidence_repo.audit_report import ChainAudit, Judges, Unseen
from evidence_repo.pinned import pinned_text, read_pinned
from reconciler import decisions, verdicts
from reconciler.auditing import Replay
from reconciler.host import Host
from reconciler.log_trust import KeysInTurn, trusted_from
from reconciler.reobserving import Again, files_at
from reconciler.wiring.log_keys import head_of_main, key_id, listed_keys


@dataclass(frozen=True)
class Sources:
    """Which repositories, and the digest of the first root that the auditor knows."""

    state: str
    branch: str
    evidence: Path
    pin: str
    checkpoint: str | None = None  # SIZE:ROOT of a head that people wrote down


def sources_of(host: Host) -> Sources:
    """Those of this host."""
    return Sources(
        state=host.state_url,
        branch=host.file.state.branch,
        evidence=Path(host.evidence_url),
        pin=host.file.trust_root,
        checkpoint=host.file.evidence.checkpoint,
    )


def audit(sources: Sources) -> ChainAudit:
    """Everything verified and replayed. Raises ``Stalled`` where there is nothing to read."""
    with ExitStack() as stack:
        spare = stack.enter_context(tempfile.TemporaryDirectory(prefix="governor-audit-"))
        clone = Path(spare) / "state.git"
        state = stack.enter_context(closing(GitState(clone, sources.state, sources.branch)))
        reader = stack.enter_context(closing(GitReader(sources.evidence)))
        trusted = trusted_from(state, head_of_main(state), sources.pin)
        keys = KeysInTurn(trusted)
        replay = Replay(files_at(state), Again(state), sources.pin, keys)
        since = read_pinned(sources.checkpoint) if sources.checkpoint else None
        judges = Judges(
            replay.judges, replay.skim, lambda key, size: keys.against(key_id(key), size)
        )
        return audit_chain(reader, listed_keys(trusted, since), judges, since)


def audit_data(found: ChainAudit) -> dict[str, Any]:
    """The object of ``governor audit --json`` (design.md, section 5)."""
    return {
        "ok": found.ok,
        "leaves": found.leaves,
        "packs": found.packs,
        "checkpoints": found.checkpoints,
        "verdicts_replayed": found.replayed.get(verdicts.LEAF_KIND, 0),
        "decisions_replayed": found.replayed.get(decisions.LEAF_KIND, 0),
        "orders": found.replayed.get("order_intent", 0),
        "fills": found.replayed.get("order_fill", 0),
        "findings": [plain(item) for item in found.findings],
        "checkpoint": pinned_text(found.newest) if found.newest else None,
        "not_looked_at": _unseen(found.unseen, found.proof) if found.unseen else None,
    }


def _unseen(unseen: Unseen, proof: tuple[bytes, ...]) -> dict[str, Any]:
    """What was taken on the word of the pinned head, and the proof that the log grew from it."""
    return {
        "checkpoint": pinned_text(unseen.head),
        "leaves": unseen.head.size,
        "packs": unseen.packs,
        "checkpoints": unseen.checkpoints,
        "consistency": [base64.b64encode(node).decode() for node in proof],
    }
