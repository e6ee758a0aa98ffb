"""What whoever rehearses may ask of the exchange, apart from its API, and what is told back."""

from typing import Annotated

from pydantic import Field

from desired_state.frozen import Frozen
from desired_state.values import Amount
from layers.local_exchange.exchange import Exchange
from layers.local_exchange.faults import Fault, Faults
from layers.local_exchange.shapes import account_number
from layers.local_exchange.terms import DESK, NOTHING


class Command(Frozen):
    """One command; with nothing set it only looks."""

    advance_ms: Annotated[int, Field(ge=0)] = 0  # of a virtual clock
    fault: Fault | None = None  # a rule for the plan; one that changes the truth strikes now


class Holding(Frozen):
    """One balance of the desk's account."""

    asset: str
    free: Amount
    locked: Amount


class Told(Frozen):
    """How the exchange stands after a command, or why the command was not carried out."""

    refusal: str = ""
    account: int = 0  # as the API's ``uid`` tells it
    now_ms: int = 0
    last_price: Amount | None = None
    open_orders: tuple[str, ...] = ()  # client order ids
    orders: int = 0
    fills: int = 0
    holdings: tuple[Holding, ...] = ()
    strikes: tuple[str, ...] = ()


def told(exchange: Exchange, faults: Faults) -> Told:
    """The desk's account as it truly is, and which faults have struck."""
    return Told(
        account=account_number(DESK),
        now_ms=exchange.now_ms,
        last_price=exchange.tapes[exchange.terms.symbols[0].symbol].last,
        open_orders=tuple(order.client_id for order in exchange.open_orders(DESK, None)),
        orders=len(exchange.orders),
        fills=len(exchange.fills),
        holdings=tuple(
            Holding(asset=asset, free=max(purse.free, NOTHING), locked=purse.locked)
            for (account, asset), purse in sorted(exchange.purses.of.items())
            if account == DESK
        ),
        strikes=tuple(f"{kind} on {asks}" for kind, asks in faults.strikes),
    )
