"""The program: one app, to which each group of verbs adds its own."""

import typer

app = typer.Typer(
    name="governor",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    help="Committed state and signed approvals decide what the machine may do.",
    epilog="Exit codes: 0 yes, 1 a clear no, 2 cannot judge or bad usage.",
)


@app.callback()
def governor() -> None:
    """Committed state and signed approvals decide what the machine may do."""
