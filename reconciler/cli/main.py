"""Runs one verb and turns what it meets into an exit code."""

import importlib
import sys
from collections.abc import Mapping, Sequence
from typing import Final

from desired_state.errors import GovernanceError
from reconciler.cli.app import app
from reconciler.cli.shared import CANNOT_JUDGE, show_error

# Which module adds which verb: one that is not asked for is not loaded, so a stop starts at once.
VERBS: Final[Mapping[str, tuple[str, ...]]] = {
    "founding": ("init", "explain"),
    "stopping": ("watch", "halt"),
    "verifying": ("verify",),
    "approving": ("propose", "sign", "approvals"),
    "trusting": ("trust",),
    "suspending": ("suspend", "resume"),
    "operating": ("reconcile", "run", "status", "get", "diff"),
    "sessions": ("session",),
    "explaining": ("session",),
    "evidence": ("audit", "evidence"),
    "data": ("data",),
    "demonstrating": ("demo",),
    "venue": ("venue",),
}


def main(arguments: Sequence[str] | None = None) -> int:
    """Run ``governor``; 0 yes, 1 a clear no, 2 cannot judge or bad usage."""
    words = list(sys.argv[1:] if arguments is None else arguments)
    load(words)
    try:
        app(args=words, prog_name="governor")
    except GovernanceError as error:
        show_error(error)
        return CANNOT_JUDGE
    except SystemExit as end:
        return end.code if isinstance(end.code, int) else CANNOT_JUDGE if end.code else 0
    return 0


def load(words: Sequence[str]) -> None:
    """Add the verb that these words begin with, or every one where they begin with none."""
    first = words[0] if words else ""
    wanted = [module for module, verbs in VERBS.items() if first in verbs] or list(VERBS)
    for module in wanted:
        importlib.import_module(f"reconciler.cli.{module}")
