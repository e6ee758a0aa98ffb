"""Binance spot as a table: its hosts, the requests that may be made there, and its numbers.

BIN-1: what is not in this table cannot leave; there is no second way to place an order, and none
to move funds.
"""

from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from layers.risk_snapshot import VenueClass

# Documented by Binance (rest-api.md; faqs/testnet.md) and in ccxt's table of urls.
HOSTS: Final = {
    VenueClass.TESTNET: "testnet.binance.vision",
    VenueClass.LIVE: "api.binance.com",
}


@dataclass(frozen=True, slots=True)
class Endpoint:
    """One request: ccxt's name of it, and what it is on the wire."""

    call: str
    method: str
    path: str


ORDER: Final = Endpoint("private_post_order", "POST", "/api/v3/order")
CANCEL: Final = Endpoint("private_delete_order", "DELETE", "/api/v3/order")
CANCEL_SYMBOL: Final = Endpoint("private_delete_openorders", "DELETE", "/api/v3/openOrders")
LOOK_UP: Final = Endpoint("private_get_order", "GET", "/api/v3/order")
OPEN_ORDERS: Final = Endpoint("private_get_openorders", "GET", "/api/v3/openOrders")
ALL_ORDERS: Final = Endpoint("private_get_allorders", "GET", "/api/v3/allOrders")
MY_TRADES: Final = Endpoint("private_get_mytrades", "GET", "/api/v3/myTrades")
ACCOUNT: Final = Endpoint("private_get_account", "GET", "/api/v3/account")
COMMISSION: Final = Endpoint("private_get_account_commission", "GET", "/api/v3/account/commission")
RESTRICTIONS: Final = Endpoint(
    "sapi_get_account_apirestrictions", "GET", "/sapi/v1/account/apiRestrictions"
)
LISTING: Final = Endpoint("public_get_exchangeinfo", "GET", "/api/v3/exchangeInfo")
TIME: Final = Endpoint("public_get_time", "GET", "/api/v3/time")
DEPTH: Final = Endpoint("public_get_depth", "GET", "/api/v3/depth")
BOOK_TICKER: Final = Endpoint("public_get_ticker_bookticker", "GET", "/api/v3/ticker/bookTicker")
KLINES: Final = Endpoint("public_get_klines", "GET", "/api/v3/klines")
AGGREGATES: Final = Endpoint("public_get_aggtrades", "GET", "/api/v3/aggTrades")

ENDPOINTS: Final = (
    ORDER,
    CANCEL,
    CANCEL_SYMBOL,
    LOOK_UP,
    OPEN_ORDERS,
    ALL_ORDERS,
    MY_TRADES,
    ACCOUNT,
    COMMISSION,
    RESTRICTIONS,
    LISTING,
    TIME,
    DEPTH,
    BOOK_TICKER,
    KLINES,
    AGGREGATES,
)
ALLOWED: Final = frozenset((one.method, one.path) for one in ENDPOINTS)

# The venue refuses what is older than this when it arrives, which bounds how late a lost order can
# still be accepted; ccxt's own default is twice that.
RECEIVE_WINDOW: Final = timedelta(milliseconds=5000)
KEY_HEADER: Final = "X-MBX-APIKEY"
WEIGHT_HEADER: Final = "x-mbx-used-weight-1m"
RETRY_HEADER: Final = "retry-after"
PAGE: Final = 1000  # most rows of one answer of myTrades
DEPTH_LEVELS: Final = 20
TRADE_WINDOW: Final = timedelta(hours=24)  # myTrades from a start looks no further than this

# Codes that our own steps depend on (Binance, errors.md).
TOO_MUCH_WEIGHT: Final = -1003
TOO_MANY_ORDERS: Final = -1015
TIMESTAMP: Final = -1021
UNLISTED: Final = -1121
CANCEL_UNKNOWN: Final = -2011
ORDER_ABSENT: Final = -2013
ORDER_ARCHIVED: Final = -2026  # cancelled or expired 90 days ago, and nothing was executed
# A day less than the 90, so that neither clock makes a difference of an order that has just gone.
ARCHIVED_AFTER: Final = timedelta(days=89)


def market_id(symbol: str) -> str:
    """The venue's name of a symbol: base and quote, run together."""
    return symbol.replace("/", "")


# Quotes of Binance spot, to split the names of symbols that are on no list of ours. Every split
# runs together to the same name again, so a wrong one still cancels the right order.
QUOTES: Final = ("USDT", "USDC", "FDUSD", "TUSD", "BUSD", "BTC", "ETH", "BNB", "EUR", "TRY", "BRL")


def symbol_of(name: str, listed: tuple[str, ...]) -> str:
    """Our name of a venue's symbol: the listed one, else split before a known quote."""
    for symbol in listed:
        if market_id(symbol) == name:
            return symbol
    for quote in QUOTES:
        if name.endswith(quote) and len(name) > len(quote):
            return f"{name[: -len(quote)]}/{quote}"
    return f"{name[:-3]}/{name[-3:]}"
