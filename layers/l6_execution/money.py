"""What the account holds by our own record, currency by currency, and why that changed."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal

from layers.l6_execution.own_order import NOTHING
from layers.l6_execution.symbol_book import changes
from layers.orders import Fill

Sums = dict[str, Decimal]


@dataclass(slots=True)
class Money:
    """Sums by currency. What executions and people's words move; nothing else does."""

    opening: Sums = field(default_factory=dict)  # totals when the books were opened
    flows: Sums = field(default_factory=dict)  # net change since
    traded: Sums = field(default_factory=dict)  # executions' part of it
    fees: Sums = field(default_factory=dict)  # paid in neither of a symbol's two
    moved: Sums = field(default_factory=dict)  # net of what people paid in or out, and of wipes
    gaps: Sums = field(default_factory=dict)  # balances that differ, as explained
    lacked: Sums = field(default_factory=dict)  # the most of each that was ever explained (L6-13)
    wiped: Sums = field(default_factory=dict)  # of traded, gone in accepted wipes

    def cash(self, currency: str) -> Decimal:
        """What our record says is held; what is less for a known reason is lost (D1)."""
        held = self.opening.get(currency, NOTHING) + self.flows.get(currency, NOTHING)
        return held + min(self.gaps.get(currency, NOTHING), NOTHING)

    def held_by_orders(self, currency: str) -> Decimal:
        """What executions left of it; what is missing for a known reason is lost (D1)."""
        left, gap = self.traded[currency], self.gaps.get(currency, NOTHING)
        return max(NOTHING, left + min(NOTHING, gap)) if left > NOTHING else left

    def executed(self, fill: Fill) -> None:
        """One execution: both currencies, and the fee's."""
        for currency, amount in changes(fill).items():
            _add(self.flows, currency, amount)
            _add(self.traded, currency, amount)
        if fill.fee and fill.fee_currency not in fill.symbol.split("/"):
            _add(self.fees, fill.fee_currency, fill.fee)

    def transferred(self, currency: str, amount: Decimal) -> None:
        """People paid in, or out where it is negative."""
        _add(self.flows, currency, amount)
        _add(self.moved, currency, amount)

    def explained(self, currency: str, gap: Decimal) -> Decimal:
        """All of what differs has a known reason, which moves no total; what newly lacks of it."""
        self.gaps[currency] = gap
        known = self.lacked.get(currency, NOTHING)
        self.lacked[currency] = max(known, -gap)
        return self.lacked[currency] - known

    def begin_again(self, held: Mapping[str, Decimal], *, owed: bool) -> None:
        """A wipe that people accepted: what the venue holds now is where we begin.

        ``owed``: what our executions had left is owed a value, at which it counts as moved.
        """
        for currency in self.traded if owed else ():
            _add(self.wiped, currency, max(NOTHING, self.held_by_orders(currency)))
        for currency in {*self.opening, *self.flows, *held}:
            _add(self.moved, currency, held.get(currency, NOTHING) - self.cash(currency))
        self.opening = dict(held)
        for sums in (self.flows, self.traded, self.fees, self.gaps, self.lacked):
            sums.clear()


def _add(sums: Sums, currency: str, amount: Decimal) -> None:
    sums[currency] = sums.get(currency, NOTHING) + amount
