"""The matching engine: drafts and cancels in; orders, trades and settlements out."""

from decimal import Decimal

from layers.local_exchange.book import Book
from layers.local_exchange.exchange import Exchange
from layers.local_exchange.filters import failure
from layers.local_exchange.order import Draft, Fill, Order, Trade, opposite
from layers.local_exchange.purses import settle
from layers.local_exchange.refusals import (
    BAD_SYMBOL,
    DUPLICATE,
    NO_FUNDS,
    NO_LIQUIDITY,
    WOULD_TAKE,
    Refusal,
    filter_failure,
)
from layers.local_exchange.terms import (
    CROWD,
    NOTHING,
    Force,
    Kind,
    SelfTrade,
    Status,
    SymbolTerms,
)
from layers.orders import Side


def judge(exchange: Exchange, draft: Draft) -> Refusal | None:
    """X-9: why ``draft`` would be refused now, or none; nothing changes."""
    terms = exchange.symbol(draft.symbol)
    if terms is None:
        return BAD_SYMBOL
    refused = failure(draft, terms, exchange.average(draft.symbol))
    if refused is not None:
        return refused
    if (draft.account, draft.symbol, draft.client_id) in exchange.open_ids:
        return DUPLICATE
    if exchange.open_count(draft.account, draft.symbol) >= terms.max_open_orders:
        return filter_failure("MAX_NUM_ORDERS")
    return _judge_by_book(exchange, terms, draft)


def _judge_by_book(exchange: Exchange, terms: SymbolTerms, draft: Draft) -> Refusal | None:
    book = exchange.books[draft.symbol]
    if draft.kind is Kind.LIMIT_MAKER and _takes(book, draft.side, draft.price):
        return WOULD_TAKE
    if draft.kind is Kind.MARKET and _worst(book, draft) is None:
        return NO_LIQUIDITY
    asset, amount = _needs(terms, book, draft)
    return None if exchange.purses.can_lock(draft.account, asset, amount) else NO_FUNDS


def place(exchange: Exchange, draft: Draft) -> Order | Refusal:
    """Judge ``draft``, match it, and rest or expire what is left."""
    refused = judge(exchange, draft)
    if refused is not None:
        return refused
    number = exchange.number_order(draft.symbol)
    market = draft.kind is Kind.MARKET
    order = Order(
        number=number,
        sequence=exchange.next_sequence,
        account=draft.account,
        symbol=draft.symbol,
        client_id=draft.client_id,
        side=draft.side,
        kind=draft.kind,
        force=Force.IOC if market else draft.force,
        price=_worst(exchange.books[draft.symbol], draft) or NOTHING if market else draft.price,
        quantity=draft.quantity,
        self_trade=draft.self_trade,
        created_ms=exchange.now_ms,
        updated_ms=exchange.now_ms,
    )
    asset = _asset(exchange.markets[order.symbol], order.side)
    exchange.purses.lock(order.account, asset, order.locked)
    return _enter(exchange, order)


def trade_for_crowd(
    exchange: Exchange,
    symbol: str,
    side: Side,
    price: Decimal,
    quantity: Decimal,
    force: Force = Force.GTC,
) -> Order:
    """A limit order of the crowd: it has no number, passes no filter and locks no funds."""
    order = Order(
        number=0,
        sequence=exchange.next_sequence,
        account=CROWD,
        symbol=symbol,
        client_id="",
        side=side,
        kind=Kind.LIMIT,
        force=force,
        price=price,
        quantity=quantity,
        self_trade=SelfTrade.NONE,
        created_ms=exchange.now_ms,
        updated_ms=exchange.now_ms,
    )
    return _enter(exchange, order)


def cancel(exchange: Exchange, order: Order, status: Status = Status.CANCELED) -> None:
    """End a resting order and give back what it had locked."""
    exchange.books[order.symbol].remove(order)
    _end(exchange, order, status)


def _enter(exchange: Exchange, order: Order) -> Order:
    """Match a funded order, and rest or expire what is left of it."""
    terms = exchange.markets[order.symbol]
    book = exchange.books[order.symbol]
    exchange.next_sequence += 1
    if order.force is not Force.FOK or _could_fill(book, order):
        _match(exchange, terms, order)
    if order.live and order.force is Force.GTC:
        book.add(order)
        exchange.note(order)
    elif order.live:
        _end(exchange, order, Status.EXPIRED)
    else:
        exchange.note(order)
    return order


