from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from desired_state.reasons import Reason
from desired_state.values import Access, Mode, StopClass, Trading
from layers.l5_risk_gate.finding import Outcome
from layers.l5_risk_gate.table import CONTROLS, STOPS
from layers.market import Provenance
from layers.orders import Side, SymbolRules, TimeInForce
from layers.risk_snapshot import SymbolState, Trigger, VenueClass
from tests.risk.judged_order import (
    AT,
    HOUR,
    NOW,
    OTHER,
    QUOTE,
    RULES,
    SECOND,
    SELL,
    D,
    armed,
    found,
    judge,
    refused_by,
    symbol,
)

R = Reason
MILLI = timedelta(milliseconds=1)
# what makes a pure reduction: 1 held, 0.4 sold
REDUCES = {"order": SELL, "symbol__position": D(1)}


def others(*positions: str | int, ask: str | None = "100.1") -> tuple[SymbolState, ...]:
    quote = replace(QUOTE, ask=None if ask is None else D(ask))
    names = ("ETH/USDT", "SOL/USDT", "ADA/USDT", "XRP/USDT")
    held = [symbol(n, position=D(p), quote=quote) for n, p in zip(names, positions, strict=False)]
    return (symbol(), *held)


def rules(**changes: str | int) -> SymbolRules:
    return RULES.model_copy(update={k: D(v) for k, v in changes.items()})


RESTS = {"order": {"time_in_force": TimeInForce.GTC}}
LIVE = {"snapshot": armed(VenueClass.LIVE)}
TESTNET = {"snapshot": armed(VenueClass.TESTNET)}
FRESH = {"unknown_orders": 1, "unknown_since": AT - 10 * SECOND}
UNKNOWN = {f"symbol__{name}": value for name, value in FRESH.items()}
LOST = symbol(OTHER, **FRESH)
OFFERED = {"symbol__open_sell": D("0.1")}
MISSING, UNSET, WITHIN = R.DATA_MISSING, R.LIMIT_MISSING, R.WITHIN

