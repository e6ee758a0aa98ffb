"""One exchange under one lock: requests from any thread, and the hand of whoever rehearses.

The market moves only when somebody looks: before a request is carried out, everything that the
recording holds up to the exchange's present instant happens first, in order. What a request
changed is on disk before its answer leaves.
"""

import json
import threading
from collections.abc import Callable, Generator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from decimal import Decimal
from typing import Final

from desired_state.errors import Waiting
from layers.adapters.exchange_store import ExchangeStore
from layers.local_exchange.clock import VirtualClock
from layers.local_exchange.control import Command, Told, told
from layers.local_exchange.delivery import Delivery, faulty
from layers.local_exchange.exchange import Exchange, new_exchange
from layers.local_exchange.faults import BEFORE, UNRECOVERABLE, Fault, FaultKind, FaultPlan, Faults
from layers.local_exchange.foreign import foreign_order
from layers.local_exchange.order import Order
from layers.local_exchange.parameters import Request
from layers.local_exchange.rates import Rates
from layers.local_exchange.rest import Answer, Asks, answer, asked, lost_cancel
from layers.local_exchange.terms import DESK, ExchangeTerms, Key
from layers.local_exchange.ticks import AnyRecording, follow

_BROKEN: Final = Delivery(
    Answer(503, json.dumps({"code": -1000, "msg": "The exchange's store cannot be used."}))
)


class LocalExchange:
    """The exchange that a server serves and a test holds in its hand."""

    def __init__(
        self,
        store: ExchangeStore,
        terms: ExchangeTerms,
        keys: Sequence[Key],
        clock: Callable[[], int],
        recording: AnyRecording | None = None,
        plan: FaultPlan | None = None,
    ) -> None:
        """``clock`` tells milliseconds; a store that is there keeps the dates it began with."""
        self._store = store
        self._terms = terms
        self._clock = clock
        self._recording = recording
        self._named = "none" if recording is None else recording.name
        self._lock = threading.RLock()
        self._seen: dict[tuple[str, str], Answer] = {}
        self._exchange: Exchange | None = None
        self.keys = tuple(keys)
        self.faults = Faults(plan or FaultPlan())
        self._rates = Rates(terms.rates)
        self._resume()

    @property
    def state(self) -> Exchange:
        """The state as of the last request or advance; to look at, not to change."""
        with self._lock:
            return self._open()

    def handle(self, request: Request) -> Delivery:
        """Carry out one request, faults included."""
        with self._lock:
            try:
                with self._disk_counts():
                    return self._handle(request)
            except Waiting:
                return _BROKEN

    def advance(self) -> None:
        """Let everything happen that is due by the clock."""
        with self._lock, self._disk_counts():
            self._catch_up()

    def obey(self, command: Command) -> Told:
        """Carry out one command of whoever rehearses."""
        with self._lock, self._disk_counts():
            if command.advance_ms:
                if not isinstance(self._clock, VirtualClock):
                    return Told(refusal="this exchange lives in real time; nobody advances it")
                self._clock.advance(command.advance_ms)
            self._catch_up()
            if command.fault is not None and command.fault.kind in UNRECOVERABLE:
                self._change(command.fault)
            elif command.fault is not None:
                self.faults.add([command.fault])
            return told(self._open(), self.faults)

    def inject(self, *faults: Fault) -> None:
        """Add rules to the plan under way."""
        with self._lock:
            self.faults.add(faults)

    def change(self, fault: Fault) -> Order | None:
        """Change the truth now: wipe, wrong balance, foreign order."""
        with self._lock, self._disk_counts():
            self._catch_up()
            return self._change(fault)

    def close(self) -> None:
        """Let go of the store."""
        with self._lock:
            self._store.close()

    @contextmanager
    def _disk_counts(self) -> Generator[None, None, None]:
        """X-17: where the disk fails, memory may be ahead of it; it is thrown away."""
        try:
            yield
        except Waiting:
            self._exchange = None
            raise

    def _open(self) -> Exchange:
        if self._exchange is None:
            recording = self._recording
            start_ms = self._clock() if recording is None else recording.start_ms
            self._exchange = self._store.open(self._terms, start_ms, self._named)
            self._exchange.forget_old()
            if recording is not None:
                self._recording = replace(recording, start_ms=self._store.start_ms())
        return self._exchange

    def _resume(self) -> None:
        """X-23: while nobody served, the market stood still; it goes on where it was."""
        away_ms = self._clock() - self._open().now_ms
        recording = self._recording
        if recording is None or not self._open().steps_taken or away_ms < recording.interval_ms:
            return
        start_ms = recording.start_ms + away_ms - away_ms % recording.interval_ms
        self._store.date(start_ms)
        self._recording = replace(recording, start_ms=start_ms)

    def _catch_up(self) -> Exchange:
        exchange = self._open()
        exchange.forget_old()
        if follow(exchange, self._recording, self._clock()):
            self._store.save(exchange)
        return exchange

    def _handle(self, request: Request) -> Delivery:
        exchange = self._catch_up()
        asks = asked(request)
        fault = self.faults.strike(asks, exchange.now_ms)
        if fault is None:
            return Delivery(self._answer(request, asks))
        if fault.kind in BEFORE:
            return faulty(fault, Answer(200, ""))
        if fault.kind is FaultKind.STALE_BOOK:
            return Delivery(
                self._seen.get((request.path, request.query)) or self._answer(request, asks)
            )
        if fault.kind is FaultKind.LOST_CANCEL:
            return Delivery(lost_cancel(exchange, request, self.keys, self._rates))
        self._change(fault)
        return faulty(fault, self._answer(request, asks))

    def _answer(self, request: Request, asks: Asks) -> Answer:
        exchange = self._open()
        told = answer(exchange, request, self.keys, self._rates)
        if exchange.changed_orders or exchange.changed_crowds:
            self._store.save(exchange)
        if asks is Asks.BOOK:
            self._seen[request.path, request.query] = told
        return told

    def _change(self, fault: Fault) -> Order | None:
        exchange = self._open()
        placed = None
        if fault.kind is FaultKind.WIPE:
            self._wipe(exchange)
        elif fault.kind is FaultKind.WRONG_BALANCE:
            exchange.purses.purse(DESK, fault.asset).free += Decimal(fault.change)
            self._store.save(exchange)
        elif fault.kind is FaultKind.FOREIGN_ORDER:
            placed = foreign_order(exchange, fault)
            self._store.save(exchange)
        return placed

    def _wipe(self, exchange: Exchange) -> None:
        """X-21: as the testnet's reset: nothing is left but keys, clock and the market's course."""
        fresh = new_exchange(exchange.terms, exchange.now_ms)
        fresh.steps_taken = exchange.steps_taken
        self._store.replace(fresh)
        self._exchange = None
        self._open()
