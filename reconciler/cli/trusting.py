"""``governor trust init``, ``propose``, ``sign``, ``show`` and ``revoke``."""

from datetime import timedelta
from pathlib import Path
from typing import Annotated

import typer

from desired_state.errors import Stalled
from desired_state.reasons import Reason
from desired_state.root_chain import root_path
from desired_state.trust_root import ROOT_ROLE, Use
from desired_state.values import Environment
from reconciler.cli.app import app
from reconciler.cli.papers import Key, Push, Who, Yes, by_hand, finish
from reconciler.cli.shared import NO, AsJson, Config, finding_lines, host_of, note, show, show_json
from reconciler.cli.trust_words import (
    accepted_lines,
    candidate_lines,
    draft_data,
    key_lines,
    sign_next,
)
from reconciler.founding import PERSONAL_USES
from reconciler.outstanding import gates
from reconciler.people_file import PeopleFile, PersonPlan
from reconciler.root_changes import root_change_lines
from reconciler.root_signing import Taking
from reconciler.root_view import chain_data
from reconciler.rooting import NewPerson, RootEdit
from reconciler.wiring.founding import REPOSITORY
from reconciler.wiring.host import present
from reconciler.wiring.trusting import (
    TrustDesk,
    edited,
    first_root,
    open_trust,
    people_from,
    read_line,
)

trust = typer.Typer(no_args_is_help=True, help="Trust roots: who may sign what, and their chain.")
app.add_typer(trust, name="trust")
Word = Annotated[str, typer.Option("--word", help="For another file name under the same number.")]
Several = list[str] | None


@trust.command("init")
def init_root(
    *,
    out: Annotated[Path, typer.Option("--out", metavar="DIR", help="Where trust/root/ is made.")],
    source: Annotated[
        Path | None, typer.Option("--from", metavar="FILE", help="people.yaml.")
    ] = None,
    person: Annotated[
        Several, typer.Option("--person", metavar="NAME:ROLE[,ROLE]:PUBKEYFILE")
    ] = None,
    repository: Annotated[str, typer.Option(help="Id that signatures are bound to.")] = REPOSITORY,
    environment: Annotated[Environment, typer.Option()] = Environment.REHEARSAL,
    evidence_key: Annotated[Path | None, typer.Option(help="The host's, public.")] = None,
    watcher_key: Annotated[Path | None, typer.Option(help="The host's, public.")] = None,
    as_json: AsJson = False,
) -> None:
    """Write trust/root/1.yaml for these people, and print the digest to pin in governor.yaml."""
    if (source is None) == (not person):
        raise Stalled(Reason.USAGE, "trust init", "expected either --from FILE or --person")
    if (evidence_key is None) != (watcher_key is None):
        raise Stalled(Reason.USAGE, "trust init", "expected both keys of the host, or neither")
    named = dict(_named(text) for text in person or ())
    people = (
        people_from(source)
        if source
        else PeopleFile(repository=repository, environment=environment, persons=named)
    )
    host_keys = (evidence_key, watcher_key) if evidence_key and watcher_key else None
    made = first_root(people, source.parent if source else Path(), host_keys, out, present())
    for found in made.warnings:
        note(finding_lines(found))
    signers = [n for n, p in made.root.persons.items() if ROOT_ROLE in p.roles]
    if as_json:
        show_json({"path": str(made.file), "sha256": made.digest, "root_holders": signers})
        return
    show(f"Made {made.file}.")
    show(f"Pin it in governor.yaml of every host and auditor:  trust_root: {made.digest}")
    show(f"Compare:  sha256sum {made.file}")
    show(f"To be signed by {', '.join(signers)}, each with the own key, as by")
    show(f"  {made.signing_line('KEY')}")
    show("and moved to trust/root/1.sigs/PERSON.sig.")


@trust.command("propose")
def propose_root(
    *,
    person: Who,
    add_person: Annotated[
        str | None, typer.Option("--add-person", metavar="NAME:ROLE[,ROLE]")
    ] = None,
    key: Annotated[
        list[Path] | None, typer.Option("--key", metavar="FILE.pub", help="Of --add-person.")
    ] = None,
    uses: Annotated[
        str, typer.Option("--uses", metavar="USE[,USE]", help="Of these keys.")
    ] = ",".join(PERSONAL_USES),
    remove_person: Annotated[Several, typer.Option("--remove-person", metavar="NAME")] = None,
    remove_key: Annotated[Several, typer.Option("--remove-key", metavar="SHA256:…")] = None,
    renew: Annotated[int | None, typer.Option(metavar="DAYS", min=1, max=366)] = None,
    edit: Annotated[
        Path | None, typer.Option("--edit", metavar="FILE", help="An edited copy of the root.")
    ] = None,
    word: Word = "",
    push: Push = False,
    config: Config = None,
    as_json: AsJson = False,
) -> None:
    """Write the next trust root and show in words what changes; it counts once it is signed."""
    now = present()
    desk = open_trust(host_of(config), now, refresh=push)
    change = RootEdit(
        add=_added(add_person, key or [], uses),
        remove_persons=tuple(remove_person or ()),
        remove_keys=tuple(remove_key or ()),
        renew=timedelta(days=renew) if renew else None,
        whole=edited(edit) if edit else None,
    )
    path, made = desk.draft(change, word, now)
    message = f"Propose trust root {made.root.version}"
    commit = None
    if push:
        commit = desk.papers.publish((path,), message, person)
    else:
        by_hand(desk.papers, (path,), message)
    for found in made.warnings:
        note(finding_lines(found))
    if as_json:
        show_json(draft_data(path, made, commit))
        return
    show(f"Trust root {made.root.version}, compared with root {desk.view.last.root.version}:")
    for line in root_change_lines(made.changes):
        show(line)
    for line in sign_next(desk.view.last.root, made.root):
        show(line)