# control, what is said of it, what is changed, the code its finding must carry
TABLE = [
    ("A1", "paper on a paper venue", {}, WITHIN),
    ("A1", "testnet on a paper venue", {"mode": Mode.TESTNET}, R.MODE_FORBIDS),
    ("A1", "paper on a live venue", {"venue_class": VenueClass.LIVE}, R.MODE_FORBIDS),
    ("A1", "shadow sends nothing", {"mode": Mode.SHADOW}, R.MODE_FORBIDS),
    ("A1", "mode unknown", {"mode": None}, MISSING),
    ("A1", "venue class unknown", {"venue_class": None}, MISSING),
    ("A2", "paper needs none", {}, WITHIN),
    ("A2", "mode unknown", {"mode": None}, MISSING),
    ("A2", "live without any", {"mode": Mode.BOUNDED_LIVE}, MISSING),
    ("A2", "testnet without any", {"mode": Mode.TESTNET}, MISSING),
    ("A2", "live, all as approved", LIVE, WITHIN),
    ("A2", "testnet, all as approved", TESTNET, WITHIN),
    ("A2", "two people", LIVE | {"arming__people": 2}, WITHIN),
    ("A2", "one person", LIVE | {"arming__people": 1}, R.ARMING_INVALID),
    ("A2", "a moment before its end", LIVE | {"arming__expires_at": NOW + MILLI}, WITHIN),
    ("A2", "ends now", LIVE | {"arming__expires_at": NOW}, R.ARMING_INVALID),
    ("A2", "other limits", LIVE | {"limits": {"max_daily_loss": D(99)}}, R.ARMING_INVALID),
    ("A2", "other configuration", LIVE | {"arming__running_configuration": "x"}, R.ARMING_INVALID),
    ("A2", "another build", LIVE | {"arming__running_build": "x"}, R.ARMING_INVALID),
    ("A2", "another account", LIVE | {"health__account": "second"}, R.ARMING_INVALID),
    ("A2", "a reduction too", REDUCES | LIVE | {"arming__people": 1}, R.ARMING_INVALID),
    ("A2", "build unknown", LIVE | {"arming__running_build": None}, MISSING),
    ("A2", "end unknown", LIVE | {"arming__expires_at": None}, MISSING),
    ("A3", "not latched, token valid", {}, WITHIN),
    ("A3", "latched", {"safety__kill_latched": True}, R.KILL_LATCHED),
    ("A3", "token gone", {"safety__token_ok": False}, R.KILL_LATCHED),
    ("A3", "latch unknown", {"safety__kill_latched": None}, MISSING),
    ("A3", "token unknown", {"safety__token_ok": None}, MISSING),
    ("A3", "a reduction while latched", REDUCES | {"safety__kill_latched": True}, R.KILL_LATCHED),
    ("A4", "active", {}, WITHIN),
    ("A4", "halted", {"trading": Trading.HALTED}, R.TRADING_HALTED),
    ("A4", "reducing", {"trading": Trading.REDUCING}, R.REDUCING),
    ("A4", "a reduction while reducing", REDUCES | {"trading": Trading.REDUCING}, WITHIN),
    ("A4", "a reduction, halted", REDUCES | {"trading": Trading.HALTED}, R.TRADING_HALTED),
    ("A4", "trading unknown", {"trading": None}, MISSING),
    ("A5", "at the end of its time", {"order": {"created_at": AT - 60 * SECOND}}, WITHIN),
    (
        "A5",
        "one past its time",
        {"order": {"created_at": AT - 60 * SECOND - MILLI}},
        R.INTENT_UNAPPROVED,
    ),
    ("A5", "decided now", {"order": {"created_at": AT}}, WITHIN),
    ("A5", "expires now", {"order": {"expires_at": AT}}, R.INTENT_UNAPPROVED),
    ("A5", "from the future", {"order": {"created_at": AT + MILLI}}, R.INTENT_UNAPPROVED),
    ("A5", "used before", {"flow__intent_seen": True}, R.INTENT_UNAPPROVED),
    ("A5", "another plan", {"order": {"plan": "L3-other"}}, R.INTENT_UNAPPROVED),
    (
        "A5",
        "approved with changes",
        {"plan__decision": "APPROVE_WITH_CHANGES"},
        R.INTENT_UNAPPROVED,
    ),
    ("A5", "approve in small letters", {"plan__decision": "approve"}, R.INTENT_UNAPPROVED),
    ("A5", "its own critic", {"plan__critic": "proposer"}, R.INTENT_UNAPPROVED),
    ("A5", "approval ends now", {"plan__expires_at": AT}, R.INTENT_UNAPPROVED),
    ("A5", "symbol not in the plan", {"plan__symbols": (OTHER,)}, R.INTENT_UNAPPROVED),
    ("A5", "side not in the plan", {"plan__sides": (Side.SELL,)}, R.INTENT_UNAPPROVED),
    ("A5", "exactly the plan's notional", {"plan__max_notional": D("40.08")}, WITHIN),
    (
        "A5",
        "over the plan's notional",
        {"plan__max_notional": D("40.07")},
        R.INTENT_UNAPPROVED,
    ),
    ("A5", "no approval", {"plan": None}, MISSING),
    ("A5", "no decision", {"plan__decision": None}, MISSING),
    ("A5", "critic unknown", {"plan__critic": None}, MISSING),
    ("A5", "proposer unknown", {"plan__proposer": None}, MISSING),
    ("A5", "symbols unknown", {"plan__symbols": None}, MISSING),
    ("A5", "sides unknown", {"plan__sides": None}, MISSING),
    ("A5", "expiry unknown", {"plan__expires_at": None}, MISSING),
    ("A5", "notional unknown", {"plan__max_notional": None}, MISSING),
    ("A5", "not known whether seen", {"flow__intent_seen": None}, MISSING),
    ("A5", "no time to live configured", {"limits": {"intent_ttl": None}}, UNSET),
    ("A5", "a reduction needs no plan", REDUCES | {"plan": None}, WITHIN),
    ("A6", "all on the list", {}, WITHIN),
    ("A6", "another venue", {"order": {"venue": "kraken"}}, R.NOT_ALLOW_LISTED),
    ("A6", "another account", {"order": {"account": "second"}}, R.NOT_ALLOW_LISTED),
    ("A6", "a market order", {"order": {"kind": "market"}}, R.NOT_ALLOW_LISTED),
    ("A6", "fill or kill", {"order": {"time_in_force": TimeInForce.FOK}}, R.NOT_ALLOW_LISTED),
    ("A6", "till cancelled", {"order": {"time_in_force": TimeInForce.GTC}}, WITHIN),
    ("A6", "never a taker", {"order": {"time_in_force": TimeInForce.POST_ONLY}}, WITHIN),
    ("A6", "no access", {"symbol__access": Access.NONE}, R.NOT_ALLOW_LISTED),
    ("A6", "reduce only, opening", {"symbol__access": Access.REDUCE}, R.NOT_ALLOW_LISTED),
    ("A6", "reduce only, reducing", REDUCES | {"symbol__access": Access.REDUCE}, WITHIN),
    ("A6", "access unknown", {"symbol__access": None}, MISSING),
    ("A6", "permitted venue unknown", {"venue": None}, MISSING),
    ("A6", "permitted account unknown", {"account": None}, MISSING),
    ("A7", "sells all that is owned", {"order": SELL, "symbol__position": D("0.4")}, WITHIN),
    ("A7", "sells more than is owned", {"order": SELL, "symbol__position": D("0.399")}, R.LEVERAGE),
    (
        "A7",
        "sells what is being sold",
        REDUCES | {"symbol__open_sell": D("0.601")},
        R.LEVERAGE,
    ),
    ("A7", "position unknown", {"order": SELL, "symbol__position": None}, MISSING),
    ("A7", "open sells unknown", REDUCES | {"symbol__open_sell": None}, MISSING),
    ("A8", "no trigger, fresh outlook", {}, WITHIN),
    (
        "A8",
        "a trigger stands",
        {"symbol__triggers": (Trigger("SPREAD_SPIKE", AT + MILLI),)},
        R.NO_TRADE,
    ),
    ("A8", "a trigger ends now", {"symbol__triggers": (Trigger("SPREAD_SPIKE", AT),)}, WITHIN),
    ("A8", "a trigger for good", {"symbol__triggers": (Trigger("NEWS", None),)}, R.NO_TRADE),
    ("A8", "outlook ends now", {"symbol__outlook_expires": AT}, R.NO_TRADE),
    ("A8", "no outlook", {"symbol__outlook_expires": None}, R.NO_TRADE),
    ("A8", "triggers unknown", {"symbol__triggers": None}, MISSING),
    ("A8", "no outlook, a reduction", REDUCES | {"symbol__outlook_expires": None}, WITHIN),
    ("B1", "as many digits as allowed", {"limits": {"max_digits": 4}}, WITHIN),
    ("B1", "one digit more", {"limits": {"max_digits": 3}}, R.BAD_NUMBER),
    ("B1", "no digits configured", {"limits": {"max_digits": None}}, UNSET),
    ("B2", "multiples", {}, WITHIN),
    ("B2", "price between ticks", {"order": {"price": "100.21"}}, R.BAD_INCREMENT),
    ("B2", "quantity between steps", {"order": {"quantity": "0.4001"}}, R.BAD_INCREMENT),
    ("B2", "rules unknown", {"symbol__rules": None}, MISSING),
    ("B2", "a tick of zero", {"symbol__rules": rules(tick=0)}, MISSING),
    ("B2", "a reduction", REDUCES | {"order": SELL | {"price": "99.81"}}, R.BAD_INCREMENT),
    ("B3", "exactly the least quantity", {"symbol__rules": rules(min_quantity="0.4")}, WITHIN),
    ("B3", "under it", {"symbol__rules": rules(min_quantity="0.401")}, R.VENUE_BOUNDS),
    ("B3", "exactly the most quantity", {"symbol__rules": rules(max_quantity="0.4")}, WITHIN),
    ("B3", "over it", {"symbol__rules": rules(max_quantity="0.399")}, R.VENUE_BOUNDS),
    ("B3", "exactly the least notional", {"symbol__rules": rules(min_notional="40.08")}, WITHIN),
    ("B3", "under that", {"symbol__rules": rules(min_notional="40.09")}, R.VENUE_BOUNDS),
    ("B3", "exactly the most notional", {"symbol__rules": rules(max_notional="40.08")}, WITHIN),
    ("B3", "over that", {"symbol__rules": rules(max_notional="40.07")}, R.VENUE_BOUNDS),
    ("B3", "rules unknown", {"symbol__rules": None}, MISSING),
    ("B4", "exactly", {"limits": {"max_order_notional": D("40.12008")}}, WITHIN),
    ("B4", "over", {"limits": {"max_order_notional": D("40.12007")}}, R.MAX_ORDER_NOTIONAL),
    (
        "B4",
        "a sell at the bid",
        REDUCES | {"limits": {"max_order_notional": D("39.99996")}},
        WITHIN,
    ),
    (
        "B4",
        "a sell counts the bid, not its limit",
        REDUCES | {"limits": {"max_order_notional": D("39.99995")}},
        R.MAX_ORDER_NOTIONAL,
    ),
    ("B4", "a sell without a bid", REDUCES | {"quote__bid": None}, MISSING),
    ("B4", "fee unknown", {"symbol__rules": None}, MISSING),
    ("B4", "not configured", {"limits": {"max_order_notional": None}}, UNSET),
    ("B5", "exactly", {"limits": {"max_order_quantity": D("0.4")}}, WITHIN),
    ("B5", "over", {"limits": {"max_order_quantity": D("0.399")}}, R.MAX_QUANTITY),
    (
        "B5",
        "a reduction too",
        REDUCES | {"limits": {"max_order_quantity": D("0.399")}},
        R.MAX_QUANTITY,
    ),
    ("B5", "not a number", {"order": {"quantity": "x"}}, MISSING),
    ("B5", "not configured", {"limits": {"max_order_quantity": None}}, UNSET),
    ("B6", "five times the usual", {"conduct__median_size": D("0.08")}, WITHIN),
    ("B6", "more than that", {"conduct__median_size": D("0.079")}, R.FAT_FINGER),
    ("B6", "a fifth of the asks", {"quote__ask_depth": D(2)}, WITHIN),
    ("B6", "more than a fifth", {"quote__ask_depth": D("1.9")}, R.FAT_FINGER),
    ("B6", "a sell meets the bids", REDUCES | {"quote__bid_depth": D("1.9")}, R.FAT_FINGER),
    ("B6", "a sell and the asks", REDUCES | {"quote__ask_depth": D("1.9")}, WITHIN),
    ("B6", "the first order", {"conduct__sizes": 0, "conduct__median_size": None}, WITHIN),
    ("B6", "median unknown", {"conduct__median_size": None}, MISSING),
    ("B6", "sizes unknown", {"conduct__sizes": None}, MISSING),
    ("B6", "depth unknown", {"quote__ask_depth": None}, MISSING),
    ("B6", "ratio not configured", {"limits": {"max_size_ratio": None}}, UNSET),
    ("B6", "share not configured", {"limits": {"max_depth_share": None}}, UNSET),
    ("B7", "at the collar", {"order": {"price": "100.5"}}, WITHIN),
    ("B7", "over the collar", {"order": {"price": "100.6"}}, R.PRICE_COLLAR),
    ("B7", "at the typo bound", {"order": {"price": "80"}}, WITHIN),
    ("B7", "under the typo bound", {"order": {"price": "79.9"}}, R.PRICE_COLLAR),
    ("B7", "a sell at the collar", REDUCES | {"order": SELL | {"price": "99.5"}}, WITHIN),
    ("B7", "a sell under it", REDUCES | {"order": SELL | {"price": "99.4"}}, R.PRICE_COLLAR),
    ("B7", "a sell at its typo bound", REDUCES | {"order": SELL | {"price": "120"}}, WITHIN),
    ("B7", "a sell over that", REDUCES | {"order": SELL | {"price": "120.1"}}, R.PRICE_COLLAR),
    ("B7", "at the period's collar", {"quote__reference": D(100) / D("1.03") + D("1e-9")}, WITHIN),
    ("B7", "past the period's collar", {"quote__reference": D(97)}, R.PRICE_COLLAR),
    ("B7", "no bid", {"quote__bid": None}, MISSING),
    ("B7", "a second reference of nothing", {"quote__reference": D(0)}, MISSING),
    ("B7", "a mid of nothing", {"quote__bid": D(0), "quote__ask": D(0)}, MISSING),
    ("B7", "no second reference", {"quote__reference": None}, MISSING),
    ("B7", "no book at all", {"symbol__quote": None}, MISSING),
    ("B7", "collar not configured", {"limits": {"price_collar": None}}, UNSET),
    ("B7", "typo bound not configured", {"limits": {"passive_collar": None}}, UNSET),
    ("B7", "period not configured", {"limits": {"period_collar": None}}, UNSET),
    ("B8", "ends later", {"order": {"expires_at": AT + MILLI}}, WITHIN),
    ("B8", "ends now", {"order": {"expires_at": AT}}, R.ORDER_EXPIRED),
    ("B8", "a reduction too", REDUCES | {"order": SELL | {"expires_at": AT}}, R.ORDER_EXPIRED),
    ("B8", "resting", RESTS, WITHIN),
    ("B8", "no age at which it is cancelled", {"limits": {"max_order_age": None}}, UNSET),
    ("C1", "exactly", {"limits": {"max_total_exposure": D("40.08")}}, WITHIN),
    ("C1", "over", {"limits": {"max_total_exposure": D("40.07")}}, R.TOTAL_EXPOSURE),
    (
        "C1",
        "open buys count",
        {"symbol__open_buy": D(1), "limits": {"max_total_exposure": D("140.27")}},
        R.TOTAL_EXPOSURE,
    ),
    (
        "C1",
        "open sells do not net open buys",
        {
            "symbol__open_buy": D(1),
            "symbol__open_sell": D(1),
            "limits": {"max_total_exposure": D("140.28")},
        },
        WITHIN,
    ),
    (
        "C1",
        "a short elsewhere is not netted",
        {"symbols": others(-1), "limits": {"max_total_exposure": D("140.17")}},
        R.TOTAL_EXPOSURE,
    ),
    (
        "C1",
        "with the other symbol, exactly",
        {"symbols": others(1), "limits": {"max_total_exposure": D("140.18")}},
        WITHIN,
    ),
    ("C1", "another symbol's mark unknown", {"symbols": others(1, ask=None)}, MISSING),
    ("C1", "position unknown", {"symbol__position": None}, MISSING),
    ("C1", "open buys unknown", {"symbol__open_buy": None}, MISSING),
    ("C1", "not configured", {"limits": {"max_total_exposure": None}}, UNSET),
    ("C1", "a reduction", REDUCES | {"limits": {"max_total_exposure": D(0)}}, WITHIN),
    ("C2", "exactly", {"limits": {"max_symbol_exposure": D("40.08")}}, WITHIN),
    ("C2", "over", {"limits": {"max_symbol_exposure": D("40.07")}}, R.SYMBOL_EXPOSURE),
    (
        "C2",
        "ask over the limit price",
        {"order": {"price": "99"}, "limits": {"max_symbol_exposure": D("40.03")}},
        R.SYMBOL_EXPOSURE,
    ),
    ("C2", "ask unknown", {"quote__ask": None}, MISSING),
    ("C2", "not configured", {"limits": {"max_symbol_exposure": None}}, UNSET),
    ("C3", "exactly", {"limits": {"max_strategy_exposure": D("40.08")}}, WITHIN),
    ("C3", "over", {"limits": {"max_strategy_exposure": D("40.07")}}, R.STRATEGY_EXPOSURE),
    (
        "C3",
        "its other symbol counts",
        {"symbols": others(1), "limits": {"max_strategy_exposure": D("140.17")}},
        R.STRATEGY_EXPOSURE,
    ),
    (
        "C3",
        "another strategy's symbol does not",
        {
            "symbols": (symbol(), symbol(OTHER, position=D(1), strategy="other")),
            "limits": {"max_strategy_exposure": D("40.08")},
        },
        WITHIN,
    ),
    (
        "C3",
        "nobody's symbol counts with each",
        {
            "symbols": (symbol(), symbol(OTHER, position=D(1), strategy=None)),
            "limits": {"max_strategy_exposure": D("140.17")},
        },
        R.STRATEGY_EXPOSURE,
    ),
    ("C3", "strategy unknown", {"symbol__strategy": None}, MISSING),
    ("C3", "a reduction", REDUCES | {"limits": {"max_strategy_exposure": D(0)}}, WITHIN),
    ("C3", "not configured", {"limits": {"max_strategy_exposure": None}}, UNSET),
    ("C4", "third symbol of three", {"symbols": others(1, 1)}, WITHIN),
    ("C4", "fourth symbol", {"symbols": others(1, 1, 1)}, R.MAX_POSITIONS),
    ("C4", "dust does not count", {"symbols": others(1, 1, "0.04")}, WITHIN),
    (
        "C4",
        "a working entry counts",
        {"symbols": (*others(1, 1), symbol("LTC/USDT", increasing_orders=1))},
        R.MAX_POSITIONS,
    ),
    ("C4", "a flat symbol does not count", {"symbols": others(1, 1, 0)}, WITHIN),
    ("C4", "exactly dust does not count", {"symbols": others(1, 1, "0.05", ask="100")}, WITHIN),
    (
        "C4",
        "dust with a working entry counts",
        {
            "symbols": (
                *others(1, 1),
                symbol("LTC/USDT", increasing_orders=1, position=D("0.01")),
            )
        },
        R.MAX_POSITIONS,
    ),
    ("C4", "a position's mark unknown", {"symbols": others(1, ask=None)}, MISSING),
    ("C4", "a position unknown", {"symbols": (symbol(), symbol(OTHER, position=None))}, MISSING),
    ("C4", "not configured", {"limits": {"max_open_positions": None}}, UNSET),
    ("C4", "dust not configured", {"limits": {"dust_notional": None}}, UNSET),
    ("C5", "exactly", {"funds__free_quote": D("40.12008")}, WITHIN),
    ("C5", "short of quote", {"funds__free_quote": D("40.12007")}, R.INSUFFICIENT_FUNDS),
    ("C5", "reserved by others", {"funds__reserved_quote": D("959.88")}, R.INSUFFICIENT_FUNDS),
    ("C5", "exactly the base", REDUCES | {"funds__free_base": D("0.4")}, WITHIN),
    ("C5", "short of base", REDUCES | {"funds__free_base": D("0.399")}, R.INSUFFICIENT_FUNDS),
    ("C5", "quote unknown", {"funds__free_quote": None}, MISSING),
    ("C5", "reservations unknown", {"funds__reserved_quote": None}, MISSING),
    ("C5", "base unknown", REDUCES | {"funds__free_base": None}, MISSING),
    ("C6", "the tenth of ten", {"flow__open_orders": 9}, WITHIN),
    ("C6", "the eleventh", {"flow__open_orders": 10}, R.MAX_OPEN_ORDERS),
    ("C6", "of the symbol", {"symbol__working_orders": 10}, R.MAX_OPEN_ORDERS),
    ("C6", "total unknown", {"flow__open_orders": None}, MISSING),
    ("C6", "of the symbol unknown", {"symbol__working_orders": None}, MISSING),
    ("C6", "not configured", {"limits": {"max_open_orders": None}}, UNSET),
    ("C7", "opening while active", {}, WITHIN),
    ("C7", "opening while reducing", {"trading": Trading.REDUCING}, R.REDUCE_ONLY),
    (
        "C7",
        "all that is left",
        REDUCES | {"trading": Trading.REDUCING, "symbol__open_sell": D("0.6")},
        WITHIN,
    ),
    (
        "C7",
        "more than is left",
        REDUCES | {"trading": Trading.REDUCING, "symbol__open_sell": D("0.601")},
        R.REDUCE_ONLY,
    ),
    (
        "C7",
        "buying back a short",
        {"trading": Trading.REDUCING, "symbol__position": D("-0.4")},
        WITHIN,
    ),
    (
        "C7",
        "position unknown",
        {"trading": Trading.REDUCING, "symbol__position": None},
        MISSING,
    ),
    ("C8", "exactly", {"limits": {"max_daily_turnover": D("140.08")}}, WITHIN),
    ("C8", "over", {"limits": {"max_daily_turnover": D("140.07")}}, R.DAILY_TURNOVER),
    (
        "C8",
        "what is open counts, both sides, everywhere",
        {
            "symbols": (symbol(open_buy=D(1), open_sell=D(1)), symbol(OTHER, open_buy=D(1))),
            "limits": {"max_daily_turnover": D("440.37")},
        },
        R.DAILY_TURNOVER,
    ),
    ("C8", "filled unknown", {"conduct__filled_today": None}, MISSING),
    ("C8", "open unknown", {"symbol__open_sell": None}, MISSING),
    ("C8", "a reduction", REDUCES | {"conduct__filled_today": D(5000)}, WITHIN),
    ("C8", "not configured", {"limits": {"max_daily_turnover": None}}, UNSET),
    # worst loss of the order: 0.4 x (100.2 - 99.5 + 0.001 x 199.7) = 0.35988
    ("D1", "just inside with the order", {"equity_now": D("900.35989")}, WITHIN),
    ("D1", "exactly at the limit with it", {"equity_now": D("900.35988")}, R.DAILY_LOSS),
    ("D1", "breached", {"equity_now": D(900)}, R.DAILY_LOSS),
    ("D1", "money paid in is no profit", {"day__net_transfers": D(100)}, R.DAILY_LOSS),
    ("D1", "no day-open equity", {"day__equity_open": None}, MISSING),
    ("D1", "equity unknown", {"equity_now": None}, MISSING),
    ("D1", "equity not a number", {"equity_now": D("NaN")}, MISSING),
    ("D1", "equity infinite", {"equity_now": D("Infinity")}, MISSING),
    ("D1", "transfers unknown", {"day__net_transfers": None}, MISSING),
    ("D1", "not configured", {"limits": {"max_daily_loss": None}}, UNSET),
    ("D1", "no collar to lose to", {"limits": {"loss_collar": None}}, UNSET),
    ("D1", "a reduction", REDUCES | {"equity_now": D(100)}, WITHIN),
    ("D2", "just inside with the order", {"rolling__equity_open": D("1099.64011")}, WITHIN),
    ("D2", "exactly with it", {"rolling__equity_open": D("1099.64012")}, R.ROLLING_LOSS),
    ("D2", "lost before midnight", {"rolling__equity_open": D(1100)}, R.ROLLING_LOSS),
    ("D2", "no equity of then", {"rolling__equity_open": None}, MISSING),
    ("D2", "not configured", {"limits": {"max_daily_loss": None}}, UNSET),
    ("D3", "just inside with the order", {"peak__equity_open": D("1199.64011")}, WITHIN),
    ("D3", "exactly with it", {"peak__equity_open": D("1199.64012")}, R.DRAWDOWN),
    ("D3", "fallen from its highest", {"peak__equity_open": D(1200)}, R.DRAWDOWN),
    ("D3", "highest unknown", {"peak__equity_open": None}, MISSING),
    ("D3", "a reduction", REDUCES | {"peak__equity_open": D(5000)}, WITHIN),
    ("D3", "not configured", {"limits": {"max_drawdown": None}}, UNSET),
    ("D3", "no collar to lose to", {"limits": {"loss_collar": None}}, UNSET),
    ("D4", "four in a row", {"conduct__losing_streak": 4}, WITHIN),
    ("D4", "five in a row", {"conduct__losing_streak": 5}, R.LOSING_STREAK),
    ("D4", "a reduction", REDUCES | {"conduct__losing_streak": 5}, WITHIN),
    ("D4", "unknown", {"conduct__losing_streak": None}, MISSING),
    ("D4", "not configured", {"limits": {"max_losing_streak": None}}, UNSET),
    ("D5", "exactly", {"conduct__median_slip": D("0.003")}, WITHIN),
    ("D5", "over", {"conduct__median_slip": D("0.0031")}, R.SLIPPAGE),
    ("D5", "no taker yet", {"conduct__takers": 0, "conduct__median_slip": None}, WITHIN),
    ("D5", "a reduction", REDUCES | {"conduct__median_slip": D(1)}, WITHIN),
    ("D5", "median unknown", {"conduct__median_slip": None}, MISSING),
    ("D5", "takers unknown", {"conduct__takers": None}, MISSING),
    ("D5", "not configured", {"limits": {"max_median_slippage": None}}, UNSET),
    ("E1", "the fifth in a second", {"flow__messages_second": 4}, WITHIN),
    ("E1", "the sixth", {"flow__messages_second": 5}, R.MSG_RATE),
    ("E1", "the sixtieth in a minute", {"flow__messages_minute": 59}, WITHIN),
    ("E1", "the next", {"flow__messages_minute": 60}, R.MSG_RATE),
    ("E1", "a reduction too", REDUCES | {"flow__messages_second": 5}, R.MSG_RATE),
    ("E1", "second unknown", {"flow__messages_second": None}, MISSING),
    ("E1", "minute unknown", {"flow__messages_minute": None}, MISSING),
    ("E1", "second not configured", {"limits": {"max_messages_per_second": None}}, UNSET),
    ("E1", "minute not configured", {"limits": {"max_messages_per_minute": None}}, UNSET),
    ("E2", "the last of the day", {"flow__orders_today": 49}, WITHIN),
    ("E2", "one more", {"flow__orders_today": 50}, R.MAX_ORDERS_DAY),
    ("E2", "unknown", {"flow__orders_today": None}, MISSING),
    ("E2", "not configured", {"limits": {"max_orders_per_day": None}}, UNSET),
    ("E3", "as many as a fill carries", {"limits": {"max_orders_per_fill": 1}}, WITHIN),
    (
        "E3",
        "one more",
        {"flow__orders_today": 4, "limits": {"max_orders_per_fill": 1}},
        R.ORDER_RATIO,
    ),
    (
        "E3",
        "without a fill, as one",
        {"conduct__fills_today": 0, "limits": {"max_orders_per_fill": 1}},
        WITHIN,
    ),
    ("E3", "cancels as many as allowed", {"conduct__cancels_today": 50}, WITHIN),
    ("E3", "one more cancel", {"conduct__cancels_today": 51}, R.ORDER_RATIO),
    (
        "E3",
        "cancels of many orders",
        {"conduct__cancels_today": 55, "flow__orders_today": 10},
        WITHIN,
    ),
    ("E3", "fills unknown", {"conduct__fills_today": None}, MISSING),
    ("E3", "cancels unknown", {"conduct__cancels_today": None}, MISSING),
    ("E3", "orders unknown", {"flow__orders_today": None}, MISSING),
    ("E3", "orders not configured", {"limits": {"max_orders_per_fill": None}}, UNSET),
    ("E3", "cancels not configured", {"limits": {"max_cancels_per_order": None}}, UNSET),
    ("E4", "nine times", {"conduct__executed": 9}, WITHIN),
    ("E4", "ten times", {"conduct__executed": 10}, R.REPEATED_EXECUTION),
    ("E4", "a reduction too", REDUCES | {"conduct__executed": 10}, R.REPEATED_EXECUTION),
    ("E4", "unknown", {"conduct__executed": None}, MISSING),
    ("E4", "not configured", {"limits": {"max_repeated_executions": None}}, UNSET),
    ("E4", "window not configured", {"limits": {"repeat_window": None}}, UNSET),
    (
        "E5",
        "an equal order after the window",
        {"flow__same_order_at": AT - 10 * SECOND - MILLI},
        WITHIN,
    ),
    ("E5", "at its end", {"flow__same_order_at": AT - 10 * SECOND}, R.DUPLICATE),
    ("E5", "intent seen", {"flow__intent_seen": True}, R.DUPLICATE),
    ("E5", "intent working", {"flow__intent_working": True}, R.DUPLICATE),
    ("E5", "seen unknown", {"flow__intent_seen": None}, MISSING),
    ("E5", "working unknown", {"flow__intent_working": None}, MISSING),
    ("E5", "equal order unknown", {"flow__same_order_at": None}, MISSING),
    ("E5", "not configured", {"limits": {"duplicate_window": None}}, UNSET),
    ("E6", "four refusals", {"conduct__rejects": 4}, WITHIN),
    ("E6", "five refusals", {"conduct__rejects": 5}, R.REJECT_STREAK),
    ("E6", "unknown", {"conduct__rejects": None}, MISSING),
    ("E6", "not configured", {"limits": {"max_reject_streak": None}}, UNSET),
    ("E7", "all that the plan was approved for", {"plan__whole_notional": D("90.08")}, WITHIN),
    ("E7", "one slice too many", {"plan__whole_notional": D("90.07")}, R.SLICING),
    ("E7", "a reduction", REDUCES | {"conduct__plan_notional": D(5000)}, WITHIN),
    ("E7", "so far unknown", {"conduct__plan_notional": None}, MISSING),
    ("E7", "whole unknown", {"plan__whole_notional": None}, MISSING),
    ("E7", "no plan", {"plan": None}, MISSING),
    ("F1", "as old as allowed", {"quote__received_at": AT - 2 * SECOND}, WITHIN),
    ("F1", "older", {"quote__received_at": AT - 2 * SECOND - MILLI}, R.STALE_BOOK),
    ("F1", "event as old as allowed", {"quote__event_at": AT - 3 * SECOND}, WITHIN),
    ("F1", "event older", {"quote__event_at": AT - 3 * SECOND - MILLI}, R.STALE_BOOK),
    ("F1", "of this very instant", {"quote__event_at": AT, "quote__received_at": AT}, WITHIN),
    ("F1", "from the future", {"quote__event_at": AT + MILLI}, R.STALE_BOOK),
    ("F1", "feed dead", {"quote__alive": False}, R.STALE_BOOK),
    ("F1", "a reduction on an old book", REDUCES | {"quote__received_at": AT - HOUR}, R.STALE_BOOK),
    ("F1", "receipt unknown", {"quote__received_at": None}, MISSING),
    ("F1", "event unknown", {"quote__event_at": None}, MISSING),
    ("F1", "alive unknown", {"quote__alive": None}, MISSING),
    ("F1", "age not configured", {"limits": {"max_book_age": None}}, UNSET),
    ("F1", "event age not configured", {"limits": {"max_event_age": None}}, UNSET),
    ("F2", "as wide as allowed", {"limits": {"max_spread": D("0.002")}}, WITHIN),
    ("F2", "wider", {"limits": {"max_spread": D("0.0019")}}, R.BOOK_SHAPE),
    ("F2", "locked", {"quote__bid": D("100.1")}, R.BOOK_SHAPE),
    ("F2", "crossed", {"quote__bid": D("100.2")}, R.BOOK_SHAPE),
    ("F2", "wide, a reduction", REDUCES | {"limits": {"max_spread": D("0.0019")}}, WITHIN),
    ("F2", "crossed, a reduction", REDUCES | {"quote__bid": D("100.2")}, R.BOOK_SHAPE),
    ("F2", "a bid of nothing", {"quote__bid": D(0)}, R.BOOK_SHAPE),
    ("F2", "no bid", {"quote__bid": None}, MISSING),
    ("F2", "one-sided", {"quote__ask": None}, MISSING),
    ("F2", "not a number", {"quote__ask": D("NaN")}, MISSING),
    ("F2", "not configured", {"limits": {"max_spread": None}}, UNSET),
    (
        "F3",
        "jumped as far as allowed",
        {"quote__previous_mid": D(100), "limits": {"max_jump": D(0)}},
        WITHIN,
    ),
    ("F3", "jumped", {"quote__previous_mid": D(97)}, R.PRICE_JUMP),
    ("F3", "one good tick short", {"quote__good_ticks": 2}, R.PRICE_JUMP),
    ("F3", "a reduction", REDUCES | {"quote__previous_mid": D(50)}, WITHIN),
    ("F3", "a mid before of nothing", {"quote__previous_mid": D(0)}, MISSING),
    ("F3", "mid before unknown", {"quote__previous_mid": None}, MISSING),
    ("F3", "good ticks unknown", {"quote__good_ticks": None}, MISSING),
    ("F3", "not configured", {"limits": {"max_jump": None}}, UNSET),
    ("F3", "ticks not configured", {"limits": {"jump_good_ticks": None}}, UNSET),
    ("F4", "whole", {}, WITHIN),
    ("F4", "a gap", {"quote__whole": False}, R.SEQUENCE_GAP),
    ("F4", "a gap, a reduction", REDUCES | {"quote__whole": False}, R.SEQUENCE_GAP),
    ("F4", "unknown", {"quote__whole": None}, MISSING),
    ("F5", "a hundredth below the other", {"quote__elsewhere": D(100) / D("0.99")}, WITHIN),
    ("F5", "further below", {"quote__elsewhere": D("101.1")}, R.SOURCE_DEVIATION),
    ("F5", "further above", {"quote__elsewhere": D("98.9")}, R.SOURCE_DEVIATION),
    ("F5", "a reduction", REDUCES | {"quote__elsewhere": D(50)}, WITHIN),
    ("F5", "no second source", {"quote__elsewhere": None}, MISSING),
    ("F5", "a price of nothing", {"quote__elsewhere": D(0)}, MISSING),
    ("F5", "not configured", {"limits": {"max_source_deviation": None}}, UNSET),
    ("F6", "open", {}, WITHIN),
    ("F6", "closed", {"symbol__active": False}, R.MARKET_CLOSED),
    ("F6", "closed, a reduction", REDUCES | {"symbol__active": False}, R.MARKET_CLOSED),
    ("F6", "unknown", {"symbol__active": None}, MISSING),
    ("F7", "exactly", {"quote__low": D(100), "quote__high": D(105)}, WITHIN),
    ("F7", "wider", {"quote__low": D(100), "quote__high": D("105.1")}, R.VOLATILITY),
    ("F7", "wider, a reduction", REDUCES | {"quote__high": D(200)}, WITHIN),
    ("F7", "low unknown", {"quote__low": None}, MISSING),
    ("F7", "a low of nothing", {"quote__low": D(0)}, MISSING),
    ("F7", "not configured", {"limits": {"max_range": None}}, UNSET),
    ("F8", "paper on recorded data", {}, WITHIN),
    ("F8", "paper on synthetic data", {"quote__provenance": Provenance.SYNTHETIC}, WITHIN),
    ("F8", "live on live data", LIVE, WITHIN),
    (
        "F8",
        "live on recorded data",
        LIVE | {"quote__provenance": Provenance.RECORDED},
        R.PROVENANCE_FORBIDS,
    ),
    (
        "F8",
        "testnet on synthetic data",
        TESTNET | {"quote__provenance": Provenance.SYNTHETIC},
        R.PROVENANCE_FORBIDS,
    ),
    (
        "F8",
        "in a rehearsal",
        LIVE | {"quote__provenance": Provenance.RECORDED, "rehearsal": True},
        WITHIN,
    ),
    (
        "F8",
        "not known whether it is one",
        LIVE | {"quote__provenance": Provenance.RECORDED, "rehearsal": None},
        MISSING,
    ),
    ("F8", "label unknown", {"quote__provenance": None}, MISSING),
    ("F8", "mode unknown", {"mode": None}, MISSING),
    ("G1", "a second behind", {"health__clock_offset": -SECOND}, WITHIN),
    ("G1", "further behind", {"health__clock_offset": -SECOND - MILLI}, R.CLOCK_SKEW),
    ("G1", "further ahead", {"health__clock_offset": SECOND + MILLI}, R.CLOCK_SKEW),
    ("G1", "a jump as far as allowed", {"health__clock_jump": SECOND}, WITHIN),
    ("G1", "a jump", {"health__clock_jump": SECOND + MILLI}, R.CLOCK_SKEW),
    ("G1", "asked a minute ago", {"health__asked_at": NOW - 60 * SECOND}, WITHIN),
    ("G1", "asked before that", {"health__asked_at": NOW - 60 * SECOND - MILLI}, MISSING),
    ("G1", "never asked", {"health__asked_at": None}, MISSING),
    ("G1", "offset unknown", {"health__clock_offset": None}, MISSING),
    ("G1", "jump unknown", {"health__clock_jump": None}, MISSING),
    ("G1", "not configured", {"limits": {"max_clock_skew": None}}, UNSET),
    ("G1", "age not configured", {"limits": {"max_venue_check_age": None}}, UNSET),
    ("G2", "fewer than open it", {"health__errors": D("2.9"), "health__timeouts": 2}, WITHIN),
    ("G2", "errors", {"health__errors": D(3)}, R.VENUE_ERRORS),
    ("G2", "timeouts", {"health__timeouts": 3}, R.VENUE_ERRORS),
    ("G2", "errors unknown", {"health__errors": None}, MISSING),
    ("G2", "timeouts unknown", {"health__timeouts": None}, MISSING),
    ("G2", "errors not configured", {"limits": {"max_venue_errors": None}}, UNSET),
    ("G2", "timeouts not configured", {"limits": {"max_venue_timeouts": None}}, UNSET),
    ("G3", "none", {}, WITHIN),
    ("G3", "one of the symbol", UNKNOWN, R.UNKNOWN_ORDERS),
    ("G3", "one of the symbol, a reduction", REDUCES | UNKNOWN, R.UNKNOWN_ORDERS),
    ("G3", "one of another symbol", {"symbols": (symbol(), LOST)}, WITHIN),
    ("G3", "one of each", UNKNOWN | {"symbols": (symbol(**FRESH), LOST)}, R.UNKNOWN_ORDERS),
    (
        "G3",
        "one of another for too long",
        {"symbols": (symbol(), replace(LOST, unknown_since=AT - 10 * SECOND - MILLI))},
        R.UNKNOWN_ORDERS,
    ),
    ("G3", "count unknown", {"symbol__unknown_orders": None}, MISSING),
    ("G3", "age unknown", UNKNOWN | {"symbol__unknown_since": None}, MISSING),
    ("G3", "number not configured", {"limits": {"max_unknown_orders": None}}, UNSET),
    ("G3", "age not configured", {"limits": {"max_unknown_age": None}}, UNSET),
    ("G4", "agrees", {}, WITHIN),
    ("G4", "a difference", {"safety__unexplained": 1}, R.RECON_DIFF),
    ("G4", "unknown", {"safety__unexplained": None}, MISSING),
    ("G5", "as old as allowed", {"safety__heartbeat_at": NOW - 5 * SECOND}, WITHIN),
    ("G5", "older", {"safety__heartbeat_at": NOW - 5 * SECOND - MILLI}, R.SAFETY_NET_DOWN),
    ("G5", "far in the future", {"safety__heartbeat_at": NOW + HOUR}, R.SAFETY_NET_DOWN),
    ("G5", "no heartbeat", {"safety__heartbeat_at": None}, MISSING),
    ("G5", "no bound", {"safety__heartbeat_max_age": None}, MISSING),
    ("G6", "writable", {}, WITHIN),
    ("G6", "not writable", {"safety__journal_writable": False}, R.JOURNAL),
    ("G6", "unknown", {"safety__journal_writable": None}, MISSING),
    ("G7", "bound and cannot withdraw", LIVE, WITHIN),
    ("G7", "can withdraw", LIVE | {"health__can_withdraw": True}, R.KEY_SCOPE),
    ("G7", "works from anywhere", LIVE | {"health__address_bound": False}, R.KEY_SCOPE),
    ("G7", "another account", {"health__account": "second"}, R.KEY_SCOPE),
    ("G7", "looked at a day ago", {"health__asked_at": NOW - 24 * HOUR}, WITHIN),
    ("G7", "looked at before that", {"health__asked_at": NOW - 24 * HOUR - MILLI}, MISSING),
    ("G7", "live and not told", LIVE | {"health__can_withdraw": None}, MISSING),
    ("G7", "live and not told whence", LIVE | {"health__address_bound": None}, MISSING),
    (
        "G7",
        "a testnet cannot tell",
        TESTNET | {"health__can_withdraw": None, "health__address_bound": None},
        WITHIN,
    ),
    (
        "G7",
        "a testnet key that can withdraw",
        TESTNET | {"health__can_withdraw": True},
        R.KEY_SCOPE,
    ),
    ("G7", "account unknown", {"health__account": None}, MISSING),
    ("G8", "as wired", LIVE, WITHIN),
    ("G8", "another", LIVE | {"health__venue_class": VenueClass.TESTNET}, R.VENUE_IDENTITY),
    ("G8", "not proven", {"health__venue_class": None}, MISSING),
    ("G8", "proven long ago", {"health__asked_at": NOW - 24 * HOUR - MILLI}, MISSING),
    ("G9", "just enough", {"health__headroom": D("0.2")}, WITHIN),
    ("G9", "too little", {"health__headroom": D("0.19")}, R.RATE_HEADROOM),
    ("G9", "unknown", {"health__headroom": None}, MISSING),
    ("G9", "told long ago", {"health__asked_at": NOW - 60 * SECOND - MILLI}, MISSING),
    ("G9", "not configured", {"limits": {"min_headroom": None}}, UNSET),
    ("G9", "age not configured", {"limits": {"max_venue_check_age": None}}, UNSET),
    ("H1", "a tick below our own ask", OFFERED | {"symbol__lowest_sell": D("100.3")}, WITHIN),
    ("H1", "at our own ask", OFFERED | {"symbol__lowest_sell": D("100.2")}, R.SELF_TRADE),
    ("H1", "nothing of ours rests", {"symbol__lowest_sell": None}, WITHIN),
    ("H1", "ours unknown", OFFERED | {"symbol__lowest_sell": None}, MISSING),
    ("H1", "working unknown", {"symbol__open_sell": None}, MISSING),
    (
        "H1",
        "a sell above our own bid",
        REDUCES | {"symbol__open_buy": D("0.1"), "symbol__highest_buy": D("99.7")},
        WITHIN,
    ),
    (
        "H1",
        "a sell at our own bid",
        REDUCES | {"symbol__open_buy": D("0.1"), "symbol__highest_buy": D("99.8")},
        R.SELF_TRADE,
    ),
    ("H2", "exactly", {"conduct__worst_slip": D("0.01")}, WITHIN),
    ("H2", "over", {"conduct__worst_slip": D("0.011")}, R.SLIPPAGE),
    ("H2", "a reduction", REDUCES | {"conduct__worst_slip": D(1)}, WITHIN),
    ("H2", "unknown", {"conduct__worst_slip": None}, MISSING),
    ("H2", "not configured", {"limits": {"max_fill_slippage": None}}, UNSET),
    ("H3", "none", {}, WITHIN),
    ("H3", "one", {"conduct__implausible": 1}, R.FILL_IMPLAUSIBLE),
    ("H3", "unknown", {"conduct__implausible": None}, MISSING),
    ("H4", "one to one", {}, WITHIN),
    ("H4", "a foreign order", {"conduct__foreign": 1}, R.NO_BIJECTION),
    ("H4", "an order that had ended", {"conduct__undead": 1}, R.NO_BIJECTION),
    (
        "H4",
        "a foreign one, the rest unknown",
        {"conduct__foreign": 1, "conduct__undead": None},
        R.NO_BIJECTION,
    ),
    ("H4", "foreign unknown", {"conduct__foreign": None}, MISSING),
    ("H4", "undead unknown", {"conduct__undead": None}, MISSING),
]
BAD_NUMBERS = (
    "", "0", "0.0", "-1", "+1", " 1", "1 ", "1e3", "1E3", "NaN", "nan", "inf", "-inf", "Infinity",
    "1_000", "1,5", ".5", "5.", "007", "0x1", "\uff11", "1\n", "1" * 16, "0." + "1" * 13, "9" * 64,
)  # fmt: skip


