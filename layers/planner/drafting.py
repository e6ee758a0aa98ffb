"""From price and size to an ``Intent``: our own quantisation, exact strings, deterministic ids.

The gate judges exactly the strings that will be sent, so rounding happens here and always to the
careful side: a buy's price down, a sell's price up, a quantity down.
"""

from dataclasses import dataclass
from datetime import datetime
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal

from desired_state.canonical import digest
from desired_state.values import amount_text
from layers.l6_execution.client_ids import client_order_id
from layers.orders import Intent, OrderRequest, Purpose, Side, SymbolRules, TimeInForce
from layers.planner.desk import DeskView, Route
from layers.risk_snapshot import window


@dataclass(frozen=True, slots=True)
class Draft:
    """An order before it has a name. ``slot`` tells it from the others of the same instant."""

    slot: str
    purpose: Purpose
    price: Decimal
    quantity: Decimal


def buy_price(price: Decimal, rules: SymbolRules) -> Decimal:
    """``price`` down to the tick."""
    return (price / rules.tick).to_integral_value(ROUND_FLOOR) * rules.tick


def sell_price(price: Decimal, rules: SymbolRules) -> Decimal:
    """``price`` up to the tick."""
    return (price / rules.tick).to_integral_value(ROUND_CEILING) * rules.tick


def whole_steps(quantity: Decimal, rules: SymbolRules) -> Decimal:
    """``quantity`` down to the step, never below zero."""
    return max(Decimal(0), (quantity / rules.step).to_integral_value(ROUND_FLOOR) * rules.step)


def is_tradable(price: Decimal, quantity: Decimal, rules: SymbolRules) -> bool:
    """Whether the venue takes an order of this size at this price."""
    if not (price > 0 and rules.min_quantity <= quantity <= rules.max_quantity and quantity > 0):
        return False
    return rules.min_notional <= price * quantity <= rules.max_notional


def intent_id(route: Route, plan: str, hypothesis: str, slot: str, counter: int) -> str:
    """The same for the same slot of the same plan in the same bar: sent twice, it is one intent.

    Venue and account are part of it: the same wish at another venue is another order.
    """
    hashed = digest([route.venue, route.account, plan, hypothesis, slot, counter])
    return "I-" + hashed.removeprefix("sha256:")[:16]


def intent(
    draft: Draft, view: DeskView, plan: str, hypothesis: str, as_of: datetime
) -> Intent | None:
    """The draft as an intent, or none where no time to live is configured.

    Its time to live is ``limits.intent_ttl``, rounded up to whole bars: on bars nothing can be
    sent and seen within less.
    """
    ttl = view.limits.intent_ttl
    if ttl is None:
        return None
    name = intent_id(view.route, plan, hypothesis, draft.slot, view.series.number(as_of))
    side = Side.BUY if draft.purpose is Purpose.ENTRY else Side.SELL
    stop = draft.purpose is Purpose.STOP_LOSS
    return Intent(
        intent_id=name,
        plan=plan,
        hypothesis=hypothesis,
        purpose=draft.purpose,
        request=OrderRequest(
            venue=view.route.venue,
            account=view.route.account,
            symbol=view.series.symbol,
            side=side,
            time_in_force=TimeInForce.IOC if stop else TimeInForce.GTC,
            quantity=amount_text(draft.quantity),
            price=amount_text(draft.price),
            client_order_id=client_order_id(name, 0),
        ),
        created_at=as_of,
        expires_at=as_of + window(ttl, view.series.interval),
    )
