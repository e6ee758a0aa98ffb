"""A host whose journal begins in the middle of the chain keeps the books of the chain (MEM-7)."""

import shutil
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import pytest

from desired_state.canonical import digest_bytes
from desired_state.errors import Stalled
from desired_state.reasons import Reason
from evidence_repo import layout
from evidence_repo.adapters.file_journal import FileJournal
from evidence_repo.chain import Head
from layers.l6_execution.ledger import Ledger
from reconciler.adapters.evidence_chain import EvidenceChain
from reconciler.adapters.session_slot import SessionSlot
from reconciler.adapters.shared_journal import SharedJournal
from reconciler.adapters.whole_journal import WholeJournal
from reconciler.conduct import ConductRecord
from reconciler.wiring.desk import Desk
from tests.fakes.governed_desk import GovernedDesk, present, wait_for
from tests.fakes.rehearsal_desk import RehearsalDesk
from tests.fakes.session_desk import LAST, die_sending, opened, run
from tests.session.test_crashes import at_venue, sound
from tests.session.test_rehearsed_sessions import SESSION, running, truth


def books(writer: Desk) -> tuple[Ledger, ConductRecord]:
    shared = SharedJournal(writer.journal, lambda: None, present)
    return Ledger.rebuilt(shared), ConductRecord.rebuilt(shared.entries())


def same(one: tuple[Ledger, ConductRecord], other: tuple[Ledger, ConductRecord]) -> bool:
    (first, conduct), (second, again) = one, other
    return (first.books, first.witness, conduct) == (second.books, second.witness, again)


def test_a_new_host_goes_on_with_the_books_of_the_old_one(desk: GovernedDesk) -> None:
    assert die_sending(desk, 6, after=True) == 9
    with opened(desk) as writer:  # everything is shipped
        before = books(writer)
    shown = desk.told("books", "show")["books"]
    assert before[0].books.working
    there = at_venue(desk.venue)
    shutil.rmtree(desk.var / "journal")
    with opened(desk) as writer:
        assert writer.journal.own.begin.size > 50
        assert same(books(writer), before)
    outcome = run(desk)
    assert outcome.reconciliation is not None
    assert outcome.reconciliation.ok
    assert not desk.venue.open_orders()
    assert len(set(at_venue(desk.venue))) == len(at_venue(desk.venue)) > len(there)
    assert {order.client_order_id for order in outcome.record.orders} <= set(at_venue(desk.venue))
    [after] = desk.told("books", "show")["books"]
    assert (after["agrees"], after["sequence"]) > (True, shown[0]["sequence"])
    assert desk.verb("audit") == 0


def test_a_journal_begun_anew_beside_the_one_set_aside_keeps_the_books(
    desk: GovernedDesk, tmp_path: Path
) -> None:
    run(desk)
    journal = desk.var / "journal"
    shutil.copytree(journal, tmp_path / "older")
    with opened(desk) as writer:  # the newer one, which ships its epoch
        before = books(writer)
    shutil.rmtree(journal)
    shutil.copytree(tmp_path / "older", journal)
    with FileJournal(journal) as older:
        older.append("note", {"beside": "the newer one"}, present())
    with opened(desk) as writer:
        assert (journal / "aside-1").is_dir()
        assert same(books(writer), before)
    again = run(desk, end=LAST + timedelta(days=1))
    assert again.reconciliation is not None
    assert again.reconciliation.ok
    assert again.record.orders


def test_on_a_host_that_wrote_it_all_nothing_is_read_elsewhere(desk: GovernedDesk) -> None:
    sound(desk, run(desk))
    with opened(desk) as writer:
        local = WholeJournal(writer.journal.own, lambda: pytest.fail("it has it all"))
        assert list(local.lines()) == list(writer.journal.lines())


# --- what is refused
@dataclass
class Shards:
    """An evidence repository of one shard."""

    lines: list[bytes]

    def read(self, _path: str) -> bytes:
        return b"".join(line + b"\n" for line in self.lines)

    def folder(self, path: str) -> tuple[str, ...]:
        return (Path(layout.shard_path(0)).relative_to("log/leaves").parts[path.count("/") - 1],)

    def close(self) -> None:
        pass


