"""What of an account is ours, and what that is worth (risk.md, D1 to D3). Pure.

Ours, by our own record (BOOKS-2), is the quote currency, whole, and of every other currency that
our books ever traded or paid fees in what our executions left, without what lay there when the
books were opened and without what people moved. So neither a testnet's hundreds of coins nor an
airdrop is a loss or a gain of ours, and what nothing trades holds up nothing.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import ROUND_UP, Decimal
from typing import ClassVar, Final

from desired_state.frozen import Frozen
from desired_state.values import Amount, Text
from layers.l6_execution.books import Books
from reconciler.beside import Markets

ZERO: Final = Decimal(0)
ONE: Final = Decimal(1)
UNIT: Final = Decimal("0.00000001")


class FeeValued(Frozen):
    """Fees in a third currency, valued once, at the ask when they were first seen.

    ``expensed`` is the part that was paid out of what is not ours, such as a stock of a venue's
    own coin; the rest was ours, and its balance tells. What was paid is spent: no later price of
    the coin makes it a gain or a loss.
    """

    KIND: ClassVar[str] = "fee_valued"
    currency: Text
    amount: Amount
    expensed: Amount
    quote: Text
    worth: Amount  # of what was expensed, in ``quote``


@dataclass
class PaidFees:
    """All that were valued so far."""

    settled: dict[str, Decimal] = field(default_factory=dict)  # paid and valued, by currency
    turned: dict[str, Decimal] = field(default_factory=dict)  # what valuing moved between them
    spent: dict[str, Decimal] = field(default_factory=dict)  # by quote currency

    def take(self, one: FeeValued) -> None:
        """One more."""
        _add(self.settled, one.currency, one.amount)
        _add(self.turned, one.currency, one.expensed)
        _add(self.turned, one.quote, -one.worth)
        _add(self.spent, one.quote, one.worth)

    def begin_again(self) -> None:
        """A wipe that a person accepted: balances begin anew, what was spent stays spent."""
        self.settled.clear()
        self.turned = {quote: -worth for quote, worth in self.spent.items()}


@dataclass(frozen=True, slots=True)
class Holdings:
    """An account at one instant, as a session in ``symbol`` values it.

    ``markets`` below are fresh books by symbol, the session's own among them.
    """

    books: Books
    symbol: str
    fees: PaidFees

    @property
    def quote(self) -> str:
        """The currency in which everything is valued."""
        return self.symbol.partition("/")[2]

    @property
    def paid_in(self) -> Decimal:
        """Net of what people moved of the quote currency; what they moved of others is not ours."""
        return self.books.moved.get(self.quote, ZERO)

    def ours(self) -> Mapping[str, Decimal]:
        """What is ours, by currency; negative: fees that nobody has valued yet."""
        found = {currency: self._traded(currency) for currency in self.books.traded}
        found[self.quote] = self.books.cash(self.quote)
        for currency, amount in self.fees.turned.items():
            _add(found, currency, amount)
        return {currency: amount for currency, amount in found.items() if amount}

    def _traded(self, currency: str) -> Decimal:
        """What is missing for a known reason is lost, as far as it was ours."""
        left, gap = self.books.traded[currency], self.books.gaps.get(currency, ZERO)
        return max(ZERO, left + min(ZERO, gap)) if left > ZERO else left

    def currencies(self) -> frozenset[str]:
        """Those that need a price beside the quote currency."""
        return frozenset({*self.ours(), *self._realised(), *self._due()} - {self.quote})

    def valued(self, markets: Markets) -> tuple[FeeValued, ...]:
        """Fees that were paid since the last look and have a price now."""
        ours, found = self.ours(), []
        for currency, amount in self._due().items():
            before = amount + ours.get(currency, ZERO)
            own = currency == self.quote
            expensed = ZERO if own else amount - min(amount, max(ZERO, before))
            price = self._price(currency, -expensed, markets) if expensed else ZERO
            if price is None:
                continue
            one = FeeValued(
                currency=currency,
                amount=amount,
                expensed=expensed,
                quote=self.quote,
                worth=(expensed * price).quantize(UNIT, ROUND_UP),
            )
            found.append(one)
        return tuple(found)

    def equity(self, markets: Markets, dust: Decimal | None) -> Decimal | None:
        """Everything of ours, at the bid, or the ask where it is owed; none: not all is known."""
        total = ZERO
        for currency, amount in self.ours().items():
            price = self._price(currency, amount, markets)
            if price is None and not self._is_dust(currency, amount, dust):
                return None
            total += amount * (price or ZERO)
        return total

    def realised(self, markets: Markets) -> Decimal | None:
        """Profit and loss of what was sold, fees included, since the books began."""
        total = ZERO
        for currency, amount in self._realised().items():
            price = self._price(currency, amount, markets)
            if price is None:
                return None
            total += amount * price
        return total

    def _realised(self) -> Mapping[str, Decimal]:
        found: dict[str, Decimal] = {}
        for name, book in self.books.symbols.items():
            _add(found, name.partition("/")[2], book.realised)
        for currency, amount in self.fees.spent.items():
            _add(found, currency, -amount)
        return {currency: amount for currency, amount in found.items() if amount}

    def _due(self) -> Mapping[str, Decimal]:
        settled = self.fees.settled
        due = {c: paid - settled.get(c, ZERO) for c, paid in sorted(self.books.fees.items())}
        return {currency: amount for currency, amount in due.items() if amount > ZERO}

    def _price(self, currency: str, amount: Decimal, markets: Markets) -> Decimal | None:
        if currency == self.quote:
            return ONE
        book = markets.get(f"{currency}/{self.quote}")
        levels = () if book is None else book.bids if amount > ZERO else book.asks
        return levels[0].price if levels else None

    def _is_dust(self, currency: str, amount: Decimal, dust: Decimal | None) -> bool:
        """A rest that cost less than dust and has no market any more counts as nothing."""
        held = [
            book for name, book in self.books.symbols.items() if name == f"{currency}/{self.quote}"
        ]
        return dust is not None and any(
            ZERO < amount <= book.position and book.cost <= dust for book in held
        )


def _add(sums: dict[str, Decimal], currency: str, amount: Decimal) -> None:
    sums[currency] = sums.get(currency, ZERO) + amount
