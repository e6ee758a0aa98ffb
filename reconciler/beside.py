"""What the account holds and works beside the session's own symbol, and what that is worth. Pure.

Everything is marked in the session's quote currency, by the book of CURRENCY/QUOTE that the venue
shows. What no fresh book of two sides stands for has no mark: its worth is not known, and L5
refuses what would increase risk (C1, C3, C4, C8, D1).
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from datetime import datetime
from decimal import Decimal
from typing import Final, TypeAlias

from desired_state.errors import GovernanceError
from desired_state.limits import Limits
from layers.l6_execution.books import Books
from layers.l6_execution.symbol_book import SymbolBook
from layers.market import Book
from layers.risk_snapshot import NO_QUOTE, Quote, window

ZERO: Final = Decimal(0)
ONE: Final = Decimal(1)
MOST_ASKED: Final = 16  # books a bar; who holds more than that beside one symbol knows less
Markets: TypeAlias = Mapping[str, Book]  # by symbol


def held_or_worked(books: Books) -> tuple[str, ...]:
    """Symbols with a position or a working order: those that work first, then the dearest."""
    busy = [(name, book) for name, book in books.symbols.items() if book.working or book.position]
    busy.sort(key=lambda one: (not one[1].working, -one[1].cost, one[0]))
    return tuple(name for name, _ in busy)


def mark_symbol(name: str, symbol: str) -> str:
    """The symbol whose book marks ``name`` in the quote currency of ``symbol``."""
    base, _, _ = name.partition("/")
    return f"{base}/{symbol.partition('/')[2]}"


def wanted(books: Books, symbol: str, currencies: Iterable[str] = ()) -> tuple[str, ...]:
    """Symbols to ask a book of, beside the session's own; ``currencies`` are to be marked too."""
    quote = symbol.split("/")[1]
    names = (*held_or_worked(books), *sorted(currencies))
    found = dict.fromkeys(mark_symbol(name, symbol) for name in names)
    return tuple(n for n in found if n not in {symbol, f"{quote}/{quote}"})[:MOST_ASKED]


def shown(ask: Callable[[str], Book | None], names: Iterable[str]) -> Markets:
    """The books that can be had now; one that cannot is left out, whatever kept it."""
    found = {}
    for name in names:
        try:
            book = ask(name)
        except GovernanceError:
            continue
        if book is not None:
            found[name] = book
    return found


def fresh(markets: Markets, limits: Limits, at: datetime) -> Markets:
    """Those that an order could be judged by (F1, F2): two sides, not crossed, not old."""
    return {name: book for name, book in markets.items() if _is_fresh(book, limits, at)}


def _is_fresh(book: Book, limits: Limits, at: datetime) -> bool:
    most, late = limits.max_book_age, limits.max_event_age
    if most is None or late is None or not book.bids or not book.asks:
        return False
    received, event = at - book.received_at, at - book.event_at
    return (
        book.bids[0].price < book.asks[0].price
        and abs(received) <= window(most, book.interval)
        and abs(event) <= window(late, book.interval)
    )


def quote_of(name: str, symbol: str, markets: Markets) -> Quote | None:
    """Best prices of a symbol beside the session's, as far as a mark needs them."""
    book = markets.get(mark_symbol(name, symbol))
    if book is None:
        return None
    return replace(
        NO_QUOTE,
        bid=book.bids[0].price,
        ask=book.asks[0].price,
        event_at=book.event_at,
        received_at=book.received_at,
        interval=book.interval,
        provenance=book.provenance,
    )


def is_dust(name: str, held: SymbolBook, symbol: str, dust: Decimal | None) -> bool:
    """Nothing is worked and what is left cost too little to be sold; it counts where it is marked.

    The rests that fees and steps leave in every symbol must not hold up trading in the others
    when the venue has no book of them any more.
    """
    same = name.split("/")[1] == symbol.split("/")[1]
    return same and not held.working and dust is not None and ZERO <= held.cost <= dust
