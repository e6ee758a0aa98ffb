"""Runs one verb and turns what it meets into an exit code."""

from collections.abc import Sequence

from desired_state.errors import GovernanceError
from reconciler.cli import (  # noqa: F401  (each adds its verbs)
    approving,
    demonstrating,
    evidence,
    founding,
    operating,
    sessions,
    verifying,
)
from reconciler.cli.app import app
from reconciler.cli.shared import CANNOT_JUDGE, show_error


def main(arguments: Sequence[str] | None = None) -> int:
    """Run ``governor``; 0 yes, 1 a clear no, 2 cannot judge or bad usage."""
    try:
        app(args=None if arguments is None else list(arguments), prog_name="governor")
    except GovernanceError as error:
        show_error(error)
        return CANNOT_JUDGE
    except SystemExit as end:
        return end.code if isinstance(end.code, int) else CANNOT_JUDGE if end.code else 0
    return 0
