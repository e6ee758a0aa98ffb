"""The counter of paper sessions: the embedded venue, over recorded bars, on virtual time."""

from datetime import datetime, timedelta
from decimal import Decimal
from typing import Final

from desired_state.canonical import digest_bytes
from desired_state.errors import Stalled
from desired_state.reasons import Reason
from layers.adapters.csv_bars import CsvBars
from layers.adapters.paper_cancels import PaperCancels
from layers.adapters.paper_entry import PaperEntry
from layers.adapters.paper_probe import PaperProbe
from layers.adapters.paper_queries import PaperQueries
from layers.configuration import VenueRow
from layers.l6_execution.execution import Execution
from layers.l6_execution.terms import Propagation
from layers.paper_venue.presets import evidence_preset
from layers.paper_venue.spot_rules import BTC_USDT
from layers.paper_venue.terms import MarketModel
from layers.paper_venue.venue import PaperVenue
from layers.ports import OrderEntry
from layers.risk_snapshot import VenueClass
from reconciler.counter import Counter
from reconciler.sending import Sending
from reconciler.slippage import costs_of
from reconciler.wiring.approved import venue_row
from reconciler.wiring.counters import Place
from reconciler.wiring.doors import door_of
from reconciler.wiring.host_parts import PAPER, paper_store
from reconciler.wiring.recorded import first_bar, provenance_of, recorded

ACCOUNT: Final = "paper"
PROPAGATION: Final = Propagation(
    timedelta(milliseconds=50)
)  # the embedded venue shows what it took at once


def open_counter(place: Place) -> Counter:
    """The paper venue of this host, made where there is none yet.

    Raises:
        Stalled: ``NOT_ALLOW_LISTED`` where the authority names another venue, ``FEED_INVALID``,
            ``PRESET_OPTIMISTIC`` where the venue was made with a kinder market model.
    """
    if place.venue != PAPER:
        text = f"expected {PAPER}, found {place.venue}"
        raise Stalled(Reason.NOT_ALLOW_LISTED, place.request.symbol, text)
    feed, row = recorded(place.request), venue_row(place.files, PAPER)
    venue, start = _venue(place, feed, row)
    model = venue.model()
    fills = evidence_preset(model)  # P-16: nothing kinder leaves evidence
    queries, cancels = PaperQueries(venue), PaperCancels(venue)
    execution = execution_at(place, PaperEntry(venue), venue)
    return Counter(
        venue=PAPER,
        account=ACCOUNT,
        venue_class=VenueClass.PAPER,
        orders=execution,
        queries=queries,
        probe=PaperProbe(queries, ACCOUNT, (place.request.symbol,), place.clock.wall),
        journal=place.journal,
        hand=Sending(place.door_keys.permits, execution),
        items=lambda window, _nap: feed.bars(place.request.series, window),
        feed=digest_bytes(feed.path.read_bytes()),
        start=start,
        advance=venue.advance,
        now=lambda bar: bar.closed,
        pegs=row.pegs,
        touch=lambda _pair: None,  # the embedded venue has the one market
        way_out=cancels.cancel_all,
        goes_on=True,
        may_halt=lambda _kind: True,
        entries=lambda first: tuple(place.journal.entries(first)),
        claim=f"a paper session over {model.provenance} bars, {fills} fills",
        costs=costs_of(model, on_bars=True),
        close=venue.close,
    )


def execution_at(place: Place, entry: OrderEntry, venue: PaperVenue) -> Execution:
    """L6 behind the one door."""
    door = door_of(place, entry)
    cancels = PaperCancels(venue)  # on bars a cancel arrives long before the next one
    return Execution(door, cancels, PaperQueries(venue), door.ledger, PROPAGATION)


def _venue(place: Place, feed: CsvBars, row: VenueRow) -> tuple[PaperVenue, datetime]:
    """The venue, and where the session starts on it."""
    request, path = place.request, paper_store(place.host)
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        PaperVenue.create(
            path,
            clock=request.start or first_bar(request, feed),
            model=MarketModel(seed=request.seed, provenance=provenance_of(feed)),
            rules=(BTC_USDT,),
            balances={name: Decimal(held) for name, held in row.opening_balances.items()},
        ).close()
    venue = PaperVenue(path)
    label, standing = provenance_of(feed), venue.model().provenance
    if label is not standing:  # L5 would judge the one by the label of the other
        text = f"expected {standing} bars, as the venue's market is made of, found {label} ones"
        raise Stalled(Reason.FEED_INVALID, feed.path.name, text)
    return venue, max(venue.clock(), request.start or venue.clock())
