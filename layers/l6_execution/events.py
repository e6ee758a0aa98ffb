"""What L6 writes into the journal, and the only things that move our books."""

import json
from typing import ClassVar, Final, Literal

from pydantic import ValidationError

from desired_state.canonical import plain
from desired_state.errors import Stalled
from desired_state.frozen import Frozen
from desired_state.reasons import Reason
from desired_state.values import Amount, Text
from layers.orders import Balance, Fill, Intent, VenueAnswer, VenueOrder
from layers.ports import JournalEntry

GONE: Final = "the venue no longer knows it"
TOTAL: Final = " total"  # after a currency: the subject of a balance that differs
UNDEAD: Final = "open at the venue, ended in our books"  # H4; stands so in the journal


class Event(Frozen):
    """Base; ``KIND`` is the entry's kind in the journal."""

    KIND: ClassVar[str]


class Opened(Event):
    """What the account held when the session began; reconciliation starts from it."""

    KIND: ClassVar[str] = "order_account_opened"
    balances: tuple[Balance, ...]


class Intended(Event):
    """On disk before anything leaves: exactly this request may have been sent."""

    KIND: ClassVar[str] = "order_intent"
    intent: Intent
    permit: Text  # digest of the permit used


class Answered(Event):
    """What came back when the request was handed over, or that our door kept it after all."""

    KIND: ClassVar[str] = "order_answer"
    client_order_id: str
    answer: VenueAnswer


class Filled(Event):
    """An execution that the venue reports."""

    KIND: ClassVar[str] = "order_fill"
    fill: Fill


class Seen(Event):
    """An order as the venue showed it when asked."""

    KIND: ClassVar[str] = "order_seen"
    order: VenueOrder


class Absent(Event):
    """Looked up and proven not to be there; it ends here and is never sent again."""

    KIND: ClassVar[str] = "order_absent"
    code: Literal["EXPIRED_UNKNOWN"] = "EXPIRED_UNKNOWN"
    client_order_id: str
    lookups: int


class CancelAsked(Event):
    """A cancel went out; what the venue confirmed is looked up before anything is freed."""

    KIND: ClassVar[str] = "order_cancel"
    scope: Literal["one", "all"]
    asked: tuple[str, ...]
    confirmed: tuple[str, ...]
    still_open: tuple[str, ...]
    unreachable: bool


class CancelGap(Event):
    """Cancels that went out while the journal failed (UNJOURNALED_CANCELS)."""

    KIND: ClassVar[str] = "order_cancel_gap"
    code: Literal["UNJOURNALED_CANCELS"] = "UNJOURNALED_CANCELS"
    asked: tuple[str, ...]
    confirmed: tuple[str, ...]


class Differs(Event):
    """Something at the venue that our record does not explain; L5 counts it until explained."""

    KIND: ClassVar[str] = "order_difference"
    code: Literal["FOREIGN_ORDER", "RECON_DIFF", "FILL_IMPLAUSIBLE"]
    subject: Text  # client order id, fill id, or a balance
    what: Text


class Explained(Event):
    """A person found out what a difference was; it explains exactly this difference."""

    KIND: ClassVar[str] = "order_difference_explained"
    subject: Text
    told: Text  # what differed, as the report says it; anything else stays unexplained
    why: Text
    by: Text


class Transferred(Event):
    """Money that a person moved to or from the account: neither profit nor loss (D1).

    It moves the books, so that the balance that changed is no difference any more.
    """

    KIND: ClassVar[str] = "order_account_transfer"
    currency: Text
    amount: Amount
    direction: Literal["in", "out"]
    why: Text
    by: Text


class Unresolved(Event):
    """Every look-up of the schedule was made, and nothing proves where the order is (G3)."""

    KIND: ClassVar[str] = "order_unresolved"
    code: Literal["ORDER_UNRESOLVED"] = "ORDER_UNRESOLVED"
    client_order_id: str
    lookups: int


class Reset(Event):
    """The venue was wiped. The books keep what they hold until a person accepts it."""

    KIND: ClassVar[str] = "order_venue_reset"
    code: Literal["VENUE_RESET"] = "VENUE_RESET"
    what: Text


class ResetAccepted(Event):
    """A person took note of a wipe: what the venue had is gone, and the books begin again here.

    ``moved``: what executions had left is money that was moved, and no loss (D1); entries that do
    not say so were written while it was one, and stay it.
    """

    KIND: ClassVar[str] = "order_venue_reset_accepted"
    balances: tuple[Balance, ...]
    moved: bool = False
    why: Text
    by: Text


class Compared(Event):
    """Books and venue were compared in full, or differed."""

    KIND: ClassVar[str] = "order_compared"
    report: Text  # its digest
    scope: Text
    ok: bool
    compared: int
    missing: tuple[str, ...]
    unexplained: tuple[str, ...]


KINDS: Final[dict[str, type[Event]]] = {
    event.KIND: event
    for event in (
        Opened,
        Intended,
        Answered,
        Filled,
        Seen,
        Absent,
        CancelAsked,
        CancelGap,
        Differs,
        Explained,
        Transferred,
        Unresolved,
        Reset,
        ResetAccepted,
        Compared,
    )
}


def body(event: Event) -> dict[str, object]:
    """The event as plain data for the journal."""
    return plain(event)


def read(entry: JournalEntry) -> Event | None:
    """The event in a journal entry, or none if the entry is not one of L6's.

    Raises ``Stalled(JOURNAL)`` for an entry of ours that cannot be read.
    """
    kind = KINDS.get(entry.kind)
    if kind is None:
        return None
    try:
        return kind.model_validate_json(json.dumps(dict(entry.body)))
    except (ValidationError, TypeError, ValueError) as problem:
        raise Stalled(
            Reason.JOURNAL, f"entry {entry.sequence}", f"not a {entry.kind}: {problem}"
        ) from problem
