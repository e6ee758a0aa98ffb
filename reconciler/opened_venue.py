"""A venue that was once opened: enough to find the way out of it again, on any host. Pure."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from pydantic import ValidationError

from desired_state.frozen import Frozen
from desired_state.values import Account, Name, Symbol
from evidence_repo.chain import parse
from layers.risk_snapshot import VenueClass

OPENED: Final = "venue_opened"  # an entry of the venue's counter; the body is the record
SENT: Final = "order_intent"
COUNTER: Final = "counter"
TELLING: Final = tuple(f'"kind":"{kind}"'.encode() for kind in (OPENED, SENT))


class OpenedVenue(Frozen):
    """Written before the first order could leave, and never taken away (STOP-11)."""

    venue: Name
    venue_class: VenueClass
    account: Account
    rehearsed: bool  # a local exchange stood in its place
    symbols: tuple[Symbol, ...]  # every one that was ever traded there

    def goes_on(self, now: "OpenedVenue") -> "OpenedVenue | None":
        """Both in one, or none where they are not the same account at the same place."""
        if self.model_copy(update={"symbols": now.symbols}) != now:
            return None
        symbols = tuple(sorted({*self.symbols, *now.symbols}))
        return now.model_copy(update={"symbols": symbols})


@dataclass
class ToldVenues:
    """What a chain tells of the venues that were opened by whoever wrote it (STOP-12)."""

    opened: dict[str, OpenedVenue] = field(default_factory=dict)
    sent: set[str] = field(default_factory=set)  # counters that orders were meant for
    unclear: set[str] = field(default_factory=set)  # of one name, and not one account at one place

    @classmethod
    def by(cls, lines: Iterable[bytes]) -> "ToldVenues":
        """As the lines of a chain tell it, in order. Raises ``Stalled`` for what is no leaf."""
        told = cls()
        for line in lines:
            if any(kind in line for kind in TELLING):  # one leaf in many: the rest is not parsed
                leaf = parse(line)
                if leaf.kind == SENT and COUNTER in leaf.body:
                    told.sent.add(str(leaf.body[COUNTER]))
                elif leaf.kind == OPENED:
                    told.take(leaf.body)
        return told

    def take(self, body: Mapping[str, Any]) -> None:
        """One opening more."""
        fields = {name: body.get(name) for name in OpenedVenue.model_fields}
        try:
            self.add(OpenedVenue.model_validate_json(json.dumps(fields)))
        except ValidationError:
            self.unclear.add(str(body.get("venue")))

    def add(self, record: OpenedVenue) -> OpenedVenue:
        """What is to be known of this venue, with all that was told of it before."""
        before = self.opened.get(record.venue, record)
        whole = before.goes_on(record)
        if whole is None:
            self.unclear.add(record.venue)
        self.opened[record.venue] = whole or record
        return self.opened[record.venue]

    def leaves_open(self, here: Iterable[str]) -> tuple[str, ...]:
        """The venues of which neither the chain nor a record ``here`` tells the way out."""
        known = {*here, *self.opened}
        return tuple(sorted(self.unclear | (self.sent - known)))
