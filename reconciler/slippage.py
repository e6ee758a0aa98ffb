"""A session's fills, predicted and realised: what its pack holds of them. Pure."""

from collections.abc import Sequence
from decimal import ROUND_HALF_EVEN, Decimal
from typing import Annotated, Final

from pydantic import Field

from desired_state.canonical import canonical
from desired_state.frozen import Frozen
from desired_state.values import Amount, Digest, Instant, amount_text
from layers.market_data.ticks import FINEST
from layers.orders import Side
from layers.paper_venue.calibration import RecordedFill, SignedText
from layers.paper_venue.presets import preset_of
from layers.paper_venue.terms import MarketModel

_TENTH: Final = Decimal("0.1")


class CostModel(Frozen):
    """What a taker is predicted to pay beyond half the spread, and whose numbers these are."""

    preset: str
    impact_bps: Amount  # k of the fitted slippage
    adverse_ticks: Annotated[int, Field(ge=0)]  # P-11; none on bars, whose ladder has them
    calibration: Digest | None


class SlippageLine(Frozen):
    """One fill: what was predicted of its order, and what came. Prices in quote currency."""

    fill_id: str
    client_order_id: str
    side: Side
    maker: bool
    price: Amount
    quantity: Amount
    at: Instant
    decided_at: Instant
    decision_mid: Amount
    spread: Amount  # at the decision
    depth: Amount  # shown then on the side that a taker takes from
    ordered: Amount  # quantity of the whole order
    limit: Amount
    arrived_at: Instant
    arrival_mid: Amount
    predicted_bps: SignedText  # of the decision's mid; below zero: better than the mid
    realised_bps: SignedText  # of the arrival's mid
    drift_bps: SignedText  # from decision to arrival, against the order; predicted by nobody

    @property
    def error(self) -> Decimal:
        """Realised less predicted."""
        return Decimal(self.realised_bps) - Decimal(self.predicted_bps)


class SlippageSummary(Frozen):
    """How good the prediction was; only who took can be wrong about the price (SLIP-3)."""

    fills: int
    took: int
    unpredicted: tuple[str, ...]  # fills without a decision or a market on record
    median_error_bps: Amount | None  # of the absolute error, over all that took
    band_bps: Amount | None  # half width that held 90 % of the older two thirds
    measured: int  # the newer third
    inside: Amount | None  # share of it inside that band


class Slippage(Frozen):
    """A session's fills, predicted and realised."""

    model: CostModel
    tick: Amount
    lines: tuple[SlippageLine, ...]
    summary: SlippageSummary

    @property
    def standing(self) -> str:
        """In one sentence."""
        summed = self.summary
        told = [f"slippage: {summed.took} of {summed.fills} fills took"]
        if summed.median_error_bps is not None:
            told.append(f"median error {amount_text(summed.median_error_bps)} bps")
        if summed.inside is not None and summed.band_bps is not None:
            share = amount_text((summed.inside * 100).quantize(_TENTH))
            band = amount_text(summed.band_bps)
            told.append(f"{share} % of the newer {summed.measured} inside ±{band} bps")
        if summed.unpredicted:
            told.append(f"{len(summed.unpredicted)} without a prediction")
        return f"{', '.join(told)} ({self.model.preset} model)"


def costs_of(model: MarketModel, *, on_bars: bool) -> CostModel:
    """What this market model says a taker pays."""
    return CostModel(
        preset=preset_of(model).value,
        impact_bps=model.impact_bps,
        adverse_ticks=0 if on_bars else model.adverse_ticks,
        calibration=model.calibration,
    )


def taken(found: Slippage) -> bytes:
    """Orders that took, as ``governor data calibrate --fills`` reads them, one a line."""
    orders: dict[str, list[SlippageLine]] = {}
    for line in found.lines:
        if not line.maker:
            orders.setdefault(line.client_order_id, []).append(line)
    return b"".join(canonical(_recorded_fill(lines)) + b"\n" for lines in orders.values())


def _recorded_fill(lines: Sequence[SlippageLine]) -> RecordedFill:
    """One order: the average over its executions (calibration's unit)."""
    first = lines[0]
    quantity = sum((line.quantity for line in lines), Decimal(0))
    average = sum((line.price * line.quantity for line in lines), Decimal(0)) / quantity
    return RecordedFill(
        fill_id=first.client_order_id,
        side=first.side,
        decision_mid=first.decision_mid,
        arrival_mid=first.arrival_mid,
        spread=first.spread,
        depth=first.depth,
        price=average.quantize(FINEST, ROUND_HALF_EVEN),
        quantity=quantity,
        at=first.at,
    )
