"""USD limits on USDT prices: the peg, the haircut, and which way each of them counts."""

from dataclasses import replace
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from desired_state.document import load
from desired_state.limits import DIRECTIONS, Limits, Tighter
from desired_state.reasons import Reason
from desired_state.state_files import LimitsFile
from layers.configuration import PegRow, VenueMap, VenueRow
from layers.l5_risk_gate.finding import Outcome
from layers.l5_risk_gate.loss import watch_loss
from layers.pegs import MONEY, quoted
from layers.risk_snapshot import Peg
from tests.risk.judged_order import LIMITS, PEG, SELL, D, edited, found, judge, refused_by

ROW = {"currency": "USD", "rate": "1", "watched": "USDC/USDT"}


def at(rate: str) -> Peg:
    """Held and seen at that rate."""
    return replace(PEG, rate=D(rate), bid=D(rate), ask=D(rate))


@pytest.mark.parametrize(
    ("control", "limit", "worth"),
    [
        ("B4", "max_order_notional", "40.12008"),
        ("C1", "max_total_exposure", "40.08"),
        ("C2", "max_symbol_exposure", "40.08"),
        ("C3", "max_strategy_exposure", "40.08"),
        ("C8", "max_daily_turnover", "140.08"),
    ],
)
@pytest.mark.parametrize("rate", ["1.25", "0.5", "1.001"])
def test_what_an_order_is_worth_is_counted_at_the_peg_and_without_the_haircut(
    control: str, limit: str, worth: str, rate: str
) -> None:
    in_dollars = D(worth) * D(rate)
    enough = judge(limits={limit: in_dollars + D("0.00001")}, peg=at(rate))
    assert found(enough, control).code is Reason.WITHIN
    short = judge(limits={limit: in_dollars - D("0.00001"), "quote_haircut": D(1)}, peg=at(rate))
    assert found(short, control).outcome is Outcome.DENY
    none = judge(limits={limit: in_dollars - D("0.00001"), "quote_haircut": D(0)}, peg=at(rate))
    assert found(none, control).outcome is Outcome.DENY


def test_a_loss_counts_whole_and_at_the_peg() -> None:
    for rate, equity in (("1", "900"), ("2", "950"), ("0.5", "800")):
        lost = edited(equity_now=D(equity), peg=at(rate), day__realised=D(-300))
        assert watch_loss(lost, LIMITS)[0].outcome is Outcome.HALT, rate
        kept = replace(lost, equity_now=D(equity) + D("0.01"))
        assert watch_loss(kept, LIMITS)[0].outcome is Outcome.ALLOW, rate


def test_a_gain_covers_what_an_order_could_lose_less_the_haircut() -> None:
    """0.4 bought at 100.2 could lose 0.75988 on the way out."""
    order = {"limits": {"max_daily_loss": D(0), "quote_haircut": D("0.25")}}
    risked = -D(found(judge(equity_now=D(1000)), "D1").measured)
    enough = judge(**order, equity_now=1000 + risked / D("0.75") + D("0.00001"))
    assert found(enough, "D1").code is Reason.WITHIN
    short = judge(**order, equity_now=1000 + risked / D("0.75"))
    assert found(short, "D1").code is Reason.DAILY_LOSS


def test_a_peg_that_is_not_configured_leaves_no_amount_and_says_so() -> None:
    verdict = judge(peg=replace(PEG, currency=None, rate=None, bid=None, ask=None))
    unset = {f.control for f in verdict.refusals if f.code is Reason.LIMIT_MISSING}
    assert unset == {"B4", "C1", "C2", "C3", "C4", "C8", "D1", "D2", "D3", "F9"}


def test_only_what_buys_is_refused_when_the_peg_is_lost() -> None:
    lost = replace(PEG, bid=D("0.9"), ask=D("0.91"))
    assert refused_by(judge(peg=lost)) == {"F9"}
    assert judge(SELL, peg=lost, symbol__position=D(1)).outcome is Outcome.ALLOW


