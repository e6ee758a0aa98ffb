"""Heads, trees and roots that are not believed; a bad file never helps."""

import subprocess
from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal
from pathlib import Path

import pytest

from desired_state.admission import Trust
from desired_state.authority import BOTTOM, Authority
from desired_state.canonical import digest_bytes
from desired_state.document import load
from desired_state.reasons import Reason
from desired_state.trust_root import Root, Use, root_findings
from desired_state.values import Mode, Trading
from tests.fakes.trust_desk import (
    ARMED,
    DAY,
    LAYERS,
    LIMITS_TEXT,
    MINUTE,
    MODE_TEXT,
    PEOPLE,
    REPOSITORY,
    ROOT,
    START,
    Change,
    TrustDesk,
    codes,
    root_data,
    root_with,
)

Found = Callable[..., TrustDesk]
ROOT_1 = "trust/root/1.yaml"
RAISED = LIMITS_TEXT.replace(b'"50"', b'"5000"')


def test_signatures_made_here_are_those_of_ssh_keygen(tmp_path: Path) -> None:
    ann, message = PEOPLE["oscar"], b"decision: GO\n"
    (tmp_path / "allowed").write_text(f"oscar {ann.public}\n")
    (tmp_path / "sig").write_bytes(ann.sign(message, Use.SIGN_OFF))
    subprocess.run(
        [
            "ssh-keygen",
            "-Y",
            "verify",
            "-f",
            "allowed",
            "-I",
            "oscar",
            "-n",
            "sign-off@governor",
            "-s",
            "sig",
        ],
        cwd=tmp_path,
        input=message,
        check=True,
        capture_output=True,
    )


def test_going_back_to_an_older_signed_head_is_a_rewrite_and_halts(paper: TrustDesk) -> None:
    good = paper.head
    paper.edit("limits.yaml", '"100"', '"90"')
    held = paper.cycle().permitted
    assert held.limits.max_daily_loss == 90
    remembered = paper.memory
    paper.remote.git("update-ref", "refs/heads/main", good)
    verdict = paper.cycle()
    assert "HEAD_REWRITE" in codes(verdict)
    assert verdict.permitted.mode is Mode.HALTED
    assert not verdict.admitted
    assert paper.memory == remembered
    paper.remote.git("update-ref", "refs/heads/main", str(remembered.head))
    assert paper.cycle().permitted == held


def test_main_that_is_deleted_permits_nothing_until_it_is_back(paper: TrustDesk) -> None:
    good, held, remembered = paper.head, paper.cycle().permitted, paper.memory
    paper.remote.git("update-ref", "-d", "refs/heads/main")
    verdict = paper.cycle()
    assert "HEAD_REWRITE" in codes(verdict)
    assert verdict.permitted.mode is Mode.HALTED
    assert paper.memory == remembered
    paper.remote.git("update-ref", "refs/heads/main", good)
    assert paper.cycle().permitted == held


