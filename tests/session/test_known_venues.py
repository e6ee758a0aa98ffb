"""A host that takes over finds the way out of every venue that the old one opened (STOP-12)."""

import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from desired_state.canonical import canonical, plain
from desired_state.reasons import Reason
from evidence_repo.adapters.file_journal import FileJournal
from layers.local_exchange.faults import Fault, FaultKind
from layers.local_exchange.shapes import account_number
from layers.local_exchange.terms import DESK
from layers.risk_snapshot import VenueClass
from reconciler.acknowledgement import Acknowledgement
from reconciler.adapters.opened_venues import OpenedVenues
from reconciler.adapters.shared_journal import SharedJournal
from reconciler.opened_venue import OPENED, OpenedVenue, ToldVenues
from reconciler.plan import UNKNOWN
from reconciler.wiring.desk import open_desk
from reconciler.wiring.exchange import Command, ask
from reconciler.wiring.founding import init
from reconciler.wiring.host_parts import venues
from reconciler.wiring.taking_over import learn_venues
from tests.fakes.governed_desk import ENGAGED, GovernedDesk, present, wait_for
from tests.fakes.rehearsal_desk import RehearsalDesk
from tests.session.test_rehearsed_sessions import SESSION, leaves, running, truth
from tests.session.test_taking_over import whole

BINANCE = OpenedVenue(
    venue="binance",
    venue_class=VenueClass.TESTNET,
    account="12345678",
    rehearsed=True,
    symbols=("BTC/USDT",),
)
OURS = "./evidence.git main"


def changed(**fields: object) -> OpenedVenue:
    return BINANCE.model_copy(update=fields)


# --- what a chain tells
def told(folder: Path, *entries: tuple[str, str, dict[str, Any]]) -> ToldVenues:
    with FileJournal(folder / "journal") as journal:
        for counter, kind, body in entries:
            SharedJournal(journal, lambda: None, present, counter).append(kind, body, present())
        return ToldVenues.by(journal.lines())


def opening(record: OpenedVenue) -> tuple[str, str, dict[str, Any]]:
    return record.venue, OPENED, plain(record)


def test_a_venue_is_told_with_every_symbol_of_every_opening(tmp_path: Path) -> None:
    more = changed(symbols=("ETH/USDT",))
    found = told(tmp_path, opening(BINANCE), ("paper", "mark", {}), opening(more))
    assert found.opened == {"binance": changed(symbols=("BTC/USDT", "ETH/USDT"))}
    assert found.leaves_open(()) == ()


def test_orders_at_a_venue_that_no_leaf_tells_of_leave_it_open_and_none_else(
    tmp_path: Path,
) -> None:
    sent = ("kraken", "order_intent", {})
    found = told(tmp_path, opening(BINANCE), sent, ("binance", "order_intent", {}))
    assert found.leaves_open(()) == ("kraken",)
    assert found.leaves_open(("kraken",)) == ()  # a record here tells it


@pytest.mark.parametrize(
    "second",
    [
        plain(changed(account="87654321")),
        plain(changed(rehearsed=False)),
        plain(changed(venue_class=VenueClass.LIVE)),
        {"venue": "binance"},
    ],
    ids=["account", "place", "class", "unreadable"],
)
def test_two_openings_of_one_name_that_are_not_one_account_leave_it_open_for_good(
    tmp_path: Path, second: dict[str, Any]
) -> None:
    found = told(tmp_path, opening(BINANCE), ("binance", OPENED, second), opening(BINANCE))
    assert found.leaves_open(("binance",)) == ("binance",)
    assert found.opened  # something is asked all the same


# --- what this host knows
def test_a_host_knows_every_venue_only_of_the_chain_that_it_read(tmp_path: Path) -> None:
    records = OpenedVenues(tmp_path)
    assert not records.all_known(OURS)
    records.mark_known(OURS, 3)
    assert records.all_known(OURS)  # no journal yet
    assert not records.all_known("./elsewhere.git main")
    journal = tmp_path / "journal"
    journal.mkdir()
    (journal / f"{3:012d}.jsonl").touch()
    assert records.all_known(OURS)
    (journal / f"{3:012d}.jsonl").rename(journal / f"{4:012d}.jsonl")
    assert not records.all_known(OURS)
    (tmp_path / "venues" / "known.json").write_bytes(b"{")
    assert not records.all_known(OURS)


# --- a new machine
def told_of(desk: GovernedDesk, *records: OpenedVenue) -> None:
    """A host's cycle, and what a counter writes before its first line is opened, shipped."""
    with open_desk(desk.host) as writer:
        writer.reconcile()
        for record in records:
            shared = SharedJournal(writer.journal, lambda: None, present, record.venue)
            shared.append(OPENED, plain(record), present())
        writer.ledger.ship()


def new_machine(desk: GovernedDesk) -> None:
    """``governor.yaml`` and the log's key, on an empty disk."""
    keys = desk.folder / "keys"
    shutil.copytree(desk.var / "keys", keys)
    shutil.rmtree(desk.var)
    shutil.rmtree(desk.folder / "evidence")
    desk.var.mkdir()
    keys.rename(desk.var / "keys")


