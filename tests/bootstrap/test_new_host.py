"""A reconciler that starts from the pin knows what the one that lived through it knows."""

import json
import subprocess
from pathlib import Path

import pytest

from desired_state.adapters.memory_store import MemoryFile
from desired_state.canonical import digest_bytes
from desired_state.memory import Memory, snapshot
from evidence_repo.adapters.file_journal import FileJournal
from evidence_repo.adapters.git_evidence import GitEvidence
from evidence_repo.adapters.log_key import LogKey
from evidence_repo.adapters.position_file import PositionFile
from evidence_repo.backwards import last_head, newest_first
from evidence_repo.ledger import NO_OTHERS, Ledger
from evidence_repo.log_keys import LogKeys
from reconciler.verdicts import LEAF_KIND
from tests.bootstrap.conftest import key_id, new_key, successor, takes, with_log_key
from tests.fakes.governed_desk import GovernedDesk, present

COUNTS = (
    "head", "desired", "roots", "revoked", "ledger", "erased", "voided", "high", "winding",
    "falls", "releases",
)  # fmt: skip


def memory_of(desk: GovernedDesk) -> Memory:
    found = MemoryFile(desk.var / "trusted" / "memory").load()
    assert found is not None
    return found


def codes(told: dict[str, object]) -> set[str]:
    return {found["code"] for found in told["findings"]}  # type: ignore[index,attr-defined]


def test_a_new_host_remembers_what_the_old_one_did_and_is_stopped_until_released(
    lived: GovernedDesk,
) -> None:
    known = memory_of(lived)
    assert known.releases
    assert known.falls
    assert known.revoked
    assert known.voided == (3,)
    assert len(known.roots) == 2
    new = successor(lived)
    seen = new.told("verify")
    told = new.told("reconcile")
    for said in (seen, told):
        assert said["permitted"]["mode"] == "halted"
        [stop] = said["kill_switch"]["stops"]
        assert stop["id"].startswith("LOST-local-")
        assert "MEMORY_UNREADABLE" in codes(said)
    found = memory_of(new)
    assert {n: getattr(found, n) for n in COUNTS} == {n: getattr(known, n) for n in COUNTS}
    assert set(found.stops) == {*known.stops, stop["id"]}
    assert found.floor is not None
    assert known.floor is not None
    assert found.floor >= known.floor
    # a planned take-over is one release, and gives what the old host permitted
    lived.propose_and_sign(4, "--clears", stop["id"])
    assert new.told("reconcile")["permitted"]["mode"] == "paper"
    assert new.told("verify")["permitted"]["mode"] == "paper"
    assert new.verb("audit") == 0


def test_history_alone_gives_the_roots_and_revocations_to_one_who_has_no_evidence(
    lived: GovernedDesk,
) -> None:
    known = memory_of(lived)
    new = successor(lived)
    empty = lived.folder / "evidence.git"
    empty.rename(lived.folder / "old.git")
    subprocess.run(["git", "init", "-q", "--bare", "-b", "main", str(empty)], check=True)
    new.told("reconcile")
    found = memory_of(new)
    for name in ("head", "roots", "revoked", "ledger", "voided"):
        assert getattr(found, name) == getattr(known, name)
    assert {fall.path for fall in known.falls} <= {fall.path for fall in found.falls}


class Forger:
    """Somebody with the log's key and push rights writes what comes next in the chain."""

    def __init__(self, desk: GovernedDesk, folder: Path) -> None:
        self.server = desk.folder / "evidence.git"
        self.store = GitEvidence.at(folder / "clone", str(self.server))
        self.store.follow()
        start = last_head(newest_first(self.store))
        self.journal = FileJournal(folder / "journal", start)
        self.key = LogKey(desk.var / "keys" / "evidence", "peak/state/evidence")
        self.cache = PositionFile(folder / "position.json")

    def ship(self, others: LogKeys = NO_OTHERS) -> None:
        Ledger(self.journal, self.store, self.key, self.cache, others).ship()
        self.journal.close()
        self.store.close()

    def newest_verdict(self) -> dict[str, object]:
        for line in newest_first(self.store):
            leaf = json.loads(line)
            if leaf["kind"] == LEAF_KIND:
                return dict(leaf["body"])
        raise AssertionError