def test_votes_on_a_rewritten_head_are_not_taken(paper: TrustDesk) -> None:
    first = paper.remote.git("rev-list", "--max-parents=0", "main")
    ledger = paper.memory.ledger
    paper.remote.git("update-ref", "refs/heads/main", first)
    paper.push({"proposals/0002.yaml": b"x: y\n"})
    assert "HEAD_REWRITE" in codes(paper.cycle())
    assert paper.memory.ledger == ledger


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"scopes/a.yaml": ("120000", b"x")}, "TREE_MODE"),
        ({"proposals/0002.yaml": ("100755", b"x")}, "TREE_MODE"),
        ({"prompts/x": ("160000", b"1" * 40)}, "TREE_MODE"),
        ({"proposals/a.sig": b"x", "proposals/A.sig": b"x"}, "TREE_PATH"),
        ({"signoffs/0002/x": b"#" * 70_000}, "TREE_SIZE"),
        ({"limits.yaml": RAISED + b'max_daily_loss: "9"\n'}, "STATE_YAML"),
        ({"limits.yaml": RAISED.replace(b'"100"', b"1.5")}, "STATE_YAML"),
        ({"limits.yaml": b"a: &x 1\nb: *x\n"}, "STATE_YAML"),
        ({"limits.yaml": RAISED.replace(b"3", b"true")}, "STATE_SCHEMA"),
        ({"limits.yaml": RAISED + b"max_dayly_loss: 9\n"}, "STATE_SCHEMA"),
        ({"limits.yaml": RAISED + b"allow_override: true\n"}, "STATE_SCHEMA"),
        ({"mode.yaml": MODE_TEXT.replace(b"mode: paper", b"mode: off")}, "STATE_YAML"),
        ({"mode.yaml": MODE_TEXT.replace(b"mode: paper", b"mode: !x paper")}, "STATE_YAML"),
        ({"layers.yaml": b"a: 1\na: 2\n"}, "STATE_YAML"),
        ({"limits.yaml": None}, "STATE_MISSING"),
        ({ROOT_1: None}, "ROOT_ERASED"),
        ({ROOT_1: ROOT + b"# other bytes\n"}, "ROOT_CHANGED"),
    ],
)
def test_a_head_that_is_not_admissible_never_helps_and_lifts_when_mended(
    paper: TrustDesk, change: dict[str, Change], code: str
) -> None:
    before, memory = paper.cycle().permitted, paper.memory
    restore = {path: paper.files.get(path) for path in change}
    paper.approve(2, authority=paper.asked.model_copy(update={"trading": Trading.REDUCING}))
    paper.push(change)
    verdict = paper.cycle()
    assert code in codes(verdict)
    assert not verdict.admitted
    assert "INTERNAL" not in codes(verdict)
    assert verdict.permitted in _at_most(before)
    assert paper.memory.head == memory.head
    assert paper.memory.ledger == memory.ledger  # no vote is taken from it
    assert paper.memory.high == memory.high
    paper.push(restore)
    verdict = paper.cycle()
    assert verdict.admitted
    assert verdict.sequence == 2
    assert verdict.permitted.trading is Trading.REDUCING
    assert verdict.permitted.limits == before.limits


def _at_most(before: Authority) -> list[Authority]:
    return [before, before.model_copy(update={"trading": Trading.REDUCING}), BOTTOM]


@pytest.mark.parametrize(
    "change",
    [
        {"scopes/a.yaml": ("120000", b"x")},
        {"limits.yaml": b"\xff"},
        {"mode.yaml": b"mode: [\n"},
    ],
)
def test_what_does_not_read_is_reducing_and_after_the_bound_halted(
    paper: TrustDesk, change: dict[str, Change]
) -> None:
    paper.push(change)
    verdict = paper.cycle()
    assert (verdict.permitted.mode, verdict.permitted.trading) == (Mode.PAPER, Trading.REDUCING)
    assert "ROOT_ERASED" not in codes(verdict)
    assert paper.cycle(timedelta(seconds=298)).permitted.trading is Trading.REDUCING
    assert paper.cycle(timedelta(seconds=2)).permitted.mode is Mode.HALTED


def test_a_tightening_beside_a_file_that_does_not_read_works_and_stays(paper: TrustDesk) -> None:
    lower = LIMITS_TEXT.replace(b'"50"', b'"10"')
    paper.push({"limits.yaml": lower, "mode.yaml": b"mode: [\n"})
    assert paper.cycle().permitted.limits.max_order_notional == 10
    paper.push({"limits.yaml": LIMITS_TEXT, "mode.yaml": MODE_TEXT})
    verdict = paper.cycle()
    assert verdict.admitted
    assert verdict.permitted.limits.max_order_notional == 10
    assert "FALLEN" in codes(verdict)


# --- the root ----------------------------------------------------------------------------------
def test_a_root_that_is_not_the_pinned_one_is_not_believed(found: Found) -> None:
    desk = found(pin="sha256:" + "0" * 64)
    desk.approve(1)
    verdict = desk.cycle()
    assert "ROOT_PIN" in codes(verdict)
    assert verdict.permitted.mode is Mode.HALTED
    assert desk.memory.roots == {}
    assert desk.memory.ledger == {}


