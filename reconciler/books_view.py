"""Our books beside the last comparison with the venue, for people and machines. Pure."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from desired_state.values import amount_text, instant_text
from layers.l6_execution import events
from layers.l6_execution.books import Books
from layers.l6_execution.own_order import OwnOrder
from layers.l6_execution.schedule import Scope
from layers.l6_execution.witness import Witness
from layers.ports import JournalEntry


@dataclass(slots=True)
class BooksView:
    """One counter's, as its entries tell."""

    counter: str
    books: Books = field(default_factory=Books)
    witness: Witness = field(default_factory=Witness)
    compared: tuple[JournalEntry, events.Compared] | None = None  # the last one in full
    pack: str = ""  # that holds its report
    report: str = ""  # the report as people read it; none where no pack holds it

    @classmethod
    def of(cls, counter: str, entries: Iterable[JournalEntry]) -> "BooksView":
        """Raises ``Stalled`` where the journal cannot be read or folded."""
        view = cls(counter)
        for entry in entries:
            event = events.read(entry)
            if event is None:
                continue
            view.books.apply(event, entry.at, entry.sequence)
            view.witness.take(event, entry.at, entry.sequence)
            if isinstance(event, events.Compared) and event.scope == Scope.FULL:
                view.compared = entry, event
        return view

    @property
    def agrees(self) -> bool:
        """Whether nothing stands that people must look into."""
        return not (self.books.unexplained or self.books.unresolved or self.books.reset)


def books_data(view: BooksView) -> dict[str, Any]:
    """For ``--json``."""
    books, held = view.books, sorted(view.books.symbols.items())
    return {
        "counter": view.counter,
        "sequence": books.sequence,
        "orders": [_order(books.orders[name]) for name in books.working],
        "positions": [
            {
                "symbol": symbol,
                "position": amount_text(book.position),
                "cost": amount_text(book.cost),
                "realised": amount_text(book.realised),
            }
            for symbol, book in held
        ],
        "unexplained": dict(sorted(books.unexplained.items())),
        "unresolved": {n: instant_text(at) for n, at in sorted(books.unresolved.items())},
        "reset": books.reset,
        "explained": [
            {"subject": subject, "what": told, "why": why}
            for (subject, told), why in sorted(view.witness.explained.items())
        ],
        "compared": _compared(view),
        "agrees": view.agrees,
    }


def books_lines(view: BooksView) -> list[str]:
    """As people read it."""
    data = books_data(view)
    lines = [f"{view.counter}: our books as of leaf {data['sequence']}"]
    lines += _part("Open orders", [_order_line(order) for order in data["orders"]])
    lines += _part("Positions", [_position_line(held) for held in data["positions"]])
    lines += _part("Unexplained", [f"✗ {s}: {w}" for s, w in data["unexplained"].items()])
    lines += _part("Unresolved", [f"? {n}, since {at}" for n, at in data["unresolved"].items()])
    if view.books.reset:
        lines.append(f"✗ Wiped, and nobody has accepted it: {view.books.reset}")
    if data["explained"]:
        told = [f"≈ {x['subject']}: {x['what']}; {x['why']}" for x in data["explained"]]
        lines += _part("Explained", told)
    return [*lines, *_comparison(view)]


def _comparison(view: BooksView) -> list[str]:
    if view.compared is None:
        return ["Never compared in full."]
    entry, event = view.compared
    word = "agreed" if event.ok else "DID NOT AGREE"
    line = f"Last compared in full at leaf {entry.sequence}: {word}, {event.compared} compared."
    if not view.report:
        gaps = [f"  not compared: {gap}" for gap in event.missing]
        return [line, *gaps, *(f"  ✗ {subject}" for subject in event.unexplained)]
    return [f"{line} {view.pack}:", *(f"  {text}".rstrip() for text in view.report.splitlines())]


def _compared(view: BooksView) -> Mapping[str, Any] | None:
    if view.compared is None:
        return None
    entry, event = view.compared
    return {
        "leaf": entry.sequence,
        "at": instant_text(entry.at),
        "ok": event.ok,
        "compared": event.compared,
        "missing": list(event.missing),
        "unexplained": list(event.unexplained),
        "report": event.report,
        "pack": view.pack or None,
    }


def _order(order: OwnOrder) -> dict[str, Any]:
    return {
        "id": order.client_order_id,
        "symbol": order.symbol,
        "side": order.side.value,
        "quantity": amount_text(order.quantity),
        "filled": amount_text(order.filled),
        "price": amount_text(order.price),
        "state": order.state.value,
        "since": instant_text(order.changed_at),
    }


def _order_line(order: Mapping[str, Any]) -> str:
    amount = f"{order['filled']}/{order['quantity']} at {order['price']}"
    where = f"{order['state']} since {order['since']}"
    return f"{order['id']}  {order['side']} {order['symbol']} {amount}  {where}"


def _position_line(held: Mapping[str, Any]) -> str:
    money = f"cost {held['cost']}, realised {held['realised']}"
    return f"{held['symbol']}  {held['position']}  {money}"


def _part(title: str, lines: list[str]) -> list[str]:
    return [f"{title} ({len(lines)})", *(f"  {line}" for line in lines)]
