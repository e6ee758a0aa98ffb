"""The JSON of the protocol: orders, fills, accounts, symbols, in Binance's field names."""

import hashlib
from collections.abc import Iterable
from decimal import Decimal
from typing import Any

from layers.local_exchange.exchange import Exchange
from layers.local_exchange.order import Fill, Order
from layers.local_exchange.terms import Key, Kind, RateTerms, SymbolTerms
from layers.orders import Side

Json = dict[str, Any]


def number(value: Decimal) -> str:
    """Eight decimals, as every number of the protocol."""
    return f"{value:.8f}"


def placed(order: Order, fills: Iterable[Fill]) -> Json:
    """The FULL answer to a new order."""
    return {
        **_head(order),
        "transactTime": order.updated_ms,
        **_amounts(order),
        "workingTime": order.created_ms,
        "fills": [
            {
                "price": number(fill.price),
                "qty": number(fill.quantity),
                "commission": number(fill.fee),
                "commissionAsset": fill.fee_asset,
                "tradeId": fill.trade,
            }
            for fill in fills
        ],
        "selfTradePreventionMode": order.self_trade.value,
    }


def cancelled(order: Order, *, lost: bool = False) -> Json:
    """The answer to a cancel; ``lost`` says so of an order that goes on resting."""
    answer = {
        **_head(order),
        "origClientOrderId": order.client_id,
        "clientOrderId": own_client_id(f"cancel {order.number}"),
        "transactTime": order.updated_ms,
        **_amounts(order),
        "selfTradePreventionMode": order.self_trade.value,
    }
    return {**answer, "status": "CANCELED"} if lost else answer


def shown(order: Order) -> Json:
    """An order as queries show it."""
    return {
        **_head(order),
        **_amounts(order),
        "stopPrice": "0.00000000",
        "icebergQty": "0.00000000",
        "time": order.created_ms,
        "updateTime": order.updated_ms,
        "isWorking": True,
        "workingTime": order.created_ms,
        "selfTradePreventionMode": order.self_trade.value,
    }


def own_trade(fill: Fill) -> Json:
    """A line of ``myTrades``."""
    return {
        "symbol": fill.symbol,
        "id": fill.trade,
        "orderId": fill.order,
        "orderListId": -1,
        "price": number(fill.price),
        "qty": number(fill.quantity),
        "quoteQty": number(fill.price * fill.quantity),
        "commission": number(fill.fee),
        "commissionAsset": fill.fee_asset,
        "time": fill.at_ms,
        "isBuyer": fill.side is Side.BUY,
        "isMaker": fill.maker,
        "isBestMatch": True,
    }


def account(exchange: Exchange, key: Key) -> Json:
    """``GET /api/v3/account``."""
    maker, taker = exchange.terms.maker_fee, exchange.terms.taker_fee
    return {
        "makerCommission": int(maker * 10_000),
        "takerCommission": int(taker * 10_000),
        "buyerCommission": 0,
        "sellerCommission": 0,
        "commissionRates": {
            "maker": number(maker),
            "taker": number(taker),
            "buyer": "0.00000000",
            "seller": "0.00000000",
        },
        "canTrade": key.may_trade,
        "canWithdraw": key.may_withdraw,
        "canDeposit": True,
        "brokered": False,
        "requireSelfTradePrevention": False,
        "preventSor": False,
        "updateTime": exchange.now_ms,
        "accountType": "SPOT",
        "balances": [
            {"asset": asset, "free": number(purse.free), "locked": number(purse.locked)}
            for (owner, asset), purse in sorted(exchange.purses.of.items())
            if owner == key.account
        ],
        "permissions": ["SPOT"],
        "uid": account_number(key.account),
    }


def restrictions(key: Key) -> Json:
    """``GET /sapi/v1/account/apiRestrictions``."""
    return {
        "ipRestrict": not key.from_anywhere,
        "createTime": 1_500_000_000_000,
        "enableReading": True,
        "enableWithdrawals": key.may_withdraw,
        "enableInternalTransfer": False,
        "enableMargin": False,
        "enableFutures": False,
        "permitsUniversalTransfer": False,
        "enableVanillaOptions": False,
        "enableFixApiTrade": False,
        "enableFixReadOnly": False,
        "enableSpotAndMarginTrading": key.may_trade,
        "enablePortfolioMarginTrading": False,
    }


