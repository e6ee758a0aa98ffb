"""``governor-ci``: the reconciler's judgement before a change comes to main."""

import json
import sys
from collections.abc import Mapping, Sequence
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any, Final

import typer

from ci.codeowners import Forge, codeowners, handles
from ci.hooks import script
from ci.judgement import Judgement, Result, judge_change
from ci.receiving import (
    ACCEPT,
    NO_STOP,
    STOP_BRANCH,
    new_stops,
    refused,
    summary,
    updates,
    watched,
)
from ci.report import (
    comment,
    finding_lines,
    judgement_data,
    stop_words,
    text_lines,
    unjudged_comment,
    unjudged_data,
)
from ci.wiring import (
    Opened,
    end_within,
    given,
    install,
    opened,
    pin_setting,
    take_quarantine,
    wall_clock,
)
from ci.workflows import workflow_text
from desired_state.document import load
from desired_state.errors import GovernanceError, Stalled
from desired_state.memory import Stop
from desired_state.reasons import Reason
from desired_state.trust_root import Root
from desired_state.values import parse_instant

NO: Final = 1
CANNOT_JUDGE: Final = 2
CODES: Final = {Result.YES: 0, Result.NO: NO, Result.CANNOT_JUDGE: CANNOT_JUDGE}
# HOOK-2: bounds after which a push is let in (no stop known yet) or kept out (none in it)
STOPS_WITHIN_S: Final = 20
JUDGED_WITHIN_S: Final = 120

app = typer.Typer(
    name="governor-ci",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    help="The reconciler's judgement of a change, before it comes to main.",
    epilog="Exit codes: 0 nothing is against it, 1 a clear no, 2 cannot judge or bad usage.",
)


class Form(StrEnum):
    """How the judgement is written."""

    TEXT = "text"
    JSON = "json"
    MARKDOWN = "markdown"


Repository = Annotated[Path, typer.Option(metavar="PATH", help="A clone with the whole history.")]
Branch = Annotated[str, typer.Option(help="The branch that holds the desired state.")]
Pin = Annotated[
    str | None, typer.Option(metavar="sha256:…", help="Digest of trust/root/1.yaml, as hosts pin.")
]


@app.callback()
def governor_ci() -> None:
    """The reconciler's judgement of a change, before it comes to main."""