def ways(desk: GovernedDesk) -> set[str]:
    return set(venues(desk.host)())


@contextmanager
def away(folder: Path) -> Iterator[None]:
    """The repository does not answer."""
    gone = folder.rename(folder.with_name("gone.git"))
    yield
    gone.rename(folder)


def swept(desk: GovernedDesk, stop: str) -> Acknowledgement:
    """After sweeps enough to prove anything."""
    lane = desk.lane()
    for _ in range(3):
        lane.step()
        time.sleep(1.05)
    lane.step()
    return desk.latch.acknowledgements()[stop]


def test_a_stop_on_a_new_machine_is_not_clean_before_it_knows_where_orders_may_rest(
    desk: GovernedDesk,
) -> None:
    told_of(desk, BINANCE)
    new_machine(desk)
    desk.push(kill_switch__yaml=ENGAGED)
    desk.lane().step()
    (stop,) = desk.latch.in_force()
    found = swept(desk, stop)
    assert (found.verified_clean, found.unreachable) == (None, True)
    halted = desk.told("halt", "--reason", "not known")
    assert halted["clean"] is False
    assert UNKNOWN in ways(desk)
    # known, and no way there: governor.yaml of the new machine does not name it
    desk.verb("reconcile")
    assert ways(desk) == {"binance"}
    assert OpenedVenues(desk.var).read("binance") == BINANCE
    found = swept(desk, stop)
    assert (found.verified_clean, found.unreachable) == (None, True)


def test_an_order_that_turns_up_is_cancelled_while_another_venue_cannot_tell(
    desk: GovernedDesk,
) -> None:
    told_of(desk, BINANCE)
    new_machine(desk)
    desk.verb("reconcile")
    desk.place(1)
    lane = desk.lane()
    lane.step()
    assert desk.venue.open_orders() == ()
    desk.place(1, "on its way when the gate closed")
    time.sleep(1.05)
    lane.step()
    assert desk.venue.open_orders() == ()
    assert not lane.settled


def test_a_new_machine_on_a_chain_of_paper_alone_proves_its_stops_clean(
    desk: GovernedDesk,
) -> None:
    desk.place(1)
    told_of(desk)
    new_machine(desk)
    assert ways(desk) == {UNKNOWN}
    desk.verb("reconcile")
    assert ways(desk) == set()
    (lost,) = desk.latch.in_force()
    assert lost.startswith("LOST-")
    assert swept(desk, lost).verified_clean


def test_an_evidence_repository_that_does_not_answer_leaves_a_new_machine_not_knowing(
    desk: GovernedDesk,
) -> None:
    told_of(desk, BINANCE)
    new_machine(desk)
    with away(desk.folder / "evidence.git"):
        desk.verb("reconcile")
        assert ways(desk) == {UNKNOWN}
        found = {c["kind"]: c for c in desk.told("status")["conditions"]}["VenueReconciled"]
        assert (found["status"], found["reason"]) == ("unknown", Reason.VENUES_UNKNOWN)
    desk.verb("reconcile")
    assert ways(desk) == {"binance"}


def test_a_history_that_does_not_lead_here_tells_nothing_of_venues(
    desk: GovernedDesk, tmp_path: Path
) -> None:
    """MEM-7: the repository answers, and what this host goes on from is not in it."""
    with FileJournal(tmp_path / "old") as old:
        shared = SharedJournal(old, lambda: None, present, "binance")
        for record in (BINANCE, BINANCE):
            shared.append(OPENED, plain(record), present())
        chain, head = list(old.lines()), old.head
    edited = [line.replace(b"12345678", b"87654321") for line in chain]
    shutil.rmtree(desk.var / "venues")
    with FileJournal(desk.var / "journal", head) as journal:
        journal.append("note", {}, present())
        for lines in ([], chain[:1], edited):
            learn_venues(desk.host, whole(journal, lines), answered=True)
            assert ways(desk) == {UNKNOWN}
        learn_venues(desk.host, whole(journal, chain), answered=True)
    assert ways(desk) == {"binance"}


def test_a_chain_that_ends_before_the_head_that_people_pinned_may_hide_a_venue(
    desk: GovernedDesk,
) -> None:
    told_of(desk, BINANCE)
    new_machine(desk)
    path = desk.folder / "governor.yaml"
    text = path.read_text()
    for size, found in ((10_000, {"binance", UNKNOWN}), (1, {"binance"})):
        pin = f'evidence: {{checkpoint: "{size}:{"A" * 43}=", '
        path.write_text(text.replace("evidence: {", pin, 1))
        desk.verb("reconcile")
        assert ways(desk) == found


def test_a_disk_put_back_from_an_older_copy_learns_what_was_opened_since(
    desk: GovernedDesk, tmp_path: Path
) -> None:
    with open_desk(desk.host):
        pass
    shutil.copytree(desk.var, tmp_path / "older")
    told_of(desk, BINANCE)
    shutil.rmtree(desk.var)
    shutil.copytree(tmp_path / "older", desk.var)
    assert ways(desk) == set()
    desk.verb("reconcile")
    assert ways(desk) == {"binance"}


