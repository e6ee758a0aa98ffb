"""The counter of sessions at Binance spot: its testnet, itself, or a local exchange for either."""

from collections.abc import Callable
from contextlib import ExitStack, closing
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from desired_state.canonical import digest, plain
from desired_state.errors import Stalled
from desired_state.reasons import Reason
from desired_state.values import Mode
from layers.adapters.binance_market import BinanceMarket, open_market
from layers.adapters.binance_venue import BinanceVenue
from layers.binance.protocol import RECEIVE_WINDOW
from layers.binance.wipe import WipeSigns
from layers.configuration import VenueRow
from layers.l6_execution.execution import Execution
from layers.l6_execution.terms import Propagation
from layers.market import Provenance
from layers.market_data.polling import Polling
from layers.paper_venue.presets import pessimistic
from layers.risk_snapshot import VenueClass
from reconciler.adapters.opened_venues import OpenedVenues
from reconciler.counter import Counter, Hand, Nap
from reconciler.opened_venue import OPENED, OpenedVenue
from reconciler.sending import Attended, Sending
from reconciler.slippage import costs_of
from reconciler.wiring.approved import venue_row
from reconciler.wiring.binance import CLOCK, NAME, terms_of, venue
from reconciler.wiring.counters import Place
from reconciler.wiring.doors import door_of

KINDS: Final = {
    Mode.TESTNET: ("sandbox", VenueClass.TESTNET),
    Mode.BOUNDED_LIVE: ("live", VenueClass.LIVE),
}
# venues.md: the venue's own data sources lag; with the receive window the look-ups span it
PROPAGATION: Final = Propagation(timedelta(seconds=2), RECEIVE_WINDOW)
SETTLED: Final = timedelta(seconds=2)  # a bar is final so long after its close


@dataclass(frozen=True, slots=True)
class Lines:
    """Open lines to one account and to the market there. ``close`` ends all of them."""

    account: BinanceVenue
    market: BinanceMarket
    close: Callable[[], None]


def open_lines(place: Place, record: OpenedVenue) -> Lines:
    """Lines as the host's file says. Raises as ``venue``."""
    with ExitStack() as unless_open:
        account = unless_open.enter_context(closing(venue(place.host, record)))
        market, line = open_market(terms_of(place.host, record), CLOCK, account.restraint)
        unless_open.callback(line.close)
        return Lines(account, market, unless_open.pop_all().close)


def open_counter(
    place: Place, lines: Callable[[Place, OpenedVenue], Lines] = open_lines
) -> Counter:
    """Prove the venue and the account, then everything behind the one door.

    Raises:
        Stalled: ``MODE_FORBIDS``, ``NOT_ALLOW_LISTED`` or ``ACCOUNT_UNAPPROVED`` where the approved
            configuration, authority and venue do not agree; ``VENUE_UNPROVEN``, ``CREDENTIALS``,
            ``TOOL_MISSING``; ``ANOTHER_WRITER``, ``EVIDENCE_KEY``.
        Waiting: ``EVIDENCE_UNWRITABLE`` where a venue that is new here cannot be told of.
    """
    row = venue_row(place.files, place.venue)
    record = _recorded(place, row)
    with ExitStack() as unless_open:
        found = unless_open.enter_context(closing(lines(place, record)))
        opened = found.account
        _proven(place, opened, record)
        execution = _execution(place, opened)
        return Counter(
            venue=record.venue,
            account=record.account,
            venue_class=record.venue_class,
            orders=execution,
            queries=opened.queries,
            probe=opened.probe,
            journal=place.journal,
            hand=_hand(place, row, execution),
            items=lambda window, nap: _polling(place, found, nap).bars(
                place.request.series, window
            ),
            feed=digest(f"{record.venue} {record.venue_class} klines"),
            start=place.clock.wall(),
            advance=lambda _bar: True,
            now=lambda _bar: place.clock.wall(),
            pegs=row.pegs,
            touch=found.market.quote,
            way_out=opened.cancels.cancel_all,
            goes_on=True,
            may_halt=lambda _kind: True,
            entries=lambda first: tuple(place.journal.entries(first)),
            claim=_claim(place, record),
            costs=costs_of(pessimistic(place.request.seed, Provenance.LIVE), on_bars=False),
            close=unless_open.pop_all().close,
        )


def _recorded(place: Place, row: VenueRow) -> OpenedVenue:
    """STOP-11: the way out is on disk before anything can go in.

    STOP-12: and in the evidence repository, for the host that takes over after this one.
    """
    kind, venue_class = KINDS[place.request.mode]
    symbol, account = place.request.symbol, place.account
    if place.venue != NAME or row.kind != kind:
        text = f"expected {NAME} of class {kind}, found {place.venue} of class {row.kind}"
        raise Stalled(Reason.MODE_FORBIDS, place.request.mode, text)
    if symbol not in row.symbols:
        raise Stalled(Reason.NOT_ALLOW_LISTED, symbol, f"{place.venue} is not approved for it")
    if account is None:
        raise Stalled(Reason.ACCOUNT_UNAPPROVED, place.venue, "the authority names no account")
    records = OpenedVenues(place.host.var)
    now = OpenedVenue(
        venue=place.venue,
        venue_class=venue_class,
        account=account,
        rehearsed=place.venue in place.host.rehearsed,
        symbols=(symbol,),
    )
    before = records.read(place.venue)
    whole = now if before is None else before.goes_on(now)
    if whole is None:
        text = "it was opened before as another class, account or place; make another desk"
        raise Stalled(Reason.VENUE_UNPROVEN, place.venue, text)
    place.journal.append(OPENED, plain(whole), place.clock.wall())
    if whole != before:
        unshipped = place.shipped()
        if unshipped is not None:
            raise unshipped
        records.write(whole)  # last: what stands here was told there
    return whole


def _proven(place: Place, opened: BinanceVenue, record: OpenedVenue) -> None:
    """AUTH-4: the venue's own word on class and account, before an order is thought of."""
    standing = opened.probe.standing()
    place.told_account(record.venue, standing.account)
    if standing.venue_class is not record.venue_class:
        text = f"expected {record.venue_class}, found {standing.venue_class or 'no proof'}"
        raise Stalled(Reason.VENUE_UNPROVEN, record.venue, text)
    if standing.account != record.account:
        text = f"expected {record.account} as approved, found {standing.account or 'none'}"
        raise Stalled(Reason.ACCOUNT_UNAPPROVED, record.venue, text)


def _execution(place: Place, opened: BinanceVenue) -> Execution:
    door = door_of(place, opened.entry)
    signs = WipeSigns(opened.probe.standing)
    return Execution(door, opened.cancels, opened.queries, door.ledger, PROPAGATION, signs)


def _hand(place: Place, row: VenueRow, execution: Execution) -> Hand:
    sending = Sending(place.door_keys.permits, execution)
    if place.request.mode is Mode.BOUNDED_LIVE and not row.dead_man_switch:
        return Attended(sending, place.attested)
    return sending


def _polling(place: Place, lines: Lines, nap: Nap) -> Polling:
    """On the venue's clock, as the probe measures it again with every look of L5 (G1)."""
    settle = min(SETTLED, place.request.series.interval)
    return Polling(lines.market, lines.account.time, nap, settle=settle)


def _claim(place: Place, record: OpenedVenue) -> str:
    where = "a local exchange" if record.rehearsed else f"{record.venue} ({record.venue_class})"
    return f"a session in {place.request.mode} at {where}"
