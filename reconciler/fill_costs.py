"""What executions cost beside what the model said they would, fill by fill, from the journal. Pure.

SLIP-1: three prices of the journal tell it. The decision's mid is that of the quote on which L5
judged the order; the arrival is the newest price on record when the order reached the venue, a
decision's mid or the opening of a bar; the fill is the venue's own word.
SLIP-2: the prediction uses what the decision knew and nothing later: an order that reached the
touch pays half the spread, the model's impact and its adverse ticks, any other its own price.
SLIP-3: only who took can be wrong about the price, so makers are listed and not summed up.
"""

from bisect import bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Final

from desired_state.values import parse_instant
from layers.l6_execution.events import Answered, read
from layers.orders import AnswerKind, Fill, Side
from layers.paper_venue.calibration import (
    FITTED_SHARE,
    RecordedFill,
    bps_text,
    predicted_bps,
    residual,
)
from layers.ports import JournalEntry
from reconciler.decisions import LEAF_KIND
from reconciler.slippage import CostModel, Slippage, SlippageLine, SlippageSummary

HALF: Final = Decimal("0.5")
MARK: Final = "mark"
_TEN_THOUSAND: Final = Decimal(10_000)


@dataclass(frozen=True, slots=True)
class Terms:
    """By what is predicted, and how long a bar lasts."""

    model: CostModel
    tick: Decimal
    interval: timedelta


@dataclass(frozen=True, slots=True)
class _Decision:
    at: datetime
    seen_at: datetime
    side: Side
    limit: Decimal
    quantity: Decimal
    bid: Decimal
    ask: Decimal
    depth: Decimal

    @property
    def mid(self) -> Decimal:
        return (self.bid + self.ask) * HALF

    @property
    def crosses(self) -> bool:
        return self.limit >= self.ask if self.side is Side.BUY else self.limit <= self.bid


@dataclass
class _Record:
    """What the journal says of decisions, arrivals and prices."""

    decisions: dict[str, _Decision] = field(default_factory=dict)
    arrivals: dict[str, datetime] = field(default_factory=dict)
    quotes: list[tuple[datetime, Decimal]] = field(default_factory=list)
    openings: list[tuple[datetime, Decimal]] = field(default_factory=list)

    def prices(self) -> list[tuple[datetime, Decimal]]:
        """By time; at one instant a bar's opening comes last, for it is what traded next."""
        return sorted([*self.quotes, *self.openings], key=lambda price: price[0])


def slippage(fills: Sequence[Fill], entries: Iterable[JournalEntry], terms: Terms) -> Slippage:
    """Every fill beside its prediction; ``entries`` hold decisions, answers and marks."""
    record = _recorded(entries, terms.interval)
    prices = record.prices()
    lines: list[SlippageLine] = []
    unpredicted: list[str] = []
    for fill in fills:
        decision = record.decisions.get(fill.client_order_id)
        if decision is None:
            unpredicted.append(fill.fill_id)
            continue
        arrived_at = record.arrivals.get(fill.client_order_id, decision.at)
        arrival = _newest(prices, arrived_at) or decision.mid
        lines.append(_line(fill, decision, (arrived_at, arrival), terms))
    return Slippage(
        model=terms.model,
        tick=terms.tick,
        lines=tuple(lines),
        summary=_summary(lines, tuple(unpredicted)),
    )


def _recorded(entries: Iterable[JournalEntry], interval: timedelta) -> _Record:
    record = _Record()
    for entry in entries:
        if entry.kind == LEAF_KIND:
            _take_decision(record, entry)
        elif entry.kind == MARK and entry.body.get("opening"):
            opened = parse_instant(entry.body["at"]) - interval
            record.openings.append((opened, Decimal(entry.body["opening"])))
        elif entry.kind == Answered.KIND:
            event = read(entry)
            if isinstance(event, Answered) and event.answer.kind is AnswerKind.ACCEPTED:
                order = event.answer.order
                at = entry.at if order is None else order.updated_at
                record.arrivals.setdefault(event.client_order_id, at)
    return record


