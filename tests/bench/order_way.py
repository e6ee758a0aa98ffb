"""From an intent to its bytes, and to the answer on disk, with the parts of the way.

Round trips take turns with a bare ccxt call to the same exchange and with freqtrade's dry-run
order, which neither asks a venue nor writes anything down.
"""

from collections.abc import Callable, Iterator
from typing import Any

from tests.bench import peer_dry_run
from tests.bench.exchange_process import BARE_KEY
from tests.bench.measurement import Measured, Peer, Plan, microseconds
from tests.bench.order_desk import OrderDesk, order_desk
from tests.fakes.exchange import ccxt_binance

FULL = 1_000
WARM = 20
EACH, PRICE = 0.002, 8_000.0
PARTS = {
    "scene, with the venue's balances": ("start", "scene"),
    "L5 and its record": ("scene", "decision due"),
    "decision on disk": ("decision due", "decision on disk"),
    "permit and door": ("decision on disk", "order_intent due"),
    "intent on disk": ("order_intent due", "order_intent on disk"),
    "signed and connected": ("order_intent on disk", "asked"),
    "the last word": ("asked", "wire"),
}
WIRE = "decision to wire"
BARE = "order round trip: the bare ccxt call"
WHOLE = "order round trip on the local exchange"


def rows(plan: Plan) -> Iterator[Measured]:
    """To the wire, its parts, to the answer on disk, and the bare call."""
    runs = plan.some(FULL)
    found: dict[str, list[float]] = {name: [] for name in (WIRE, *PARTS, WHOLE, BARE)}
    dry = peer_dry_run.orders()
    theirs: list[float] = []
    with order_desk(plan.folder / "way") as desk:
        bare = _bare(desk)
        for number in range(-min(WARM, runs), runs):
            one = _one(desk)
            one[BARE] = microseconds(bare)
            elsewhere = microseconds(dry) if dry else 0.0
            if number >= 0:
                theirs.append(elsewhere)
                for name, value in one.items():
                    found[name].append(value)
    yield Measured(WIRE, "µs", tuple(found[WIRE]), note="from the scene to the door's last word")
    for part in PARTS:
        yield Measured(f"{WIRE}: {part}", "µs", tuple(found[part]))
    peer = Peer("freqtrade dry run", tuple(theirs) if dry else None)
    note = "two fsyncs before, one after; theirs asks nobody and writes nothing"
    yield Measured(WHOLE, "µs", tuple(found[WHOLE]), peer, note)
    yield Measured(BARE, "µs", tuple(found[BARE]), note="nothing judged, nothing on disk")


def _one(desk: OrderDesk) -> dict[str, float]:
    """One order, cancelled and taken in afterwards, so that none of them piles up."""
    name = desk.order()
    between = desk.watch.between
    # how far the venue's balances are away is no part of the decision
    told = {WIRE: between("scene", "wire"), WHOLE: between("scene", "end")}
    told |= {part: between(*ends) for part, ends in PARTS.items()}
    desk.cancel(name)
    desk.upkeep()
    return told


def _bare(desk: OrderDesk) -> Callable[[], Any]:
    """Another account's, so that its orders are nothing to ours."""
    client = ccxt_binance(desk.url, BARE_KEY, desk.clock.milliseconds, timeout_ms=30_000)
    client.load_markets()
    return lambda: client.create_order("BTC/USDT", "limit", "buy", EACH, PRICE)
