"""One order as our books have it."""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Final

from layers.orders import WORKING, Intent, OrderState, Side

NOTHING: Final = Decimal(0)
# C1, C5: in these states nothing proves that the venue has the order, or locked the funds
UNPROVEN: Final = frozenset({OrderState.INTENT, OrderState.SENT, OrderState.UNKNOWN})


@dataclass(frozen=True, slots=True)
class OwnOrder:
    """Intent, state and what was executed; ``changed_at`` is on the market clock."""

    intent: Intent
    price: Decimal
    quantity: Decimal
    filled: Decimal
    state: OrderState
    increasing: bool  # did not only reduce when it was intended
    changed_at: datetime
    reason: str = ""

    @property
    def client_order_id(self) -> str:
        """The id it goes by at the venue."""
        return self.intent.request.client_order_id

    @property
    def symbol(self) -> str:
        """Its symbol."""
        return self.intent.request.symbol

    @property
    def side(self) -> Side:
        """Its direction."""
        return self.intent.request.side

    @property
    def remaining(self) -> Decimal:
        """What may still execute, in base units; nothing once it has ended."""
        return self.quantity - self.filled if self.state in WORKING else NOTHING

    @property
    def reserved(self) -> tuple[str, Decimal]:
        """Currency and amount that the remaining quantity may need."""
        base, quote = self.symbol.split("/")
        if self.side is Side.BUY:
            return quote, self.remaining * self.price
        return base, self.remaining
