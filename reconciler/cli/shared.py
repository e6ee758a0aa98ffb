"""What every verb has in common: where the desk is, how data and errors are shown."""

import json
import os
import signal
import threading
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Annotated, Any, Final

import typer

from desired_state.errors import Finding, GovernanceError, Severity
from reconciler.host import CONFIG_NAME, Host
from reconciler.wiring.host import open_host

ENVIRONMENT_VARIABLE: Final = "GOVERNOR_CONFIG"
NO: Final = 1
CANNOT_JUDGE: Final = 2

Config = Annotated[
    Path | None,
    typer.Option(
        "--config",
        metavar="FILE",
        help=f"{CONFIG_NAME} of the desk; else ${ENVIRONMENT_VARIABLE}, else beside you.",
    ),
]
AsJson = Annotated[bool, typer.Option("--json", help="One JSON object on stdout.")]
_MARKS: Final = {Severity.ERROR: "✗", Severity.WARNING: "!", Severity.INFO: "·"}


def host_of(config: Path | None) -> Host:
    """The desk that this run is about.

    Raises:
        Stalled: ``CONFIG_INVALID``.
    """
    return open_host(config or Path(os.environ.get(ENVIRONMENT_VARIABLE) or CONFIG_NAME))


def show_json(data: Mapping[str, Any]) -> None:
    """One object, for machines."""
    typer.echo(json.dumps(data, indent=2, ensure_ascii=False))


def show(text: str = "") -> None:
    """One line of the answer."""
    typer.echo(text)


def note(text: str) -> None:
    """Progress and advice, beside the answer."""
    typer.echo(text, err=True)


def show_error(error: GovernanceError) -> None:
    """What was wrong and what to do about it."""
    note(f"✗ {error.code} {error.subject}: {error.message}")
    note(f"  {error.remedy}")


def finding_lines(found: Finding) -> str:
    """One finding, with its remedy where it is an error."""
    text = f"{_MARKS[found.severity]} {found.code} {found.subject}: {found.message}"
    return f"{text}\n  {found.remedy}" if found.severity is Severity.ERROR else text


def stop_on_signals() -> threading.Event:
    """Set when somebody asks this process to end."""
    stop = threading.Event()
    for name in (signal.SIGINT, signal.SIGTERM):
        with suppress(ValueError):
            signal.signal(name, lambda _signal, _frame: stop.set())
    return stop
