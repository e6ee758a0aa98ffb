"""What anybody may ask: time, symbols, depth, trades, candles, tickers."""

import json
from collections.abc import Iterable, Sequence
from decimal import Decimal
from itertools import takewhile
from typing import Any

from layers.local_exchange.exchange import Exchange
from layers.local_exchange.parameters import Parameters
from layers.local_exchange.refusals import BAD_INTERVAL, BAD_SYMBOL, RefusedError, illegal
from layers.local_exchange.shapes import Json, market, number, rate_limits
from layers.local_exchange.tape import INTERVALS_MS, Candle
from layers.local_exchange.terms import NOTHING
from layers.orders import Side


def ping(_exchange: Exchange, _parameters: Parameters) -> Json:
    """``/api/v3/ping``."""
    return {}


def time(exchange: Exchange, _parameters: Parameters) -> Json:
    """``/api/v3/time``."""
    return {"serverTime": exchange.now_ms}


def system_status(_exchange: Exchange, _parameters: Parameters) -> Json:
    """``/sapi/v1/system/status``."""
    return {"status": 0, "msg": "normal"}


def exchange_info(exchange: Exchange, parameters: Parameters) -> Json:
    """``/api/v3/exchangeInfo``."""
    names = _symbols(exchange, parameters)
    return {
        "timezone": "UTC",
        "serverTime": exchange.now_ms,
        "rateLimits": rate_limits(exchange.terms.rates),
        "exchangeFilters": [],
        "symbols": [market(terms) for terms in exchange.terms.symbols if terms.symbol in names],
    }


def depth(exchange: Exchange, parameters: Parameters) -> Json:
    """``/api/v3/depth``."""
    book = exchange.books[listed(exchange, parameters.symbol())]
    limit = parameters.limit(100, 5000)
    return {
        "lastUpdateId": book.updates,
        "bids": _rows(book.levels(Side.BUY, limit)),
        "asks": _rows(book.levels(Side.SELL, limit)),
    }


def trades(exchange: Exchange, parameters: Parameters) -> list[Json]:
    """``/api/v3/trades``."""
    tape = exchange.tapes[listed(exchange, parameters.symbol())]
    return [
        {
            "id": trade.number,
            "price": number(trade.price),
            "qty": number(trade.quantity),
            "quoteQty": number(trade.price * trade.quantity),
            "time": trade.at_ms,
            "isBuyerMaker": trade.buyer_is_maker,
            "isBestMatch": True,
        }
        for trade in list(tape.trades)[-parameters.limit(500, 1000) :]
    ]


def aggregate_trades(exchange: Exchange, parameters: Parameters) -> list[Json]:
    """``/api/v3/aggTrades``; every trade is an aggregate of its own."""
    tape = exchange.tapes[listed(exchange, parameters.symbol())]
    first, start, end = (parameters.count(n) for n in ("fromId", "startTime", "endTime"))
    found = [
        trade
        for trade in tape.trades
        if (first is None or trade.number >= first)
        and (start is None or trade.at_ms >= start)
        and (end is None or trade.at_ms <= end)
    ]
    limit = parameters.limit(500, 1000)
    found = found[-limit:] if first is None and start is None else found[:limit]
    return [
        {
            "a": trade.number,
            "p": number(trade.price),
            "q": number(trade.quantity),
            "f": trade.number,
            "l": trade.number,
            "T": trade.at_ms,
            "m": trade.buyer_is_maker,
            "M": True,
        }
        for trade in found
    ]


def klines(exchange: Exchange, parameters: Parameters) -> list[list[Any]]:
    """``/api/v3/klines``: candles in which something was traded, the running one included."""
    tape = exchange.tapes[listed(exchange, parameters.symbol())]
    name = parameters.text("interval")
    width = INTERVALS_MS.get(name)
    if width is None:
        raise RefusedError(BAD_INTERVAL)
    start, end = parameters.count("startTime"), parameters.count("endTime")
    found = [
        candle
        for candle in tape.candles[name]
        if (start is None or candle.opened_ms >= start) and (end is None or candle.opened_ms <= end)
    ]
    limit = parameters.limit(500, 1000)
    found = found[-limit:] if start is None else found[:limit]
    return [_kline(candle, width) for candle in found]


def average_price(exchange: Exchange, parameters: Parameters) -> Json:
    """``/api/v3/avgPrice``."""
    name = listed(exchange, parameters.symbol())
    price = exchange.average(name) or NOTHING
    return {"mins": 5, "price": number(price), "closeTime": exchange.now_ms}


