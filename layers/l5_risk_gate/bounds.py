"""One set of limits made ready for judging: what does not depend on the order, worked out once.

A model's attribute costs as much as an addition of decimals, and every order needs forty of them.
The last set is kept by identity, which is safe because limits never change (``Frozen``).
"""

from datetime import timedelta
from decimal import Decimal
from typing import Final, NamedTuple, cast

from pydantic import BaseModel

from desired_state.canonical import digest
from desired_state.limits import NO_LIMITS, Limits
from layers.l5_risk_gate.finding import Window
from layers.orders import SymbolRules
from layers.pegs import quoted, rate_of
from layers.risk_facts import Peg
from layers.risk_values import TICKS, window

ONE: Final = Decimal(1)
NOTHING: Final = Decimal(0)
SECOND: Final = timedelta(seconds=1)
MINUTE: Final = timedelta(minutes=1)
HOUR: Final = timedelta(hours=1)
DAY: Final = timedelta(days=1)
SPANS: Final = (
    "intent_ttl",
    "max_order_age",
    "duplicate_window",
    "repeat_window",
    "max_book_age",
    "max_event_age",
    "max_unknown_age",
)


class _Plain:
    """Not a model, but with the very same attributes, which is all that a control reads."""

    def __init__(self, model: BaseModel) -> None:
        self.__dict__.update(model.__dict__)


class Bounds:
    """``limits`` has the attributes of the model; spans are windows of the feed's interval."""

    __slots__ = (
        "_digest",
        "clock",
        "collar_buying",
        "collar_selling",
        "day",
        "depth",
        "down",
        "ending",
        "errors",
        "fresh",
        "given",
        "hour",
        "interval",
        "kept",
        "limits",
        "lowest_day",
        "lowest_peak",
        "minute",
        "over",
        "peg",
        "pegged",
        "ratios",
        "second",
        "span",
        "up",
    )

    def __init__(self, given: Limits, interval: timedelta, peg: Peg | None) -> None:
        """For a feed of bars of ``interval``, or of ticks; amounts in the peg's quote currency."""
        self.given, self.interval, self.peg = given, interval, peg
        self.limits = limits = cast("Limits", _Plain(quoted(given, peg)))
        rate, off = rate_of(peg, given), given.max_peg_deviation
        self.pegged = (_times(rate, _less(off)), "to", _times(rate, _more(off)))
        # what is owned or gained counts with the haircut, what is owed, lost or at risk without
        self.ending = "/" if peg is None else f"/{peg.quote}"  # of every symbol priced so
        own = peg is not None and peg.quote == given.currency
        self.kept = ONE if own and given.quote_haircut is not None else _share(given.quote_haircut)
        self.span: dict[str, timedelta | None] = {}
        self.over: dict[str, Window | None] = {}
        for name in SPANS:
            span: timedelta | None = getattr(given, name)
            self.span[name] = None if span is None else window(span, interval)
            self.over[name] = None if span is None else (span, interval)
        self.second, self.minute = (SECOND, interval), (MINUTE, interval)
        self.hour, self.day = (HOUR, interval), (DAY, interval)
        near, far, lost = limits.price_collar, limits.passive_collar, limits.loss_collar
        self.collar_buying = (near, limits.period_collar, _less(far), _more(near))
        self.collar_selling = (near, limits.period_collar, _less(near), _more(far))
        self.down, self.up = _less(lost), _more(lost)
        times, part = limits.max_size_ratio, limits.max_depth_share
        self.depth = (times, part, (times, "x usual", part, "of depth"))
        each, cancelled = limits.max_orders_per_fill, limits.max_cancels_per_order
        self.ratios = (each, cancelled, (each, cancelled))
        most, late = limits.max_venue_errors, limits.max_venue_timeouts
        longest = limits.max_venue_outage
        self.errors = (most, late, longest, (most, late, "open", longest))
        skew = limits.max_clock_skew
        self.clock = (None if skew is None else -skew, skew, limits.max_venue_check_age)
        self.fresh = (
            self.span["max_book_age"],
            self.span["max_event_age"],
            self.over["max_book_age"],
        )
        self.lowest_day = _minus(limits.max_daily_loss)
        self.lowest_peak = _minus(limits.max_drawdown)
        self._digest = ""

    @property
    def digest(self) -> str:
        """Of the limits as they were given (A2)."""
        self._digest = self._digest or digest(self.given)
        return self._digest


def _times(rate: Decimal | None, factor: Decimal | None) -> Decimal | None:
    return None if rate is None or factor is None else rate * factor


def _share(haircut: Decimal | None) -> Decimal | None:
    return None if haircut is None else max(NOTHING, ONE - haircut)


def _less(ratio: Decimal | None) -> Decimal | None:
    return None if ratio is None else ONE - ratio


def _more(ratio: Decimal | None) -> Decimal | None:
    return None if ratio is None else ONE + ratio


def _minus(amount: Decimal | None) -> Decimal | None:
    return None if amount is None else -amount


_kept: Final = [Bounds(NO_LIMITS, TICKS, None)]


def bounds_of(limits: Limits, interval: timedelta, peg: Peg | None) -> Bounds:
    """The bounds of these limits, worked out anew only where they are not the last ones."""
    kept = _kept[0]
    if kept.given is limits and kept.peg is peg and kept.interval == interval:
        return kept
    _kept[0] = fresh = Bounds(limits, interval, peg)
    return fresh


class Rules(NamedTuple):
    """The venue's filters in the same plain form, and what a taker pays on an amount."""

    given: SymbolRules | None
    plain: SymbolRules | None
    taker: Decimal | None  # fee rate
    gross: Decimal | None  # one and the fee


_rules: Final = [Rules(None, None, None, None)]


def rules_of(given: SymbolRules | None) -> Rules:
    """The venue's filters made ready, anew only where they are not the last ones."""
    kept = _rules[0]
    if kept[0] is given:
        return kept
    plain = None if given is None else cast("SymbolRules", _Plain(given))
    fee = None if plain is None else plain.taker_fee
    _rules[0] = fresh = Rules(given, plain, fee, _more(fee))
    return fresh
