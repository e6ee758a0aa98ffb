"""``governor session explain`` and ``accept-reset``: what people write into a venue's books."""

from typing import Annotated

import typer

from desired_state.values import amount_text
from reconciler.cli.sessions import sessions
from reconciler.cli.shared import Config, host_of, note, show
from reconciler.wiring.explaining import accept_reset, explain

Venue = Annotated[str, typer.Argument(metavar="VENUE", help="As venues.yaml names it.")]
Because = Annotated[str, typer.Option("--because", help="What you found out; goes into evidence.")]
NEXT = "· no stop is lifted by this: governor propose --clears ID"


@sessions.command("explain")
def explain_difference(
    venue: Venue,
    subject: Annotated[str, typer.Argument(metavar="SUBJECT", help="As the report names it.")],
    because: Because,
    config: Config = None,
) -> None:
    """Say what one difference between books and venue was; the loop must not be running."""
    told = explain(host_of(config), venue, subject, because)
    show(f"explained {subject}: {told}")
    note(NEXT)


@sessions.command("accept-reset")
def accept_wipe(venue: Venue, because: Because, config: Config = None) -> None:
    """Take note that the venue was wiped: the books begin again with what it holds now."""
    for held in accept_reset(host_of(config), venue, because):
        show(f"{held.currency} {amount_text(held.free + held.locked)}")
    note(NEXT)