def _match(exchange: Exchange, terms: SymbolTerms, taker: Order) -> None:
    """X-1: against the best price first, the first come first, at the maker's price."""
    book = exchange.books[taker.symbol]
    while taker.live and taker.remaining:
        maker = book.best(opposite(taker.side))
        if maker is None or not _crosses(taker.side, taker.price, maker.price):
            return
        if maker.account == taker.account and taker.self_trade is not SelfTrade.NONE:
            _prevent(exchange, taker, maker)
            continue
        _trade(exchange, terms, taker, maker)


def _prevent(exchange: Exchange, taker: Order, maker: Order) -> None:
    """X-4: an account never trades with itself; the taker's mode says who gives way."""
    if taker.self_trade is not SelfTrade.EXPIRE_TAKER:
        cancel(exchange, maker, Status.EXPIRED_IN_MATCH)
    if taker.self_trade is not SelfTrade.EXPIRE_MAKER:
        _end(exchange, taker, Status.EXPIRED_IN_MATCH)


def _trade(exchange: Exchange, terms: SymbolTerms, taker: Order, maker: Order) -> None:
    quantity = min(taker.remaining, maker.remaining)
    trade = Trade(
        exchange.number_trade(taker.symbol),
        taker.symbol,
        maker.price,
        quantity,
        exchange.now_ms,
        buyer_is_maker=maker.side is Side.BUY,
    )
    exchange.tapes[taker.symbol].print(trade)
    _execute(exchange, terms, taker, trade)
    _execute(exchange, terms, maker, trade, maker=True)
    book = exchange.books[taker.symbol]
    book.updates += 1
    if not maker.live:
        book.remove(maker)


def _execute(
    exchange: Exchange, terms: SymbolTerms, order: Order, trade: Trade, *, maker: bool = False
) -> None:
    rate = exchange.terms.maker_fee if maker else exchange.terms.taker_fee
    half = settle(exchange.purses, terms, order, (trade.price, trade.quantity, rate))
    order.executed += trade.quantity
    order.spent += trade.price * trade.quantity
    order.status = Status.PARTIALLY_FILLED if order.remaining else Status.FILLED
    order.updated_ms = trade.at_ms
    if order.account == CROWD:
        exchange.note(order)
        return
    fill = Fill(
        trade=trade.number,
        order=order.number,
        account=order.account,
        symbol=order.symbol,
        side=order.side,
        price=trade.price,
        quantity=trade.quantity,
        fee=half.fee,
        fee_asset=half.fee_asset,
        maker=maker,
        at_ms=trade.at_ms,
    )
    exchange.fills.append(fill)
    exchange.fresh_fills.append(fill)
    exchange.note(order)


def _end(exchange: Exchange, order: Order, status: Status) -> None:
    if order.number:
        asset = _asset(exchange.markets[order.symbol], order.side)
        exchange.purses.unlock(order.account, asset, order.locked)
    order.status = status
    order.updated_ms = exchange.now_ms
    exchange.note(order)


def _asset(terms: SymbolTerms, side: Side) -> str:
    return terms.quote if side is Side.BUY else terms.base


def _crosses(side: Side, limit: Decimal, resting: Decimal) -> bool:
    return resting <= limit if side is Side.BUY else resting >= limit


def _takes(book: Book, side: Side, limit: Decimal) -> bool:
    best = book.best(opposite(side))
    return best is not None and _crosses(side, limit, best.price)


def _could_fill(book: Book, order: Order) -> bool:
    """X-3: whether all of a fill-or-kill is there for it, its own orders not counted."""
    there = NOTHING
    for resting in book.resting(opposite(order.side)):
        if there >= order.quantity or not _crosses(order.side, order.price, resting.price):
            break
        if resting.account != order.account:
            there += resting.remaining
        elif order.self_trade is not SelfTrade.EXPIRE_MAKER:
            break
    return there >= order.quantity


def _worst(book: Book, draft: Draft) -> Decimal | None:
    """The last price that a market order reaches; none where nothing rests against it."""
    there, price = NOTHING, None
    for resting in book.resting(opposite(draft.side)):
        if there >= draft.quantity:
            break
        there += resting.remaining
        price = resting.price
    return price


def _needs(terms: SymbolTerms, book: Book, draft: Draft) -> tuple[str, Decimal]:
    price = _worst(book, draft) or NOTHING if draft.kind is Kind.MARKET else draft.price
    amount = draft.quantity * price if draft.side is Side.BUY else draft.quantity
    return _asset(terms, draft.side), amount
