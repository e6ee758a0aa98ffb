"""Whether a proposal that is about to be written would count. Pure.

The reconciler judges every proposal itself; here its refusals are met before anybody signs.
"""

from collections.abc import Iterator, Sequence
from datetime import timedelta
from typing import Final

from desired_state.admission import Admission
from desired_state.approvals import incomplete
from desired_state.authority import BOTTOM, settle
from desired_state.document import load
from desired_state.errors import Finding, Severity, Stalled, finding
from desired_state.proposals import WIND_DOWN, Proposal, proposal_path
from desired_state.reasons import Reason
from desired_state.standing import UNREACHED, beyond, rules_of
from desired_state.trust_root import GateRule, Root, satisfiable
from desired_state.values import Access, Mode, Trading
from desired_state.winding_down import wind_down_refusals
from layers.configuration import ASSUMED, VenueMap

UNBOUNDED: Final = timedelta(days=366)
VENUES: Final = "venues.yaml"


def longest(rules: Sequence[GateRule]) -> timedelta:
    """How long these rules let a proposal or a sign-off last."""
    days = [rule.at_most_days for rule in rules if rule.at_most_days]
    return timedelta(days=min(days)) if days else UNBOUNDED


def checked(draft: Proposal, admission: Admission, root: Root) -> tuple[GateRule, ...]:
    """Every rule that the draft's sign-offs must meet.

    Raises:
        Stalled: the code under which the reconciler would refuse the proposal.
    """
    subject = proposal_path(draft.sequence)
    if not root.reaches(draft.authority.mode):
        raise Stalled(Reason.PROPOSAL_CEILING, subject, UNREACHED)
    _grants(draft, subject)
    if draft.gate not in root.gates:
        raise Stalled(Reason.PROPOSAL_GATE, subject, f"the trust root has no gate {draft.gate}")
    if draft.expires > root.expires:
        raise Stalled(Reason.PROPOSAL_CEILING, subject, "it would outlive the trust root")
    unknown = [stop for stop in draft.clears if stop not in admission.memory.stops]
    if unknown:
        raise Stalled(Reason.STOP_UNKNOWN, subject, f"not known here: {', '.join(unknown)}")
    if lacking := incomplete(draft):
        raise Stalled(Reason.PROPOSAL_INCOMPLETE, subject, lacking)
    rules = rules_of(draft, root, admission.memory)
    for code, told in beyond(draft, rules):
        raise Stalled(code, subject, told)
    for rule in rules:
        touched = rule.model_copy(update={"touch": any(r.touch for r in rules)})  # TOUCH-1
        if not satisfiable(root, touched, [draft.requester]):
            told = f"without {draft.requester}, who asks, nobody can complete it"
            raise Stalled(Reason.GATE_UNSATISFIABLE, subject, told)
    return rules


def checked_wind_down(draft: Proposal, admission: Admission, root: Root) -> tuple[GateRule, ...]:
    """The rule that a wind-down's sign-offs must meet. Raises as for ``checked``."""
    subject = proposal_path(draft.sequence)
    rule = root.gates.get(WIND_DOWN)
    for code, told in wind_down_refusals(draft, rule, admission.memory, admission.last_approved):
        raise Stalled(code, subject, told)
    rules = (rule,) if rule else ()
    if not all(satisfiable(root, one, [draft.requester]) for one in rules):
        raise Stalled(Reason.GATE_UNSATISFIABLE, subject, f"nobody can without {draft.requester}")
    return rules


def foreseen(proposal: Proposal, venues: bytes | None) -> tuple[Finding, ...]:
    """What L5 will refuse under it, whoever signs: told as warnings while people can still mend it.

    F9: from testnet up a peg that nobody watches is no, so nothing that increases risk is sent.
    What only reduces is held to no peg. ``venues`` is ``venues.yaml`` at the proposal's base, which
    is what would run; none: there is none.
    """
    asked = proposal.authority
    if asked.mode < Mode.TESTNET or asked.trading < Trading.ACTIVE or venues is None:
        return ()
    try:
        rows = load(VenueMap, venues, VENUES)
    except Stalled as error:
        told = f"at its base: {error.message}"
        return (finding(error.code, _about(proposal, VENUES), told, severity=Severity.WARNING),)
    return tuple(
        finding(
            Reason.DATA_MISSING,
            _about(proposal, f"{quote} at {venue}"),
            f"its peg is watched: assumed in {VENUES} at the base; in mode {asked.mode} L5 refuses"
            " every order that increases risk (F9): name a pair that shows its price there, have"
            " that merged, and propose again",
            severity=Severity.WARNING,
        )
        for venue, quote in dict.fromkeys(_bought_with(proposal))
        if (row := rows.venues.get(venue)) and (peg := row.pegs.get(quote))
        if peg.watched == ASSUMED
    )


def _bought_with(proposal: Proposal) -> Iterator[tuple[str, str]]:
    """Venue and quote currency of all that may be bought, but for the limits' own currency."""
    for symbol, entry in sorted(proposal.authority.symbols.items()):
        quote = symbol.partition("/")[2]
        if entry.access is Access.TRADE and quote != proposal.authority.limits.currency:
            yield entry.venue, quote


def _about(proposal: Proposal, what: str) -> str:
    return f"{proposal_path(proposal.sequence)}: {what}"


def _grants(draft: Proposal, subject: str) -> None:
    if settle(draft.authority) == BOTTOM:
        told = "it would grant nothing; say what is wanted in mode.yaml, or with --mode"
        raise Stalled(Reason.PROPOSAL_GATE, subject, told)