def _root_cases() -> list[tuple[dict[str, object], str]]:
    data = root_data()
    keys = dict(data["keys"])
    first, second = sorted(keys)[:2]
    gates = dict(data["gates"])
    lonely = {"all_of": [{"role": "operator", "at_least": 4}], "distinct": 4}
    return [
        ({"version": True}, "ROOT_SCHEMA"),
        ({"surprise": 1}, "ROOT_SCHEMA"),
        ({"keys": {**keys, first: keys[second]}}, "ROOT_SCHEMA"),
        ({"keys": {**keys, first: {**keys[first], "person": "nobody"}}}, "ROOT_SCHEMA"),
        ({"persons": {**data["persons"], "x": {"roles": ["risk_officer", "system_owner"]}}},
         "ROOT_SCHEMA"),
        ({"gates": {**gates, "paper": lonely}}, "GATE_UNSATISFIABLE"),
        ({"version": 2}, "ROOT_VERSION"),
        ({"prev": "sha256:" + "0" * 64}, "ROOT_VERSION"),
        ({"repository": "peak/other"}, "ROOT_REPOSITORY"),
    ]  # fmt: skip


@pytest.mark.parametrize(("change", "code"), _root_cases())
def test_a_pinned_root_that_is_not_valid_permits_nothing(
    found: Found, change: dict[str, object], code: str
) -> None:
    desk = found(root=root_with(change))
    desk.approve(1)
    verdict = desk.cycle()
    assert code in codes(verdict)
    assert verdict.permitted.mode is Mode.HALTED
    assert desk.memory.head is None
    assert desk.memory.ledger == {}


def test_one_key_under_two_names_is_refused(found: Found) -> None:
    keys = dict(root_data()["keys"])
    oscar = PEOPLE["oscar"].key.key_id
    other = "SHA256:" + "A" * 43
    again = {**keys[oscar], "public": keys[oscar]["public"] + " another comment", "person": "rita"}
    desk = found(root=root_with({"keys": {**keys, other: again}}))
    verdict = desk.cycle()
    assert "ROOT_SCHEMA" in codes(verdict)  # its id is that of its material
    assert verdict.permitted.mode is Mode.HALTED
    root = load(Root, ROOT, ROOT_1)
    twice = root.model_copy(update={"keys": {**root.keys, other: root.keys[oscar]}})
    assert Reason.ROOT_DUPLICATE_KEY in [found.code for found in root_findings(twice)]


def test_a_root_that_ends_is_reducing_for_its_bound_and_then_halted(found: Found) -> None:
    end = "2026-11-25T10:00:00Z"
    desk = found(root=root_with({"expires": end}))
    desk.cycle()
    desk.approve(1, expires=START + 3 * DAY)
    assert desk.cycle().permitted.trading is Trading.ACTIVE
    assert desk.cycle(START + 3 * DAY - desk.now).permitted.trading is Trading.REDUCING
    verdict = desk.cycle(59 * MINUTE)
    assert "ROOT_EXPIRED" in codes(verdict)
    assert (verdict.permitted.mode, verdict.permitted.trading) == (Mode.PAPER, Trading.REDUCING)
    desk.edit("limits.yaml", '"50"', '"20"')
    assert desk.cycle().permitted.limits.max_order_notional == 20
    verdict = desk.cycle(MINUTE)
    assert "ROOT_EXPIRED" in codes(verdict)
    assert verdict.permitted.mode is Mode.HALTED
    desk.push({"kill_switch.yaml": b"state: engaged\n"}, {"kill_switch.yaml": ARMED})
    assert len(desk.cycle().stops) == 1  # stops always work