def _take_decision(record: _Record, entry: JournalEntry) -> None:
    """E5 lets an intent be judged once, so the first decision is the one it was sent under."""
    request = entry.body["intent"]["request"]
    states = entry.body["snapshot"]["symbols"]
    quote = next((s["quote"] for s in states if s["symbol"] == request["symbol"]), None)
    if not quote or not quote["bid"] or not quote["ask"] or not quote["received_at"]:
        return
    side = Side(request["side"])
    depth = quote["ask_depth"] if side is Side.BUY else quote["bid_depth"]
    if not depth or Decimal(depth) <= 0:
        return
    made = _Decision(
        at=entry.at,
        seen_at=parse_instant(quote["received_at"]),
        side=side,
        limit=Decimal(request["price"]),
        quantity=Decimal(request["quantity"]),
        bid=Decimal(quote["bid"]),
        ask=Decimal(quote["ask"]),
        depth=Decimal(depth),
    )
    record.decisions.setdefault(request["client_order_id"], made)
    record.quotes.append((made.seen_at, made.mid))


def _newest(prices: Sequence[tuple[datetime, Decimal]], at: datetime) -> Decimal | None:
    place = bisect_right(prices, at, key=lambda price: price[0])
    return prices[place - 1][1] if place else None


def _line(
    fill: Fill, decision: _Decision, arrival: tuple[datetime, Decimal], terms: Terms
) -> SlippageLine:
    arrived_at, arrival_mid = arrival
    against = 1 if fill.side is Side.BUY else -1
    return SlippageLine(
        fill_id=fill.fill_id,
        client_order_id=fill.client_order_id,
        side=fill.side,
        maker=fill.maker,
        price=fill.price,
        quantity=fill.quantity,
        at=fill.at,
        decided_at=decision.at,
        decision_mid=decision.mid,
        spread=decision.ask - decision.bid,
        depth=decision.depth,
        ordered=decision.quantity,
        limit=decision.limit,
        arrived_at=arrived_at,
        arrival_mid=arrival_mid,
        predicted_bps=bps_text(_predicted(fill, decision, terms)),
        realised_bps=bps_text(_bps(against * (fill.price - arrival_mid), arrival_mid)),
        drift_bps=bps_text(_bps(against * (arrival_mid - decision.mid), decision.mid)),
    )


def _predicted(fill: Fill, decision: _Decision, terms: Terms) -> Decimal:
    mid = decision.mid
    if not decision.crosses:
        against = 1 if decision.side is Side.BUY else -1
        return _bps(against * (decision.limit - mid), mid)
    known = RecordedFill(
        fill_id=fill.fill_id,
        side=decision.side,
        decision_mid=mid,
        arrival_mid=mid,  # SLIP-2: nothing that came later
        spread=decision.ask - decision.bid,
        depth=decision.depth,
        price=fill.price,
        quantity=decision.quantity,
        at=fill.at,
    )
    adverse = _bps(terms.tick * terms.model.adverse_ticks, mid)
    return predicted_bps(known, terms.model.impact_bps) + adverse


def _summary(lines: Sequence[SlippageLine], unpredicted: tuple[str, ...]) -> SlippageSummary:
    took = sorted((line for line in lines if not line.maker), key=lambda x: (x.at, x.fill_id))
    errors = [abs(line.error) for line in took]
    cut = int(len(errors) * FITTED_SHARE)
    older, newer = errors[:cut], errors[cut:]
    apart = residual(older, newer) if older and newer else None
    return SlippageSummary(
        fills=len(lines) + len(unpredicted),
        took=len(took),
        unpredicted=unpredicted,
        median_error_bps=residual(errors, errors).median if errors else None,
        band_bps=apart.band if apart else None,
        measured=len(newer) if apart else 0,
        inside=apart.coverage if apart else None,
    )


def _bps(part: Decimal, whole: Decimal) -> Decimal:
    return part / whole * _TEN_THOUSAND