@pytest.mark.parametrize(
    ("control", "what", "changes", "code"), TABLE, ids=[f"{r[0]}-{r[1]}" for r in TABLE]
)
def test_each_control_says_what_risk_md_says(
    control: str, what: str, changes: dict[str, Any], code: Reason
) -> None:
    verdict = judge(**changes)
    finding = found(verdict, control)
    assert finding.code is code, what
    assert (finding.outcome is Outcome.ALLOW) == (code is WITHIN)
    assert [f.control for f in verdict.findings] == [control.id for control in CONTROLS]
    if code is not WITHIN:
        assert verdict.outcome is not Outcome.ALLOW


def test_what_stops_stops_with_the_class_that_the_specification_gives_it() -> None:
    raised: dict[str, set[StopClass]] = {}
    for control, _, changes, code in TABLE:
        verdict = judge(**changes)
        finding = found(verdict, control)
        if finding.outcome is Outcome.HALT:
            assert code is finding.code
            assert verdict.outcome is Outcome.HALT
            if verdict.stopped_by == control:
                raised.setdefault(control, set()).add(verdict.stop_class)
    assert raised == {name: {STOPS[name]} for name in raised}
    assert set(raised) >= {"D4", "D5", "E4", "E6", "G3", "G4", "H3", "H4"}
    technical = {name for name, kind in STOPS.items() if kind is StopClass.TECHNICAL}
    assert technical == {"E4", "E6", "G1", "G2", "G3", "G5"}


