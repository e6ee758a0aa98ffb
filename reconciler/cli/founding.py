"""``governor init`` and ``governor explain``."""

from difflib import get_close_matches
from pathlib import Path
from typing import Annotated

import typer

from desired_state.errors import Stalled
from desired_state.reasons import Reason
from desired_state.values import Environment
from reconciler.cli.app import app
from reconciler.cli.shared import AsJson, note, show, show_json
from reconciler.wiring.founding import REPOSITORY, Founded, Site, init, named_person
from reconciler.wiring.host import present


@app.command("init")
def init_command(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="A new or empty folder.")],
    *,
    demo_keys: Annotated[
        bool, typer.Option("--demo-keys", help="Six people with keys made here; rehearsal only.")
    ] = False,
    person: Annotated[
        list[str] | None,
        typer.Option("--person", metavar="NAME:ROLE[,ROLE]:PUBKEYFILE", help="Repeatable."),
    ] = None,
    environment: Annotated[Environment, typer.Option()] = Environment.REHEARSAL,
    rehearse: Annotated[
        bool,
        typer.Option("--rehearse", help="Mark the root for modes above paper on a local exchange."),
    ] = False,
    repository: Annotated[str, typer.Option(help="Id that signatures are bound to.")] = REPOSITORY,
    as_json: AsJson = False,
) -> None:
    """Make both repositories and governor.yaml: mode halted, kill switch armed."""
    founded = init(
        folder,
        now=present(),
        demo_keys=demo_keys,
        site=Site(environment, repository, rehearse),
        people=[named_person(text) for text in person or ()],
    )
    _warn(founded)
    if as_json:
        show_json(
            {
                "folder": str(founded.folder),
                "revision": f"main@sha1:{founded.revision}",
                "people": list(founded.people),
                "environment": environment.value,
                "findings": [f.model_dump(mode="json") for f in founded.findings],
            }
        )
        return
    show(f"Made {founded.folder}: state, evidence, governor.yaml; mode halted, switch armed.")
    show(f"main@sha1:{founded.revision}")
    show(f"Next: cd {founded.folder} && governor verify")
    show("Before the merge: governor-ci workflow github|gitlab|forgejo, or governor-ci hook")


def _warn(founded: Founded) -> None:
    if not founded.people:
        note(
            "! The trust root names nobody, so nothing can be approved until a root with people is"
            " written to state/trust/root/1.yaml and pinned in governor.yaml."
            " The kill switch works all the same."
        )
    elif not founded.signed:
        note(
            "! The trust root is pinned but not signed. Each root holder signs it:"
            " ssh-keygen -Y sign -n trust-root@governor -f KEY state/trust/root/1.yaml,"
            " and commits the signature as trust/root/1.sigs/NAME.sig."
        )


@app.command()
def explain(
    code: Annotated[str, typer.Argument(metavar="CODE")],
    *,
    as_json: AsJson = False,
) -> None:
    """What a reason code means, what to do, and what is permitted meanwhile."""
    found = next((r for r in Reason if r.value.lower() == code.lower()), None)
    if found is None:
        near = get_close_matches(code.upper(), [r.value for r in Reason], n=3)
        told = f"no such reason code; did you mean {' or '.join(near)}?" if near else ""
        raise Stalled(Reason.USAGE, code, told or "no such reason code", "see docs/reasons.md")
    words = found.explanation
    if as_json:
        show_json(
            {
                "code": found.value,
                "sentence": words.sentence,
                "remedy": words.remedy,
                "permitted": words.afterwards,
                "needs_a_person": words.person,
            }
        )
        return
    show(f"{found.value}: {words.sentence}")
    show(f"  What to do: {words.remedy}")
    show(f"  Permitted meanwhile: {words.afterwards}.")
    if words.person:
        show("  It stays until somebody acts.")
