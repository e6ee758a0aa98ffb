"""``governor session run`` and ``stop``: here, or in the reconciler that is running here."""

import secrets
from collections.abc import Callable
from typing import Final

from desired_state.errors import Stalled
from desired_state.reasons import Reason
from reconciler.adapters.clock import pause
from reconciler.adapters.session_slot import SessionSlot
from reconciler.host import Host
from reconciler.session_request import Asked, EndAsked, Request, Told
from reconciler.wiring.desk import open_desk
from reconciler.wiring.halting import who
from reconciler.wiring.hosting import Follow, Hosting, answer, clear, slot_of
from reconciler.wiring.loop import watching

LOOK: Final = 0.1  # seconds between looks at what the other process tells
LOST: Final = 5.0  # seconds without a reconciler after which nobody will answer


def hold_session(host: Host, request: Request, ends: Callable[[], bool], follow: Follow) -> Told:
    """Run it here, or hand it to the reconciler that is running.

    Raises:
        Stalled: ``SESSION_RUNNING``, ``SESSION_LOST``, or why the session could not run.
    """
    slot, asked = slot_of(host), Asked(ticket=secrets.token_hex(8), by=who(), request=request)
    _refuse_second(slot)
    if slot.hosted:
        return _handed_over(slot, asked, ends, follow)
    try:
        with open_desk(host) as desk, watching(host):
            clear(desk)
            return answer(asked.ticket, Hosting(desk, asked, ends, follow=follow).run())
    except Stalled as error:
        if error.code is Reason.ANOTHER_WRITER:
            _refuse_second(slot)
        raise


def end_session(host: Host, patience: float) -> Told | None:
    """End the session of this host in order; how it went, or none where none is running.

    Raises:
        Stalled: ``SESSION_LOST`` where its process died; ``SESSION_RUNNING`` where it is still
            running after ``patience`` seconds.
    """
    slot = slot_of(host)
    standing = slot.running()
    if standing is None:
        return None
    slot.ask_end(EndAsked(ticket=standing.ticket, by=who()))
    for _ in range(int(patience / LOOK)):
        last = slot.last()
        if last is not None and last.ticket == standing.ticket:
            return last
        now = slot.running()
        if now is None or now.ticket != standing.ticket:
            break
        pause(LOOK)
    last = slot.last()
    if last is not None and last.ticket == standing.ticket:
        return last
    if slot.running() is None:
        raise Stalled(Reason.SESSION_LOST, standing.run_id or "session", "it left no answer")
    text = f"it did not end within {patience:.0f} s"
    raise Stalled(Reason.SESSION_RUNNING, standing.run_id or "session", text)


def _refuse_second(slot: SessionSlot) -> None:
    running = slot.running()
    if running is not None:
        text = f"{running.mode} on {running.symbol} is running here"
        raise Stalled(Reason.SESSION_RUNNING, running.run_id or "session", text)


def _handed_over(slot: SessionSlot, asked: Asked, ends: Callable[[], bool], follow: Follow) -> Told:
    slot.ask(asked)
    silent = 0.0
    while True:
        told = slot.told(asked.ticket)
        if told is not None:
            return told
        standing = slot.running()
        if standing is not None and standing.ticket == asked.ticket:
            follow(standing)
        if ends():
            slot.withdraw(asked.ticket)
            text = "you follow it no more; where it has begun, governor session stop ends it"
            raise Stalled(Reason.SESSION_RUNNING, "session", text)
        silent = 0.0 if slot.hosted else silent + LOOK
        if silent > LOST:
            slot.withdraw(asked.ticket)
            raise Stalled(Reason.SESSION_LOST, "session", "the reconciler is gone")
        pause(LOOK)