def test_every_control_has_a_passing_and_a_refusing_case_in_the_table() -> None:
    for control in CONTROLS:
        codes = {code for name, _, _, code in TABLE if name == control.id}
        assert WITHIN in codes
        assert codes & {control.code, R.REDUCING}


def test_the_good_order_is_allowed_with_every_finding_within() -> None:
    verdict = judge()
    assert verdict.outcome is Outcome.ALLOW
    assert verdict.risk_increasing
    assert verdict.stop_class is None
    assert {f.code for f in verdict.findings} == {WITHIN}
    assert verdict.refusals == ()


# control, what is changed, what is measured and what it is held against
MEASURES = [
    ("A3", {}, "latched False token True", "latched False token True"),
    ("A8", {"symbol__triggers": (Trigger("NEWS", None),)}, None, "no trigger"),
    ("B1", {}, "0.4 100.2", "12"),
    ("B2", {}, "0.4 100.2", "0.001 0.1"),
    ("B3", {}, "0.4 40.08", "0.001 1000 5 100000"),
    ("B4", {}, "40.12008", "50"),
    ("A2", LIVE, "7", "armed"),
    ("A2", LIVE | {"arming__people": 1}, "fewer than two people", "armed"),
    ("B6", {}, "0.4 usual 0.4 of depth 50", "5 x usual 0.2 of depth"),
    ("B7", {}, "0.002", "0.005"),
    ("B7", {"order": {"price": "101"}}, "0.01", "0.005"),
    ("B7", {"order": {"price": "70"}}, "-0.3", "-0.2"),
    ("B7", REDUCES | {"order": SELL | {"price": "99"}}, "-0.01", "-0.005"),
    ("B7", {"quote__reference": D(80)}, "0.25", "0.03"),
    ("C1", {"symbols": others(-1)}, "140.18", "500"),
    ("C2", {}, "40.08", "300"),
    ("C4", {}, "1", "3"),
    ("C5", {}, "40.12008", "1000"),
    ("C7", REDUCES, "0.4", "1"),
    ("D1", {}, "-0.35988", "-100"),
    ("D1", {"order": SELL}, "-0.36012", "-100"),
    ("D1", {"order": {"price": "99"}}, "-0.0794", "-100"),
    ("C2", {"order": SELL}, "39.96", "300"),
    ("E1", {}, "1", "5"),
    ("E1", {"flow__messages_minute": 60}, "61", "60"),
    ("E1", {"flow__messages_second": 5, "flow__messages_minute": 60}, "6", "5"),
    ("F1", {}, "1s 1s", "2s"),
    ("F1", {"quote__event_at": AT + SECOND}, "1s -1s", "2s"),
    ("F2", {}, "0.002", "0.005"),
    ("F3", {"quote__previous_mid": D(80)}, "0.25 after good ticks 3", "0.03 after 3"),
    ("F5", {}, "0", "0.01"),
    ("F7", {"quote__low": D(100), "quote__high": D(105)}, "0.05", "0.05"),
    ("G1", {}, "100ms jump -1ms", "1s"),
    ("G1", {"health__clock_offset": 501 * MILLI}, "warn 501ms jump -1ms", "1s"),
    ("G3", UNKNOWN, "1 10s", "2 10s"),
    ("G4", {"safety__unexplained": 2}, "2", "0"),
    ("G5", {}, "1s", "5s"),
    ("G5", {"safety__heartbeat_at": None}, "unknown", "5s"),
]


