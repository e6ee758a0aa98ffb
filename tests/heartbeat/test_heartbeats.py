"""Signed signs of life: which count, and what silence and news from elsewhere do."""

import subprocess
from collections.abc import Callable
from datetime import datetime, timedelta

import pytest

from desired_state.errors import Stalled
from desired_state.signatures import PublicKey, public_key
from desired_state.values import Mode, Trading
from reconciler.adapters.heartbeat_files import write_heartbeat
from reconciler.adapters.watcher_key import WatcherKey
from reconciler.heartbeats import Ears, Heartbeat, Known, opened, sealed
from reconciler.ports import Report
from reconciler.wiring.desk import Desk, open_desk
from reconciler.wiring.host_parts import heartbeat_path
from reconciler.wiring.loop import _raise_silence
from tests.fakes.governed_desk import ENGAGED, GovernedDesk, present, wait_for

SECOND = timedelta(seconds=1)
NAMESPACE = "heartbeat@governor"
ELSEWHERE = "spare"
NOTHING = Known(frozenset(), lambda _: True)


def key_of(desk: GovernedDesk, namespace: str = NAMESPACE) -> WatcherKey:
    return WatcherKey(desk.var / "keys" / "watcher", namespace)


def public_of(desk: GovernedDesk, name: str = "watcher") -> PublicKey:
    return public_key((desk.var / "keys" / f"{name}.pub").read_text().strip())


def beat(number: int, host: str = "local", **more: object) -> Heartbeat:
    said = {"host": host, "number": number, "at": present(), "head": None, "stops": ()}
    return Heartbeat(**{**said, **more})  # type: ignore[arg-type]


def put(desk: GovernedDesk, said: Heartbeat) -> None:
    path = heartbeat_path(desk.host) if said.host == "local" else desk.folder / "elsewhere"
    write_heartbeat(path, sealed(said, key_of(desk).sign))


def test_what_is_signed_here_is_what_ssh_keygen_accepts(desk: GovernedDesk) -> None:
    line, _, signature = sealed(beat(1), key_of(desk).sign).partition(b"\n")
    allowed, file = desk.folder / "allowed", desk.folder / "beat.sig"
    allowed.write_text(f'watcher namespaces="{NAMESPACE}" {public_of(desk).line}\n')
    file.write_bytes(signature)
    subprocess.run(
        ["ssh-keygen", "-Y", "verify", "-f", allowed, "-I", "watcher", "-n", NAMESPACE, "-s", file],
        input=line + b"\n",
        check=True,
        capture_output=True,
    )


@pytest.mark.parametrize(
    "change",
    [
        lambda data: data.replace(b'"number":1', b'"number":2'),
        lambda data: data[:-40],
        lambda _: b"",
        lambda data: data + b"\n",
        lambda data: data * 2,
        lambda data: data + b"x" * 70_000,
    ],
    ids=["number", "short", "empty", "more", "twice", "long"],
)
def test_a_changed_heartbeat_does_not_count(
    desk: GovernedDesk, change: Callable[[bytes], bytes]
) -> None:
    data = sealed(beat(1), key_of(desk).sign)
    assert opened(data, [public_of(desk)]).number == 1
    with pytest.raises(Stalled, match="HEARTBEAT_INVALID"):
        opened(change(data), [public_of(desk)])


def test_another_key_or_namespace_does_not_count(desk: GovernedDesk) -> None:
    other = sealed(beat(1), key_of(desk, "sign-off@governor").sign)
    with pytest.raises(Stalled, match="HEARTBEAT_INVALID"):
        opened(other, [public_of(desk)])
    with pytest.raises(Stalled, match="HEARTBEAT_INVALID"):
        opened(sealed(beat(1), key_of(desk).sign), [public_of(desk, "evidence")])


def test_an_older_heartbeat_played_again_is_not_a_sign_of_life(desk: GovernedDesk) -> None:
    keys, sign, now = [public_of(desk)], key_of(desk).sign, present()
    first, second = sealed(beat(1), sign), sealed(beat(2), sign)
    ears = Ears("local").heard([first], keys, NOTHING, now)
    ears = ears.heard([second], keys, NOTHING, now + SECOND)
    assert ears.beat_at == now + SECOND
    again = ears.heard([first], keys, NOTHING, now + 2 * SECOND)
    assert again.beat_at == now + SECOND
    assert again.problems
    same = ears.heard([second], keys, NOTHING, now + 3 * SECOND)
    assert same.beat_at == now + SECOND
    assert not same.problems


def judged(opened_desk: Desk, at: datetime) -> Report:
    return opened_desk.cycle.run(at)


def codes(report: Report) -> set[str]:
    return {found.code for found in report.findings}


