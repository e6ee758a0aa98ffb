"""The life of an order in our books, as a table. A pair that is not in it is a difference."""

from enum import StrEnum
from typing import Final

from desired_state.errors import Stalled
from desired_state.reasons import Reason
from layers.orders import OrderState


class Happening(StrEnum):
    """What can happen to an order that has an intent."""

    SENT = "sent"  # an answer, or its absence, proves that it may have left
    WITHHELD = "withheld"  # proven never to have left
    ACKED = "acked"
    REFUSED = "refused"
    ANSWER_LOST = "answer_lost"
    PARTLY_FILLED = "partly_filled"
    FULLY_FILLED = "fully_filled"
    CANCEL_ASKED = "cancel_asked"
    SEEN_CANCELLED = "seen_cancelled"
    SEEN_REJECTED = "seen_rejected"
    SEEN_EXPIRED = "seen_expired"
    PROVEN_ABSENT = "proven_absent"
    WIPED = "wiped"  # the venue lost it, and a person took note of that


_S: Final = OrderState
_H: Final = Happening

# What a venue may do to an order that it has, in each state in which it may have it.
_AT_VENUE: Final = {
    _H.FULLY_FILLED: _S.FILLED,
    _H.SEEN_CANCELLED: _S.CANCELLED,
    _H.SEEN_REJECTED: _S.REJECTED,
    _H.SEEN_EXPIRED: _S.EXPIRED,
}
_POSSIBLY_THERE: Final = (
    _S.INTENT,
    _S.SENT,
    _S.UNKNOWN,
    _S.OPEN,
    _S.PARTIAL,
    _S.PENDING_CANCEL,
)

NEXT: Final[dict[tuple[OrderState, Happening], OrderState]] = {
    **{(state, what): then for state in _POSSIBLY_THERE for what, then in _AT_VENUE.items()},
    **{(state, _H.WIPED): _S.EXPIRED for state in _POSSIBLY_THERE},
    (_S.INTENT, _H.SENT): _S.SENT,
    (_S.INTENT, _H.WITHHELD): _S.EXPIRED,
    (_S.SENT, _H.ACKED): _S.OPEN,
    (_S.SENT, _H.REFUSED): _S.REJECTED,
    (_S.SENT, _H.ANSWER_LOST): _S.UNKNOWN,
    # looked up after a lost answer or a crash: found adopts, two clean negatives end it
    (_S.INTENT, _H.ACKED): _S.OPEN,
    (_S.UNKNOWN, _H.ACKED): _S.OPEN,
    (_S.INTENT, _H.PROVEN_ABSENT): _S.EXPIRED,
    (_S.SENT, _H.PROVEN_ABSENT): _S.EXPIRED,
    (_S.UNKNOWN, _H.PROVEN_ABSENT): _S.EXPIRED,
    # seen again, unchanged
    (_S.OPEN, _H.ACKED): _S.OPEN,
    (_S.PARTIAL, _H.ACKED): _S.PARTIAL,
    (_S.PENDING_CANCEL, _H.ACKED): _S.PENDING_CANCEL,
    # executions
    (_S.INTENT, _H.PARTLY_FILLED): _S.PARTIAL,
    (_S.SENT, _H.PARTLY_FILLED): _S.PARTIAL,
    (_S.UNKNOWN, _H.PARTLY_FILLED): _S.PARTIAL,
    (_S.OPEN, _H.PARTLY_FILLED): _S.PARTIAL,
    (_S.PARTIAL, _H.PARTLY_FILLED): _S.PARTIAL,
    # a cancel on its way frees nothing (C1), and may lose the race against a fill
    (_S.PENDING_CANCEL, _H.PARTLY_FILLED): _S.PENDING_CANCEL,
    (_S.OPEN, _H.CANCEL_ASKED): _S.PENDING_CANCEL,
    (_S.PARTIAL, _H.CANCEL_ASKED): _S.PENDING_CANCEL,
    (_S.PENDING_CANCEL, _H.CANCEL_ASKED): _S.PENDING_CANCEL,
    # asking to cancel what may not be there proves nothing about it
    (_S.INTENT, _H.CANCEL_ASKED): _S.INTENT,
    (_S.SENT, _H.CANCEL_ASKED): _S.SENT,
    (_S.UNKNOWN, _H.CANCEL_ASKED): _S.UNKNOWN,
    # asking for what has ended changes nothing: the question crossed the ending on its way
    (_S.FILLED, _H.CANCEL_ASKED): _S.FILLED,
    (_S.CANCELLED, _H.CANCEL_ASKED): _S.CANCELLED,
    (_S.REJECTED, _H.CANCEL_ASKED): _S.REJECTED,
    (_S.EXPIRED, _H.CANCEL_ASKED): _S.EXPIRED,
}


def after(state: OrderState, happening: Happening, order: str) -> OrderState:
    """The next state. Raises ``Stalled(RECON_DIFF)`` for a pair that the table does not have."""
    try:
        return NEXT[state, happening]
    except KeyError:
        raise Stalled(
            Reason.RECON_DIFF, order, f"an order that is {state} cannot become {happening}"
        ) from None
