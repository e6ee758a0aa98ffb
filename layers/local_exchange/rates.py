"""Rate limits: request weight by the minute, orders by ten seconds and by the day, and bans."""

from typing import Final

from layers.local_exchange.refusals import Refusal
from layers.local_exchange.terms import RateTerms

_MINUTE_MS: Final = 60_000
_TEN_SECONDS_MS: Final = 10_000
_DAY_MS: Final = 86_400_000
_TOO_MANY: Final = 429
_BANNED: Final = 418


class Rates:
    """What was used in the windows that now run. One host asks, so one count is enough."""

    __slots__ = ("_banned_until_ms", "_refused", "_terms", "_used", "_windows")

    def __init__(self, terms: RateTerms) -> None:
        self._terms = terms
        self._windows: dict[str, int] = {}
        self._used: dict[str, int] = {}
        self._refused = 0
        self._banned_until_ms = 0

    def weigh(self, weight: int, now_ms: int) -> Refusal | None:
        """X-18: count a request; 429 beyond the limit, 418 for who goes on all the same."""
        if now_ms < self._banned_until_ms:
            return _refusal(_BANNED, self._banned_until_ms, now_ms)
        used = self._add("weight", weight, _MINUTE_MS, now_ms)
        if used <= self._terms.weight_per_minute:
            self._refused = 0
            return None
        self._refused += 1
        if self._refused >= self._terms.refusals_before_ban:
            self._banned_until_ms = now_ms + self._terms.ban_s * 1000
            self._refused = 0
            return _refusal(_BANNED, self._banned_until_ms, now_ms)
        return _refusal(_TOO_MANY, now_ms - now_ms % _MINUTE_MS + _MINUTE_MS, now_ms)

    def order(self, now_ms: int) -> Refusal | None:
        """Count an order; -1015 without ``Retry-After`` beyond the limit."""
        short = self._add("order_short", 1, _TEN_SECONDS_MS, now_ms)
        day = self._add("order_day", 1, _DAY_MS, now_ms)
        terms = self._terms
        if short > terms.orders_per_ten_seconds:
            return _too_many_orders(terms.orders_per_ten_seconds, "10 SECOND")
        if day > terms.orders_per_day:
            return _too_many_orders(terms.orders_per_day, "1 DAY")
        return None

    def headers(self, *, of_order: bool) -> tuple[tuple[str, str], ...]:
        """What the answer tells of it."""
        weight = str(self._used.get("weight", 0))
        told = [("X-MBX-USED-WEIGHT", weight), ("X-MBX-USED-WEIGHT-1M", weight)]
        if of_order:
            told.append(("X-MBX-ORDER-COUNT-10S", str(self._used.get("order_short", 0))))
            told.append(("X-MBX-ORDER-COUNT-1D", str(self._used.get("order_day", 0))))
        return tuple(told)

    def _add(self, name: str, amount: int, width_ms: int, now_ms: int) -> int:
        window = now_ms // width_ms
        if self._windows.get(name) != window:
            self._windows[name] = window
            self._used[name] = 0
        self._used[name] += amount
        return self._used[name]


def _refusal(status: int, until_ms: int, now_ms: int) -> Refusal:
    wait_s = max(1, -(-(until_ms - now_ms) // 1000))
    text = (
        f"Way too much request weight used; IP banned until {until_ms}."
        if status == _BANNED
        else "Too much request weight used; please use fewer requests."
    )
    return Refusal(-1003, text, status, wait_s)


def _too_many_orders(limit: int, span: str) -> Refusal:
    return Refusal(-1015, f"Too many new orders; current limit is {limit} orders per {span}.", 429)