@pytest.mark.parametrize(("control", "changes", "measured", "bound"), MEASURES)
def test_a_finding_says_what_was_measured_and_against_what(
    control: str, changes: dict[str, Any], measured: str | None, bound: str
) -> None:
    finding = found(judge(**changes), control)
    assert measured in {None, finding.measured}
    assert finding.bound == bound
    assert finding.scope
    scopes = {f.control: f.scope for f in judge().findings}
    assert (scopes["C1"], scopes["C2"]) == ("account", "symbol")


@pytest.mark.parametrize("number", BAD_NUMBERS)
@pytest.mark.parametrize("field", ["price", "quantity"])
def test_b1_a_number_that_is_not_plain_and_positive_is_refused(field: str, number: str) -> None:
    verdict = judge(order={field: number})
    assert found(verdict, "B1").code is R.BAD_NUMBER
    assert verdict.outcome is Outcome.DENY
    assert verdict.risk_increasing


def test_b1_counts_the_digits_as_they_will_be_sent() -> None:
    assert found(judge(order={"quantity": "0.400"}, limits={"max_digits": 4}), "B1").code is WITHIN
    more = judge(order={"quantity": "0.40000"}, limits={"max_digits": 4})
    assert found(more, "B1").code is R.BAD_NUMBER


def test_an_order_in_a_symbol_the_snapshot_does_not_have_is_refused() -> None:
    verdict = judge(order={"symbol": OTHER})
    assert {"A6", "A8", "B2", "B4", "B7", "C1", "F1", "F2"} <= refused_by(verdict)


