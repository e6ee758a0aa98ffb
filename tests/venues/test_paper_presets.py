from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from desired_state.errors import Stalled
from desired_state.reasons import Reason
from layers.market import Provenance
from layers.orders import Side
from layers.paper_venue.calibration import (
    RecordedFill,
    artifact,
    calibrate,
    calibration_digest,
    table,
)
from layers.paper_venue.presets import Preset, calibrated, evidence_preset, pessimistic, preset_of

SEEDED = (7, Provenance.RECORDED)
KINDER = {
    "queue_share": Decimal("0.5"),
    "adverse_ticks": 0,
    "worst_fee": False,
    "participation": Decimal("0.06"),
    "depth_share": Decimal("0.01"),
    "half_spread_floor_bps": Decimal(0),
    "half_spread_range_share": Decimal(0),
    "latency_min_ms": 1,
    "latency_max_ms": 20,
    "levels": 11,
    "stale_after_ms": 60_000,
}


def recorded(number: int, slippage_bps: str, side: Side = Side.BUY) -> RecordedFill:
    """A fill of a quarter of the depth, with a spread of 2 bps, paid so much above the mid."""
    mid = Decimal(10_000)
    against = 1 if side is Side.BUY else -1
    return RecordedFill(
        fill_id=f"f{number}",
        side=side,
        decision_mid=mid,
        arrival_mid=mid,
        spread=Decimal(2),
        depth=Decimal(4),
        price=mid + against * Decimal(slippage_bps),
        quantity=Decimal(1),
        at=datetime(2026, 1, 1, tzinfo=UTC) + timedelta(seconds=number),
    )


EXACT = [recorded(n, "3", side) for n, side in enumerate([Side.BUY, Side.SELL] * 20)]


def test_the_standing_model_is_the_pessimistic_preset() -> None:
    assert preset_of(pessimistic(*SEEDED)) is Preset.PESSIMISTIC
    stricter = pessimistic(*SEEDED).model_copy(update={"adverse_ticks": 5})
    assert evidence_preset(stricter) is Preset.PESSIMISTIC


@pytest.mark.parametrize("field", sorted(KINDER))
def test_one_kinder_number_makes_a_model_that_is_no_evidence(field: str) -> None:
    model = pessimistic(*SEEDED).model_copy(update={field: KINDER[field]})
    assert preset_of(model) is Preset.OPTIMISTIC
    with pytest.raises(Stalled) as caught:
        evidence_preset(model)
    assert caught.value.code is Reason.PRESET_OPTIMISTIC


def test_a_calibrated_model_names_its_evidence_and_may_replace_the_tick_alone() -> None:
    found = calibrate(EXACT)
    model = calibrated(*SEEDED, found)
    assert preset_of(model) is Preset.CALIBRATED
    assert model.calibration == calibration_digest(found)
    for field in set(KINDER) - {"adverse_ticks"}:
        kinder = model.model_copy(update={field: KINDER[field]})
        assert preset_of(kinder) is Preset.OPTIMISTIC
    assert preset_of(model.model_copy(update={"calibration": None})) is Preset.OPTIMISTIC


def test_what_follows_the_model_exactly_is_found_exactly() -> None:
    found = calibrate(EXACT)
    assert found.impact_bps == 4  # 3 bps = half of 2 + 4 * sqrt(1/4)
    assert (found.median_error_bps, found.coverage) == (0, 1)
    assert (found.fitted, found.held_out) == (26, 14)
    assert found.lines[-1].predicted_bps == found.lines[-1].realised_bps == "3.000000"
    assert table(found).splitlines()[-1] == found.standing
    assert len(table(found).splitlines()) == 16


def test_errors_are_measured_on_fills_that_the_fit_has_not_seen() -> None:
    fills = EXACT[:26] + [recorded(100 + n, "5") for n in range(14)]
    found = calibrate(fills)
    assert found.impact_bps == 4
    assert found.median_error_bps == 2
    assert found.coverage == 0
    with pytest.raises(Stalled):
        calibrated(*SEEDED, found)


def test_too_few_fills_calibrate_nothing() -> None:
    for few in ([], EXACT[:1], EXACT[:20]):
        found = calibrate(few)
        assert not found.usable
        with pytest.raises(Stalled):
            calibrated(*SEEDED, found)


@given(st.lists(st.decimals("0", "50", places=3), max_size=50), st.randoms())
def test_a_calibration_is_a_function_of_its_fills_in_whatever_order(
    paid: list[Decimal], random: object
) -> None:
    fills = [recorded(n, str(bps)) for n, bps in enumerate(paid)]
    first = calibrate(fills)
    random.shuffle(fills)  # type: ignore[attr-defined]
    assert artifact(calibrate(fills)) == artifact(first)
    assert first.impact_bps >= 0
    assert 0 <= first.coverage <= 1