def forged(desk: GovernedDesk, folder: Path, kind: str) -> Memory:
    """A leaf by which every fall and revocation never was, and its memory."""
    evil = memory_of(desk).model_copy(update={"falls": (), "revoked": {}, "voided": ()})
    writer = Forger(desk, folder)
    name = writer.journal.keep(snapshot(evil))
    body = writer.newest_verdict()
    if kind == LEAF_KIND:
        body |= {"memory_before": body["memory_after"], "memory_after": name}
    else:
        body = {"stop": "LOST-local-9", "code": "STORE_ROLLBACK", "memory": name, "found": ""}
    writer.journal.append(kind, body, present(), None, [name])
    writer.ship()
    return evil


@pytest.mark.parametrize("kind", [LEAF_KIND, "memory_recovered"])
def test_memory_forged_with_the_logs_own_key_is_not_taken(
    lived: GovernedDesk, tmp_path: Path, kind: str
) -> None:
    known = memory_of(lived)
    forged(lived, tmp_path / "forger", kind)
    new = successor(lived)
    told = new.told("reconcile")
    assert told["permitted"]["mode"] == "halted"
    [stop] = told["kill_switch"]["stops"]
    assert "does not come out again" in stop["reason"]
    found = memory_of(new)
    assert found.revoked == known.revoked
    assert found.voided == known.voided
    assert {fall.path for fall in known.falls} <= {fall.path for fall in found.falls}
    assert new.verb("audit") == 1


def test_a_crash_told_by_a_forged_leaf_is_a_loss(lived: GovernedDesk, tmp_path: Path) -> None:
    known = memory_of(lived)
    evil = forged(lived, tmp_path / "forger", LEAF_KIND)
    assert known != evil
    told = lived.told("reconcile")
    assert told["permitted"]["mode"] == "halted"
    assert [s["id"][:5] for s in told["kill_switch"]["stops"]] == ["LOST-"]
    found = memory_of(lived)
    assert (found.revoked, found.voided) == (known.revoked, known.voided)
    assert set(known.falls) <= set(found.falls)


def test_a_host_whose_key_no_root_lists_permits_and_ships_nothing(lived: GovernedDesk) -> None:
    before = (lived.folder / "evidence.git/refs/heads/main").read_text()
    takes(lived, new_key(lived.folder / "keys" / "stranger"))
    told = lived.told("reconcile")
    assert told["permitted"]["mode"] == "halted"
    assert "EVIDENCE_KEY" in codes(told)
    assert (lived.folder / "evidence.git/refs/heads/main").read_text() == before
    assert lived.latch.in_force() == {}


def test_a_revoked_log_key_halts_in_the_same_cycle_and_the_next_key_goes_on(
    lived: GovernedDesk,
) -> None:
    old = lived.var / "keys" / "evidence"
    third = new_key(lived.folder / "keys" / "third")
    with_log_key(lived, 3, third)
    assert lived.told("reconcile")["permitted"]["mode"] == "shadow"
    told = ("--as", "host", "--key", str(old), "--reason", "stolen", "--yes", "--push")
    assert lived.verb("trust", "revoke", key_id(old), *told) == 0
    said = lived.told("reconcile")
    assert said["permitted"]["mode"] == "halted"
    assert "EVIDENCE_KEY" in codes(said)
    # a stranger believes no head of that key from now on, and the audit says so
    assert "CHECKPOINT_INVALID" in codes(lived.told("audit"))
    takes(lived, third)
    assert lived.told("reconcile")["permitted"]["mode"] == "shadow"
    assert lived.latch.in_force() == {}
    assert lived.told("audit")["findings"] == []
    assert digest_bytes(third.read_bytes()) == digest_bytes(old.read_bytes())
