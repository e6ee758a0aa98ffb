"""Between the matching engine's values and the rows of the store. Decimals are text."""

import json
import sqlite3
from collections.abc import Mapping
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any, Final

from desired_state.values import amount_text
from layers.market import EPOCH, Level
from layers.orders import Fill, Side, SymbolRules, TimeInForce
from layers.paper_venue.matching import Exchange
from layers.paper_venue.terms import Market, MarketModel, Order, Purse, Status

MICROSECOND: Final = timedelta(microseconds=1)
LAST_TRADE: Final = "last_trade:"  # and the symbol: key of ``meta``
ORDER_COLUMNS: Final = (
    "number, client_order_id, symbol, side, time_in_force, price, quantity, filled, status,"
    " effective_at, cancel_at, queue_ahead, updated_at, reason"
)
FILL_COLUMNS: Final = (
    "fill_id, client_order_id, symbol, side, price, quantity, fee, fee_currency, maker, at"
)
LIVE_ORDERS: Final = (
    f"SELECT {ORDER_COLUMNS} FROM orders"  # noqa: S608  (names of our own columns)
    " WHERE status IN ('submitted', 'open', 'partially_filled') ORDER BY number"
)


def micros(at: datetime) -> int:
    """Microseconds since 1970, which sort as times do."""
    return (at - EPOCH) // MICROSECOND


def instant(value: int) -> datetime:
    """The aware UTC instant of ``micros``."""
    return EPOCH + value * MICROSECOND


def read_order(row: tuple[Any, ...]) -> Order:
    """An order from the columns in ``ORDER_COLUMNS``."""
    return Order(
        number=row[0],
        client_order_id=row[1],
        symbol=row[2],
        side=Side(row[3]),
        time_in_force=TimeInForce(row[4]),
        price=Decimal(row[5]),
        quantity=Decimal(row[6]),
        filled=Decimal(row[7]),
        status=Status(row[8]),
        effective_at=instant(row[9]),
        cancel_at=None if row[10] is None else instant(row[10]),
        queue_ahead=Decimal(row[11]) if row[11] else None,
        updated_at=instant(row[12]),
        reason=row[13],
    )


def read_fill(row: tuple[Any, ...]) -> Fill:
    """A fill from the columns in ``FILL_COLUMNS``."""
    return Fill(
        fill_id=row[0],
        client_order_id=row[1],
        symbol=row[2],
        side=Side(row[3]),
        price=Decimal(row[4]),
        quantity=Decimal(row[5]),
        fee=Decimal(row[6]),
        fee_currency=row[7],
        maker=bool(row[8]),
        at=instant(row[9]),
    )


def read_levels(text: str) -> list[Level]:
    """Ladder levels from their JSON text."""
    return [Level(Decimal(price), Decimal(size)) for price, size in json.loads(text)]


def load(connection: sqlite3.Connection) -> Exchange:
    """The working state: live orders only, so its cost does not grow with history."""
    meta = dict(connection.execute("SELECT key, value FROM meta"))
    markets = connection.execute(
        "SELECT symbol, as_of, interval, last_price, bids, asks FROM markets"
    )
    return Exchange(
        model=MarketModel.model_validate_json(meta["model"]),
        rules={
            symbol: SymbolRules.model_validate_json(body)
            for symbol, body in connection.execute("SELECT symbol, body FROM rules")
        },
        clock=instant(int(meta["clock"])),
        next_order=int(meta["next_order"]),
        next_fill=int(meta["next_fill"]),
        purses={
            currency: Purse(Decimal(free), Decimal(locked))
            for currency, free, locked in connection.execute(
                "SELECT currency, free, locked FROM balances"
            )
        },
        markets={
            row[0]: Market(
                instant(row[1]),
                row[2] * MICROSECOND,
                Decimal(row[3]),
                read_levels(row[4]),
                read_levels(row[5]),
                _last_trade(meta, row[0]),
            )
            for row in markets
        },
        orders={row[0]: read_order(row) for row in connection.execute(LIVE_ORDERS)},
    )


def save(connection: sqlite3.Connection, exchange: Exchange) -> None:
    """Write what changed; part of the caller's transaction."""
    put_meta(connection, "clock", str(micros(exchange.clock)))
    put_meta(connection, "next_order", str(exchange.next_order))
    put_meta(connection, "next_fill", str(exchange.next_fill))
    connection.executemany(
        "INSERT OR REPLACE INTO balances VALUES (?, ?, ?)",
        [
            (currency, amount_text(purse.free), amount_text(purse.locked))
            for currency, purse in sorted(exchange.purses.items())
        ],
    )
    connection.executemany(
        "INSERT OR REPLACE INTO markets VALUES (?, ?, ?, ?, ?, ?)",
        [_market_row(symbol, market) for symbol, market in sorted(exchange.markets.items())],
    )
    for symbol, market in sorted(exchange.markets.items()):
        if market.last_trade is not None:
            put_meta(connection, f"{LAST_TRADE}{symbol}", str(market.last_trade))
    connection.executemany(
        "INSERT OR REPLACE INTO orders VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        [_order_row(order) for _, order in sorted(exchange.changed.items())],
    )
    connection.executemany(
        "INSERT INTO fills VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        [_fill_row(fill) for fill in exchange.fills],
    )


def put_meta(connection: sqlite3.Connection, key: str, value: str) -> None:
    """Set one value of the table ``meta``."""
    connection.execute("INSERT OR REPLACE INTO meta VALUES (?, ?)", (key, value))


def _last_trade(meta: Mapping[str, str], symbol: str) -> int | None:
    number = meta.get(f"{LAST_TRADE}{symbol}")
    return None if number is None else int(number)


def _market_row(symbol: str, market: Market) -> tuple[Any, ...]:
    return (
        symbol,
        micros(market.as_of),
        market.interval // MICROSECOND,
        amount_text(market.last_price),
        _levels_text(market.bids),
        _levels_text(market.asks),
    )


def _levels_text(levels: list[Level]) -> str:
    return json.dumps([[amount_text(level.price), amount_text(level.size)] for level in levels])


def _order_row(order: Order) -> tuple[Any, ...]:
    return (
        order.number,
        order.client_order_id,
        order.symbol,
        order.side.value,
        order.time_in_force.value,
        amount_text(order.price),
        amount_text(order.quantity),
        amount_text(order.filled),
        order.status.value,
        micros(order.effective_at),
        None if order.cancel_at is None else micros(order.cancel_at),
        "" if order.queue_ahead is None else amount_text(order.queue_ahead),
        micros(order.updated_at),
        order.reason,
    )


def _fill_row(fill: Fill) -> tuple[Any, ...]:
    return (
        fill.fill_id,
        fill.client_order_id,
        fill.symbol,
        fill.side.value,
        amount_text(fill.price),
        amount_text(fill.quantity),
        amount_text(fill.fee),
        fill.fee_currency,
        int(fill.maker),
        micros(fill.at),
    )
