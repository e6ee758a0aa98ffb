"""Reads ``governor.yaml`` from this host's disk."""

from pathlib import Path
from typing import Final

from desired_state.errors import Stalled
from desired_state.reasons import Reason
from reconciler.host import Host, parse_host

MAX_BYTES: Final = 64 * 1024


def load_host(path: Path) -> Host:
    """The host described by this file.

    Raises:
        Stalled: ``CONFIG_INVALID`` if it is missing or not valid.
    """
    try:
        with path.open("rb") as file:
            data = file.read(MAX_BYTES + 1)
    except OSError as error:
        text = f"expected a host configuration at {path.name}, found none ({error.strerror})"
        raise Stalled(Reason.CONFIG_INVALID, path.name, text) from error
    return parse_host(data, path.resolve())
