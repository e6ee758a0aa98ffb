"""Governed sessions, whole, on the local exchange over the real ccxt class; time is virtual.

What a session does is what ``governor session run --mode testnet`` does; see the fake for what
stands in for git and for the watcher's process.
"""

from pathlib import Path

from reconciler.session import Ending
from tests.fakes.virtual_desk import Mandate, virtual_desk
from tests.soak.ended_sessions import decided_once, reconciled

FILLS = 20  # at least
BARS = 36


def test_a_session_in_virtual_time_ends_with_our_books_equal_to_the_venues(
    testnet: Mandate, tmp_path: Path
) -> None:
    with virtual_desk(tmp_path, testnet, 1) as desk:
        outcome = desk.session(BARS)
        assert (outcome.record.ending, outcome.stop) == (Ending.COMPLETED, None)
        assert len(outcome.record.fills) >= FILLS
        reconciled(desk, outcome)
        decided_once(desk)
