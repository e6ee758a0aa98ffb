"""The venue as its account sees it: each call is one short transaction on the store.

Any number of processes may hold one: the session submits and drives the clock, the watcher
cancels. Every call raises ``Waiting(VENUE_UNREACHABLE)`` rather than answer from a store that it
cannot read; an unreadable venue never looks like an empty one.
"""

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from decimal import Decimal
from pathlib import Path
from sqlite3 import Connection
from typing import Final, Self

from desired_state.canonical import canonical
from desired_state.errors import Stalled
from desired_state.reasons import Reason
from layers.market import Bar, Book
from layers.market_data.ticks import Trade
from layers.orders import Balance, Fill, OrderRequest, OrderState, SymbolRules, VenueOrder
from layers.paper_venue import rows
from layers.paper_venue.matching import made_at
from layers.paper_venue.reports import delivered, silence_over
from layers.paper_venue.store import FORMAT, Store
from layers.paper_venue.terms import MarketModel, Order, Purse, Refusal, Silence, Status
from layers.paper_venue.ticks import see_book, see_trade

BUSY: Final = timedelta(seconds=2)  # an advance holds the lock for milliseconds; a stop retries
SHOWN_AS: Final = {
    Status.SUBMITTED: OrderState.OPEN,  # accepted: it counts, and a cancel can reach it
    Status.OPEN: OrderState.OPEN,
    Status.PARTIALLY_FILLED: OrderState.PARTIAL,
    Status.FILLED: OrderState.FILLED,
    Status.CANCELLED: OrderState.CANCELLED,
    Status.REJECTED: OrderState.REJECTED,
    Status.EXPIRED: OrderState.EXPIRED,
}


