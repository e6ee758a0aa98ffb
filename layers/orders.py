"""Orders, fills and positions: what the layers hand to each other and to a venue."""

from enum import StrEnum
from typing import Annotated, Final

from pydantic import Field, StringConstraints

from desired_state.frozen import Frozen
from desired_state.reasons import Reason
from desired_state.values import Amount, Digest, Instant, Symbol, Text


class Side(StrEnum):
    """Direction of an order."""

    BUY = "buy"
    SELL = "sell"


class TimeInForce(StrEnum):
    """Immediate in part or whole, immediate in whole, till cancelled, and that never a taker."""

    IOC = "IOC"
    FOK = "FOK"
    GTC = "GTC"
    POST_ONLY = "POST_ONLY"


class OrderState(StrEnum):
    """States of an order in our books; the names are those of spec/risk.md C1."""

    INTENT = "INTENT"  # written down, not known to have left
    SENT = "SENT"  # handed to the venue, no answer yet
    UNKNOWN = "UNKNOWN"  # an answer that proves nothing
    OPEN = "OPEN"
    PARTIAL = "PARTIAL"
    PENDING_CANCEL = "PENDING_CANCEL"
    FILLED = "FILLED"
    CANCELLED = "CANCELLED"
    REJECTED = "REJECTED"
    EXPIRED = "EXPIRED"


# C1: all of these consume exposure; a cancel frees it only when it is confirmed
WORKING: Final = frozenset(
    {
        OrderState.INTENT,
        OrderState.SENT,
        OrderState.UNKNOWN,
        OrderState.OPEN,
        OrderState.PARTIAL,
        OrderState.PENDING_CANCEL,
    }
)

ClientOrderId = Annotated[str, StringConstraints(pattern=r"^g[a-z2-7]{16}$")]
IntentId = Annotated[str, StringConstraints(pattern=r"^I-[0-9a-f]{16}$")]
# Exactly the strings that will be sent; L5 judges them, so they are not normalised here (B1).
WireNumber = Annotated[str, StringConstraints(max_length=64)]


class OrderRequest(Frozen):
    """One limit order, exactly as it will be sent."""

    venue: str
    account: str
    symbol: Symbol
    side: Side
    kind: str = "limit"
    time_in_force: TimeInForce
    quantity: WireNumber
    price: WireNumber
    client_order_id: ClientOrderId


class Purpose(StrEnum):
    """Why the planner wants the order."""

    ENTRY = "entry"
    TAKE_PROFIT = "take_profit"
    STOP_LOSS = "stop_loss"


class Intent(Frozen):
    """An order as decided, before it is sent. ``intent_id`` derives from plan and slot."""

    intent_id: IntentId
    plan: Annotated[str, StringConstraints(max_length=64)]  # pack id of the L3 plan
    hypothesis: str
    purpose: Purpose
    request: OrderRequest
    created_at: Instant  # market clock of the session
    expires_at: Instant


class VenueOrder(Frozen):
    """An order as the venue shows it. ``state`` is one of OPEN, PARTIAL or a terminal one."""

    symbol: Symbol
    client_order_id: str
    venue_order_id: str
    side: Side
    price: Amount
    quantity: Amount
    filled: Amount
    state: OrderState
    updated_at: Instant
    reason: Text = ""


class Archived(Frozen):
    """What a venue says of an order that it shows no more: it ended, and nothing was executed.

    Nobody is told how it ended; all that ended so before the instant is archived like it.
    """

    before: Instant


class Fill(Frozen):
    """One execution as the venue shows it."""

    fill_id: str  # one execution of the account, whatever its symbol
    client_order_id: str
    symbol: Symbol
    side: Side
    price: Amount
    quantity: Amount
    fee: Amount
    fee_currency: str
    maker: bool
    at: Instant


class Balance(Frozen):
    """Free and locked amount of one currency or coin."""

    currency: str
    free: Amount
    locked: Amount


class SymbolRules(Frozen):
    """The venue's filters for one symbol, and its fees."""

    symbol: Symbol
    tick: Amount
    step: Amount
    min_quantity: Amount
    max_quantity: Amount
    min_notional: Amount
    max_notional: Amount
    maker_fee: Amount
    taker_fee: Amount


class AnswerKind(StrEnum):
    """What a venue's answer to a submission proves."""

    ACCEPTED = "accepted"
    REJECTED = "rejected"
    UNKNOWN = "unknown"
    NOT_SENT = "not_sent"  # our own door kept it; nothing left the machine


class VenueAnswer(Frozen):
    """Answer to one submission; only a definite refusal is ``REJECTED``.

    ``code`` is our reason for anything but acceptance, ``reason`` the venue's or the door's words.
    """

    kind: AnswerKind
    order: VenueOrder | None = None
    reason: Text = ""
    code: Reason | None = None


class CancelReport(Frozen):
    """What a cancel sweep did: ids confirmed cancelled, and what is still open."""

    confirmed: tuple[str, ...]
    still_open: tuple[str, ...]
    unreachable: bool = False


class Permit(Frozen):
    """Leave for one order (design.md, words): single use, bound to request, verdict and epoch.

    ``seal`` is an HMAC over the other fields with a key that the gate and the door share and
    nobody else has; a permit that anybody else builds does not open the door.
    """

    request: Digest
    verdict: Digest
    epoch: Annotated[int, Field(ge=0)]
    nonce: Annotated[int, Field(ge=0)]
    expires_at: Instant  # wall clock
    seal: str
