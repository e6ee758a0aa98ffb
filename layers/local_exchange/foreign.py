"""An order in the desk's account that the desk did not place."""

from decimal import ROUND_DOWN, Decimal
from typing import Final

from layers.local_exchange.exchange import Exchange
from layers.local_exchange.faults import Fault
from layers.local_exchange.matching import place
from layers.local_exchange.order import Draft, Order
from layers.local_exchange.path import on_grid
from layers.local_exchange.refusals import Refusal
from layers.local_exchange.terms import DESK, Force, Kind, SelfTrade
from layers.orders import Side

_FAR: Final = {Side.BUY: Decimal("0.5"), Side.SELL: Decimal(2)}  # where nothing meets it soon


def foreign_order(exchange: Exchange, fault: Fault) -> Order | None:
    """Place it through the engine, as somebody with the account's password would.

    None where the engine refuses it: no price is known yet, or the funds are not there.
    """
    terms = exchange.terms.symbols[0]
    last = exchange.tapes[terms.symbol].last
    price = fault.price if fault.price is not None else (last or Decimal(0)) * _FAR[fault.side]
    draft = Draft(
        account=DESK,
        symbol=terms.symbol,
        client_id=f"web_{exchange.next_order[terms.symbol]}",
        side=fault.side,
        kind=Kind.LIMIT,
        force=Force.GTC,
        price=on_grid(price, terms.tick, ROUND_DOWN),
        quantity=fault.quantity,
        self_trade=SelfTrade.EXPIRE_MAKER,
    )
    placed = place(exchange, draft)
    return None if isinstance(placed, Refusal) else placed
