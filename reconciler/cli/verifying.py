"""``governor verify``: admission and verdict of a revision; reads, and never writes memory."""

from typing import Annotated

import typer

from desired_state.errors import Stalled
from desired_state.reasons import Reason
from desired_state.values import instant_text, parse_instant
from reconciler.authority_words import authority_words
from reconciler.cli.app import app
from reconciler.cli.shared import NO, AsJson, Config, finding_lines, host_of, show, show_json
from reconciler.cli.words import verdict_data
from reconciler.gate import Verdict
from reconciler.wiring.host import present
from reconciler.wiring.reading import open_reading


@app.command()
def verify(
    *,
    rev: Annotated[
        str, typer.Option(metavar="R", help="main, main@sha1:… or the beginning of an id.")
    ] = "main",
    now: Annotated[
        str | None, typer.Option(metavar="T", help='As if it were "2026-11-22T10:00:00Z".')
    ] = None,
    config: Config = None,
    as_json: AsJson = False,
) -> None:
    """What is asked for, what stands approved, and what is permitted; 0 only if all is as asked."""
    host = host_of(config)
    try:
        at = parse_instant(now) if now else present()
    except ValueError as error:
        raise Stalled(Reason.USAGE, "--now", str(error)) from error
    with open_reading(host) as reading:
        if now:
            reading.reader.clock_unsure = ""  # another time is asked about than the clocks show
        _, verdict = reading.reader.verify(reading.revision(rev), at)
        build = reading.reader.build  # what mode.yaml names from testnet up (GATE-3)
    if as_json:
        show_json({**verdict_data(verdict), "build": build})
    else:
        _tell(verdict)
        show(f"runs:      build {build or 'that cannot be told'}")
    if not verdict.as_asked:
        raise typer.Exit(NO)


def _tell(verdict: Verdict) -> None:
    word = "admitted" if verdict.admitted else "NOT ADMITTED"
    show(f"main@sha1:{verdict.revision} {word}, at {instant_text(verdict.now)}")
    show(f"asked:     {authority_words(verdict.desired)}")
    show(f"approved:  {authority_words(verdict.approved)}")
    show(f"permitted: {authority_words(verdict.permitted)}")
    if verdict.sequence:
        show(f"           by proposal {verdict.sequence}, signed by {', '.join(verdict.people)}")
    if verdict.wind_down:
        show(f"people may wind down: {authority_words(verdict.wind_down)}")
    stops = ", ".join(stop.id for stop in verdict.stops)
    show(f"switch:    {verdict.switch}" + (f"; stops in force: {stops}" if stops else ""))
    if verdict.valid_until:
        show(f"Time alone changes this at {instant_text(verdict.valid_until)} at the earliest.")
    for found in verdict.findings:
        show(finding_lines(found))
