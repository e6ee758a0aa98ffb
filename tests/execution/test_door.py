"""Every way in which the door stays shut; after each refusal nothing is sent or written."""

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from desired_state.canonical import digest
from desired_state.errors import Stalled
from desired_state.reasons import Reason
from layers.l6_execution.door import NONCES_KEPT
from layers.orders import AnswerKind, Permit
from layers.permits import PermitFields, request_digest, seal
from tests.fakes.paper_desk import Desk, FaultAt, intent, make_venue, request


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    make_venue(tmp_path)
    return Desk(tmp_path)


def nothing_happened(desk: Desk) -> bool:
    return (
        desk.venue.open_orders() == () and list(desk.disk.entries()) == [] and not desk.books.orders
    )


def refused(desk: Desk, permit: Permit, code: Reason) -> None:
    answer = desk.execution.send(intent("a"), permit)
    assert (answer.kind, answer.code) == (AnswerKind.NOT_SENT, code)
    assert nothing_happened(desk)


def test_a_sealed_permit_opens_the_door_once(desk: Desk) -> None:
    permit = desk.permit(request("a"))
    assert desk.execution.send(intent("a"), permit).kind is AnswerKind.ACCEPTED
    again = desk.execution.send(intent("a"), permit)
    assert (again.kind, again.code) == (AnswerKind.NOT_SENT, Reason.PERMIT_INVALID)
    assert len(desk.venue.open_orders()) == 1


def test_a_permit_for_another_request_does_not_open_it(desk: Desk) -> None:
    refused(desk, desk.permit(request("b")), Reason.PERMIT_INVALID)
    refused(desk, desk.permit(request("a", price="95.01")), Reason.PERMIT_INVALID)


def test_a_forged_seal_does_not_open_it(desk: Desk) -> None:
    good = desk.permit(request("a"))
    refused(desk, good.model_copy(update={"seal": "0" * 64}), Reason.PERMIT_INVALID)
    refused(desk, good.model_copy(update={"seal": ""}), Reason.PERMIT_INVALID)
    refused(desk, good.model_copy(update={"seal": "é"}), Reason.PERMIT_INVALID)


def test_a_permit_sealed_with_another_key_does_not_open_it(desk: Desk) -> None:
    fields = PermitFields(
        request_digest(request("a")), digest("v"), 1, 1, desk.wall + timedelta(seconds=1)
    )
    refused(desk, seal(fields, b"x" * 32), Reason.PERMIT_INVALID)


@pytest.mark.parametrize(
    "change",
    [
        {"nonce": 99},
        {"epoch": 2},
        {"verdict": digest("other")},
        {"expires_in": timedelta(seconds=4)},
    ],
)
def test_a_field_changed_after_sealing_does_not_open_it(desk: Desk, change: dict[str, Any]) -> None:
    if "expires_in" in change:
        change = {"expires_at": desk.wall + change["expires_in"]}
    refused(desk, desk.permit(request("a")).model_copy(update=change), Reason.PERMIT_INVALID)


def test_an_expired_permit_does_not_open_it(desk: Desk) -> None:
    permit = desk.permit(request("a"))
    desk.wall += timedelta(seconds=5)
    refused(desk, permit, Reason.PERMIT_EXPIRED)


def test_a_permit_that_lives_too_long_does_not_open_it(desk: Desk) -> None:
    far = desk.wall + timedelta(seconds=5, microseconds=1)
    refused(desk, desk.permit(request("a"), expires_at=far), Reason.PERMIT_INVALID)


def test_a_permit_of_another_epoch_does_not_open_it(desk: Desk) -> None:
    refused(desk, desk.permit(request("a"), epoch=0), Reason.PERMIT_INVALID)


def test_a_nonce_that_is_not_kept_any_more_does_not_open_it(desk: Desk) -> None:
    for nonce in range(2, 2 * NONCES_KEPT + 10, 2):  # the odd ones were never used
        desk.door.spend(nonce)
    for old in (1, 2, 3, 8):
        refused(desk, desk.permit(request("a"), nonce=old), Reason.PERMIT_INVALID)
    fresh = desk.permit(request("a"), nonce=2 * NONCES_KEPT + 10)
    assert desk.execution.send(intent("a"), fresh).kind is AnswerKind.ACCEPTED


def test_a_missing_short_or_unreadable_token_keeps_it_shut(desk: Desk) -> None:
    for damage in (
        lambda path: path.unlink(),
        lambda path: path.write_bytes(b"armed"),
        lambda path: (path.unlink(), path.mkdir()),
    ):
        damage(desk.token.path)
        refused(desk, desk.permit(request("a")), Reason.KILL_LATCHED)


def test_a_token_reader_that_fails_keeps_it_shut(desk: Desk) -> None:
    def fail() -> None:
        raise Stalled(Reason.KILL_UNREADABLE, "token")

    desk.door.armed = FaultAt(desk.token, "check", 1, fail)
    refused(desk, desk.permit(request("a")), Reason.KILL_LATCHED)


def test_a_stop_during_the_journals_fsync_still_keeps_the_order(tmp_path: Path) -> None:
    make_venue(tmp_path)
    token = tmp_path / "token"
    desk = Desk(tmp_path, journal=lambda j: FaultAt(j, "append", 1, token.unlink, after=True))
    answer = desk.send(intent("a"))
    assert (answer.kind, answer.code) == (AnswerKind.NOT_SENT, Reason.KILL_LATCHED)
    assert desk.venue.open_orders() == ()
    assert not desk.books.working
    assert Desk(tmp_path).books.orders == desk.books.orders


def test_a_permit_that_ends_during_the_fsync_still_keeps_the_order(tmp_path: Path) -> None:
    make_venue(tmp_path)

    def sleep() -> None:
        desk.wall += timedelta(seconds=6)

    desk = Desk(tmp_path, journal=lambda j: FaultAt(j, "append", 1, sleep, after=True))
    assert desk.send(intent("a")).code is Reason.PERMIT_EXPIRED
    assert desk.venue.open_orders() == ()


def test_a_journal_that_cannot_be_written_keeps_it_shut(desk: Desk) -> None:
    desk.disk.full = True
    refused(desk, desk.permit(request("a")), Reason.JOURNAL)


def test_an_intent_leaves_once_even_with_a_fresh_permit(desk: Desk) -> None:
    assert desk.send(intent("a")).kind is AnswerKind.ACCEPTED
    again = desk.send(intent("a"))
    assert (again.kind, again.code) == (AnswerKind.NOT_SENT, Reason.DUPLICATE)
    assert len(desk.venue.open_orders()) == 1


def test_the_seal_key_is_in_no_text_of_the_door(desk: Desk) -> None:
    assert "kkkk" not in repr(desk.door)
