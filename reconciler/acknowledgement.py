"""What a stop did, with its times (trust.md, section 7): pure values and their one next step."""

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Final

from desired_state.frozen import Frozen
from desired_state.values import Instant, StopId

SWEEP_INTERVAL: Final = timedelta(seconds=1)  # venues.md: two clean sweeps at least 1 s apart
CLEAN_SWEEPS: Final = 2


class Acknowledgement(Frozen):
    """Requested, observed, gate closed, cancels sent, confirmed, verified clean."""

    stop: StopId
    requested: Instant | None  # as the stop's author claims it, where anybody does
    observed: Instant
    gate_closed: Instant
    cancels_sent: Instant | None = None
    cancels_confirmed: Instant | None = None
    verified_clean: Instant | None = None
    cancelled: int = 0
    still_open: tuple[str, ...] = ()
    clean_sweeps: int = 0
    swept_at: Instant | None = None
    unreachable: bool = False


def cancelled(
    ack: Acknowledgement,
    confirmed: int,
    still_open: tuple[str, ...] | None,
    times: tuple[datetime, datetime],
) -> Acknowledgement:
    """After one round of cancels, ``times`` sent and answered; none: a venue could not tell."""
    sent, at = times
    done = ack.cancels_confirmed or (at if still_open == () else None)
    update = {
        "cancels_sent": ack.cancels_sent or sent,
        "cancels_confirmed": done,
        "cancelled": ack.cancelled + confirmed,
        "still_open": still_open or (),
        "unreachable": still_open is None,
        "clean_sweeps": ack.clean_sweeps if still_open == () else 0,
    }
    return ack.model_copy(update=update)


def swept(
    ack: Acknowledgement, still_open: tuple[str, ...] | None, at: datetime
) -> Acknowledgement:
    """After one sweep; none means that the venue could not tell, which is not clean (STOP-5).

    What was proven clean stays so until an open order is seen: an order that was on its way when
    the gate closed, or a foreign one, is cancelled and proven gone again.
    """
    if ack.verified_clean and not still_open:
        return ack.model_copy(update={"swept_at": at})
    clean = ack.clean_sweeps + 1 if still_open == () else 0
    verified = at if clean >= CLEAN_SWEEPS else None
    update = {
        "still_open": still_open or (),
        "unreachable": still_open is None,
        "clean_sweeps": clean,
        "swept_at": at,
        "verified_clean": verified,
        "cancels_confirmed": ack.cancels_confirmed or (at if still_open == () else None),
    }
    return ack.model_copy(update=update)


def clean_stops(acks: Iterable[Acknowledgement]) -> tuple[str, ...]:
    """Stops after which every venue was proven clean and none is in doubt since (RELEASE-3)."""
    clean = (a.stop for a in acks if a.verified_clean and not a.still_open and not a.unreachable)
    return tuple(sorted(clean))


def sweep_due(ack: Acknowledgement, at: datetime) -> bool:
    """Whether the next sweep may be made now; as long as a stop is in force, there is one."""
    return ack.swept_at is None or at - ack.swept_at >= SWEEP_INTERVAL
