"""``governor books show``, ``explain`` and ``accept-reset``."""

from typing import Annotated, Any

import typer

from desired_state.errors import Stalled
from reconciler.books_view import books_data, books_lines
from reconciler.books_word import CLEAR_NO, BooksTold
from reconciler.cli.app import app
from reconciler.cli.shared import NO, AsJson, Config, host_of, note, show, show_error, show_json
from reconciler.wiring.bookkeeping import read_books, say

books = typer.Typer(no_args_is_help=True, help="Our own books beside the venue's.")
app.add_typer(books, name="books")
Counter = Annotated[
    str | None, typer.Option(metavar="VENUE", help="Whose; needed where several fit.")
]
Why = Annotated[str, typer.Option("--reason", help="Why; whoever signs the release reads it.")]


@books.command("show")
def show_books(counter: Counter = None, config: Config = None, as_json: AsJson = False) -> None:
    """Open orders, positions and differences beside the last comparison; 1 where any stand."""
    views = read_books(host_of(config), counter)
    if as_json:
        show_json({"books": [books_data(view) for view in views]})
    else:
        for view in views:
            for line in books_lines(view):
                show(line)
        if not views:
            note("· no venue was ever opened on this host")
    if not all(view.agrees for view in views):
        raise typer.Exit(NO)


@books.command("explain")
def explain_difference(
    subjects: Annotated[list[str], typer.Argument(metavar="SUBJECT...")],
    reason: Why,
    transfer: Annotated[
        bool, typer.Option("--transfer", help="Money that somebody moved: neither profit nor loss.")
    ] = False,
    counter: Counter = None,
    config: Config = None,
    as_json: AsJson = False,
) -> None:
    """Write into the journal what these differences were, as they stand now; it ends no stop."""
    told = say(host_of(config), reason, tuple(subjects), counter, transfer=transfer)
    _tell(told, as_json=as_json)


@books.command("accept-reset")
def accept_wipe(
    reason: Why, counter: Counter = None, config: Config = None, as_json: AsJson = False
) -> None:
    """Write into the journal that the venue was wiped: our books begin again; it ends no stop."""
    _tell(say(host_of(config), reason, (), counter), as_json=as_json)


def _tell(told: BooksTold, *, as_json: bool) -> None:
    """What was written. Raises ``Stalled`` where nobody could say whether it may be."""
    if told.refused is not None and told.refused not in CLEAR_NO:
        raise Stalled(told.refused, told.subject, told.message)
    if as_json:
        show_json(_data(told))
    elif told.refused is None:
        show(f"{told.counter}: written, leaf {', '.join(str(number) for number in told.entries)}")
        for stop in told.stops:
            show(f"Stop {stop} stands: governor propose --clears {stop}, and its signatures.")
        if not told.shipped:
            note("! not at the evidence repository yet; governor reconcile sends it")
    if told.refused is not None:
        show_error(Stalled(told.refused, told.subject, told.message))
        raise typer.Exit(NO)


def _data(told: BooksTold) -> dict[str, Any]:
    return {
        "written": told.refused is None,
        "counter": told.counter,
        "leaves": list(told.entries),
        "stops": list(told.stops),
        "shipped": told.shipped,
        "refused": told.refused,
        "message": told.message,
    }
