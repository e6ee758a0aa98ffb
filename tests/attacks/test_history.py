"""Attacks on git itself: rewinding, replacing, freezing, flooding, and undoing a tightening."""

import json
import subprocess

import pytest

from tests.attacks.plain_desk import ENGAGED, PlainDesk, codes, permitted
from tests.attacks.test_signoffs import order_size

LOSS = "max_daily_loss"


def test_the_forge_resets_main_to_an_older_validly_signed_head(desk: PlainDesk) -> None:
    old = desk.head
    desk.edit("limits.yaml", 'max_daily_loss: "100"', 'max_daily_loss: "90"')
    assert desk.reconcile()[1]["permitted"]["limits"][LOSS] == "90"
    desk.git("update-ref", "refs/heads/main", old, where=desk.remote)
    for _, told in (desk.verify(), desk.reconcile()):
        assert permitted(told) == "halted"
        assert "HEAD_REWRITE" in codes(told)
        assert not told["admitted"]


def test_a_forward_commit_goes_back_and_the_tightening_stays(desk: PlainDesk) -> None:
    desk.edit("limits.yaml", 'max_daily_loss: "100"', 'max_daily_loss: "90"')
    desk.reconcile()
    desk.git("revert", "--no-edit", "HEAD")
    desk.push()
    for _, told in (desk.verify(), desk.reconcile()):
        assert told["permitted"]["limits"][LOSS] == "90"
        assert {"FALLEN"} <= codes(told)


def test_a_tightening_reverted_within_the_same_push(desk: PlainDesk) -> None:
    text = desk.read("limits.yaml")
    desk.commit({"limits.yaml": text.replace('max_daily_loss: "100"', 'max_daily_loss: "90"')})
    desk.push({"limits.yaml": text})
    assert desk.reconcile()[1]["permitted"]["limits"][LOSS] == "90"


def test_a_tightening_reverted_stays_until_restore(desk: PlainDesk) -> None:
    desk.edit("limits.yaml", 'max_daily_loss: "100"', 'max_daily_loss: "90"')
    desk.reconcile()
    desk.git("revert", "--no-edit", "HEAD")
    desk.push()
    desk.reconcile()
    desk.propose(2, gate="restore", expires=desk.first_proposal()["expires"])
    desk.sign(2, "oscar")
    assert desk.reconcile()[1]["permitted"]["limits"][LOSS] == "90"
    desk.sign(2, "rita")
    assert desk.reconcile()[1]["permitted"]["limits"][LOSS] == "100"


def test_replace_refs_on_the_server(desk: PlainDesk) -> None:
    """The server answers for the head's limits with other bytes; nobody here believes it."""
    real = desk.git("rev-parse", "HEAD:limits.yaml")
    forged = desk.read("limits.yaml").replace('max_order_notional: "50"', "max_order_notional: x")
    false = subprocess.run(
        ["git", "hash-object", "-w", "--stdin"],
        cwd=desk.remote,
        input=forged.encode(),
        check=True,
        capture_output=True,
    )
    desk.git("replace", real, false.stdout.decode().strip(), where=desk.remote)
    assert "max_order_notional: x" in desk.git("show", "main:limits.yaml", where=desk.remote)
    for _, told in (desk.verify(), desk.reconcile()):
        assert told["admitted"], told["findings"]
        assert order_size(told) == "50"


@pytest.mark.parametrize(
    ("where", "code"),
    [
        ("proposals/0099.yaml", "TREE_MODE"),
        ("scopes/link.yaml", "TREE_MODE"),
        ("trust/root/9.yaml", "TREE_MODE"),
        ("limits.yaml", "TREE_MODE"),
    ],
)
def test_a_symlink_under_a_governed_path(desk: PlainDesk, where: str, code: str) -> None:
    path = desk.clone / where
    path.unlink(missing_ok=True)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.symlink_to("/etc/passwd")
    desk.push()
    refused(desk, code)


def test_an_executable_under_a_governed_path(desk: PlainDesk) -> None:
    (desk.clone / "limits.yaml").chmod(0o755)
    desk.push()
    refused(desk, "TREE_MODE")


def test_a_submodule_under_a_governed_path(desk: PlainDesk) -> None:
    desk.git("update-index", "--add", "--cacheinfo", f"160000,{desk.head},prompts/sub")
    desk.git("commit", "-q", "-m", "by hand")
    desk.git("push", "-q", "origin", "HEAD:main")
    refused(desk, "TREE_MODE")


def test_an_oversized_file(desk: PlainDesk) -> None:
    desk.push({"signoffs/0001/huge.GO.yaml": "#" * 70_000})
    refused(desk, "TREE_SIZE")


