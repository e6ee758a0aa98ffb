"""What the venue demands when it was asked too much: who keeps still, and for how long.

BIN-13: 429 counts against whoever goes on, and 418 shuts this address out, longer each time. A
cancel is held back by nothing but a ban, under which it reaches nothing.
"""

from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from typing import Final

from layers.binance.heard import Heard, asked_for
from layers.binance.protocol import TOO_MANY_ORDERS, TOO_MUCH_WEIGHT

BANNED: Final = 418
TOO_MANY: Final = 429
# Where the venue names no time (rest-api.md, limits): the shortest ban, and the two windows.
BAN: Final = timedelta(minutes=2)
WEIGHT_WINDOW: Final = timedelta(minutes=1)
ORDER_WINDOW: Final = timedelta(seconds=10)
LONGEST: Final = timedelta(days=3)  # of the bans that are documented; nothing shuts us in for more


class Errand(StrEnum):
    """What a line is for."""

    PLACE = "place"
    ASK = "ask"
    CANCEL = "cancel"  # and the looks that prove a cancel


@dataclass(frozen=True, slots=True)
class Demand:
    """Keep still for ``wait`` on these errands."""

    wait: timedelta
    errands: tuple[Errand, ...]


def demanded(heard: Heard) -> Demand | None:
    """What one answer demands; none where it demands nothing. The status alone is enough."""
    wait = asked_for(heard)
    if heard.status == BANNED:
        return _demand(wait, BAN, *Errand)
    if heard.says(TOO_MANY_ORDERS):
        return _demand(wait, ORDER_WINDOW, Errand.PLACE)
    if heard.status == TOO_MANY or heard.says(TOO_MUCH_WEIGHT):
        return _demand(wait, WEIGHT_WINDOW, Errand.PLACE, Errand.ASK)
    return None


def _demand(wait: timedelta | None, else_for: timedelta, *errands: Errand) -> Demand:
    return Demand(min(else_for if wait is None else wait, LONGEST), errands)
