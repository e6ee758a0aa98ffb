"""NautilusTrader's life of a resting order: made, checked, accepted and kept in a backtest.

One order at each quote, until so many are open, as a strategy that works through a session has it.
"""

from importlib.util import find_spec
from time import perf_counter_ns

EACH, FAR = "0.002000", "4000.00"


def installed() -> bool:
    """Whether there is a peer in this environment."""
    return find_spec("nautilus_trader") is not None


def microseconds_an_order(open_orders: int) -> float | None:
    """The run's time by the number of orders; none where it is not installed."""
    if not installed():
        return None
    return _run(open_orders)


def _run(open_orders: int) -> float:
    from nautilus_trader.backtest.engine import (  # noqa: PLC0415
        BacktestEngine,
        BacktestEngineConfig,
    )
    from nautilus_trader.config import LoggingConfig  # noqa: PLC0415
    from nautilus_trader.model.currencies import BTC, USDT  # noqa: PLC0415
    from nautilus_trader.model.data import QuoteTick  # noqa: PLC0415
    from nautilus_trader.model.enums import AccountType, OmsType, OrderSide  # noqa: PLC0415
    from nautilus_trader.model.objects import Money, Price, Quantity  # noqa: PLC0415
    from nautilus_trader.risk.config import RiskEngineConfig  # noqa: PLC0415
    from nautilus_trader.test_kit.providers import TestInstrumentProvider  # noqa: PLC0415
    from nautilus_trader.trading.strategy import Strategy  # noqa: PLC0415

    instrument = TestInstrumentProvider.btcusdt_binance()

    class Resting(Strategy):
        """One order a quote, far from the market."""

        def on_start(self) -> None:
            self.subscribe_quote_ticks(instrument.id)

        def on_quote_tick(self, _tick: object) -> None:
            buy, far = OrderSide.BUY, Price.from_str(FAR)
            each = Quantity.from_str(EACH)
            self.submit_order(self.order_factory.limit(instrument.id, buy, each, far))

    risk = RiskEngineConfig(max_order_submit_rate="100000000/00:00:01")
    engine = BacktestEngine(
        BacktestEngineConfig(logging=LoggingConfig(bypass_logging=True), risk_engine=risk)
    )
    engine.add_venue(
        venue=instrument.id.venue,
        oms_type=OmsType.NETTING,
        account_type=AccountType.CASH,
        base_currency=None,
        starting_balances=[Money(1_000_000_000, USDT), Money(10, BTC)],
    )
    engine.add_instrument(instrument)
    bid, ask, size = (
        Price.from_str("8700.00"),
        Price.from_str("8701.00"),
        Quantity.from_str("5.000000"),
    )
    moments = range(1_000, (open_orders + 1) * 1_000, 1_000)
    engine.add_data([QuoteTick(instrument.id, bid, ask, size, size, n, n) for n in moments])
    engine.add_strategy(Resting())
    start = perf_counter_ns()
    engine.run()
    took = perf_counter_ns() - start
    orders = engine.cache.orders_total_count()
    engine.dispose()
    if orders != open_orders:
        raise RuntimeError(f"the peer took {orders} of {open_orders} orders")
    return took / 1_000 / open_orders