def test_two_names_that_differ_in_case_alone(desk: PlainDesk) -> None:
    desk.push({"Limits.yaml": "currency: USD\n"})
    refused(desk, "TREE_PATH")


def test_more_files_than_anybody_needs(desk: PlainDesk) -> None:
    """Thirty thousand names of one blob, made without writing them to a disk."""
    blob = desk.git("rev-parse", "HEAD:mode.yaml")
    lines = "".join(f"100644 {blob}\tsignoffs/0001/p{n}.GO.yaml\n" for n in range(30_000))
    subprocess.run(
        ["git", "update-index", "--add", "--index-info"],
        cwd=desk.clone,
        input=lines.encode(),
        check=True,
    )
    desk.git("commit", "-q", "-m", "by hand")
    desk.git("push", "-q", "origin", "HEAD:main")
    refused(desk, "TREE_SIZE")


def refused(desk: PlainDesk, code: str) -> None:
    """By name, never with more than before; and a stop on top of it is seen all the same."""
    for _, told in (desk.verify(), desk.reconcile()):
        assert code in codes(told), told["findings"]
        assert not told["admitted"]
        assert told["permitted"]["mode"] in {"paper", "halted"}
        assert told["permitted"]["trading"] != "active"
    desk.git("reset", "-q", "--hard")
    desk.push({"kill_switch.yaml": ENGAGED})
    told = desk.reconcile()[1]
    assert told["kill_switch"]["state"] == "engaged"
    assert permitted(told) == "halted"


def test_a_source_that_no_longer_answers(desk: PlainDesk) -> None:
    gone = desk.remote.with_name("elsewhere.git")
    desk.remote.rename(gone)
    told = desk.reconcile()[1]
    assert permitted(told) == "halted"
    assert {"FETCH", "SOURCE_STALE"} & codes(told)
    gone.rename(desk.remote)


@pytest.mark.parametrize(
    ("file", "old", "new", "code"),
    [
        ("mode.yaml", "mode: paper", "mode: off", "STATE_YAML"),
        ("mode.yaml", "mode: paper", "mode: &x paper", "STATE_YAML"),
        ("mode.yaml", "mode: paper", "mode: !x paper", "STATE_YAML"),
        ("mode.yaml", "mode: paper", "mode: paper\nmode: paper", "STATE_YAML"),
        ("mode.yaml", "trading: active", "trading: active\ntradin: halted", "STATE_SCHEMA"),
        ("limits.yaml", "max_open_positions: 3", "max_open_positions: true", "STATE_SCHEMA"),
        ("limits.yaml", 'max_daily_loss: "100"', "max_daily_loss: 100.5", "STATE_YAML"),
        ("limits.yaml", 'max_daily_loss: "100"', 'max_dayly_loss: "100"', "STATE_SCHEMA"),
        ("limits.yaml", 'max_daily_loss: "100"', 'max_daily_loss: "1e9"', "STATE_SCHEMA"),
        ("limits.yaml", "allow_override: false", "allow_override: true", "STATE_SCHEMA"),
        ("limits.yaml", "currency: USD", "currency: USD\n---\ncurrency: USD", "STATE_YAML"),
    ],
)
def test_a_file_that_is_not_strict_yaml(
    desk: PlainDesk, file: str, old: str, new: str, code: str
) -> None:
    desk.edit(file, old, new)
    for _, told in (desk.verify(), desk.reconcile()):
        assert code in codes(told), told["findings"]
        assert told["permitted"]["trading"] == "reducing"
        assert order_size(told) == "50"
    desk.edit(file, new, old)
    assert order_size(desk.reconcile()[1]) == "50"


@pytest.mark.parametrize(
    ("file", "old", "new"),
    [
        ("limits.yaml", 'max_order_notional: "50"', 'max_order_notional: "51"'),
        ("limits.yaml", "max_open_positions: 3", "max_open_positions: 4"),
        ("limits.yaml", "currency: USD", "currency: EUR"),
        ("mode.yaml", "mode: paper", "mode: bounded_live"),
        (
            "mode.yaml",
            "access: trade}",
            "access: trade}\n  DOGE/USDT: {venue: paper, access: trade}",
        ),
    ],
)
def test_a_loosening_that_nobody_signed(desk: PlainDesk, file: str, old: str, new: str) -> None:
    before = json.dumps(desk.verify()[1]["permitted"], sort_keys=True)
    desk.edit(file, old, new)
    for _, told in (desk.verify(), desk.reconcile()):
        assert not told.get("as_asked", False)
        after = told["permitted"]
        assert "DOGE/USDT" not in after["symbols"]
        if "currency" in old:  # an amount in another currency counts as 0: nothing can be sent
            assert (after["mode"], after["symbols"]) == ("advisory", {})
        else:
            assert json.dumps(after, sort_keys=True) == before
