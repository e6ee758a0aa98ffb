"""What a host takes from the chain that it goes on from: the way out of every venue (STOP-12)."""

from contextlib import suppress

from desired_state.errors import Stalled
from reconciler.adapters.opened_venues import OpenedVenues
from reconciler.adapters.shared_journal import FIRST_COUNTER
from reconciler.adapters.whole_journal import WholeJournal
from reconciler.host import Host
from reconciler.opened_venue import OpenedVenue, ToldVenues
from reconciler.wiring.log_keys import pinned_head


def learn_venues(host: Host, journal: WholeJournal, *, answered: bool) -> None:
    """Every venue that the chain tells is on record here; nothing is ever taken away.

    Read once: what this host opens itself it has on record first. What the clone holds is taken
    even where the evidence repository did not answer, since to look at one venue more harms nobody;
    but then there may be more, and this host goes on not knowing (``VENUES_UNKNOWN``). So it does
    with a chain that ends before the head that people pinned.

    Raises:
        Stalled: ``JOURNAL`` where the disk takes no record.
    """
    records = OpenedVenues(host.var)
    if records.all_known(host.evidence_name):
        return
    try:
        told = ToldVenues.by(journal.lines())
    except Stalled:  # not there whole, or broken: what it would have told is not known
        return
    for name in tuple(told.opened):
        here = _here(records, name)
        record = told.opened[name] if here is None else told.add(here)
        if record != here:
            records.write(record)
    pinned = pinned_head(host)
    whole = pinned is None or journal.head.size >= pinned.size
    # the embedded venue's book died with the disk that it was on: nothing can be filled there
    if answered and whole and not told.leaves_open((FIRST_COUNTER, *records.names())):
        records.mark_known(host.evidence_name, journal.own.begin.size)


def _here(records: OpenedVenues, name: str) -> OpenedVenue | None:
    with suppress(Stalled):  # what does not read is mended from the chain
        return records.read(name)
    return None
