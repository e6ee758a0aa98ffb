"""``governor suspend`` and ``resume``: narrowed on purpose, and the way back."""

from typing import Annotated

import typer

from desired_state.errors import Stalled
from desired_state.reasons import Reason
from desired_state.state_files import MODE
from desired_state.suspension import Suspension
from desired_state.values import Trading, instant_text
from reconciler.cli.app import app
from reconciler.cli.papers import Key, Push, Who, at_desk, by_hand, time_of
from reconciler.cli.shared import AsJson, Config, host_of, note, show, show_json
from reconciler.cli.words import composed_data, composed_lines
from reconciler.proposal_terms import Request
from reconciler.suspending import read_mode, resumed, suspended
from reconciler.wiring.host import present
from reconciler.wiring.paperwork import Paperwork, paperwork


@app.command()
def suspend(
    *,
    reason: Annotated[str, typer.Option(help="Why; everybody reads it.")],
    until: Annotated[str, typer.Option(metavar="TIME", help="When somebody must look again.")],
    person: Who,
    trading: Annotated[Trading, typer.Option(help="reducing or halted.")] = Trading.REDUCING,
    push: Push = False,
    config: Config = None,
    as_json: AsJson = False,
) -> None:
    """Narrow trading at once, with reason, owner and an end that tells people and resumes nothing.

    Nobody needs to sign: tightening is free. Coming back is a restore, which people sign.
    """
    host, now = host_of(config), present()
    end = time_of(until, "--until")
    if trading is Trading.ACTIVE or end is None or end <= now:
        told = "expected --trading reducing or halted, and an --until that lies ahead"
        raise Stalled(Reason.USAGE, "suspend", told)
    papers = paperwork(host)
    if push:
        papers.refresh()
    suspension = Suspension(reason=reason, by=person, until=end)
    data = suspended(_mode(papers), suspension, trading)
    papers.desk.write({MODE: data})
    commit = _publish(papers, (MODE,), (f"Suspend: {reason}", person), push=push)
    if as_json:
        stands = read_mode(data)
        show_json(
            {"trading": stands.trading.value, "path": MODE, "commit": commit, "reason": reason}
        )
        return
    show(f"Suspended by {person}: trading {read_mode(data).trading}, {reason}.")
    show(f"At {instant_text(end)} people are told; nothing resumes by itself.")
    show("Back: governor resume --as PERSON --reason TEXT, and the signatures of a restore.")


@app.command()
def resume(
    *,
    reason: Annotated[str, typer.Option(help="Why; people sign it.")],
    person: Who,
    key: Key = None,
    trading: Annotated[Trading, typer.Option(help="As approved at most.")] = Trading.ACTIVE,
    push: Push = False,
    config: Config = None,
    as_json: AsJson = False,
) -> None:
    """Ask for trading again in mode.yaml, and propose the restore that lets it rise."""
    papers, key_file, admission, verdict, now = at_desk(config, person, key, push=push)
    before = _mode(papers)
    if read_mode(before).suspension is None:
        raise Stalled(Reason.USAGE, MODE, "expected a suspension, found none")
    request = Request(requester=person, reason=reason, trading=trading)
    made, paper = papers.propose(request, admission, verdict.permitted, key_file, now)
    papers.desk.write({MODE: resumed(before, made.proposal.authority.trading)})
    note(f"Signed as by: {paper.plain_line}")
    commit = _publish(papers, (MODE, *paper.paths), (f"Resume: {reason}", person), push=push)
    if as_json:
        show_json(composed_data(made, paper.digest, commit))
        return
    for line in composed_lines(made):
        show(line)


def _mode(papers: Paperwork) -> bytes:
    data = papers.desk.read(MODE)
    if data is None:
        raise Stalled(Reason.STATE_MISSING, MODE)
    return data


def _publish(
    papers: Paperwork, paths: tuple[str, ...], told: tuple[str, str], *, push: bool
) -> str | None:
    message, person = told
    if push:
        return papers.publish(paths, message, person)
    by_hand(papers, paths, message)
    return None
