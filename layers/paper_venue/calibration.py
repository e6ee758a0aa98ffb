"""Slippage of takers fitted to recorded fills, with what the fit gets wrong. Pure.

The model is spec/venues.md's: slippage = half the spread + k * sqrt(size / depth), in basis points
of the mid at arrival. ``k`` is fitted on the older part of the fills; the residuals are measured on
the newer part, which the fit has not seen.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import ROUND_CEILING, ROUND_HALF_EVEN, Decimal
from typing import Annotated, Final

from pydantic import Field

from desired_state.canonical import canonical, digest_bytes
from desired_state.frozen import Frozen
from desired_state.values import Amount, Instant, amount_text
from layers.market_data.takers import Taker
from layers.orders import Side

MIN_FILLS: Final = 30  # fewer say nothing of a 90 % band
FITTED_SHARE: Final = Decimal("0.6667")  # the older two thirds
BAND: Final = Decimal("0.9")
_TEN_THOUSAND: Final = Decimal(10_000)
_DIGITS: Final = Decimal("0.000001")  # of a basis point

SignedText = Annotated[str, Field(pattern=r"^-?[0-9]{1,9}(\.[0-9]{1,6})?$")]


class RecordedFill(Frozen):
    """One taker's fill as it was, with the market around it. Prices in quote currency."""

    fill_id: str
    side: Side
    decision_mid: Annotated[Amount, Field(gt=0)]  # when the order was decided
    arrival_mid: Annotated[Amount, Field(gt=0)]  # when it reached the book
    spread: Amount  # at arrival
    depth: Annotated[Amount, Field(gt=0)]  # size shown on the side that was taken from
    price: Annotated[Amount, Field(gt=0)]  # average over the order's executions
    quantity: Annotated[Amount, Field(gt=0)]
    at: Instant


class FillLine(Frozen):
    """Predicted and realised slippage of one fill, in basis points of the mid at arrival."""

    fill_id: str
    at: Instant
    held_out: bool  # not seen by the fit
    predicted_bps: SignedText
    realised_bps: SignedText
    drift_bps: SignedText  # from decision to arrival, against the order; not part of the fit

    @property
    def error(self) -> Decimal:
        """Realised less predicted."""
        return Decimal(self.realised_bps) - Decimal(self.predicted_bps)


class Calibration(Frozen):
    """A fit and its residuals: evidence, as it stands."""

    impact_bps: Amount  # k
    fitted: int
    held_out: int
    median_error_bps: Amount  # of the absolute error, over what was held out
    band_bps: Amount  # half width of the 90 % band, from what was fitted
    coverage: Amount  # share of what was held out inside that band
    lines: tuple[FillLine, ...]

    @property
    def standing(self) -> str:
        """In one sentence."""
        return (
            f"k {amount_text(self.impact_bps)} bps from {self.fitted} fills; on {self.held_out} "
            f"others the median error is {amount_text(self.median_error_bps)} bps and "
            f"{amount_text(self.coverage * 100)} % lie inside ±{amount_text(self.band_bps)} bps"
        )

    @property
    def usable(self) -> bool:
        """Enough fills, an impact above zero, and a band that holds about what it says."""
        enough = self.fitted + self.held_out >= MIN_FILLS
        return enough and self.impact_bps > 0 and self.coverage >= BAND - Decimal("0.1")


@dataclass(frozen=True, slots=True)
class Residual:
    """What a prediction got wrong, by the absolute errors of two sets of fills."""

    band: Decimal  # half width that held ``BAND`` of those that were seen
    median: Decimal  # over those that were not
    coverage: Decimal  # share of them inside that band


def recorded(taker: Taker) -> RecordedFill:
    """What a stranger's order paid, as a fill to calibrate on."""
    return RecordedFill(
        fill_id=str(taker.trades[0].number),
        side=taker.side,
        decision_mid=taker.decided.mid,
        arrival_mid=taker.arrived.mid,
        spread=taker.arrived.ask.price - taker.arrived.bid.price,
        depth=taker.depth,
        price=taker.price,
        quantity=taker.quantity,
        at=taker.trades[0].at,
    )


