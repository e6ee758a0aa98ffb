"""``governor watch`` and ``governor halt``: the stop lane, loaded alone."""

from pathlib import Path
from typing import Annotated

import typer

from desired_state.errors import GovernanceError
from reconciler.cli.app import app
from reconciler.cli.shared import (
    NO,
    AsJson,
    Config,
    host_of,
    note,
    show,
    show_error,
    show_json,
    stop_on_signals,
)
from reconciler.host import CONFIG_NAME, Host, bare_host
from reconciler.wiring.halting import halt_host
from reconciler.wiring.watching import run_watcher


@app.command()
def watch(config: Config = None) -> None:
    """The stop lane alone: sees stops, closes the gate, cancels, and keeps the armed token."""
    run_watcher(host_of(config), stop_on_signals(), note)


@app.command()
def halt(
    reason: Annotated[str, typer.Option(help="Why; stands in the stop.")],
    config: Config = None,
    as_json: AsJson = False,
) -> None:
    """Stop this host now: works with no git, no network and no valid state. 0 when clean."""
    outcome = halt_host(_whatever_host(config), reason)
    if as_json:
        show_json(outcome.data)
    else:
        for line in outcome.lines:
            show(line)
    raise typer.Exit(0 if outcome.clean else NO)


def _whatever_host(config: Path | None) -> Host:
    """A stop works without a valid governor.yaml: ``var`` beside it is where the token lies."""
    try:
        return host_of(config)
    except GovernanceError as error:
        show_error(error)
        folder = (config or Path(CONFIG_NAME)).resolve().parent
        note(f"! halting {folder}/var all the same")
        return bare_host(folder)