@pytest.fixture
def chain(tmp_path: Path) -> list[bytes]:
    with FileJournal(tmp_path / "old") as journal:
        for number in range(6):
            journal.append("note", {"n": number}, present())
        return list(journal.lines())


@pytest.fixture
def new(tmp_path: Path, chain: list[bytes]) -> Iterator[FileJournal]:
    with FileJournal(tmp_path / "new", Head(len(chain), digest_bytes(chain[-1]))) as journal:
        yield journal


def whole(journal: FileJournal, lines: list[bytes]) -> WholeJournal:
    return WholeJournal(journal, lambda: EvidenceChain(Path("nowhere"), Shards(lines)))  # type: ignore[arg-type]


def test_what_came_before_and_what_is_here_are_one_record(
    new: FileJournal, chain: list[bytes]
) -> None:
    assert list(whole(new, chain).lines()) == chain  # before the first leaf of its own
    own = new.append("note", {"n": 6}, present()).line()
    later = [*chain, own]  # what is here already may be there as well
    for lines in (chain, later):
        assert list(whole(new, lines).lines()) == later
        assert list(whole(new, lines).lines(4)) == later[4:]
        assert list(whole(new, []).lines(6)) == [own]
    assert new.begin == Head(6, new.begin.digest)


def test_a_history_that_is_not_there_whole_is_refused_before_a_line_of_it_counts(
    new: FileJournal, chain: list[bytes]
) -> None:
    new.append("note", {"n": 6}, present())
    for lines in ([], chain[:1], chain[:5]):
        with pytest.raises(Stalled) as refused:
            next(whole(new, lines).lines())
        assert refused.value.code is Reason.HISTORY_MISSING


def test_a_history_that_does_not_lead_here_is_refused_before_a_line_of_it_counts(
    new: FileJournal, chain: list[bytes]
) -> None:
    new.append("note", {"n": 6}, present())
    for at in range(6):
        edited = [*chain]
        edited[at] = chain[at].replace(b'"n":', b'"n":9')
        with pytest.raises(Stalled) as refused:
            next(whole(new, edited).lines())
        assert refused.value.code is Reason.CHAIN_BROKEN


# --- the whole of it
@pytest.mark.slow
def test_a_planned_take_over_on_an_empty_disk_holds_sessions_at_the_venue(
    testnet: RehearsalDesk,
) -> None:
    """README, Taking over: the log's key and ``governor.yaml``, a start, and one release."""
    held(testnet)
    [before] = testnet.told("books", "show")["books"]
    shutil.move(testnet.var, testnet.folder / "gone")
    shutil.rmtree(testnet.folder / "evidence")
    testnet.var.mkdir()
    shutil.copytree(testnet.folder / "gone" / "keys", testnet.var / "keys")
    [stop] = testnet.told("reconcile")["kill_switch"]["stops"]
    assert stop["id"].startswith("LOST-")
    time.sleep(1.1)  # papers are dated by whole seconds, stops are not (RELEASE-5)
    testnet.grant(2, "--clears", stop["id"])
    assert testnet.verb("sign", "2", "--as", "oscar", "--yes", "--push") == 0
    held(testnet)
    assert truth(testnet).open_orders == ()
    [after] = testnet.told("books", "show")["books"]
    assert after["agrees"]
    assert after["sequence"] > before["sequence"]
    assert testnet.told("audit")["ok"] is True


def held(desk: RehearsalDesk) -> None:
    """A session over some bars, ended by a person; whether it trades is the market's affair."""
    with running(desk, "run"):
        slot = SessionSlot(desk.var)
        wait_for(lambda: slot.hosted and desk.armed, 60)
        session = desk.start(*SESSION, "testnet")
        wait_for(lambda: getattr(slot.running(), "bars", 0) > 3 or session.poll() is not None, 60)
        told = desk.told("session", "stop")
        said, _ = session.communicate(timeout=30)
    assert (told["ending"], told["reconciled"]) == ("ended", True), said
