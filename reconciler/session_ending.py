"""Why a session is over, and whether one may run at all. Pure."""

from enum import StrEnum

from desired_state.values import Mode, Trading
from reconciler.gate import Verdict


class Ending(StrEnum):
    """Why a session is over."""

    COMPLETED = "completed"  # the feed ended, or the window asked for
    STOPPED = "stopped"  # a stop is in force
    NOT_PERMITTED = "not_permitted"  # the verdict no longer allows the session's mode
    FAILED = "failed"  # the venue gave out for many bars, or the journal did
    ENDED = "ended"  # somebody asked it to end


def serves(verdict: Verdict, mode: Mode) -> bool:
    """Whether a session in this mode may run: in shadow below anything, else in exactly its own."""
    permitted = verdict.permitted
    allowed = permitted.mode >= mode if mode is Mode.SHADOW else permitted.mode is mode
    return allowed and permitted.trading is not Trading.HALTED
