"""A stranger with two repositories and a pin: which key's heads count, and until when."""

import json
import subprocess
import sys
from contextlib import closing
from pathlib import Path

from desired_state.adapters.git_state import GitState
from evidence_repo.adapters.git_reader import GitReader
from evidence_repo.adapters.log_key import from_openssh
from evidence_repo.audit import audit_chain
from evidence_repo.audit_report import Judges
from evidence_repo.log_keys import LogKeys
from reconciler.log_trust import KeysInTurn, counting, evidence_keys, trusted_from
from reconciler.wiring.log_keys import head_of_main, key_id, listed_keys
from tests.bootstrap.conftest import new_key, takes, with_log_key
from tests.bootstrap.test_new_host import Forger, codes, memory_of
from tests.fakes.governed_desk import GovernedDesk, present

ORIGIN = "peak/state/evidence"


def from_nowhere(lived: GovernedDesk, folder: Path) -> dict[str, object]:
    """What the command says in an empty folder, given the two repositories and the pin alone."""
    folder.mkdir()
    servers = [str(lived.folder / name) for name in ("state.git", "evidence.git")]
    command = ["audit", *servers, "--pin", lived.host.file.trust_root, "--json"]
    done = subprocess.run(
        [sys.executable, "-m", "reconciler", *command],
        cwd=folder, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode in {0, 1}, done.stderr
    assert list(folder.iterdir()) == []
    return dict(json.loads(done.stdout))


def test_rotation_and_revocation_in_the_past_leave_the_whole_chain_verifiable(
    lived: GovernedDesk, tmp_path: Path
) -> None:
    told = from_nowhere(lived, tmp_path / "empty")
    assert told["findings"] == []
    assert told["ok"] is True
    assert told["verdicts_replayed"]


def test_the_roots_are_those_that_a_host_remembers(lived: GovernedDesk, tmp_path: Path) -> None:
    known = memory_of(lived)
    with closing(GitState(tmp_path / "c.git", str(lived.folder / "state.git"), "main")) as state:
        found = trusted_from(state, head_of_main(state), lived.host.file.trust_root)
    assert list(found.digests) == [known.roots[n] for n in sorted(known.roots)]
    assert dict(found.revoked) == known.revoked


def test_a_head_signed_by_a_key_that_no_root_lists_is_refused(
    lived: GovernedDesk, tmp_path: Path
) -> None:
    takes(lived, new_key(lived.folder / "keys" / "stranger"))
    writer = Forger(lived, tmp_path / "forger")
    good = from_openssh((lived.folder / "keys" / "second.pub").read_text(), ORIGIN)
    writer.journal.append("note", {"n": 1}, present())
    writer.ship(LogKeys((good,)))
    told = lived.told("audit")
    assert codes(told) == {"CHECKPOINT_INVALID"}


def test_a_key_that_was_dropped_signs_no_head_after_the_verdict_that_dropped_it(
    lived: GovernedDesk, tmp_path: Path
) -> None:
    """The newest head alone is by a good key; the ones below it by one that was gone already."""
    old = lived.var / "keys" / "evidence"
    third = new_key(lived.folder / "keys" / "third")
    with_log_key(lived, 3, third)
    lived.told("reconcile")
    gone = takes(lived, third)
    assert old.exists()
    lived.told("reconcile")
    with closing(GitState(tmp_path / "c.git", str(lived.folder / "state.git"), "main")) as state:
        trusted = trusted_from(state, head_of_main(state), lived.host.file.trust_root)
    keys = listed_keys(trusted, None)
    late = from_openssh(gone.with_name(gone.name + ".pub").read_text(), ORIGIN)
    turns = KeysInTurn(trusted)
    assert turns.against(key_id(late), 5) == ""
    after = memory_of(lived).model_copy(update={"revoked": {key_id(late): "sha256:" + "0" * 64}})
    turns.tell(2, memory_of(lived))
    assert turns.against(key_id(late), 3) == ""
    turns.tell(4, after)
    assert turns.against(key_id(late), 4) == ""
    assert "took it away" in turns.against(key_id(late), 5)
    judges = Judges(against=lambda key, size: turns.against(key_id(key), size))
    with closing(GitReader(lived.folder / "evidence.git")) as reader:
        assert audit_chain(reader, keys).ok
        found = audit_chain(reader, keys, judges).findings
    assert {item.code for item in found} == {"CHECKPOINT_INVALID"}
    assert key_id(late) in counting(trusted)
    assert set(evidence_keys(trusted.roots)) >= counting(trusted)
