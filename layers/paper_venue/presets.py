"""What a market model may be called, read off its numbers: a kind one cannot call itself strict.

P-16: evidence rests on the pessimistic preset or on a calibrated one; nothing kinder is accepted.
"""

from enum import StrEnum
from typing import Final

from desired_state.errors import Stalled
from desired_state.reasons import Reason
from layers.market import Provenance
from layers.paper_venue.calibration import Calibration, calibration_digest
from layers.paper_venue.terms import MarketModel


class Preset(StrEnum):
    """How kind the fills are."""

    PESSIMISTIC = "pessimistic"  # back of the queue, a tick adverse, the worse fee, or stricter
    CALIBRATED = "calibrated"  # as pessimistic, but a taker pays what was fitted to real fills
    OPTIMISTIC = "optimistic"  # anything kinder in any number


# Fields where more is stricter, and where less is; the values are those of the defaults.
_AT_LEAST: Final = (
    "half_spread_floor_bps",
    "half_spread_range_share",
    "queue_share",
    "latency_min_ms",
    "latency_max_ms",
    "adverse_ticks",
    "worst_fee",
)
_AT_MOST: Final = ("depth_share", "participation", "levels", "stale_after_ms")
_FITTED: Final = frozenset({"adverse_ticks"})  # what a calibration may replace


def preset_of(model: MarketModel) -> Preset:
    """The strictest name that every number of the model deserves."""
    strict = pessimistic(model.seed, model.provenance)
    kinder = {name for name in _AT_LEAST if getattr(model, name) < getattr(strict, name)}
    kinder |= {name for name in _AT_MOST if getattr(model, name) > getattr(strict, name)}
    if not kinder:
        return Preset.PESSIMISTIC
    if kinder <= _FITTED and model.calibration is not None and model.impact_bps > 0:
        return Preset.CALIBRATED
    return Preset.OPTIMISTIC


def pessimistic(seed: int, provenance: Provenance) -> MarketModel:
    """Back of the queue, one tick adverse, the worse fee: the defaults."""
    return MarketModel(seed=seed, provenance=provenance)


def calibrated(seed: int, provenance: Provenance, found: Calibration) -> MarketModel:
    """As pessimistic, but with the slippage that was fitted; names its evidence by digest.

    Raises:
        Stalled: ``PRESET_OPTIMISTIC`` where too few fills were fitted, or the band did not hold.
    """
    if not found.usable:
        text = f"expected a calibration that holds, found {found.standing}"
        raise Stalled(Reason.PRESET_OPTIMISTIC, "calibration", text)
    return MarketModel(
        seed=seed,
        provenance=provenance,
        adverse_ticks=0,
        impact_bps=found.impact_bps,
        calibration=calibration_digest(found),
    )


def evidence_preset(model: MarketModel) -> Preset:
    """The preset to be named in the evidence that rests on this model.

    Raises:
        Stalled: ``PRESET_OPTIMISTIC``.
    """
    preset = preset_of(model)
    if preset is Preset.OPTIMISTIC:
        text = "expected the pessimistic or a calibrated preset, found kinder numbers"
        raise Stalled(Reason.PRESET_OPTIMISTIC, "paper venue", text)
    return preset