def calibrate(fills: Sequence[RecordedFill]) -> Calibration:
    """Fit on the older fills, measure on the newer ones; without fills everything is zero."""
    ordered = sorted(fills, key=lambda fill: (fill.at, fill.fill_id))
    cut = int(len(ordered) * FITTED_SHARE)
    older = ordered[:cut]
    impact = _digits(max(Decimal(0), _least_squares(older)))
    lines = tuple(_line(fill, impact, held_out=n >= cut) for n, fill in enumerate(ordered))
    seen = [abs(line.error) for line in lines if not line.held_out]
    unseen = [abs(line.error) for line in lines if line.held_out]
    found = residual(seen, unseen)
    return Calibration(
        impact_bps=impact,
        fitted=cut,
        held_out=len(unseen),
        median_error_bps=found.median,
        band_bps=found.band,
        coverage=found.coverage,
        lines=lines,
    )


def residual(seen: list[Decimal], unseen: list[Decimal]) -> Residual:
    """Band by the ones, median and coverage by the others; without errors everything is zero."""
    band = _quantile(seen, BAND)
    inside = sum(1 for error in unseen if error <= band)
    return Residual(
        band=band,
        median=_quantile(unseen, Decimal("0.5")),
        coverage=_digits(Decimal(inside) / len(unseen)) if unseen else Decimal(0),
    )


def artifact(found: Calibration) -> bytes:
    """The fit and every line of it as canonical bytes, for an evidence pack."""
    return canonical(found)


def calibration_digest(found: Calibration) -> str:
    """Names the artifact."""
    return digest_bytes(artifact(found))


def table(found: Calibration) -> str:
    """Predicted and realised side by side, for people; the held-out fills, then the sentence."""
    head = f"{'fill':<14}{'at':<28}{'predicted bps':>14}{'realised bps':>14}{'error':>12}"
    rows = [
        f"{line.fill_id:<14}{line.at:%Y-%m-%dT%H:%M:%S.%f}Z {line.predicted_bps:>14}"
        f"{line.realised_bps:>14}{_digits(line.error):>12}"
        for line in found.lines
        if line.held_out
    ]
    return "\n".join([head, *rows, found.standing])


def predicted_bps(fill: RecordedFill, impact: Decimal) -> Decimal:
    """Half the spread plus ``k * sqrt(size / depth)``."""
    return _half_spread(fill) + impact * _root(fill)


def _line(fill: RecordedFill, impact: Decimal, *, held_out: bool) -> FillLine:
    against = 1 if fill.side is Side.BUY else -1
    drift = against * (fill.arrival_mid - fill.decision_mid) / fill.decision_mid
    return FillLine(
        fill_id=fill.fill_id,
        at=fill.at,
        held_out=held_out,
        predicted_bps=bps_text(predicted_bps(fill, impact)),
        realised_bps=bps_text(_realised(fill)),
        drift_bps=bps_text(drift * _TEN_THOUSAND),
    )


def _least_squares(fills: Sequence[RecordedFill]) -> Decimal:
    """The k that leaves the smallest squares; through the origin, so that no size costs nothing."""
    squares = sum((_root(fill) ** 2 for fill in fills), Decimal(0))
    if squares == 0:
        return Decimal(0)
    products = ((_realised(fill) - _half_spread(fill)) * _root(fill) for fill in fills)
    return sum(products, Decimal(0)) / squares


def _realised(fill: RecordedFill) -> Decimal:
    against = 1 if fill.side is Side.BUY else -1
    return against * (fill.price - fill.arrival_mid) / fill.arrival_mid * _TEN_THOUSAND


def _half_spread(fill: RecordedFill) -> Decimal:
    return fill.spread / 2 / fill.arrival_mid * _TEN_THOUSAND


def _root(fill: RecordedFill) -> Decimal:
    return (fill.quantity / fill.depth).sqrt()


def _quantile(values: list[Decimal], share: Decimal) -> Decimal:
    """The smallest value that ``share`` of all do not exceed; zero where there are none."""
    if not values:
        return Decimal(0)
    rank = int((share * len(values)).to_integral_value(ROUND_CEILING))
    return sorted(values)[max(1, rank) - 1]


def _digits(value: Decimal) -> Decimal:
    return value.quantize(_DIGITS, ROUND_HALF_EVEN)


def bps_text(value: Decimal) -> str:
    """As lines carry it: signed, six digits behind the point."""
    return format(_digits(value) + 0, "f")  # no negative zero