def test_a_desk_made_for_its_keys_and_led_to_a_chain_of_others_knows_nothing_of_it(
    desk: GovernedDesk, tmp_path: Path
) -> None:
    told_of(desk, BINANCE)
    init(tmp_path / "second", now=present(), demo_keys=True)
    second = GovernedDesk(tmp_path / "second")
    assert ways(second) == set()
    path = second.folder / "governor.yaml"
    text = path.read_text()
    assert "./evidence.git" in text
    path.write_text(text.replace("./evidence.git", str(desk.folder / "evidence.git")))
    assert ways(second) == {UNKNOWN}


OTHER = changed(account="87654321")


def test_of_two_accounts_under_one_name_the_last_is_asked_and_there_may_be_more(
    desk: GovernedDesk,
) -> None:
    told_of(desk, BINANCE, OTHER)
    new_machine(desk)
    desk.verb("reconcile")
    assert OpenedVenues(desk.var).read("binance") == OTHER
    assert ways(desk) == {"binance", UNKNOWN}


def test_a_record_that_does_not_read_is_mended_and_one_of_another_account_stays(
    desk: GovernedDesk,
) -> None:
    told_of(desk, BINANCE)
    new_machine(desk)
    path = desk.var / "venues" / "binance.venue.json"
    path.parent.mkdir()
    path.write_bytes(b"{")
    desk.verb("reconcile")
    assert OpenedVenues(desk.var).read("binance") == BINANCE
    (path.parent / "known.json").unlink()
    path.write_bytes(canonical(OTHER))
    desk.verb("reconcile")
    assert OpenedVenues(desk.var).read("binance") == OTHER
    assert ways(desk) == {"binance", UNKNOWN}


# --- with an exchange
def rest(desk: RehearsalDesk) -> None:
    """An order of the account far from the market, which nobody fills."""
    ask(desk.store, Command(fault=Fault(kind=FaultKind.FOREIGN_ORDER)))
    assert truth(desk).open_orders


def left_by_a_session(desk: RehearsalDesk) -> None:
    """Orders rest at the venue, and the machine that placed them is gone."""
    with running(desk, *SESSION, "testnet") as child:
        wait_for(lambda: truth(desk).orders > 1, 60)
        child.kill()
    rest(desk)
    new_machine(desk)


def test_a_take_over_in_the_middle_of_a_stop_cancels_what_the_old_host_left(
    testnet: RehearsalDesk,
) -> None:
    told_of(testnet, changed(account=str(account_number(DESK))))
    rest(testnet)
    new_machine(testnet)
    testnet.push(kill_switch__yaml=ENGAGED)
    with testnet.watched(armed=False) as watcher:
        wait_for(testnet.latch.acknowledgements)
        time.sleep(2.5)  # time enough for two sweeps
        (asked,) = testnet.latch.acknowledgements().values()
        assert asked.verified_clean is None
        assert truth(testnet).open_orders
        testnet.verb("reconcile")
        stops = testnet.latch.in_force()
        assert len(stops) == 2  # what people engaged, and the loss
        for stop in stops:
            assert testnet.acknowledged(stop).verified_clean
        assert truth(testnet).open_orders == ()
        watcher.terminate()
        said, _ = watcher.communicate(timeout=10)
    assert Reason.VENUES_UNKNOWN in said


@pytest.mark.slow
def test_without_the_venues_credentials_a_take_over_is_not_clean_until_they_are_there(
    testnet: RehearsalDesk,
) -> None:
    left_by_a_session(testnet)
    credentials = testnet.store / "credentials.yaml"
    hidden = credentials.rename(testnet.store / "hidden")
    testnet.verb("reconcile")
    (lost,) = testnet.latch.in_force()
    with testnet.watched(armed=False):
        wait_for(testnet.latch.acknowledgements)
        time.sleep(2.5)
        assert testnet.latch.acknowledgements()[lost].verified_clean is None
        assert truth(testnet).open_orders
        hidden.rename(credentials)
        assert testnet.acknowledged(lost).verified_clean
    assert truth(testnet).open_orders == ()


@pytest.mark.slow
def test_a_venue_is_not_opened_before_its_opening_is_in_the_evidence_repository(
    testnet: RehearsalDesk,
) -> None:
    with running(testnet, "run"):
        wait_for(lambda: testnet.armed, 30)
        wait_for(lambda: testnet.told("status")["conditions"], 30)
        with away(testnet.folder / "evidence.git"):
            child = testnet.start(*SESSION, "testnet")
            said, _ = child.communicate(timeout=60)
        assert (child.returncode, Reason.EVIDENCE_UNWRITABLE in said) == (2, True), said
        assert list(OpenedVenues(testnet.var).names()) == []
        assert truth(testnet).orders == 0
        child = testnet.start(*SESSION, "testnet")
        wait_for(lambda: truth(testnet).orders > 0, 60)
        assert testnet.told("session", "stop")["ending"] == "ended"
        child.communicate(timeout=30)
    kinds = [leaf["kind"] for leaf in leaves(testnet)]
    assert kinds.index(OPENED) < kinds.index("order_intent")
