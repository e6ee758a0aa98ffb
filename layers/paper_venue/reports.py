"""What the way between venue and desk does to answers and reports: lost, doubled, reordered (P-13).

Each fate is drawn from the seed and the id that it is about, so that a run can be repeated.
"""

from collections.abc import Sequence

from layers.orders import Fill
from layers.paper_venue.draws import happens
from layers.paper_venue.terms import MarketModel, Silence


def silence_over(model: MarketModel, client_order_id: str) -> Silence | None:
    """What keeps the answer to this accepted order from saying so; none where it arrives."""
    if happens(model.answers_lost, model.seed, client_order_id, "answer lost"):
        return Silence.LOST
    if happens(model.answers_doubled, model.seed, client_order_id, "answer doubled"):
        return Silence.DOUBLED
    return None


def delivered(model: MarketModel, fills: Sequence[Fill]) -> tuple[Fill, ...]:
    """The reports as they reach the desk: some twice, some behind the next one; none is lost."""
    arrived: list[Fill] = []
    for fill in fills:
        overtakes = happens(model.reports_reordered, model.seed, fill.fill_id, "report reordered")
        arrived.insert(len(arrived) - 1 if overtakes and arrived else len(arrived), fill)
        if happens(model.reports_doubled, model.seed, fill.fill_id, "report doubled"):
            arrived.append(fill)
    return tuple(arrived)