class PaperVenue:
    """One account at one venue, in the file ``path``."""

    def __init__(self, path: Path, busy: timedelta = BUSY) -> None:
        """Nothing is opened before the first call; ``busy`` bounds each wait for the lock."""
        self._store = Store(path, busy)

    @classmethod
    def create(
        cls,
        path: Path,
        *,
        clock: datetime,
        model: MarketModel,
        rules: tuple[SymbolRules, ...],
        balances: Mapping[str, Decimal],
    ) -> Self:
        """Make the venue with its starting balances; refuses to touch an existing file."""
        venue = cls(path)

        def fill(connection: Connection) -> None:
            for key, value in (
                ("format", str(FORMAT)),
                ("model", canonical(model).decode()),
                ("next_order", "1"),
                ("next_fill", "1"),
                ("clock", str(rows.micros(clock))),
            ):
                rows.put_meta(connection, key, value)
            for rule in rules:
                connection.execute(
                    "INSERT INTO rules VALUES (?, ?)", (rule.symbol, canonical(rule).decode())
                )
            exchange = rows.load(connection)
            exchange.purses.update({c: Purse(free, Decimal(0)) for c, free in balances.items()})
            rows.save(connection, exchange)

        venue._store.create(fill)
        return venue

    # --- time --------------------------------------------------------------------------------
    def advance(self, bar: Bar) -> bool:
        """Move the virtual clock through ``bar`` and match.

        False where the bar was walked before, so that a session may repeat its last step after a
        crash. Raises ``Stalled(FEED_INVALID)`` for a symbol that the venue does not list.
        """
        with self._store.writing() as connection:
            exchange = rows.load(connection)
            if bar.symbol not in exchange.rules:
                raise _unlisted(bar.symbol)
            market = exchange.markets.get(bar.symbol)
            if market is not None and market.recorded:
                text = "expected quotes or trades as before, found a bar; a market has one source"
                raise Stalled(Reason.FEED_INVALID, bar.symbol, text)
            moved = exchange.advance(bar)
            if moved:
                rows.save(connection, exchange)
        return moved

    def observe(self, ticks: Iterable[Book | Trade]) -> int:
        """Move the virtual clock through recorded books and trades; how many were new.

        All of them in one transaction; those seen before are passed over (P-10). Raises
        ``Stalled(FEED_INVALID)`` for a symbol that is not listed, or whose market comes from bars.
        """
        with self._store.writing() as connection:
            exchange = rows.load(connection)
            moved = 0
            for tick in ticks:
                if tick.symbol not in exchange.rules:
                    raise _unlisted(tick.symbol)
                if isinstance(tick, Book):
                    moved += see_book(exchange, tick)
                else:
                    moved += see_trade(exchange, tick)
            if moved:
                rows.save(connection, exchange)
        return moved

    def clock(self) -> datetime:
        """The venue's virtual time: that of the last bar's close, book or trade."""
        with self._store.reading() as connection:
            row = connection.execute("SELECT value FROM meta WHERE key='clock'").fetchone()
            return rows.instant(int(row[0]))

    # --- requests ----------------------------------------------------------------------------
    def submit(self, request: OrderRequest) -> VenueOrder | Refusal | Silence:
        """Accept the order or refuse it; an id that was ever accepted is a duplicate.

        Where the model loses answers, an order that was accepted may be met with silence (P-13).
        """
        with self._store.writing() as connection:
            seen = connection.execute(
                "SELECT 1 FROM orders WHERE client_order_id=?", (request.client_order_id,)
            ).fetchone()
            if seen:
                return Refusal.DUPLICATE
            exchange = rows.load(connection)
            answer = exchange.submit(request)
            if isinstance(answer, Refusal):
                return answer
            rows.save(connection, exchange)
        return silence_over(exchange.model, request.client_order_id) or shown(answer)

    def cancel(self, symbol: str, client_order_id: str, *, travels: bool = False) -> bool:
        """True if the order is not live afterwards.

        ``travels`` lets the cancel take its latency in virtual time, during which the order may
        fill; without it the order ends at once. An order that does not exist is not live.
        """
        with self._store.writing() as connection:
            exchange = rows.load(connection)
            for order in list(exchange.orders.values()):
                if (order.symbol, order.client_order_id) == (symbol, client_order_id):
                    act = exchange.ask_cancel if travels else exchange.cancel
                    act(order.number)
                    rows.save(connection, exchange)
                    return not travels
        return True

    def cancel_all(self) -> tuple[str, ...]:
        """End every live order at once and in one transaction; their client ids."""
        with self._store.writing() as connection:
            exchange = rows.load(connection)
            ended = [exchange.cancel(number) for number in sorted(exchange.orders)]
            if ended:
                rows.save(connection, exchange)
        return tuple(order.client_order_id for order in ended)

    # --- queries -----------------------------------------------------------------------------
    def open_orders(self) -> tuple[VenueOrder, ...]:
        """Every live order of the account, oldest first."""
        with self._store.reading() as connection:
            return tuple(shown(rows.read_order(r)) for r in connection.execute(rows.LIVE_ORDERS))

    def order(self, symbol: str, client_order_id: str) -> VenueOrder | None:
        """The order in whatever state, or none if the venue never accepted it."""
        with self._store.reading() as connection:
            row = connection.execute(
                f"SELECT {rows.ORDER_COLUMNS} FROM orders"  # noqa: S608  (our own columns)
                " WHERE symbol=? AND client_order_id=?",
                (symbol, client_order_id),
            ).fetchone()
            return None if row is None else shown(rows.read_order(row))

    def orders(self, symbol: str, since: datetime) -> tuple[VenueOrder, ...]:
        """Orders in any state that were made at or after ``since``, in order of arrival."""
        with self._store.reading() as connection:
            model = _model(connection)
            found = connection.execute(
                f"SELECT {rows.ORDER_COLUMNS} FROM orders"  # noqa: S608  (our own columns)
                " WHERE symbol=? AND effective_at>=? ORDER BY number",
                (symbol, rows.micros(since)),
            )
            orders = (rows.read_order(row) for row in found)
            return tuple(shown(order) for order in orders if made_at(model, order) >= since)

    def fills(self, symbol: str, since: datetime) -> tuple[Fill, ...]:
        """Executions at or after ``since`` in virtual time, oldest first.

        Where the model doubles or reorders reports, they come so (P-13); each is whole.
        """
        with self._store.reading() as connection:
            found = connection.execute(
                f"SELECT {rows.FILL_COLUMNS} FROM fills"  # noqa: S608  (our own columns)
                " WHERE symbol=? AND at>=? ORDER BY at, fill_id",
                (symbol, rows.micros(since)),
            )
            return delivered(_model(connection), [rows.read_fill(row) for row in found])

    def balances(self) -> tuple[Balance, ...]:
        """Free and locked amounts of every currency that the account ever held."""
        with self._store.reading() as connection:
            found = connection.execute(
                "SELECT currency, free, locked FROM balances ORDER BY currency"
            )
            return tuple(
                Balance(currency=name, free=Decimal(free), locked=Decimal(locked))
                for name, free, locked in found
            )

    def book(self, symbol: str) -> Book | None:
        """What remains of the last step's ladder; none before the first bar."""
        with self._store.reading() as connection:
            row = connection.execute(
                "SELECT as_of, interval, bids, asks FROM markets WHERE symbol=?", (symbol,)
            ).fetchone()
            if row is None:
                return None
            return Book(
                symbol=symbol,
                bids=tuple(rows.read_levels(row[2])),
                asks=tuple(rows.read_levels(row[3])),
                event_at=rows.instant(row[0]),
                received_at=rows.instant(row[0]),
                provenance=_model(connection).provenance,
                interval=row[1] * rows.MICROSECOND,
            )

    def rules(self, symbol: str) -> SymbolRules:
        """Filters and fees. Raises ``Stalled(FEED_INVALID)`` for a symbol that is not listed."""
        with self._store.reading() as connection:
            row = connection.execute("SELECT body FROM rules WHERE symbol=?", (symbol,)).fetchone()
            if row is None:
                raise _unlisted(symbol)
            return SymbolRules.model_validate_json(row[0])

    def model(self) -> MarketModel:
        """The market model, fixed when the venue was made."""
        with self._store.reading() as connection:
            return _model(connection)

    def dump(self) -> str:
        """The whole store as text; equal runs give equal bytes."""
        with self._store.reading() as connection:
            return "\n".join(connection.iterdump())

    def close(self) -> None:
        """Let go of the file; the next call opens it again."""
        self._store.close()


def shown(order: Order) -> VenueOrder:
    """The order in the words of the desk."""
    return VenueOrder(
        symbol=order.symbol,
        client_order_id=order.client_order_id,
        venue_order_id=f"P-{order.number}",
        side=order.side,
        price=order.price,
        quantity=order.quantity,
        filled=order.filled,
        state=SHOWN_AS[order.status],
        updated_at=order.updated_at,
        reason=order.reason,
    )


def _model(connection: Connection) -> MarketModel:
    row = connection.execute("SELECT value FROM meta WHERE key='model'").fetchone()
    return MarketModel.model_validate_json(row[0])


def _unlisted(symbol: str) -> Stalled:
    return Stalled(Reason.FEED_INVALID, symbol, "expected a symbol that the venue lists")
