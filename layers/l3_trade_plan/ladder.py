"""The setup ``ladder``: buy in rungs below the market, sell each above average cost, stop below it.

All distances are multiples of the average true range (ATR), so the setup scales with the market.
A range is what it bets on; a trend is what ends it, and NO-TRADE triggers stand for those.
"""

from datetime import datetime
from decimal import Decimal
from typing import Final

from desired_state.canonical import digest
from layers.artifacts import (
    EvidenceRef,
    Hypothesis,
    MarketOutlook,
    PriceLevel,
    RiskChecklist,
    TradePlan,
    TriggerRef,
)
from layers.configuration import LadderParameters
from layers.feed import Series
from layers.measures import ratio, rounded

NAME: Final = "ladder"
RANGE: Final = "average_true_range"
_MAX_STOP: Final = Decimal("0.95")


def proposer_id(use: LadderParameters) -> str:
    """Who proposes: the template and the digest of its parameters."""
    return f"template:{NAME}@{digest(use)}"


def plan(
    series: Series,
    outlook: MarketOutlook,
    use: LadderParameters,
    as_of: datetime,
    evidence: tuple[EvidenceRef, ...] = (),
) -> TradePlan:
    """A plan for the outlook's symbol; without hypotheses where standing aside is the answer.

    That is so while any trigger stands, past the outlook's expiry, and where price or range are
    not known. ``evidence`` names the packs relied on, the outlook's own first.
    """
    hypotheses: tuple[Hypothesis, ...] = ()
    price, span = outlook.reference, outlook.feature(RANGE)
    standing = [t for t in outlook.triggers if t.since <= as_of < t.expires]
    if not standing and outlook.as_of <= as_of < outlook.expires and price and span:
        hypotheses = (_hypothesis(outlook.symbol, price, span, use),)
    return TradePlan(
        symbol=outlook.symbol,
        as_of=as_of,
        expires=as_of + use.valid_bars * series.interval,
        outlook=digest(outlook),
        reference=price,
        hypotheses=hypotheses,
        no_trade=tuple(TriggerRef(kind=t.kind, cause=t.cause, expires=t.expires) for t in standing),
        evidence=evidence,
        proposer=proposer_id(use),
    )


def is_due(last: TradePlan | None, outlook: MarketOutlook, as_of: datetime) -> bool:
    """Whether a new plan would say something that the last one does not.

    True without a plan, past its expiry, once its invalidation is reached, and where it stands
    aside although no trigger stands any more.
    """
    if last is None or as_of >= last.expires:
        return True
    if not last.hypotheses:
        return not any(t.expires > as_of for t in outlook.triggers)
    price = outlook.reference
    return price is None or any(price <= h.invalidation.price for h in last.hypotheses)


def _hypothesis(symbol: str, price: Decimal, span: Decimal, use: LadderParameters) -> Hypothesis:
    stop = min(_MAX_STOP, max(use.min_stop_fraction, ratio(span * use.stop, price)))
    depth = ratio(span * use.spacing * use.rungs, price)
    # below the last rung by the stop's distance, the range that the ladder bets on is broken
    floor = rounded(price * (1 - min(_MAX_STOP, depth + stop)))
    top = rounded(price + span * use.spacing * use.rungs)
    return Hypothesis(
        id=f"{NAME}-{symbol.replace('/', '-').lower()}",
        symbol=symbol,
        thesis="The market stays in its range: what falls by a few true ranges comes back.",
        entry=PriceLevel(
            relation="at_or_below",
            price=top,
            words="While the market has not run away above the range the plan was made in.",
        ),
        invalidation=PriceLevel(
            relation="at_or_below",
            price=floor,
            words="Below the lowest rung by the distance of the stop the range is broken.",
        ),
        setup=NAME,
        setup_parameters=digest(use),
        checklist=RiskChecklist(
            stop_fraction=rounded(stop),
            size_fraction=use.size_fraction,
            rung_fraction=use.rung_fraction,
            max_loss_fraction=rounded(use.size_fraction * stop),
            exits="Profit is taken above average cost; the stop lies below it.",
        ),
    )