@trust.command("sign")
def sign_root(
    number: Annotated[int, typer.Argument(metavar="N", min=1)],
    *,
    person: Who,
    key: Key = None,
    word: Word = "",
    yes: Yes = False,
    push: Push = False,
    config: Config = None,
    as_json: AsJson = False,
) -> None:
    """Sign one trust root, after showing what it changes."""
    desk = open_trust(host_of(config), present(), refresh=push)
    key_file = desk.papers.key_of(person, key)
    path = root_path(number, word)
    root, _, changes = desk.changes(path)
    note(f"Trust root {root.version}, compared with root {desk.view.last.root.version}:")
    for line in root_change_lines(changes):
        note(line)
    if not changes:
        note("  nothing differs")
    if not yes and not typer.confirm(f"{person} signs {path}?", err=True):
        raise typer.Exit(NO)
    paper = desk.sign(path, person, key_file)
    commit = finish(desk.papers, paper, push=push)
    if as_json:
        show_json({"path": paper.path, "root": path, "sha256": paper.digest, "commit": commit})
        return
    show(f"{person} signed {path} ({paper.digest}).")
    show("See who is missing: governor trust show")


@trust.command("show")
def show_root(
    number: Annotated[int | None, typer.Argument(metavar="[N]", min=1)] = None,
    *,
    config: Config = None,
    as_json: AsJson = False,
) -> None:
    """The chain of roots, the pin, thresholds and who met them, keys; 1 while one is unmet."""
    host, now = host_of(config), present()
    desk = open_trust(host, now, refresh=False)
    view = desk.view
    ended = view.last.root.expires <= now
    if as_json:
        data = chain_data(view, host.file.trust_root, now)
        if number is not None:
            data["accepted"] = [a for a in data["accepted"] if a["version"] == number]
        show_json(data)
    else:
        _show_chain(desk, host.file.trust_root, number, ended=ended)
        for line in key_lines(view, now):
            show(line)
        for found in view.findings:
            show(finding_lines(found))
    if ended or any(not candidate.complete for candidate in view.candidates):
        raise typer.Exit(NO)


@trust.command("revoke")
def revoke_key(
    key_id: Annotated[str, typer.Argument(metavar="KEY", help="SHA256:… or its FILE.pub.")],
    *,
    person: Who,
    reason: Annotated[str, typer.Option(help="Why; stands in the signed file.")],
    key: Key = None,
    word: Word = "",
    yes: Yes = False,
    push: Push = False,
    config: Config = None,
    as_json: AsJson = False,
) -> None:
    """Take a key away for ever: by itself, or by a key with the use revocation."""
    now = present()
    desk = open_trust(host_of(config), now, refresh=push)
    key_file = desk.papers.key_of(person, key)
    gone = key_id if key_id.startswith("SHA256:") else desk.papers.key_id(Path(key_id))
    taking = Taking(gone, person, desk.papers.key_id(key_file), reason, word)
    root = desk.view.last.root
    lost = {s.gate for s in gates(root, now, desk.view.taken) if s.satisfiable} - {
        s.gate for s in gates(root, now, desk.view.taken | {gone}) if s.satisfiable
    }
    if lost:
        note(f"! without it nobody can complete {', '.join(sorted(lost))}, until the next root")
    if not yes and not typer.confirm(f"{person} revokes {gone} for ever?", err=True):
        raise typer.Exit(NO)
    paper = desk.revoke(taking, key_file, now)
    commit = finish(desk.papers, paper, push=push)
    if as_json:
        show_json({"key": gone, "path": paper.path, "gates_lost": sorted(lost), "commit": commit})
        return
    show(f"{gone} is revoked from the cycle on that sees {paper.path}.")


def _show_chain(desk: TrustDesk, pin: str, number: int | None, *, ended: bool) -> None:
    view = desk.view
    for item in view.accepted:
        if number in {None, item.root.version}:
            for line in accepted_lines(item, pin):
                show(line)
    if ended:
        show("✗ The last root has ended; it can still sign the next one.")
    for candidate in view.candidates:
        for line in candidate_lines(candidate, view.last.root):
            show(line)


def _named(text: str) -> tuple[str, PersonPlan]:
    name, _, rest = text.partition(":")
    roles, _, file = rest.partition(":")
    if not name or not roles or not file:
        raise Stalled(
            Reason.USAGE, "--person", f"expected NAME:ROLE[,ROLE]:PUBKEYFILE, not {text!r}"
        )
    return name, PersonPlan(roles=tuple(roles.split(",")), keys=(file,))


def _added(text: str | None, files: list[Path], uses: str) -> tuple[NewPerson, ...]:
    if text is None:
        if files:
            raise Stalled(Reason.USAGE, "--key", "expected --add-person NAME:ROLE beside it")
        return ()
    name, _, roles = text.partition(":")
    try:
        wanted = tuple(Use(use) for use in uses.split(","))
    except ValueError as error:
        raise Stalled(Reason.USAGE, "--uses", f"{error}; one of {', '.join(Use)}") from error
    lines = tuple(read_line(file) for file in files)
    return (NewPerson(name, tuple(roles.split(",")) if roles else (), lines, wanted),)