def market(terms: SymbolTerms) -> Json:
    """One entry of ``symbols`` in ``exchangeInfo``."""
    return {
        "symbol": terms.symbol,
        "status": "TRADING",
        "baseAsset": terms.base,
        "baseAssetPrecision": 8,
        "quoteAsset": terms.quote,
        "quotePrecision": 8,
        "quoteAssetPrecision": 8,
        "baseCommissionPrecision": 8,
        "quoteCommissionPrecision": 8,
        "orderTypes": [kind.value for kind in Kind],
        "icebergAllowed": False,
        "ocoAllowed": False,
        "otoAllowed": False,
        "quoteOrderQtyMarketAllowed": False,
        "allowTrailingStop": False,
        "cancelReplaceAllowed": False,
        "amendAllowed": False,
        "isSpotTradingAllowed": True,
        "isMarginTradingAllowed": False,
        "filters": _filters(terms),
        "permissions": [],
        "permissionSets": [["SPOT"]],
        "defaultSelfTradePreventionMode": "EXPIRE_MAKER",
        "allowedSelfTradePreventionModes": ["EXPIRE_TAKER", "EXPIRE_MAKER", "EXPIRE_BOTH"],
    }


def rate_limits(rates: RateTerms) -> list[Json]:
    """``rateLimits`` of ``exchangeInfo``."""
    rows = [
        ("REQUEST_WEIGHT", "MINUTE", 1, rates.weight_per_minute),
        ("ORDERS", "SECOND", 10, rates.orders_per_ten_seconds),
        ("ORDERS", "DAY", 1, rates.orders_per_day),
    ]
    return [
        {"rateLimitType": kind, "interval": unit, "intervalNum": many, "limit": limit}
        for kind, unit, many, limit in rows
    ]


def own_client_id(of: str) -> str:
    """A client order id such as the venue gives where none was sent."""
    return hashlib.sha256(of.encode()).hexdigest()[:22]


def account_number(account: str) -> int:
    """``uid``: nine digits that name one account, the same at every start."""
    return int.from_bytes(hashlib.sha256(account.encode()).digest()[:4], "big") % 900_000_000 + (
        100_000_000
    )


def _head(order: Order) -> Json:
    return {
        "symbol": order.symbol,
        "orderId": order.number,
        "orderListId": -1,
        "clientOrderId": order.client_id,
    }


def _amounts(order: Order) -> Json:
    shown_price = Decimal(0) if order.kind is Kind.MARKET else order.price
    return {
        "price": number(shown_price),
        "origQty": number(order.quantity),
        "executedQty": number(order.executed),
        "origQuoteOrderQty": "0.00000000",
        "cummulativeQuoteQty": number(order.spent),
        "status": order.status.value,
        "timeInForce": "GTC" if order.kind is Kind.MARKET else order.force.value,
        "type": order.kind.value,
        "side": order.side.value.upper(),
    }


def _filters(terms: SymbolTerms) -> list[Json]:
    size = {
        "minQty": number(terms.min_quantity),
        "maxQty": number(terms.max_quantity),
        "stepSize": number(terms.step),
    }
    return [
        {
            "filterType": "PRICE_FILTER",
            "minPrice": number(terms.min_price),
            "maxPrice": number(terms.max_price),
            "tickSize": number(terms.tick),
        },
        {"filterType": "LOT_SIZE", **size},
        {"filterType": "MARKET_LOT_SIZE", **size},
        {
            "filterType": "PERCENT_PRICE_BY_SIDE",
            "bidMultiplierUp": f"{terms.farthest_up:f}",
            "bidMultiplierDown": f"{terms.farthest_down:f}",
            "askMultiplierUp": f"{terms.farthest_up:f}",
            "askMultiplierDown": f"{terms.farthest_down:f}",
            "avgPriceMins": 5,
        },
        {
            "filterType": "NOTIONAL",
            "minNotional": number(terms.min_notional),
            "applyMinToMarket": True,
            "maxNotional": number(terms.max_notional),
            "applyMaxToMarket": True,
            "avgPriceMins": 5,
        },
        {"filterType": "MAX_NUM_ORDERS", "maxNumOrders": terms.max_open_orders},
    ]
