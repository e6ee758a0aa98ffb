"""Whatever is asked of the engine: nothing is made or lost, and price and time decide."""

from collections.abc import Sequence
from decimal import Decimal

from hypothesis import given, settings
from hypothesis import strategies as st

from layers.local_exchange.crowd import Recording, advance
from layers.local_exchange.exchange import Exchange, new_exchange
from layers.local_exchange.matching import cancel, place
from layers.local_exchange.order import Draft, Order, opposite
from layers.local_exchange.terms import (
    CROWD,
    Deposit,
    ExchangeTerms,
    Force,
    Kind,
    SelfTrade,
)
from layers.orders import Side
from tests.fakes.exchange import HOUR_MS, START_MS, carried_bars

ACCOUNTS = ("ann", "bob")
DEPOSITS = {"USDT": Decimal(4000), "BTC": Decimal(40)}
TERMS = ExchangeTerms(
    deposits=tuple(
        Deposit(account=account, asset=asset, amount=amount)
        for account in ACCOUNTS
        for asset, amount in DEPOSITS.items()
    )
)
MODES = [SelfTrade.EXPIRE_TAKER, SelfTrade.EXPIRE_MAKER, SelfTrade.EXPIRE_BOTH]

drafts = st.builds(
    Draft,
    account=st.sampled_from(ACCOUNTS),
    symbol=st.just("BTCUSDT"),
    client_id=st.sampled_from([f"id{n}" for n in range(30)]),
    side=st.sampled_from(Side),
    kind=st.sampled_from(Kind),
    force=st.sampled_from(Force),
    price=st.integers(9_970, 10_030).map(lambda cents: Decimal(cents) / 100),
    quantity=st.integers(1, 900).map(lambda steps: Decimal(steps) * Decimal("0.01111")),
    self_trade=st.sampled_from(MODES),
)
cancels = st.integers(1, 40)
asked = st.lists(st.one_of(drafts, drafts, drafts, cancels), max_size=40)


def ask(exchange: Exchange, what: Draft | int) -> Order | None:
    exchange.now_ms += 7
    if isinstance(what, Draft):
        made = place(exchange, what)
        return made if isinstance(made, Order) else None
    order = exchange.orders.get(what)
    if order is not None and order.live:
        cancel(exchange, order)
    return None


def assert_sound(exchange: Exchange) -> None:
    for asset, amount in DEPOSITS.items():
        assert exchange.purses.total(asset) == amount * len(ACCOUNTS)
        for account in ACCOUNTS:
            purse = exchange.purses.purse(account, asset)
            side = Side.BUY if asset == "USDT" else Side.SELL
            resting = (o for o in exchange.open_orders(account, None) if o.side is side)
            assert purse.free >= 0
            assert purse.locked == sum((o.locked for o in resting), Decimal(0))
    bid, ask = (exchange.books["BTCUSDT"].best(side) for side in Side)
    assert bid is None or ask is None or bid.price < ask.price


@settings(max_examples=150)
@given(asked=asked)
def test_every_currency_adds_up_and_no_purse_is_overdrawn(asked: Sequence[Draft | int]) -> None:
    exchange = new_exchange(TERMS, 0)
    for what in asked:
        ask(exchange, what)
        assert_sound(exchange)
    for order in exchange.orders.values():
        own = [fill for fill in exchange.fills if fill.order == order.number]
        assert order.executed == sum((f.quantity for f in own), Decimal(0)) <= order.quantity
        assert order.spent == sum((f.quantity * f.price for f in own), Decimal(0))
        assert order.live == exchange.books[order.symbol].holds(order)


@settings(max_examples=150)
@given(asked=asked)
def test_nothing_is_passed_over_that_was_better_or_came_first(
    asked: Sequence[Draft | int],
) -> None:
    exchange = new_exchange(TERMS, 0)
    for what in asked:
        book = exchange.books["BTCUSDT"]
        known = len(exchange.fills)
        side = opposite(what.side) if isinstance(what, Draft) else Side.BUY
        queue = list(book.resting(side))
        before = sorted(
            queue, key=lambda o: (o.price if side is Side.SELL else -o.price, o.sequence)
        )
        assert queue == before
        taker = ask(exchange, what)
        met = [f.order for f in exchange.fills[known:] if f.maker]
        others = [o for o in queue if taker is None or o.account != taker.account]
        assert met == [o.number for o in others[: len(met)]]
        assert all(not o.remaining for o in others[: max(0, len(met) - 1)])


@settings(max_examples=15)
@given(hours=st.lists(st.tuples(st.integers(1, 40), drafts), max_size=12))
def test_the_crowd_trades_by_the_same_rules(hours: Sequence[tuple[int, Draft]]) -> None:
    exchange = new_exchange(TERMS, START_MS)
    recording = Recording("BTCUSDT", carried_bars(6), START_MS, HOUR_MS)
    now_ms = START_MS
    for tenths, draft in hours:
        now_ms += tenths * HOUR_MS // 10
        advance(exchange, recording, now_ms)
        priced = Draft(*(getattr(draft, name) for name in Draft.__slots__))
        last = exchange.tapes["BTCUSDT"].last or Decimal(1)
        object.__setattr__(priced, "price", last + (draft.price - 100).quantize(Decimal("0.01")))
        object.__setattr__(priced, "quantity", Decimal("0.00111"))
        place(exchange, priced)
        assert_sound(exchange)
    assert exchange.purses.total("USDT") == 8000
    assert all(account in {*ACCOUNTS, CROWD, "fees"} for account, _ in exchange.purses.of)


@settings(max_examples=10)
@given(cuts=st.lists(st.integers(0, 5 * HOUR_MS), max_size=10))
def test_how_often_somebody_looks_changes_nothing(cuts: Sequence[int]) -> None:
    recording = Recording("BTCUSDT", carried_bars(5), START_MS, HOUR_MS)
    whole, pieces = (new_exchange(TERMS, START_MS) for _ in range(2))
    end = START_MS + 5 * HOUR_MS
    advance(whole, recording, end)
    for cut in (*sorted(cuts), 5 * HOUR_MS):
        advance(pieces, recording, START_MS + cut)
    for side in Side:
        books = (exchange.books["BTCUSDT"].levels(side, 50) for exchange in (whole, pieces))
        assert len({tuple(levels) for levels in books}) == 1
    assert whole.tapes["BTCUSDT"].trades == pieces.tapes["BTCUSDT"].trades
    assert whole.now_ms == pieces.now_ms == end


def test_the_candles_are_the_recorded_bars_to_the_last_step() -> None:
    bars = carried_bars(30)
    exchange = new_exchange(TERMS, START_MS)
    advance(exchange, Recording("BTCUSDT", bars, START_MS, HOUR_MS), START_MS + 30 * HOUR_MS - 1)
    candles = exchange.tapes["BTCUSDT"].candles["1h"]
    assert [(c.open, c.high, c.low, c.close) for c in candles] == [
        (b.open, b.high, b.low, b.close) for b in bars
    ]
    assert [c.volume for c in candles] == [
        b.volume // TERMS.symbols[0].step * TERMS.symbols[0].step for b in bars
    ]
