"""``governor audit`` and ``governor evidence verify|log``."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer

from desired_state.errors import Finding, Stalled
from desired_state.reasons import Reason
from desired_state.values import instant_text
from evidence_repo.pinned import pinned_text
from reconciler.cli.app import app
from reconciler.cli.shared import NO, AsJson, Config, finding_lines, host_of, show, show_json
from reconciler.wiring.auditing import Sources, audit, audit_data, sources_of
from reconciler.wiring.evidence import check_pack, leaves

evidence = typer.Typer(no_args_is_help=True, help="Evidence packs and the chain.")
app.add_typer(evidence, name="evidence")


@app.command("audit")
def audit_command(
    state: Annotated[str | None, typer.Argument(metavar="[STATE")] = None,
    evidence_repository: Annotated[Path | None, typer.Argument(metavar="EVIDENCE]")] = None,
    pin: Annotated[str | None, typer.Option(help="Digest of trust/root/1.yaml.")] = None,
    from_checkpoint: Annotated[
        str | None,
        typer.Option(
            metavar="SIZE:ROOT",
            help="A checkpoint that an audit printed before: what lies before is not judged again.",
        ),
    ] = None,
    config: Config = None,
    as_json: AsJson = False,
) -> None:
    """Replay every verdict and decision from the two repositories; 0 if all comes out again."""
    if state is None:
        sources = sources_of(host_of(config))
    elif evidence_repository is None:
        raise Stalled(Reason.USAGE, "audit", "expected STATE and EVIDENCE, or neither")
    else:
        known = pin or host_of(config).file.trust_root
        sources = Sources(state, "main", evidence_repository, known)
    found = audit(replace(sources, checkpoint=from_checkpoint or sources.checkpoint))
    if as_json:
        show_json(audit_data(found))
    else:
        data = audit_data(found)
        show(
            f"{'✔' if found.ok else '✗'} {found.leaves} leaves, {found.packs} packs,"
            f" {found.checkpoints} checkpoints; {data['verdicts_replayed']} verdicts and"
            f" {data['decisions_replayed']} decisions replayed; {data['orders']} orders and"
            f" {data['fills']} fills accounted for"
        )
        if found.unseen:
            show(f"! not looked at: {found.unseen.words}")
        if found.newest:
            show(f"· checkpoint {pinned_text(found.newest)}")
        _findings(found.findings)
    if not found.ok:
        raise typer.Exit(NO)


@evidence.command("verify")
def verify_pack(
    pack: Annotated[str, typer.Argument(metavar="PACK", help="Id of a pack, or its folder.")],
    config: Config = None,
    as_json: AsJson = False,
) -> None:
    """Schema, every digest, nothing missing, nothing extra, no secret inside."""
    host = None if Path(pack).is_dir() else host_of(config)
    found = check_pack(pack, host)
    if as_json:
        show_json({"ok": not found, "findings": [f.model_dump(mode="json") for f in found]})
    else:
        show(f"{'✗' if found else '✔'} {pack}")
        _findings(found)
    if found:
        raise typer.Exit(NO)


@evidence.command("log")
def log(
    kind: Annotated[str | None, typer.Option(help="Only leaves of this kind.")] = None,
    last: Annotated[int, typer.Option("--last", "-n", min=1, help="How many.")] = 20,
    config: Config = None,
    as_json: AsJson = False,
) -> None:
    """The newest leaves of the chain, oldest of them first."""
    found = leaves(host_of(config), kind, last)
    if as_json:
        show_json({"leaves": [leaf.model_dump(mode="json") for leaf in found]})
        return
    for leaf in found:
        revision = f"main@sha1:{leaf.revision[:8]}" if leaf.revision else "-"
        show(
            f"{leaf.seq:>7} {instant_text(leaf.time)} {leaf.kind:<16} {revision} {_said(leaf.body)}"
        )


def _findings(found: tuple[Finding, ...]) -> None:
    for item in found:
        show(finding_lines(item))


def _said(body: Mapping[str, object]) -> str:
    """The few words of a leaf's body that tell it from others of its kind."""
    names = ("pack", "id", "stop", "epoch", "verdict", "client_order_id", "run_id", "kind")
    found = [f"{name}={body[name]}" for name in names if isinstance(body.get(name), str | int)]
    return " ".join(found)[:100]
