"""What the planner sees of one symbol: position, orders, book and limits, out of a scene. Pure."""

from decimal import Decimal
from typing import Final

from desired_state.values import Access
from layers.l6_execution.own_order import OwnOrder
from layers.pegs import quoted
from layers.planner.desk import DeskView, OpenOrder, Route
from reconciler.market_state import MarketState
from reconciler.scene import Scene

ZERO: Final = Decimal(0)


def desk_view(scene: Scene, market: MarketState, symbol: str) -> DeskView | None:
    """None where the symbol may not be traded, or has no book of two sides."""
    entry = scene.verdict.permitted.symbols.get(symbol)
    book = market.book
    if entry is None or entry.access is Access.NONE or book is None:
        return None
    if not book.asks or not book.bids:
        return None
    books = scene.books
    held = books.symbol(symbol)
    quote_currency = symbol.split("/")[1]
    outlook = scene.thinking.outlook
    limits = quoted(scene.verdict.permitted.limits, scene.peg)
    beside = scene.other_exposure  # not known: no room for an entry (C1)
    working = (books.orders[name] for name in books.working)
    return DeskView(
        series=market.series,
        route=Route(scene.wired.venue, scene.wired.account),
        position=held.position,
        average_cost=held.cost / held.position if held.position > ZERO else ZERO,
        free_quote=sum((b.free for b in scene.balances if b.currency == quote_currency), ZERO),
        open_orders=tuple(_open(order) for order in working if order.symbol == symbol),
        bid=book.bids[0].price,
        ask=book.asks[0].price,
        rules=scene.wired.rules,
        limits=limits,
        bars=tuple(market.bars),
        no_trade=outlook.triggers if outlook else (),
        orders_today=books.orders_on.get(scene.at.date(), 0),
        other_exposure=limits.max_total_exposure or ZERO if beside is None else beside,
    )


def _open(order: OwnOrder) -> OpenOrder:
    return OpenOrder(
        client_order_id=order.client_order_id,
        side=order.side,
        price=order.price,
        remaining=order.remaining,
        purpose=order.intent.purpose,
    )
