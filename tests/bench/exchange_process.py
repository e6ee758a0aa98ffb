"""A local exchange in a process of its own, so that only ours is measured beside it.

Nobody else trades there: every order rests until it is cancelled. Its clock starts at an instant
of the carried prices and runs on with the machine's. ``python -m tests.bench.exchange_process``
serves until its input ends.
"""

import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path

from layers.adapters.exchange_host import LocalExchange
from layers.adapters.exchange_server import ExchangeServer
from layers.adapters.exchange_store import ExchangeStore
from layers.local_exchange.terms import DESK, Deposit, ExchangeTerms, Key, RateTerms, SymbolTerms
from reconciler.adapters.clock import boot_clock_ns
from tests.bench.desks import ENVIRONMENT

KEY = Key(name="k" * 64, secret="s" * 64)
BARE_KEY = Key(name="b" * 64, secret="t" * 64, account="bare")
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
FUNDS = Decimal(1_000_000)
ROOM = 1_000_000_000
TERMS = ExchangeTerms(
    symbols=(SymbolTerms(max_open_orders=ROOM),),
    deposits=tuple(Deposit(account=one, asset="USDT", amount=FUNDS) for one in (DESK, "bare")),
    # at fifty orders a second the default is three minutes of them, and a venue knows 90 days
    kept_orders=100_000,
    rates=RateTerms(weight_per_minute=ROOM, orders_per_ten_seconds=ROOM, orders_per_day=ROOM),
)


@dataclass(frozen=True, slots=True)
class MovedClock:
    """``start`` at ``zero`` nanoseconds since boot, and on from there; the same in each process."""

    start: datetime
    zero: int

    def __call__(self) -> datetime:
        return self.start + timedelta(microseconds=(boot_clock_ns() - self.zero) // 1_000)

    def milliseconds(self) -> int:
        return (self() - EPOCH) // timedelta(milliseconds=1)


@contextmanager
def exchange(folder: Path, clock: MovedClock) -> Iterator[str]:
    """Where it serves, with its store in ``folder``."""
    start_us = (clock.start - EPOCH) // timedelta(microseconds=1)
    command = [sys.executable, "-m", "tests.bench.exchange_process"]
    child = subprocess.Popen(
        [*command, str(folder), str(start_us), str(clock.zero)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env={**ENVIRONMENT, "PYTHONPATH": str(Path(__file__).parents[2])},
        text=True,
    )
    with child:
        try:
            url = (child.stdout.readline() if child.stdout else "").strip()
            if not url:
                raise RuntimeError("the exchange did not open")
            yield url
        finally:
            child.communicate(timeout=30)


def main(folder: str, start_us: str, zero: str) -> None:
    """Serve until the input ends."""
    clock = MovedClock(EPOCH + timedelta(microseconds=int(start_us)), int(zero))
    store = ExchangeStore(Path(folder) / "exchange.sqlite")
    served = LocalExchange(store, TERMS, (KEY, BARE_KEY), clock.milliseconds)
    with closing(served), closing(ExchangeServer(served)) as server:
        server.start()
        print(server.url, flush=True)  # noqa: T201  (to who started it)
        sys.stdin.read()


if __name__ == "__main__":
    main(*sys.argv[1:])
