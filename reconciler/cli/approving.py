"""``governor propose``, ``sign`` and ``approvals``."""

from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer

from desired_state.canonical import digest_bytes, plain
from desired_state.errors import Stalled
from desired_state.proposals import Decision, Proposal, SignOff, proposal_path, signoff_path
from desired_state.reasons import Reason
from desired_state.trust_root import Use
from desired_state.values import Mode, Trading, instant_text, parse_instant
from reconciler.cli.app import app
from reconciler.cli.shared import NO, AsJson, Config, host_of, note, show, show_json
from reconciler.cli.words import outstanding_lines, proposal_lines
from reconciler.outstanding import gates, outstanding
from reconciler.proposing import Composed, Request, changes, compose, proposal_file
from reconciler.signing import Answer, proposal_of, sign_off, signoff_file
from reconciler.wiring.host import present
from reconciler.wiring.paperwork import Paperwork, paperwork
from reconciler.wiring.reading import open_reading

Who = Annotated[str, typer.Option("--as", metavar="PERSON", help="A person of the trust root.")]
Key = Annotated[
    Path | None,
    typer.Option("--key", metavar="FILE", help="Private key; else the demonstration key."),
]
Push = Annotated[bool, typer.Option("--push", help="Commit and push, else print the commands.")]
Time = Annotated[
    str | None, typer.Option(metavar="TIME", help='UTC, such as "2026-11-22T10:00:00Z".')
]


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
    not_before: Time = None,
    expires: Time = None,
    push: Push = False,
    config: Config = None,
    as_json: AsJson = False,
) -> None:
    """Write a proposal for what mode.yaml and limits.yaml ask for at the head, and sign it."""
    host, now = host_of(config), present()
    papers = paperwork(host)
    key_file = papers.key_of(person, key)
    if push:
        papers.refresh()
    request = Request(
        requester=person,
        reason=reason,
        clears=tuple(clears or ()),
        mode=mode,
        trading=trading,
        gate=gate,
        not_before=_time(not_before, "--not-before"),
        expires=_time(expires, "--expires"),
    )
    with open_reading(host) as reading:
        admission, verdict = reading.reader.verify(None, now)
    made = compose(request, admission, verdict.permitted, papers.proposals(), now)
    data = proposal_file(made.proposal)
    written = papers.put(made.path, data, key_file, Use.PROPOSAL)
    commit = _finish(
        papers, written, f"Propose {made.proposal.sequence}: {reason}", person, push=push
    )
    _tell_proposal(made, digest_bytes(data), commit, as_json=as_json)
    note(f"Signed as by: {papers.plain_line(made.path, key_file, Use.PROPOSAL)}")


@app.command()
def sign(
    sequence: Annotated[int, typer.Argument(metavar="SEQ", min=1)],
    *,
    person: Who,
    role: Annotated[str | None, typer.Option(help="Else one of yours that is asked for.")] = None,
    key: Key = None,
    decision: Annotated[Decision, typer.Option()] = Decision.GO,
    reason: Annotated[str, typer.Option(help="Stands in the signed file.")] = "",
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    push: Push = False,
    config: Config = None,
    as_json: AsJson = False,
) -> None:
    """Answer one proposal with GO, NO_GO or WITHDRAW, after showing what it grants."""
    host, now = host_of(config), present()
    papers = paperwork(host)
    key_file = papers.key_of(person, key)
    if push:
        papers.refresh()
    with open_reading(host) as reading:
        admission, verdict = reading.reader.verify(None, now)
    data, signature = papers.proposal(sequence)
    if admission.root is None:
        raise Stalled(Reason.ROOT_PIN, "trust root", "there is no trust root to sign under")
    proposal = proposal_of(sequence, data, signature, admission.root)
    answer = Answer(person, papers.key_id(key_file), decision, role, reason)
    signoff = sign_off(proposal, digest_bytes(data), answer, admission, now)
    for line in proposal_lines(proposal, changes(verdict.permitted, proposal.granted)):
        note(line)
    note(f"Signed file: {signoff.proposal}")
    if not yes and not typer.confirm(f"{person} ({signoff.role}) says {decision}?", err=True):
        raise typer.Exit(NO)
    path = signoff_path(sequence, person, decision)
    written = papers.put(path, signoff_file(signoff), key_file, Use.SIGN_OFF)
    commit = _finish(papers, written, f"{decision} to {sequence} by {person}", person, push=push)
    _tell_signoff(proposal, signoff, commit, as_json=as_json)
    note(f"Signed as by: {papers.plain_line(path, key_file, Use.SIGN_OFF)}")


@app.command()
def approvals(*, config: Config = None, as_json: AsJson = False) -> None:
    """Who signed, who is missing, what expires when; 1 while somebody is missing."""
    host, now = host_of(config), present()
    with open_reading(host) as reading:
        admission, _ = reading.reader.verify(None, now)
    found = outstanding(admission, now)
    states = gates(admission.root) if admission.root else ()
    soon = [f for f in admission.findings if f.code is Reason.EXPIRES_SOON]
    waiting = any(item.missing for item in found) or admission.root is None
    if as_json:
        show_json(
            {
                "revision": f"main@sha1:{admission.revision}",
                "now": instant_text(now),
                "proposals": [plain(item) for item in found],
                "gates": [plain(state) for state in states],
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
            word = "can be completed" if state.satisfiable else "CANNOT BE COMPLETED by anybody"
            alone = f"; not without {', '.join(state.needs)}" if state.needs else ""
            show(f"gate {state.gate}: {word}{alone}")
        for announced in soon:
            show(announced.message)
    if waiting:
        raise typer.Exit(NO)


def _time(text: str | None, option: str) -> datetime | None:
    try:
        return parse_instant(text) if text else None
    except ValueError as error:
        raise Stalled(Reason.USAGE, option, str(error)) from error


def _finish(
    papers: Paperwork, paths: tuple[str, ...], message: str, person: str, *, push: bool
) -> str | None:
    """Pushed where that was asked for; else how to do it by hand."""
    if push:
        return papers.publish(paths, message, person)
    note("Not pushed yet. In the working clone:")
    note(f"  git add {' '.join(paths)}")
    note(f"  git commit -m {message!r} && git push origin HEAD:{papers.branch}")
    return None


def _tell_proposal(made: Composed, digest: str, commit: str | None, *, as_json: bool) -> None:
    if as_json:
        show_json(
            {
                "sequence": made.proposal.sequence,
                "path": made.path,
                "sha256": digest,
                "gate": made.proposal.gate,
                "changes": [
                    {"path": c.path, "now": c.now, "then": c.then, "looser": c.looser}
                    for c in made.changes
                ],
                "signers": list(made.signers),
                "commit": commit,
            }
        )
        return
    for line in proposal_lines(made.proposal, made.changes):
        show(line)
    show(f"To be signed by {' and '.join(made.signers)}, not counting {made.proposal.requester}.")
    show(f"Next: governor sign {made.proposal.sequence} --as PERSON --push")


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