def test_a_pure_reduction_passes_when_c_d_and_the_plan_would_refuse() -> None:
    tight = {"max_total_exposure": D(0), "max_daily_loss": D(1), "max_open_positions": 0}
    verdict = judge(**REDUCES, limits=tight, plan=None, equity_now=D(500))
    assert verdict.outcome is Outcome.ALLOW
    assert not verdict.risk_increasing
    assert found(verdict, "C1").measured == "not held against a reduction"


def test_on_bars_ages_and_windows_count_in_bars_and_the_finding_says_so() -> None:
    bars = {"quote__interval": HOUR, "quote__received_at": AT - HOUR, "quote__event_at": AT - HOUR}
    assert found(judge(**bars), "F1").code is WITHIN
    older = judge(**bars | {"quote__event_at": AT - HOUR - MILLI})
    assert found(older, "F1").code is R.STALE_BOOK
    same = judge(**bars, flow__same_order_at=AT - HOUR)
    assert found(same, "E5").code is R.DUPLICATE
    assert found(judge(**bars), "F1").window == "1 bar of 1h for 2s: feed has bars"
    assert found(judge(**bars), "E1").window == "1 bar of 1h for 1s: feed has bars"
    assert found(judge(**bars), "E4").window == "1 bar of 1h for 1h: feed has bars"
    assert found(judge(**bars), "F7").window == "1 bar of 1h for 1m: feed has bars"
    lost = bars | {"symbol__unknown_orders": 1, "symbol__unknown_since": AT - HOUR}
    assert found(judge(**lost), "G3").outcome is Outcome.DENY
    later = lost | {"symbol__unknown_since": AT - HOUR - MILLI}
    assert found(judge(**later), "G3").outcome is Outcome.HALT
    assert found(judge(), "F1").window == "2s"
    assert found(judge(), "F1").ages == "received 1s, event 1s"
