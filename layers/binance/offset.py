"""How far the venue's clock is from ours: the quickest of a few questions tells best."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

PROBES: Final = 5  # spec/venues.md, Time


@dataclass(frozen=True, slots=True)
class Sample:
    """One question: our wall clock when it left, how long the answer took, what it said."""

    sent: datetime
    took: timedelta  # by a monotonic clock
    venue: datetime


def estimate(samples: Sequence[Sample]) -> timedelta | None:
    """The venue's clock less ours by the sample with the shortest way; none without samples.

    The venue is taken to have answered in the middle of the way (NTP), so the error is at most
    half of ``took``.
    """
    sound = [sample for sample in samples if sample.took >= timedelta(0)]
    if not sound:
        return None
    best = min(sound, key=lambda sample: sample.took)
    return best.venue - (best.sent + best.took / 2)