def price_ticker(exchange: Exchange, parameters: Parameters) -> Any:  # noqa: ANN401  (JSON)
    """``/api/v3/ticker/price``."""
    return _one_or_all(
        parameters,
        [
            {"symbol": name, "price": number(exchange.tapes[name].last or NOTHING)}
            for name in _symbols(exchange, parameters)
        ],
    )


def book_ticker(exchange: Exchange, parameters: Parameters) -> Any:  # noqa: ANN401  (JSON)
    """``/api/v3/ticker/bookTicker``."""
    rows = []
    for name in _symbols(exchange, parameters):
        bid, bid_size, ask, ask_size = _touch(exchange, name)
        rows.append(
            {
                "symbol": name,
                "bidPrice": number(bid),
                "bidQty": number(bid_size),
                "askPrice": number(ask),
                "askQty": number(ask_size),
            }
        )
    return _one_or_all(parameters, rows)


def day_ticker(exchange: Exchange, parameters: Parameters) -> Any:  # noqa: ANN401  (JSON)
    """``/api/v3/ticker/24hr``."""
    return _one_or_all(
        parameters, [_day(exchange, name) for name in _symbols(exchange, parameters)]
    )


def listed(exchange: Exchange, symbol: str) -> str:
    """``symbol`` if it is traded here; else the venue's refusal."""
    if symbol not in exchange.books:
        raise RefusedError(BAD_SYMBOL)
    return symbol


def _symbols(exchange: Exchange, parameters: Parameters) -> Sequence[str]:
    if parameters.sent("symbol"):
        return [listed(exchange, parameters.symbol())]
    if not parameters.sent("symbols"):
        return [terms.symbol for terms in exchange.terms.symbols]
    try:
        names = json.loads(parameters.text("symbols"))
    except ValueError:
        names = None
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
        pattern = r'^\["[A-Z0-9-_.]{1,20}"(,"[A-Z0-9-_.]{1,20}"){0,}\]$'
        raise RefusedError(illegal("symbols", pattern))
    return [listed(exchange, name) for name in names]


def _one_or_all(parameters: Parameters, rows: list[Json]) -> Json | list[Json]:
    return rows[0] if parameters.sent("symbol") else rows


def _rows(levels: Iterable[tuple[Decimal, Decimal]]) -> list[list[str]]:
    return [[number(price), number(size)] for price, size in levels]


def _touch(exchange: Exchange, name: str) -> tuple[Decimal, Decimal, Decimal, Decimal]:
    book = exchange.books[name]
    bid = next(iter(book.levels(Side.BUY, 1)), (NOTHING, NOTHING))
    ask = next(iter(book.levels(Side.SELL, 1)), (NOTHING, NOTHING))
    return (*bid, *ask)


def _kline(candle: Candle, width_ms: int) -> list[Any]:
    return [
        candle.opened_ms,
        number(candle.open),
        number(candle.high),
        number(candle.low),
        number(candle.close),
        number(candle.volume),
        candle.opened_ms + width_ms - 1,
        number(candle.quote),
        candle.count,
        number(candle.taken),
        number(candle.taken_quote),
        "0",
    ]


def _day(exchange: Exchange, name: str) -> Json:
    tape = exchange.tapes[name]
    rows = tape.day(exchange.now_ms)
    since = exchange.now_ms - 86_400_000
    last = tape.last or NOTHING
    opened = rows[0].open if rows else last
    volume = sum((row.volume for row in rows), NOTHING)
    quote = sum((row.quote for row in rows), NOTHING)
    recent = list(takewhile(lambda trade: trade.at_ms > since, reversed(tape.trades)))
    bid, bid_size, ask, ask_size = _touch(exchange, name)
    return {
        "symbol": name,
        "priceChange": number(last - opened),
        "priceChangePercent": f"{(last / opened - 1) * 100 if opened else NOTHING:.3f}",
        "weightedAvgPrice": number(quote / volume if volume else last),
        "prevClosePrice": number(opened),
        "lastPrice": number(last),
        "lastQty": number(tape.trades[-1].quantity if tape.trades else NOTHING),
        "bidPrice": number(bid),
        "bidQty": number(bid_size),
        "askPrice": number(ask),
        "askQty": number(ask_size),
        "openPrice": number(opened),
        "highPrice": number(max((row.high for row in rows), default=last)),
        "lowPrice": number(min((row.low for row in rows), default=last)),
        "volume": number(volume),
        "quoteVolume": number(quote),
        "openTime": since,
        "closeTime": exchange.now_ms,
        "firstId": recent[-1].number if recent else -1,
        "lastId": recent[0].number if recent else -1,
        "count": sum(row.count for row in rows),
    }