def test_a_proposal_may_not_outlive_the_root(found: Found) -> None:
    desk = found(root=root_with({"expires": "2026-11-25T10:00:00Z"}))
    desk.cycle()
    desk.approve(1, expires=START + 3 * DAY + MINUTE)
    assert {"PROPOSAL_CEILING", "NOT_APPROVED"} <= codes(desk.cycle())
    assert desk.memory.high is None


# --- the clock ---------------------------------------------------------------------------------
def test_a_clock_set_back_prolongs_nothing_and_poisons_nothing(paper: TrustDesk) -> None:
    paper.cycle(7 * DAY - 2 * MINUTE)
    paper.approve(2, expires=paper.now + MINUTE)  # nobody looks until it is over
    paper.cycle(2 * DAY)
    memory = paper.memory
    verdict = paper.cycle(-2 * DAY)
    assert "CLOCK_UNSURE" in codes(verdict)
    assert verdict.permitted.mode is Mode.HALTED
    assert verdict.approved is None  # judged at the floor, where it is over
    assert paper.memory == memory
    paper.cycle(2 * DAY)
    assert "CLOCK_UNSURE" not in codes(paper.cycle())


def test_votes_that_were_over_when_first_seen_grant_nothing_at_an_earlier_clock(
    paper: TrustDesk,
) -> None:
    paper.edit("limits.yaml", '"50"', '"10"')
    paper.cycle()
    falls = paper.memory.falls
    paper.edit("limits.yaml", '"10"', '"50"')
    paper.approve(2, expires=paper.now + MINUTE)
    head = paper.head
    paper.remote.git("update-ref", "refs/heads/main", paper.memory.head or "")
    paper.cycle(2 * DAY)
    paper.remote.git("update-ref", "refs/heads/main", head)
    paper.cycle(-2 * DAY)  # refused: the clock went back
    assert paper.memory.falls == falls
    verdict = paper.cycle(2 * DAY)
    assert paper.memory.falls == falls
    assert verdict.permitted.mode is Mode.HALTED  # 2 replaced 1 and never stood


def test_the_pin_is_compared_in_every_cycle(paper: TrustDesk) -> None:
    paper.trust = Trust(digest_bytes(b"another"), REPOSITORY)
    verdict = paper.cycle()
    assert "ROOT_PIN" in codes(verdict)
    assert verdict.permitted.mode is Mode.HALTED


def test_an_unchanged_head_is_judged_again_and_remembers_nothing_new(paper: TrustDesk) -> None:
    first, memory = paper.cycle(), paper.memory
    second = paper.cycle()
    assert (first.permitted, first.findings) == (second.permitted, second.findings)
    assert paper.memory == memory
    paper.restart()
    assert paper.cycle().permitted == first.permitted
    assert paper.memory == memory


def test_a_limit_raised_without_signatures_changes_nothing(paper: TrustDesk) -> None:
    before = paper.cycle().permitted
    paper.edit("limits.yaml", '"50"', '"5000"')
    verdict = paper.cycle()
    assert "NOT_APPROVED" in codes(verdict)
    assert verdict.permitted == before
    assert verdict.desired is not None
    assert verdict.desired.limits.max_order_notional == Decimal(5000)


def test_what_rises_beside_a_file_that_does_not_read_is_not_taken(desk: TrustDesk) -> None:
    asked = MODE_TEXT.replace(b"trading: active", b"trading: reducing")
    desk.push({"mode.yaml": asked.replace(b"[L2, ", b"[")})
    desk.cycle()
    granted = desk.asked.model_copy(update={"trading": Trading.ACTIVE, "layers": LAYERS})
    desk.approve(1, authority=granted)
    before = desk.cycle().permitted
    assert before.layers == ("L5", "L6")
    desk.push({"mode.yaml": MODE_TEXT, "limits.yaml": b"currency: [\n"})
    assert desk.cycle().permitted == before
    desk.push({"limits.yaml": LIMITS_TEXT})
    risen = desk.cycle().permitted
    assert (risen.layers, risen.trading) == (("L2", "L5", "L6"), Trading.ACTIVE)
