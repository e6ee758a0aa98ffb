"""Six orders put to NautilusTrader's RiskEngine, each to an engine of its own; who forwards them.

The engine is the same class as beside L5's latency; execution is only counted.
"""

from collections.abc import Callable
from typing import Any

from tests.bench.peer_risk_engine import installed

COPIES = 51


def forwarded() -> dict[str, str] | None:
    """By the name of the order, what the peer did with it; none where it is not installed."""
    if not installed():
        return None
    return {name: ask() for name, ask in _ORDERS.items()}


class _Engine:
    """One engine with one account or none, and what came out of it on the other side."""

    def __init__(self, account: str | None = "CASH", most: int | None = None) -> None:
        from nautilus_trader.common.component import MessageBus, TestClock  # noqa: PLC0415
        from nautilus_trader.common.factories import OrderFactory  # noqa: PLC0415
        from nautilus_trader.portfolio.portfolio import Portfolio  # noqa: PLC0415
        from nautilus_trader.risk.config import RiskEngineConfig  # noqa: PLC0415
        from nautilus_trader.risk.engine import RiskEngine  # noqa: PLC0415
        from nautilus_trader.test_kit.providers import TestInstrumentProvider  # noqa: PLC0415
        from nautilus_trader.test_kit.stubs.component import TestComponentStubs  # noqa: PLC0415
        from nautilus_trader.test_kit.stubs.identifiers import TestIdStubs  # noqa: PLC0415

        clock, self.trader = TestClock(), TestIdStubs.trader_id()
        self.strategy = TestIdStubs.strategy_id()
        bus = MessageBus(trader_id=self.trader, clock=clock)
        self.cache = TestComponentStubs.cache()
        self.portfolio = Portfolio(msgbus=bus, cache=self.cache, clock=clock)
        self.instrument = TestInstrumentProvider.btcusdt_binance()
        limits = {str(self.instrument.id): most} if most else {}
        config = RiskEngineConfig(max_notional_per_order=limits)
        self.engine = RiskEngine(
            portfolio=self.portfolio, msgbus=bus, cache=self.cache, clock=clock, config=config
        )
        self.passed: list[object] = []
        self.denied: list[object] = []
        bus.register("ExecEngine.execute", self.passed.append)
        bus.register("ExecEngine.process", self.denied.append)
        self.cache.add_instrument(self.instrument)
        self.orders = OrderFactory(trader_id=self.trader, strategy_id=self.strategy, clock=clock)
        if account:
            self._open(account)
        self.engine.start()

    def _open(self, account: str) -> None:
        from nautilus_trader.core.uuid import UUID4  # noqa: PLC0415
        from nautilus_trader.model.currencies import BTC, USDT  # noqa: PLC0415
        from nautilus_trader.model.enums import AccountType  # noqa: PLC0415
        from nautilus_trader.model.events import AccountState  # noqa: PLC0415
        from nautilus_trader.model.identifiers import AccountId  # noqa: PLC0415
        from nautilus_trader.model.objects import AccountBalance, Money  # noqa: PLC0415

        held = [Money(10_000_000, USDT), Money(10, BTC)]
        self.portfolio.update_account(
            AccountState(
                account_id=AccountId(f"{self.instrument.id.venue}-001"),
                account_type=AccountType[account],
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

    def quote(self, bid: float, ask: float) -> None:
        from nautilus_trader.test_kit.stubs.data import TestDataStubs  # noqa: PLC0415

        tick = TestDataStubs.quote_tick(self.instrument, bid_price=bid, ask_price=ask)
        self.cache.add_quote_tick(tick)

    def limit(self, quantity: str, price: str) -> Any:  # noqa: ANN401
        from nautilus_trader.model.enums import OrderSide  # noqa: PLC0415
        from nautilus_trader.model.objects import Price, Quantity  # noqa: PLC0415

        size = Quantity.from_str(quantity)
        return self.orders.limit(self.instrument.id, OrderSide.BUY, size, Price.from_str(price))

    def market(self, quantity: str) -> Any:  # noqa: ANN401
        from nautilus_trader.model.enums import OrderSide  # noqa: PLC0415
        from nautilus_trader.model.objects import Quantity  # noqa: PLC0415

        return self.orders.market(self.instrument.id, OrderSide.BUY, Quantity.from_str(quantity))

    def said(self, *orders: Any) -> str:  # noqa: ANN401
        """What became of them."""
        from nautilus_trader.core.uuid import UUID4  # noqa: PLC0415
        from nautilus_trader.execution.messages import SubmitOrder  # noqa: PLC0415

        for order in orders:
            self.cache.add_order(order, None)
            command = SubmitOrder(
                trader_id=self.trader,
                strategy_id=self.strategy,
                order=order,
                command_id=UUID4(),
                ts_init=0,
            )
            self.engine.execute(command)
        if len(self.passed) == len(orders):
            return "forwarded" if len(orders) == 1 else f"forwarded {len(orders)} of {len(orders)}"
        return f"refused {len(orders) - len(self.passed)} of {len(orders)}"


def _nine_times() -> str:
    engine = _Engine()
    engine.quote(99.9, 100.1)
    return engine.said(engine.limit("0.050000", "900.90"))


def _copies() -> str:
    engine = _Engine()
    engine.quote(99.9, 100.1)
    return engine.said(*(engine.limit("0.400000", "100.20") for _ in range(COPIES)))


def _reducing() -> str:
    from nautilus_trader.model.enums import TradingState  # noqa: PLC0415

    engine = _Engine()
    engine.quote(99.9, 100.1)
    engine.engine.set_trading_state(TradingState.REDUCING)
    return engine.said(engine.limit("0.400000", "100.20"))


def _no_account() -> str:
    engine = _Engine(account=None, most=1)
    return engine.said(engine.limit("9000.000000", "100.00"))


def _no_price() -> str:
    engine = _Engine(most=1)
    return engine.said(engine.market("9.000000"))


def _under_minimum() -> str:
    engine = _Engine(account="MARGIN")
    engine.quote(99.9, 100.1)
    return engine.said(engine.limit("0.040000", "100.20"))


_ORDERS: dict[str, Callable[[], str]] = {
    "900,000 USDT, maximum 1, no account registered": _no_account,
    "market order over the maximum, no price cached": _no_price,
    "BUY limit at nine times the ask": _nine_times,
    f"{COPIES} identical orders": _copies,
    "opening BUY while reducing and flat": _reducing,
    "under the venue's minimum": _under_minimum,
}
