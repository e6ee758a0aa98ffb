"""The desk that a command is about, and the time at which it runs."""

from datetime import datetime
from pathlib import Path

from reconciler.adapters.clock import wall_clock
from reconciler.adapters.host_file import load_host
from reconciler.host import Host


def open_host(path: Path) -> Host:
    """The host described by this ``governor.yaml``.

    Raises:
        Stalled: ``CONFIG_INVALID``.
    """
    return load_host(path)


def present() -> datetime:
    """Now, read once by whoever asks."""
    return wall_clock()
