"""Order entry at the embedded paper venue. Whatever proves nothing is UNKNOWN."""

from typing import Final

from desired_state.errors import Waiting
from desired_state.reasons import Reason
from layers.orders import AnswerKind, OrderRequest, VenueAnswer, VenueOrder
from layers.paper_venue.terms import Refusal
from layers.paper_venue.venue import PaperVenue
from layers.ports import Leave

# "duplicate order sent" means that the order *exists* (spec: venues); it has to be looked up.
DEFINITE: Final = frozenset(Refusal) - {Refusal.DUPLICATE}


class PaperEntry:
    """``OrderEntry`` on a ``PaperVenue``; a call ends within the venue's busy bound."""

    def __init__(self, venue: PaperVenue) -> None:
        """The venue may be shared with other adapters and processes."""
        self._venue = venue

    def submit(self, request: OrderRequest, leave: Leave) -> VenueAnswer:
        """Send once; a fault of the store is UNKNOWN, never a refusal."""
        refusal = leave.refuses(request)
        if refusal is not None:
            return VenueAnswer(kind=AnswerKind.NOT_SENT, reason=refusal.message, code=refusal.code)
        try:
            answer = self._venue.submit(request)
        except Waiting as fault:
            return VenueAnswer(
                kind=AnswerKind.UNKNOWN, reason=fault.message, code=Reason.ORDER_UNKNOWN
            )
        if isinstance(answer, VenueOrder):
            return VenueAnswer(kind=AnswerKind.ACCEPTED, order=answer)
        if answer in DEFINITE:
            return VenueAnswer(
                kind=AnswerKind.REJECTED, reason=answer.value, code=Reason.VENUE_REJECTED
            )
        return VenueAnswer(kind=AnswerKind.UNKNOWN, reason=answer.value, code=Reason.ORDER_UNKNOWN)
