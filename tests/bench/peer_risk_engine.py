"""NautilusTrader's RiskEngine on one limit order of a cash account; execution is only counted."""

from collections.abc import Callable
from importlib.util import find_spec

ROOM = "100000000/00:00:01"  # its rate limit would hold orders back; ours is in what it judges
EACH = "0.002000"


def installed() -> bool:
    """Whether there is a peer in this environment."""
    return find_spec("nautilus_trader") is not None


def checks(open_orders: int) -> Callable[[], object] | None:
    """One check with so many orders open in its cache; none where it is not installed."""
    if not installed():
        return None
    return _engine(open_orders)


def _engine(open_orders: int) -> Callable[[], object]:
    from nautilus_trader.common.component import MessageBus, TestClock  # noqa: PLC0415
    from nautilus_trader.common.factories import OrderFactory  # noqa: PLC0415
    from nautilus_trader.core.uuid import UUID4  # noqa: PLC0415
    from nautilus_trader.execution.messages import SubmitOrder  # noqa: PLC0415
    from nautilus_trader.model.currencies import BTC, USDT  # noqa: PLC0415
    from nautilus_trader.model.enums import AccountType, OrderSide  # noqa: PLC0415
    from nautilus_trader.model.events import AccountState  # noqa: PLC0415
    from nautilus_trader.model.identifiers import AccountId  # noqa: PLC0415
    from nautilus_trader.model.objects import (  # noqa: PLC0415
        AccountBalance,
        Money,
        Price,
        Quantity,
    )
    from nautilus_trader.portfolio.portfolio import Portfolio  # noqa: PLC0415
    from nautilus_trader.risk.config import RiskEngineConfig  # noqa: PLC0415
    from nautilus_trader.risk.engine import RiskEngine  # noqa: PLC0415
    from nautilus_trader.test_kit.providers import TestInstrumentProvider  # noqa: PLC0415
    from nautilus_trader.test_kit.stubs.component import TestComponentStubs  # noqa: PLC0415
    from nautilus_trader.test_kit.stubs.events import TestEventStubs  # noqa: PLC0415
    from nautilus_trader.test_kit.stubs.identifiers import TestIdStubs  # noqa: PLC0415

    clock, trader = TestClock(), TestIdStubs.trader_id()
    bus, cache = MessageBus(trader_id=trader, clock=clock), TestComponentStubs.cache()
    portfolio = Portfolio(msgbus=bus, cache=cache, clock=clock)
    config = RiskEngineConfig(max_order_submit_rate=ROOM)
    engine = RiskEngine(portfolio=portfolio, msgbus=bus, cache=cache, clock=clock, config=config)
    passed: list[object] = []
    bus.register("ExecEngine.execute", passed.append)
    bus.register("ExecEngine.process", passed.append)
    instrument = TestInstrumentProvider.btcusdt_binance()
    cache.add_instrument(instrument)
    account = AccountId(f"{instrument.id.venue}-001")
    held = [Money(1_000_000, USDT), Money(10, BTC)]
    portfolio.update_account(
        AccountState(
            account_id=account,
            account_type=AccountType.CASH,
            base_currency=None,
            reported=True,
            balances=[AccountBalance(m, Money(0, m.currency), m) for m in held],
            margins=[],
            info={},
            event_id=UUID4(),
            ts_event=0,
            ts_init=0,
        )
    )
    factory = OrderFactory(trader_id=trader, strategy_id=TestIdStubs.strategy_id(), clock=clock)

    def order() -> object:
        return factory.limit(
            instrument.id, OrderSide.BUY, Quantity.from_str(EACH), Price.from_str("8700.00")
        )

    for _ in range(open_orders):
        resting = order()
        cache.add_order(resting, None)
        resting.apply(TestEventStubs.order_submitted(resting, account_id=account))
        cache.update_order(resting)
        resting.apply(TestEventStubs.order_accepted(resting, account_id=account))
        cache.update_order(resting)
    if cache.orders_open_count() != open_orders:
        raise RuntimeError("the peer does not show the orders that it was given")
    command = SubmitOrder(
        trader_id=trader,
        strategy_id=TestIdStubs.strategy_id(),
        order=order(),
        command_id=UUID4(),
        ts_init=0,
    )
    cache.add_order(command.order, None)
    engine.start()
    engine.execute(command)
    if passed != [command]:
        raise RuntimeError("the peer did not let the order pass")

    def check() -> None:
        engine.execute(command)
        if passed.pop() is not command:
            raise RuntimeError("the peer did not let the order pass")

    return check
