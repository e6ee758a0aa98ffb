"""A head of the log that people wrote down: judged from there on, and refused where it is not."""

import base64
import json
from pathlib import Path
from typing import Any

from evidence_repo.merkle import grew
from evidence_repo.pinned import read_pinned
from tests.bootstrap.conftest import successor
from tests.bootstrap.test_new_host import COUNTS, codes, forged, memory_of
from tests.fakes.governed_desk import GovernedDesk


def pin(desk: GovernedDesk, head: str) -> None:
    path = desk.folder / "governor.yaml"
    text = path.read_text()
    path.write_text(text.replace("evidence: {", f'evidence: {{checkpoint: "{head}", ', 1))


def grown(lived: GovernedDesk) -> tuple[str, dict[str, Any]]:
    """A head that people wrote down, and the audit of a chain that grew since."""
    head = lived.told("audit")["checkpoint"]
    lived.edit("mode.yaml", "mode: paper", "mode: advisory")
    assert lived.told("reconcile")["permitted"]["mode"] == "advisory"
    return head, lived.told("audit")


def test_an_audit_from_a_checkpoint_says_what_it_did_not_look_at(lived: GovernedDesk) -> None:
    head, whole = grown(lived)
    assert whole["findings"] == []
    assert whole["not_looked_at"] is None
    part = lived.told("audit", "--from-checkpoint", head)
    assert part["findings"] == []
    seen = part["not_looked_at"]
    assert (seen["checkpoint"], seen["leaves"]) == (head, read_pinned(head).size)
    assert 0 < part["verdicts_replayed"] < whole["verdicts_replayed"]
    assert part["leaves"] == whole["leaves"]
    # the proof is one that anybody can check who kept the two heads alone
    old, new = read_pinned(head), read_pinned(part["checkpoint"])
    proof = [base64.b64decode(node) for node in seen["consistency"]]
    assert grew((old.size, old.root), (new.size, new.root), proof)
    assert not grew((old.size, bytes(32)), (new.size, new.root), proof)


def test_a_chain_that_does_not_hold_the_pinned_head_is_refused(lived: GovernedDesk) -> None:
    head, whole = grown(lived)
    size, _, root = head.partition(":")
    other = f"{size}:{'A' * 43}="
    for wrong in (other, f"{int(size) + 999}:{root}"):
        told = lived.told("audit", "--from-checkpoint", wrong)
        assert codes(told) == {"CHECKPOINT_INVALID"}
        assert told["verdicts_replayed"] == 0
    assert lived.verb("audit", "--from-checkpoint", "newest") == 2
    new = successor(lived)
    pin(new, other)
    assert new.verb("reconcile") == 2
    assert not (new.var / "trusted" / "memory").exists()
    assert lived.told("audit")["checkpoint"] == whole["checkpoint"]


def test_a_new_host_goes_on_from_the_pinned_head_of_governor_yaml(lived: GovernedDesk) -> None:
    head, _ = grown(lived)
    known = memory_of(lived)
    new = successor(lived)
    pin(new, head)
    told = new.told("reconcile")
    assert told["permitted"]["mode"] == "halted"
    [stop] = told["kill_switch"]["stops"]
    assert "does not come out again" not in stop["reason"]
    found = memory_of(new)
    assert {n: getattr(found, n) for n in COUNTS} == {n: getattr(known, n) for n in COUNTS}
    assert new.told("audit")["not_looked_at"]["checkpoint"] == head


def test_what_was_forged_after_the_pinned_head_is_found(
    lived: GovernedDesk, tmp_path: Path
) -> None:
    head, _ = grown(lived)
    forged(lived, tmp_path / "forger", "verdict")
    told = lived.told("audit", "--from-checkpoint", head)
    assert codes(told) == {"REPLAY_MISMATCH"}
    new = successor(lived)
    pin(new, head)
    assert "does not come out again" in json.dumps(new.told("reconcile")["kill_switch"])


def test_an_empty_log_is_not_the_one_that_was_pinned(lived: GovernedDesk) -> None:
    head, _ = grown(lived)
    new = successor(lived)
    pin(new, head)
    (lived.folder / "evidence.git" / "refs" / "heads" / "main").unlink()
    assert new.verb("reconcile") == 2
