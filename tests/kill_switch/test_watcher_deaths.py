"""The watcher killed, hung and started again: a stop stays, and a dead watcher opens nothing."""

import signal
import time
from datetime import timedelta
from pathlib import Path

import pytest

from desired_state.memory import Stop
from desired_state.reasons import Reason
from desired_state.values import StopClass, Switch
from layers.orders import AnswerKind
from reconciler.watcher import Watcher
from reconciler.wiring.host_parts import HEARTBEAT, token_reader, venues
from tests.fakes.governed_desk import ENGAGED, GovernedDesk, present, wait_for
from tests.fakes.paper_desk import Desk, intent


def test_a_stop_survives_the_death_of_its_watcher(desk: GovernedDesk) -> None:
    desk.place(3)
    with desk.watched() as child:
        desk.push(kill_switch__yaml=ENGAGED)
        wait_for(lambda: not desk.token.exists() and desk.latch.in_force())
        child.kill()
        child.wait()
    [stop] = desk.latch.in_force()
    desk.place(2, "while nobody watched")
    with desk.watched(armed=False):
        ack = desk.acknowledged(stop)
        assert desk.venue.open_orders() == ()
        assert not desk.token.exists()
    assert ack.cancels_confirmed is not None
    assert list(desk.latch.in_force()) == [stop]


def test_a_stop_survives_the_end_of_everything_and_a_lost_var(desk: GovernedDesk) -> None:
    with desk.watched() as child:
        desk.push(kill_switch__yaml=ENGAGED)
        wait_for(desk.latch.in_force)
        child.kill()
        child.wait()
    [stop] = desk.latch.in_force()
    (desk.var / "stops" / f"{stop}.json").unlink()
    lane = desk.lane()
    assert not lane.step()
    assert list(desk.latch.in_force()) == [stop]  # read again from the repository itself


@pytest.mark.parametrize("way", [signal.SIGKILL, signal.SIGSTOP])
def test_a_dead_or_hung_watcher_shuts_the_door_within_the_bound(
    desk: GovernedDesk, tmp_path: Path, way: signal.Signals
) -> None:
    desk.place(1)
    (tmp_path / "door").mkdir()
    with desk.watched() as child:
        door = _door(desk, tmp_path / "door")
        assert door.send(intent("before", quantity="0.06")).kind is AnswerKind.ACCEPTED
        child.send_signal(way)
        died = time.monotonic()
        reader = token_reader(desk.host)
        wait_for(lambda: reader.check() is not None, 5)
        assert time.monotonic() - died <= HEARTBEAT.total_seconds() + 0.25
        answer = door.send(intent("after", quantity="0.06"))
        assert (answer.kind, answer.code) == (AnswerKind.NOT_SENT, Reason.HEARTBEAT_MISSING)
        assert len(desk.venue.open_orders()) == 2  # a dead watcher is no stop: nothing is cancelled
    if way is signal.SIGSTOP:
        assert not desk.token.exists()  # woken and told to end, it takes the token away


def _door(desk: GovernedDesk, folder: Path) -> Desk:
    """The real door over the desk's own venue and token."""
    (folder / "venue.db").symlink_to(desk.venue._store.path)  # noqa: SLF001
    made = Desk(folder)
    made.door.armed = token_reader(desk.host)
    return made


def test_a_corrupted_stop_record_is_a_stop(desk: GovernedDesk) -> None:
    lane = desk.lane()
    assert lane.step()
    desk.place(2)
    for name, text in (("S-0123456789abcdef", b"{"), ("anything at all", b"")):
        (desk.var / "stops" / f"{name}.json").write_bytes(text)
    assert not lane.step()
    assert desk.venue.open_orders() == ()
    found = desk.latch.in_force()
    assert len(found) == 2
    assert {stop.switch for stop in found.values()} == {Switch.UNREADABLE}
    assert all(name == stop.id for name, stop in found.items())
    for ack in desk.latch.acknowledgements().values():
        assert present() - ack.observed < timedelta(minutes=1)


def test_a_record_under_another_stops_name_is_a_stop_of_that_name(desk: GovernedDesk) -> None:
    wrong = desk.latch.stops_folder / "S-0123456789abcdef.json"
    wrong.write_bytes(_stop("S-fedcba9876543210").model_dump_json().encode())
    assert list(desk.latch.in_force()) == ["S-0123456789abcdef"]


