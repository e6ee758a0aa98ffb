"""Recorded bars as a session's feed: a file, or the prices that ship with the package."""

from datetime import datetime
from pathlib import Path

from desired_state.errors import Stalled
from desired_state.reasons import Reason
from layers.adapters.csv_bars import CsvBars, carried_prices
from layers.adapters.table_file import read_label
from layers.feed import Window
from layers.market import Bar, Provenance
from reconciler.session_request import Request


def recorded(request: Request) -> CsvBars:
    """The file that was asked for, else the carried prices."""
    return CsvBars(Path(request.feed)) if request.feed else carried_prices()


def provenance_of(feed: CsvBars) -> Provenance:
    """What the file's companion says; a file without one is no market anybody vouches for.

    Raises:
        Stalled: ``DATA_FILE`` for a companion that cannot be read.
    """
    if feed == carried_prices():
        return Provenance.RECORDED  # with a line of origin, beside the file
    label = read_label(feed.path)
    return label.provenance if label else Provenance.SYNTHETIC


def first_bar(request: Request, feed: CsvBars) -> datetime:
    """When the feed begins. Raises ``Stalled(FEED_INVALID)`` where it holds no bar."""
    item = next(iter(feed.bars(request.series, Window(None, request.end))), None)
    if not isinstance(item, Bar):
        raise Stalled(Reason.FEED_INVALID, feed.path.name, "expected a bar, found none")
    return item.opened