def test_a_silent_watcher_narrows_at_its_bound_then_halts_and_is_a_stop(
    desk: GovernedDesk,
) -> None:
    start = present()
    put(desk, beat(1))
    with open_desk(desk.host) as running:
        running.cycle.watched_since = start
        seen = []
        for after in (0, 3, 4, 299):
            report = judged(running, start + after * SECOND)
            seen.append(report.verdict.permitted.trading)
            assert ("HEARTBEAT_MISSING" in codes(report)) == (after > 2)
        assert seen == [Trading.ACTIVE, *[Trading.REDUCING] * 3]
        assert not _raise_silence(running, start + 299 * SECOND)
        assert judged(running, start + 300 * SECOND).verdict.permitted.mode is Mode.HALTED
        assert _raise_silence(running, start + 300 * SECOND)
    [stop] = desk.latch.in_force().values()
    assert (stop.kind, stop.id) == ("technical", "L-local-1")


def test_a_watcher_that_speaks_again_lifts_after_three_good_cycles(desk: GovernedDesk) -> None:
    start = present()
    put(desk, beat(1))
    with open_desk(desk.host) as running:
        running.cycle.watched_since = start
        judged(running, start)
        assert judged(running, start + 5 * SECOND).verdict.permitted.trading is Trading.REDUCING
        seen = []
        for step in range(3):
            put(desk, beat(2 + step))
            found = judged(running, start + (6 + step) * SECOND)
            seen.append(found.verdict.permitted.trading)
        assert seen == [Trading.REDUCING, Trading.REDUCING, Trading.ACTIVE]
    assert desk.verb("audit") == 0


def test_a_single_cycle_needs_no_watcher(desk: GovernedDesk) -> None:
    assert desk.told("reconcile")["permitted"]["mode"] == "paper"
    assert desk.told("verify")["permitted"]["mode"] == "paper"


@pytest.mark.parametrize("news", ["stop", "head", "own", "old"])
def test_a_frozen_remote_is_noticed_at_once_with_a_watcher_elsewhere(
    desk: GovernedDesk, news: str
) -> None:
    path = desk.folder / "governor.yaml"
    path.write_text(path.read_text() + "heartbeats: [./elsewhere]\n")
    start, old = present(), desk.git("rev-parse", "HEAD~1")
    more: dict[str, object] = {
        "stop": {"stops": ("S-0123456789abcdef",)},
        "head": {"head": "1" * 40},
        "own": {"stops": ("L-spare-1",)},  # a stop of that host is its own
        "old": {"head": old},
    }[news]
    with open_desk(desk.host) as running:
        put(desk, beat(1, ELSEWHERE))
        assert judged(running, start).verdict.permitted.trading is Trading.ACTIVE
        put(desk, beat(2, ELSEWHERE, **more))
        report = judged(running, start + SECOND)
        expected = {"stop": Trading.HALTED, "head": Trading.REDUCING}.get(news, Trading.ACTIVE)
        assert report.verdict.permitted.trading is expected
        assert ("SOURCE_STALE" in codes(report)) == (news in {"stop", "head"})
        late = judged(running, start + 301 * SECOND)
        assert (late.verdict.permitted.mode is Mode.HALTED) == (news in {"stop", "head"})
    assert desk.latch.stops() == {}


def test_a_watcher_elsewhere_is_a_second_source_of_the_time(desk: GovernedDesk) -> None:
    path = desk.folder / "governor.yaml"
    path.write_text(path.read_text() + "heartbeats: [./elsewhere]\nclock: {kernel: false}\n")
    with open_desk(desk.host) as running:
        source = running.time.sources[-1]
        assert not source.agrees()
        put(desk, beat(1, ELSEWHERE))
        running.reconcile()
        assert source.agrees()
        running.reconcile()  # nothing new was heard
        assert not source.agrees()
        put(desk, beat(2, ELSEWHERE, at=present() - timedelta(hours=1)))
        running.reconcile()
        assert not source.agrees()


def test_a_watcher_process_beats_every_second_and_tells_what_it_knows(desk: GovernedDesk) -> None:
    keys = [public_of(desk)]

    def heard() -> Heartbeat:
        return opened(heartbeat_path(desk.host).read_bytes(), keys)

    with desk.watched():
        wait_for(lambda: heartbeat_path(desk.host).exists())
        first = heard()
        assert first.head == desk.git("rev-parse", "HEAD")
        wait_for(lambda: heard().number > first.number)
        desk.push("stop", kill_switch__yaml=ENGAGED)
        wait_for(lambda: heard().stops)
        assert set(heard().stops) == set(desk.latch.stops())
    with desk.watched(armed=False):
        wait_for(lambda: heard().number > first.number + 1)


def test_a_watcher_without_its_key_still_stops(desk: GovernedDesk) -> None:
    (desk.var / "keys" / "watcher").unlink()
    with desk.watched():
        desk.push("stop", kill_switch__yaml=ENGAGED)
        wait_for(lambda: desk.latch.stops() and not desk.token.exists())
