"""``governor audit``: both repositories from their bytes alone, and the pin of the first root."""

import tempfile
from collections.abc import Mapping
from contextlib import ExitStack, closing
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from desired_state.adapters.git_state import GitState
from desired_state.admission import ROOT_PATH
from desired_state.canonical import digest_bytes, plain
from desired_state.document import load
from desired_state.errors import GovernanceError, Stalled, Waiting
from desired_state.reasons import Reason
from desired_state.trust_root import Root, Use
from evidence_repo.adapters.git_reader import GitReader
from evidence_repo.adapters.log_key import from_openssh
from evidence_repo.audit import ChainAudit, audit_chain
from reconciler import decisions, verdicts
from reconciler.auditing import Replay
from reconciler.host import Host


@dataclass(frozen=True)
class Sources:
    """Which repositories, and the digest of the first root that the auditor knows."""

    state: str
    branch: str
    evidence: Path
    pin: str


def sources_of(host: Host) -> Sources:
    """Those of this host."""
    return Sources(
        state=host.state_url,
        branch=host.file.state.branch,
        evidence=Path(host.evidence_url),
        pin=host.file.trust_root,
    )


def audit(sources: Sources) -> ChainAudit:
    """Everything verified and replayed. Raises ``Stalled`` where there is nothing to read."""
    with ExitStack() as stack:
        spare = stack.enter_context(tempfile.TemporaryDirectory(prefix="governor-audit-"))
        clone = Path(spare) / "state.git"
        state = stack.enter_context(closing(GitState(clone, sources.state, sources.branch)))
        reader = stack.enter_context(closing(GitReader(sources.evidence)))
        root = _root(state, sources.pin)
        key = from_openssh(_log_key(root), f"{root.repository}/evidence")
        return audit_chain(reader, key, Replay(_files_at(state)).judges)


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
    }


def _root(state: GitState, pin: str) -> Root:
    path = ROOT_PATH.format(1)
    for tip in state.tips().values():
        entry = state.tree(tip).get(path)
        data = state.blob(entry.oid) if entry else b""
        if digest_bytes(data) == pin:
            return load(Root, data, path)
    raise Stalled(Reason.ROOT_PIN, path, f"expected a root with the digest {pin}, found none")


def _log_key(root: Root) -> str:
    for entry in root.keys.values():
        if Use.EVIDENCE in entry.uses:
            return entry.public
    raise Stalled(Reason.ROOT_SCHEMA, "keys", "expected a key with the use evidence, found none")


def _files_at(state: GitState) -> Any:  # noqa: ANN401  (a cached function)
    @lru_cache(maxsize=4096)
    def content(oid: str) -> str:
        return digest_bytes(state.blob(oid))

    @lru_cache(maxsize=1024)
    def files(revision: str) -> Mapping[str, str] | None:
        try:
            tree = state.tree(revision)
        except Waiting:
            return None
        except GovernanceError:
            return {}  # a tree that no reader may believe: nothing was read of it
        return {path: content(entry.oid) for path, entry in tree.items()}

    return files
