"""The approved configuration, which is what runs: loaded by digest from the base revision."""

from collections.abc import Mapping
from typing import TypeVar

from desired_state.configuration import configuration_digest
from desired_state.document import load
from desired_state.errors import Stalled
from desired_state.frozen import Frozen
from desired_state.reasons import Reason
from desired_state.repository import StateRepository
from desired_state.standing import Approval
from desired_state.state_files import is_configuration
from layers.configuration import CriticScope, OutlookScope, PlanScope, VenueMap, VenueRow
from reconciler.gate import Verdict
from reconciler.thinking import Scopes

M = TypeVar("M", bound=Frozen)


def approved_files(
    state: StateRepository, approval: Approval | None, verdict: Verdict
) -> dict[str, bytes]:
    """Its files by path (trust.md, 4). Raises ``Stalled`` where there is none, or it is lost."""
    if approval is None:
        raise Stalled(Reason.NOT_APPROVED, "configuration")
    tree = state.tree(approval.proposal.base)
    files = {p: state.blob(e.oid) for p, e in tree.items() if is_configuration(p)}
    if configuration_digest(files) != verdict.configuration:
        raise Stalled(Reason.CONFIGURATION_LOST, approval.proposal.base)
    return files


def scopes_of(files: Mapping[str, bytes]) -> Scopes:
    """The approved scopes of the layers that think."""
    return Scopes(
        outlook=_read(OutlookScope, files, "scopes/L2.yaml"),
        plan=_read(PlanScope, files, "scopes/L3.yaml"),
        critic=_read(CriticScope, files, "scopes/L4.yaml"),
    )


def venue_row(files: Mapping[str, bytes], venue: str) -> VenueRow:
    """The venue's row of the approved ``venues.yaml``; ``Stalled`` where there is none."""
    rows = _read(VenueMap, files, "venues.yaml").venues
    if venue not in rows:
        text = f"expected {venue}, which the authority names; found {', '.join(sorted(rows))}"
        raise Stalled(Reason.NOT_ALLOW_LISTED, "venues.yaml", text)
    return rows[venue]


def _read(model: type[M], files: Mapping[str, bytes], path: str) -> M:
    if path not in files:
        raise Stalled(Reason.CONFIGURATION_LOST, path, "expected it in the approved configuration")
    return load(model, files[path], path)