@app.command()
def check(
    base: Annotated[str, typer.Argument(metavar="BASE", help="Where the target branch stands.")],
    head: Annotated[str, typer.Argument(metavar="HEAD", help="The change's newest commit.")],
    *,
    repository: Repository = Path(),
    branch: Branch = "main",
    pin: Pin = None,
    root_of: Annotated[
        str | None, typer.Option(metavar="REV", help="Trust the first root as it stands there.")
    ] = None,
    now: Annotated[
        str | None, typer.Option(metavar="TIME", help='As if it were "2026-11-22T10:00:00Z".')
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object.")] = False,
    as_markdown: Annotated[bool, typer.Option("--markdown", help="One comment.")] = False,
    as_text: Annotated[bool, typer.Option("--text", help="For people; so without any.")] = False,
) -> None:
    """What merging HEAD onto BASE would do; 0 if nothing is against it, and always for a stop."""
    form = _form(as_json=as_json, as_markdown=as_markdown, as_text=as_text)
    if (pin is None) == (root_of is None):
        raise Stalled(Reason.USAGE, "--pin", "expected one of --pin and --root-of")
    at = _time(now)
    with opened(repository, branch) as found:
        ends = found.commit(base), found.commit(head)
        stops = found.stops(*ends, at)
        try:
            digest = pin or found.pin_of(found.commit(str(root_of)))
            _tell(_judged(found, digest, ends, at, stops), form)
        except GovernanceError as error:
            _tell_unjudged(error, stops, form)


@app.command()
def receive(
    *,
    repository: Repository = Path(),
    branch: Branch = "main",
    now: Annotated[str | None, typer.Option(metavar="TIME", hidden=True)] = None,
) -> None:
    """What a pre-receive hook runs: reads ``OLD NEW REF`` lines, answers with words on stdout."""
    end_within(STOPS_WITHIN_S)
    quarantine, main_ref = take_quarantine(), f"refs/heads/{branch}"
    pushed = watched(updates(given()), main_ref)
    if not pushed:
        typer.echo(ACCEPT)
        return
    at = _time(now)
    with opened(repository, branch, quarantine) as found:
        tips = dict(found.state.tips())
        stops = new_stops(pushed, tips, main_ref, lambda known, tip: found.stops(known, tip, at))
        for stop in stops:
            _note(f"governor: a stop comes with this push: {stop_words(stop)}")
        if stops:
            typer.echo(ACCEPT)
            return
        typer.echo(NO_STOP)
        sys.stdout.flush()  # HOOK-2: from here on a crash or the alarm keeps the push out
        end_within(JUDGED_WITHIN_S)
        main_update = next((u for u in pushed if u.ref == main_ref), None)
        head = main_update.new if main_update else None
        known = main_update.old if main_update else None
        pin = pin_setting(found.repository) if head else ""
        bench = found.bench(pin, known or tips.get(main_ref), head, at)
        against, judgement = refused(bench, pushed, tips, main_ref)
    for item in against:
        for line in finding_lines(item, "✗"):
            _note(f"governor: {line}")
    if against:
        _note(f"governor: refused. A stop is always taken: push it to {STOP_BRANCH} or {branch}.")
        raise typer.Exit(NO)
    if judgement:
        _note(f"governor: {summary(judgement)}")
    typer.echo(ACCEPT)


@app.command()
def hook(
    *,
    into: Annotated[
        Path | None, typer.Option("--install", metavar="PATH", help="A bare repository.")
    ] = None,
    pin: Pin = None,
    branch: Branch = "main",
) -> None:
    """Print the pre-receive hook, or install it in a bare repository with its pin."""
    if into is None:
        typer.echo(script(), nl=False)
        return
    if pin is None:
        raise Stalled(Reason.USAGE, "--pin", "expected the digest that hosts pin, found none")
    _note(f"installed {install(into, pin, branch)}")


@app.command()
def workflow(forge: Annotated[Forge, typer.Argument(help="For which forge.")]) -> None:
    """Print the ready-made workflow file; its first lines say where it goes and what it needs."""
    typer.echo(workflow_text(forge.value), nl=False)


@app.command("codeowners")
def owners(
    *,
    repository: Repository = Path(),
    branch: Branch = "main",
    rev: Annotated[str, typer.Option(metavar="REV", help="Whose newest trust root.")] = "HEAD",
    forge: Annotated[Forge, typer.Option(help="For which forge.")] = Forge.GITHUB,
    handle: Annotated[
        list[str] | None,
        typer.Option(metavar="PERSON=@HANDLE", help="A person's name, or a team's, at the forge."),
    ] = None,
) -> None:
    """Print CODEOWNERS from the trust root; 1 where somebody's handle is not given."""
    with opened(repository, branch) as found:
        root = load(Root, found.root_bytes(found.commit(rev)), "trust root")
    made = codeowners(root, handles(handle or (), root), forge)
    typer.echo(made.text, nl=False)
    if made.missing:
        _note(f"no handle is given for {', '.join(made.missing)}")
        raise typer.Exit(NO)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run ``governor-ci``; 0 nothing is against it, 1 a clear no, 2 cannot judge or bad usage."""
    words = list(sys.argv[1:] if arguments is None else arguments)
    try:
        app(args=words, prog_name="governor-ci")
    except GovernanceError as error:
        _note(f"✗ {error.code} {error.subject}: {error.message}")
        _note(f"  {error.remedy}")
        return CANNOT_JUDGE
    except SystemExit as end:
        return end.code if isinstance(end.code, int) else CANNOT_JUDGE if end.code else 0
    return 0


def _judged(
    found: Opened, pin: str, ends: tuple[str, str], at: datetime, stops: tuple[Stop, ...]
) -> Judgement:
    base, head = ends
    candidates = found.candidates(base, head)
    judgement = judge_change(found.bench(pin, base, head, at), base, head, candidates)
    return judgement.with_stops(stops)


def _form(*, as_json: bool, as_markdown: bool, as_text: bool) -> Form:
    if as_json + as_markdown + as_text > 1:
        text = "expected at most one of --json, --markdown and --text"
        raise Stalled(Reason.USAGE, "--json", text)
    return Form.JSON if as_json else Form.MARKDOWN if as_markdown else Form.TEXT


def _time(text: str | None) -> datetime:
    try:
        return parse_instant(text) if text else wall_clock()
    except ValueError as error:
        raise Stalled(Reason.USAGE, "--now", str(error)) from error


def _tell(found: Judgement, form: Form) -> None:
    if form is Form.JSON:
        _json(judgement_data(found))
    elif form is Form.MARKDOWN:
        typer.echo(comment(found), nl=False)
    else:
        for line in text_lines(found):
            typer.echo(line)
    _end(CODES[found.result])


def _tell_unjudged(error: GovernanceError, stops: tuple[Stop, ...], form: Form) -> None:
    """CI-1 and CI-8: what could not be judged is a yes only where it stops."""
    if form is Form.JSON:
        _json(unjudged_data(error, stops))
    elif form is Form.MARKDOWN:
        typer.echo(unjudged_comment(error, stops), nl=False)
    else:
        for stop in stops:
            typer.echo(f"This change stops the machine: {stop_words(stop)}")
        for line in finding_lines(error.finding, "◎"):
            typer.echo(line)
    _end(0 if stops else CANNOT_JUDGE)


def _end(code: int) -> None:
    if code:
        raise typer.Exit(code)


def _json(data: Mapping[str, Any]) -> None:
    typer.echo(json.dumps(data, indent=2, ensure_ascii=False))


def _note(text: str) -> None:
    typer.echo(text, err=True)