def test_a_folder_of_stops_that_cannot_be_listed_is_a_stop(desk: GovernedDesk) -> None:
    lane = desk.lane()
    assert lane.step()
    desk.latch.stops_folder.rmdir()
    (desk.var / "stops").write_text("a file")
    assert not lane.step()
    assert not desk.token.exists()


def test_a_release_re_arms_and_a_forged_one_for_another_stop_does_not(desk: GovernedDesk) -> None:
    lane = desk.lane()
    assert lane.step()
    desk.push(kill_switch__yaml=ENGAGED)
    assert not lane.step()
    [stop] = desk.latch.in_force()
    desk.release_file("S-0123456789abcdef")
    forged = (desk.var / "releases" / "S-0123456789abcdef.json").read_bytes()
    (desk.var / "releases" / f"{stop}.json").write_bytes(forged)
    assert not lane.step()
    (desk.var / "releases" / f"{stop}.json").write_bytes(b"{}")
    assert not lane.step()
    assert list(desk.latch.in_force()) == [stop]
    desk.release_file(stop)
    assert lane.step()
    assert desk.armed


def test_a_number_that_was_released_is_not_given_again(desk: GovernedDesk) -> None:
    first = desk.latch.next_local("host")
    desk.latch.put_stop(_stop(first))
    desk.release_file(first)
    (desk.latch.stops_folder / f"{first}.json").unlink()
    second = desk.latch.next_local("host")
    assert second != first
    desk.latch.put_stop(_stop(second))
    assert list(desk.latch.in_force()) == [second]


def test_a_stop_raised_between_writing_the_token_and_looking_again_wins(
    desk: GovernedDesk,
) -> None:
    lane = desk.lane()
    real = lane.token

    class Slow:
        """A token whose writer is overtaken by a stop: STOP-7."""

        def arm(self) -> None:
            real.arm()
            desk.latch.mark(_stop("L-local-1"))

        def disarm(self) -> None:
            real.disarm()

    lane.token = Slow()
    assert not lane.step()
    assert not desk.token.exists()


def test_an_order_that_arrives_after_the_sweeps_is_cancelled_as_well(desk: GovernedDesk) -> None:
    desk.open_venue()
    now = [present()]
    lane = desk.lane()
    lane.clock = lambda: now[0]
    desk.push(kill_switch__yaml=ENGAGED)
    for _ in range(3):
        lane.step()
        now[0] += timedelta(seconds=1)
    assert lane.settled
    desk.place(1, "late")
    lane.step()
    assert desk.venue.open_orders() == ()
    assert not lane.settled
    for _ in range(2):
        now[0] += timedelta(seconds=1)
        lane.step()
    assert lane.settled
    [ack] = desk.latch.acknowledgements().values()
    assert ack.cancelled == 1


def test_a_tip_that_cannot_be_read_halts_and_lifts_when_it_reads(desk: GovernedDesk) -> None:
    lane = desk.lane()
    assert lane.step()
    desk.place(1)
    head = desk.folder / "state.git" / "refs" / "heads" / "main"
    good = head.read_text()
    head.write_text("1" * 40 + "\n")
    assert not lane.step()
    assert not desk.token.exists()
    assert desk.venue.open_orders() == ()
    assert desk.latch.in_force() == {}
    head.write_text(good)
    assert lane.step()


def test_a_venue_that_cannot_tell_is_never_verified_clean(desk: GovernedDesk) -> None:
    desk.place(1)
    lane = desk.lane()
    assert lane.step()
    now = [present()]
    lane.clock = lambda: now[0]
    desk.push(kill_switch__yaml=ENGAGED)
    gone = desk.var / "venues"
    gone.rename(desk.var / "elsewhere")
    _steps(lane, now, 4)
    [ack] = desk.latch.acknowledgements().values()
    assert ack.unreachable
    assert ack.verified_clean is None
    (desk.var / "elsewhere").rename(gone)
    _steps(lane, now, 4)
    [ack] = desk.latch.acknowledgements().values()
    assert ack.verified_clean is not None
    assert all(v.open_orders() == () for v in venues(desk.host)().values())


def _steps(lane: Watcher, now: list, count: int) -> None:
    for _ in range(count):
        lane.step()
        now[0] += timedelta(seconds=1)


def _stop(name: str) -> Stop:
    return Stop(id=name, kind=StopClass.PERSON, reason="r", by="b", commit=None, seen_at=present())
