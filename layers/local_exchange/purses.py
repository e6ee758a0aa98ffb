"""Who holds what: free and locked amounts by account and asset.

X-6: what one account gives another receives, commissions included, so that every asset adds up to
its deposits at all times. Only the crowd may owe.
"""

from dataclasses import dataclass
from decimal import ROUND_UP, Decimal

from layers.local_exchange.order import Order
from layers.local_exchange.terms import CROWD, FEES, GRAIN, NOTHING, SymbolTerms
from layers.orders import Side


@dataclass(slots=True)
class Purse:
    """Free and locked amount of one asset."""

    free: Decimal = NOTHING
    locked: Decimal = NOTHING


class Purses:
    """All purses, and which of them changed since they were last kept."""

    __slots__ = ("changed", "of")

    def __init__(self) -> None:
        self.of: dict[tuple[str, str], Purse] = {}
        self.changed: set[tuple[str, str]] = set()

    def purse(self, account: str, asset: str) -> Purse:
        """The purse, which will be written: ask ``free`` to look only."""
        key = (account, asset)
        self.changed.add(key)
        found = self.of.get(key)
        if found is None:
            found = self.of[key] = Purse()
        return found

    def free(self, account: str, asset: str) -> Decimal:
        """What ``account`` can still give."""
        found = self.of.get((account, asset))
        return NOTHING if found is None else found.free

    def total(self, asset: str) -> Decimal:
        """Sum over all accounts."""
        return sum((p.free + p.locked for (_, a), p in self.of.items() if a == asset), NOTHING)

    def deposit(self, account: str, asset: str, amount: Decimal) -> None:
        """Bring ``amount`` in from outside."""
        self.purse(account, asset).free += amount

    def can_lock(self, account: str, asset: str, amount: Decimal) -> bool:
        """Whether the account has that much free."""
        return self.free(account, asset) >= amount

    def lock(self, account: str, asset: str, amount: Decimal) -> None:
        """Set aside for an order."""
        if amount:
            purse = self.purse(account, asset)
            purse.free -= amount
            purse.locked += amount

    def unlock(self, account: str, asset: str, amount: Decimal) -> None:
        """Give back what an order had set aside."""
        self.lock(account, asset, -amount)


@dataclass(frozen=True, slots=True)
class Half:
    """What a trade does to one side: the commission, and the asset it is taken in."""

    fee: Decimal
    fee_asset: str


def settle(
    purses: Purses,
    terms: SymbolTerms,
    order: Order,
    terms_of_trade: tuple[Decimal, Decimal, Decimal],
) -> Half:
    """Move one side of a trade; ``terms_of_trade`` is price, quantity and fee rate.

    X-7: the commission is taken from what is received, rounded up to eight decimals.
    """
    price, quantity, rate = terms_of_trade
    notional = price * quantity
    if order.side is Side.BUY:
        gives, paid, aside, gets, got = (
            terms.quote,
            notional,
            order.price * quantity,
            terms.base,
            quantity,
        )
    else:
        gives, paid, aside, gets, got = terms.base, quantity, quantity, terms.quote, notional
    if order.account == CROWD:
        purses.purse(CROWD, gives).free -= paid
        purses.purse(CROWD, gets).free += got
        return Half(NOTHING, gets)
    fee = (got * rate).quantize(GRAIN, rounding=ROUND_UP)
    purse = purses.purse(order.account, gives)
    purse.locked -= aside
    purse.free += aside - paid
    purses.purse(order.account, gets).free += got - fee
    if fee:
        purses.purse(FEES, gets).free += fee
    return Half(fee, gets)
