"""Lines to Binance spot, or to the local exchange that takes its place; loaded where one is."""

import os
from contextlib import closing
from datetime import timedelta
from typing import Final

from desired_state.errors import Stalled
from desired_state.reasons import Reason
from layers.adapters.binance_cancels import BinanceCancels
from layers.adapters.binance_venue import BinanceVenue, open_cancels, open_venue
from layers.adapters.ccxt_line import Clock, Terms
from layers.adapters.venue_credentials import Credentials, from_environment, from_file
from layers.binance.wire import Place
from layers.market import Provenance
from layers.orders import Balance
from reconciler.adapters.clock import boot_clock_ns, wall_clock
from reconciler.host import Host, VenueAccess
from reconciler.opened_venue import OpenedVenue

NAME: Final = "binance"
TIMEOUT: Final = timedelta(seconds=3)
CLOCK: Final = Clock(wall=wall_clock, monotonic=lambda: boot_clock_ns() / 1e9)


def way_out(host: Host, record: OpenedVenue) -> BinanceCancels:
    """Cancels and open orders alone, unthrottled, on a line that nothing else uses.

    Raises:
        Stalled: ``VENUE_UNPROVEN``, ``CREDENTIALS``, ``TOOL_MISSING``.
    """
    access = _access(host, record)
    cancels, _ = open_cancels(
        _terms(access, record), _credentials(host, access), CLOCK, lambda: record.symbols
    )
    return cancels


def venue(host: Host, record: OpenedVenue) -> BinanceVenue:
    """Every port, with a line each. Raises as ``way_out``."""
    access = _access(host, record)
    return open_venue(
        _terms(access, record), _credentials(host, access), CLOCK, lambda: record.symbols
    )


def holdings(host: Host, record: OpenedVenue) -> tuple[Balance, ...]:
    """What the account holds there now, said by the account itself.

    Raises:
        Stalled: as ``way_out``; ``ACCOUNT_UNAPPROVED`` where the key is of another account.
        Waiting: ``VENUE_UNREACHABLE``.
    """
    opened = venue(host, record)
    with closing(opened):
        found = opened.probe.standing().account
        if found != record.account:
            text = f"expected {record.account} as it was opened, found {found or 'no answer'}"
            raise Stalled(Reason.ACCOUNT_UNAPPROVED, record.venue, text)
        return opened.queries.balances()


def terms_of(host: Host, record: OpenedVenue) -> Terms:
    """What a line there is for. Raises ``Stalled(VENUE_UNPROVEN)``."""
    return _terms(_access(host, record), record)


def _access(host: Host, record: OpenedVenue) -> VenueAccess:
    access = host.file.venues.get(record.venue)
    if access is None:
        text = f"expected venues: {record.venue} in governor.yaml, found none"
        raise Stalled(Reason.VENUE_UNPROVEN, record.venue, text)
    if bool(access.rehearsal) is not record.rehearsed:
        words = {True: "a local exchange in its place", False: "the venue itself"}
        text = f"opened as {words[record.rehearsed]}, found {words[bool(access.rehearsal)]}"
        raise Stalled(Reason.VENUE_UNPROVEN, record.venue, text)
    return access


def _terms(access: VenueAccess, record: OpenedVenue) -> Terms:
    return Terms(
        place=Place(venue=record.venue, account=record.account, symbols=record.symbols),
        venue_class=record.venue_class,
        timeout=TIMEOUT,
        provenance=Provenance.SYNTHETIC if access.rehearsal else Provenance.LIVE,
        rehearsal_at=access.rehearsal,
    )


def _credentials(host: Host, access: VenueAccess) -> Credentials:
    if access.credentials is not None:
        return from_file(host.path(access.credentials))
    return from_environment(access.key_env or "", access.secret_env or "", os.environ)
