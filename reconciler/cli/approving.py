"""``governor propose``, ``sign`` and ``approvals``."""

from typing import Annotated

import typer

from desired_state.canonical import digest_bytes, plain
from desired_state.errors import Stalled
from desired_state.proposals import Decision, Proposal, SignOff, proposal_path, signoff_path
from desired_state.reasons import Reason
from desired_state.values import Mode, Trading, instant_text
from reconciler.cli.app import app
from reconciler.cli.papers import Key, Push, Time, Who, Yes, at_desk, evidence_of, finish, time_of
from reconciler.cli.shared import (
    NO,
    AsJson,
    Config,
    finding_lines,
    host_of,
    note,
    show,
    show_json,
)
from reconciler.cli.words import (
    composed_data,
    composed_lines,
    deadline_lines,
    gate_line,
    outstanding_lines,
    proposal_lines,
)
from reconciler.outstanding import deadlines, gates, outstanding
from reconciler.proposal_terms import Request
from reconciler.proposing import changes
from reconciler.signing import Answer, proposal_of, sign_off
from reconciler.wiring.host import present
from reconciler.wiring.reading import open_reading


@app.command()
def propose(
    *,
    reason: Annotated[str, typer.Option(help="Why; people sign it.")],
    person: Who,
    key: Key = None,
    mode: Annotated[Mode | None, typer.Option(help="Else as mode.yaml asks.")] = None,
    trading: Annotated[Trading | None, typer.Option(help="Else as mode.yaml asks.")] = None,
    gate: Annotated[str | None, typer.Option(help="Else the one with the fewest people.")] = None,
    clears: Annotated[
        list[str] | None, typer.Option("--clears", metavar="ID", help="A stop to release.")
    ] = None,
    evidence: Annotated[
        list[str] | None,
        typer.Option("--evidence", metavar="ID=SHA256[:CLAIM]", help="A pack that this relies on."),
    ] = None,
    renew: Annotated[
        bool, typer.Option("--renew", help="The next period of what stands, as it stands.")
    ] = False,
    not_before: Time = None,
    expires: Time = None,
    push: Push = False,
    config: Config = None,
    as_json: AsJson = False,
) -> None:
    """Write a proposal for what mode.yaml and limits.yaml ask for at the head, and sign it."""
    request = Request(
        requester=person,
        reason=reason,
        clears=tuple(clears or ()),
        mode=mode,
        trading=trading,
        gate=gate,
        not_before=time_of(not_before, "--not-before"),
        expires=time_of(expires, "--expires"),
        evidence=tuple(evidence_of(text) for text in evidence or ()),
        renew=renew,
    )
    papers, key_file, admission, verdict, now = at_desk(config, person, key, push=push)
    made, paper = papers.propose(request, admission, verdict.permitted, key_file, now)
    warnings = papers.foreseen(made.proposal)
    for found in warnings:
        note(finding_lines(found))
    commit = finish(papers, paper, push=push)
    if as_json:
        show_json(
            {**composed_data(made, paper.digest, commit), "findings": list(map(plain, warnings))}
        )
        return
    for line in composed_lines(made):
        show(line)


@app.command()
def sign(
    sequence: Annotated[int, typer.Argument(metavar="SEQ", min=1)],
    *,
    person: Who,
    role: Annotated[str | None, typer.Option(help="Else one of yours that is asked for.")] = None,
    key: Key = None,
    decision: Annotated[Decision, typer.Option()] = Decision.GO,
    reason: Annotated[str, typer.Option(help="Stands in the signed file.")] = "",
    yes: Yes = False,
    push: Push = False,
    config: Config = None,
    as_json: AsJson = False,
) -> None:
    """Answer one proposal with GO, NO_GO or WITHDRAW, after showing what it grants."""
    papers, key_file, admission, verdict, now = at_desk(config, person, key, push=push)
    data, signature = papers.proposal(sequence)
    if admission.root is None:
        raise Stalled(Reason.ROOT_PIN, "trust root", "there is no trust root to sign under")
    proposal = proposal_of(sequence, data, signature, admission.root)
    answer = Answer(person, papers.key_id(key_file), decision, role, reason)
    signoff = sign_off(proposal, digest_bytes(data), answer, admission, now)
    for line in proposal_lines(proposal, changes(verdict.permitted, proposal.granted)):
        note(line)
    for found in papers.foreseen(proposal):
        note(finding_lines(found))
    note(f"Signed file: {signoff.proposal}")
    if not yes and not typer.confirm(f"{person} ({signoff.role}) says {decision}?", err=True):
        raise typer.Exit(NO)
    paper = papers.answer(signoff, key_file)
    commit = finish(papers, paper, push=push)
    _tell_signoff(proposal, signoff, commit, as_json=as_json)


@app.command()
def approvals(*, config: Config = None, as_json: AsJson = False) -> None:
    """Who signed, who is missing, what expires when; 1 while somebody is missing."""
    host, now = host_of(config), present()
    with open_reading(host) as reading:
        admission, _ = reading.reader.verify(None, now)
    found = outstanding(admission, now)
    revoked = admission.revoked
    states = gates(admission.root, now, revoked) if admission.root else ()
    ends = deadlines(admission, now)
    soon = [f for f in admission.findings if f.code is Reason.EXPIRES_SOON]
    waiting = any(item.missing for item in found) or admission.root is None
    if as_json:
        show_json(
            {
                "revision": f"main@sha1:{admission.revision}",
                "now": instant_text(now),
                "proposals": [plain(item) for item in found],
                "gates": [plain(state) for state in states],
                "expiries": [plain(end) for end in ends],
                "expires_soon": [plain(found) for found in soon],
                "root_expires": instant_text(admission.root.expires) if admission.root else None,
            }
        )
    else:
        for item in found:
            for line in outstanding_lines(item):
                show(line)
        if not found:
            show("No proposal stands or waits.")
        for state in states:
            show(gate_line(state))
        show("What ends when:")
        for line in deadline_lines(ends):
            show(line)
        for announced in soon:
            show(announced.message)
    if waiting:
        raise typer.Exit(NO)


def _tell_signoff(
    proposal: Proposal, signoff: SignOff, commit: str | None, *, as_json: bool
) -> None:
    if as_json:
        show_json(
            {
                "path": signoff_path(proposal.sequence, signoff.person, signoff.decision),
                "proposal": proposal_path(proposal.sequence),
                **plain(signoff),
                "commit": commit,
            }
        )
        return
    show(
        f"{signoff.person} said {signoff.decision} to {proposal.sequence} as {signoff.role},"
        f" until {instant_text(signoff.expires)}."
    )
    show("See who is missing: governor approvals")
