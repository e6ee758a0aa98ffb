"""Orders, trades and fills as the exchange keeps them."""

from dataclasses import dataclass
from decimal import Decimal

from layers.local_exchange.terms import LIVE, NOTHING, Force, Kind, SelfTrade, Status
from layers.orders import Side


@dataclass(frozen=True, slots=True)
class Draft:
    """An order as asked for; nothing of it has been judged against the market yet."""

    account: str
    symbol: str
    client_id: str
    side: Side
    kind: Kind
    force: Force
    price: Decimal
    quantity: Decimal
    self_trade: SelfTrade


@dataclass(slots=True)
class Order:
    """One order. ``number`` is ``orderId`` (0 for the crowd), ``sequence`` time priority."""

    number: int
    sequence: int
    account: str
    symbol: str
    client_id: str
    side: Side
    kind: Kind
    force: Force
    price: Decimal
    quantity: Decimal
    self_trade: SelfTrade
    created_ms: int
    updated_ms: int
    executed: Decimal = NOTHING
    spent: Decimal = NOTHING  # cummulativeQuoteQty
    status: Status = Status.NEW

    @property
    def remaining(self) -> Decimal:
        """Quantity not executed."""
        return self.quantity - self.executed

    @property
    def live(self) -> bool:
        """Whether it can still trade."""
        return self.status in LIVE

    @property
    def locked(self) -> Decimal:
        """X-10: what it holds locked, quote at its own price for a buy, base for a sale."""
        if not self.live:
            return NOTHING
        return self.remaining * self.price if self.side is Side.BUY else self.remaining


@dataclass(frozen=True, slots=True)
class Trade:
    """One line of the public tape."""

    number: int
    symbol: str
    price: Decimal
    quantity: Decimal
    at_ms: int
    buyer_is_maker: bool


@dataclass(frozen=True, slots=True)
class Fill:
    """One account's half of a trade, with the commission it paid."""

    trade: int
    order: int
    account: str
    symbol: str
    side: Side
    price: Decimal
    quantity: Decimal
    fee: Decimal
    fee_asset: str
    maker: bool
    at_ms: int


def opposite(side: Side) -> Side:
    """The other side."""
    return Side.SELL if side is Side.BUY else Side.BUY
