"""What of an account is ours, and what that is worth (risk.md, D1 to D3). Pure.

Ours, by our own record (BOOKS-2), is the quote currency, whole and as far as the venue shows it,
and of every other currency that our books ever traded or paid fees in what our executions left,
without what lay there when the books were opened and without what people moved; what went in a
wipe counts as moved (BOOKS-3). So neither a testnet's hundreds of coins nor an airdrop is a loss
or a gain of ours, and what nothing trades holds up nothing.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from decimal import ROUND_DOWN, ROUND_UP, Decimal
from typing import ClassVar, Final, TypeAlias

from desired_state.frozen import Frozen
from desired_state.values import Amount, Text
from layers.l6_execution.books import Books
from layers.orders import Balance
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


class WipeValued(Frozen):
    """Coins of ours that went with a wipe which people accepted: money that was moved (BOOKS-3).

    Valued once, at the bid when they were first seen after it; no later price of the coin makes
    them a gain or a loss.
    """

    KIND: ClassVar[str] = "wipe_valued"
    currency: Text
    amount: Amount
    quote: Text
    worth: Amount  # of the amount, in ``quote``


Valued: TypeAlias = FeeValued | WipeValued


@dataclass
class PaidFees:
    """All that were valued so far, and what wipes took."""

    settled: dict[str, Decimal] = field(default_factory=dict)  # paid and valued, by currency
    turned: dict[str, Decimal] = field(default_factory=dict)  # what valuing moved between them
    spent: dict[str, Decimal] = field(default_factory=dict)  # by quote currency
    gone: dict[str, Decimal] = field(default_factory=dict)  # wiped and valued, by currency
    taken: dict[str, Decimal] = field(default_factory=dict)  # its worth, by quote currency

    def take(self, one: Valued) -> None:
        """One more."""
        if isinstance(one, WipeValued):
            _add(self.gone, one.currency, one.amount)
            _add(self.taken, one.quote, one.worth)
            return
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
    balances: tuple[Balance, ...]
    symbol: str
    fees: PaidFees

    @property
    def quote(self) -> str:
        """The currency in which everything is valued."""
        return self.symbol.partition("/")[2]

    @property
    def paid_in(self) -> Decimal:
        """Net of what people moved of the quote currency, and what wipes took of ours (BOOKS-3).

        What people moved of other currencies is not ours.
        """
        return self.books.money.moved.get(self.quote, ZERO) - self.fees.taken.get(self.quote, ZERO)

    @property
    def missing(self) -> Decimal:
        """What our record says of the quote currency and the venue shows not: lost (BOOKS-2)."""
        return max(ZERO, self.books.money.cash(self.quote) - self._shown)

    @property
    def _shown(self) -> Decimal:
        return sum((b.free + b.locked for b in self.balances if b.currency == self.quote), ZERO)

    def ours(self) -> Mapping[str, Decimal]:
        """What is ours, by currency; negative: fees that nobody has valued yet."""
        found = {name: self.books.money.held_by_orders(name) for name in self.books.money.traded}
        found[self.quote] = min(self._shown, self.books.money.cash(self.quote))
        for currency, amount in self.fees.turned.items():
            _add(found, currency, amount)
        return {currency: amount for currency, amount in found.items() if amount}

    def currencies(self) -> frozenset[str]:
        """Those that need a price beside the quote currency."""
        due = {*self._due(), *self._gone()}
        return frozenset({*self.ours(), *self._realised(), *due} - {self.quote})

    def valued(self, markets: Markets) -> tuple[Valued, ...]:
        """What was paid in fees, or went in a wipe, since the last look and has a price now."""
        return (*self._fees_valued(markets), *self._wipes_valued(markets))

    def _wipes_valued(self, markets: Markets) -> Iterator[WipeValued]:
        for currency, amount in self._gone().items():
            price = self._price(currency, amount, markets)
            if price is not None:
                worth = (amount * price).quantize(UNIT, ROUND_DOWN)
                yield WipeValued(currency=currency, amount=amount, quote=self.quote, worth=worth)

    def _fees_valued(self, markets: Markets) -> Iterator[FeeValued]:
        ours = self.ours()
        for currency, amount in self._due().items():
            before = amount + ours.get(currency, ZERO)
            own = currency == self.quote
            expensed = ZERO if own else amount - min(amount, max(ZERO, before))
            price = self._price(currency, -expensed, markets) if expensed else ZERO
            if price is None:
                continue
            yield FeeValued(
                currency=currency,
                amount=amount,
                expensed=expensed,
                quote=self.quote,
                worth=(expensed * price).quantize(UNIT, ROUND_UP),
            )

    def equity(self, markets: Markets, dust: Decimal | None) -> Decimal | None:
        """Everything of ours, at the bid, or the ask where it is owed; none: not all is known.

        Not known either is what a wipe took while that has no price, for nobody could tell it from
        a loss.
        """
        if any(not self._was_dust(currency, dust) for currency in self._gone()):
            return None
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
        due = {c: paid - settled.get(c, ZERO) for c, paid in sorted(self.books.money.fees.items())}
        return {currency: amount for currency, amount in due.items() if amount > ZERO}

    def _gone(self) -> Mapping[str, Decimal]:
        """What wipes took and nobody has valued yet; of the quote the new balance tells itself."""
        settled, wiped = self.fees.gone, sorted(self.books.money.wiped.items())
        due = {c: amount - settled.get(c, ZERO) for c, amount in wiped if c != self.quote}
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

    def _was_dust(self, currency: str, dust: Decimal | None) -> bool:
        """As ``_is_dust``, of what wipes took."""
        book = self.books.symbols.get(f"{currency}/{self.quote}")
        return book is not None and dust is not None and book.wiped_cost <= dust


def _add(sums: dict[str, Decimal], currency: str, amount: Decimal) -> None:
    sums[currency] = sums.get(currency, ZERO) + amount