@settings(max_examples=200, deadline=None)
@given(
    st.decimals("0.0001", "10000", places=4),
    st.decimals("0", "100000000", places=4),
    st.decimals("0", "100000000", places=4),
)
def test_amounts_in_quote_are_rounded_down_and_keep_their_order(
    rate: Decimal, one: Decimal, other: Decimal
) -> None:
    less, more = sorted((one, other))
    peg = at(str(rate))
    for name in MONEY:
        small = getattr(quoted(LIMITS.model_copy(update={name: less}), peg), name)
        large = getattr(quoted(LIMITS.model_copy(update={name: more}), peg), name)
        assert small <= large
        assert small * rate <= less < (small + D("0.00000001")) * rate


def test_every_amount_of_limits_is_taken_into_the_quote_currency() -> None:
    """A new limit is a ratio, a count or a time, or it stands in this list."""
    plain = {name for name in DIRECTIONS if "Decimal" in str(Limits.model_fields[name].annotation)}
    ratios = plain - set(MONEY)
    assert ratios == {
        *("max_order_quantity", "max_size_ratio", "max_depth_share", "price_collar"),
        *("passive_collar", "period_collar", "loss_collar", "max_median_slippage"),
        *("max_fill_slippage", "quote_haircut", "max_peg_deviation", "max_spread", "max_jump"),
        *("max_source_deviation", "max_range", "max_venue_errors", "min_headroom"),
    }


def test_a_limits_file_from_before_reads_and_allows_no_buying() -> None:
    lines = LIMITS.model_dump_json(exclude={"quote_haircut", "max_peg_deviation"})
    before = load(LimitsFile, lines.encode(), "limits.yaml")
    assert before.quote_haircut is None
    verdict = judge(limits={"quote_haircut": None, "max_peg_deviation": None})
    assert refused_by(verdict) == {"C5", "F9"}
    assert {f.code for f in verdict.refusals} == {Reason.LIMIT_MISSING}


def test_a_venues_file_from_before_reads_and_holds_no_peg() -> None:
    row = """{"class": "sandbox", "symbols": ["BTC/USDT"], "types": ["limit"],
              "time_in_force": ["IOC"], "leverage": "none", "dead_man_switch": false}"""
    text = f"""{{"venues": {{"binance": {row}}}}}"""
    assert load(VenueMap, text.encode(), "venues.yaml").venues["binance"].pegs == {}


@pytest.mark.parametrize("watched", ["assumed", "USDC/USDT", "USDT/USD"])
def test_a_peg_is_assumed_or_watched_in_a_pair_of_its_currency(watched: str) -> None:
    row = PegRow.model_validate({**ROW, "watched": watched})
    assert row_with({"USDT": row}).pegs == {"USDT": row}


@pytest.mark.parametrize(
    "wrong", [{"watched": "BTC/EUR"}, {"watched": ""}, {"rate": "0"}, {"rate": "1e1"}, {"by": "x"}]
)
def test_a_peg_that_cannot_be_watched_so_is_refused(wrong: dict[str, str]) -> None:
    with pytest.raises(ValueError, match=r"."):
        row_with({"USDT": PegRow.model_validate({**ROW, **wrong})})


def row_with(pegs: dict[str, PegRow]) -> VenueRow:
    return VenueRow.model_validate(
        {
            "class": "sandbox",
            "symbols": ("BTC/USDT",),
            "types": ("limit",),
            "time_in_force": (),
            "leverage": "none",
            "dead_man_switch": False,
            "pegs": pegs,
        }
    )


@pytest.mark.parametrize(
    ("name", "way", "loose", "tight", "changes"),
    [
        ("quote_haircut", Tighter.HIGHER, "0.01", "0.05", {"funds__free_quote": D(41)}),
        ("quote_haircut", Tighter.HIGHER, "0.01", "1", {}),
        ("max_peg_deviation", Tighter.LOWER, "0.01", "0.001", {"peg__bid": D("0.995")}),
        ("max_peg_deviation", Tighter.LOWER, "0.01", "0.001", {"peg__ask": D("1.005")}),
    ],
)
def test_the_tighter_side_of_each_new_limit_is_the_one_that_refuses(
    name: str, way: Tighter, loose: str, tight: str, changes: dict[str, Decimal]
) -> None:
    assert DIRECTIONS[name] is way
    assert (D(tight) > D(loose)) is (way is Tighter.HIGHER)
    assert judge(limits={name: D(loose)}, **changes).outcome is Outcome.ALLOW
    assert judge(limits={name: D(tight)}, **changes).outcome is Outcome.DENY
