"""Next roots that do not count, by the name of the attack; and what stayed."""

from collections.abc import Callable, Sequence
from typing import Any

import pytest

from desired_state.canonical import digest_bytes
from desired_state.document import load, parse
from desired_state.errors import Severity
from desired_state.reasons import Reason
from desired_state.root_chain import Trusted, judge_root, root_signature_path
from desired_state.trust_root import Root, Use, root_findings
from desired_state.values import Mode
from tests.fakes.trust_desk import (
    MODE_TEXT,
    PEOPLE,
    ROOT,
    STRANGER,
    Change,
    Signer,
    TrustDesk,
    codes,
    root_with,
)
from tests.fakes.trust_papers import NEWCOMERS, NORA, OFFICERS, after, people, publish, signed

RITA, SAM, OTTO, SYBIL = (PEOPLE[name] for name in ("rita", "sam", "otto", "sybil"))
GATES = dict(parse(ROOT, "root").data["gates"])
OTHERS = people(ROOT, drop=["rita", "sam", "otto", "sybil"], add=NEWCOMERS)
FOUR = {"all_of": [{"role": "operator", "at_least": 4}], "distinct": 4}

CASES: list[tuple[str, dict[str, Any], Sequence[Signer], set[str]]] = [
    ("it does not read", {"surprise": 1}, OFFICERS, {"ROOT_SCHEMA"}),
    ("another version inside", {"version": 3}, OFFICERS, {"ROOT_VERSION"}),
    ("another prev", {"prev": "sha256:" + "0" * 64}, OFFICERS, {"ROOT_PREV"}),
    ("no prev", {"prev": ""}, OFFICERS, {"ROOT_PREV"}),
    ("another repository", {"repository": "peak/other"}, OFFICERS, {"ROOT_REPOSITORY"}),
    ("another environment", {"environment": "production"}, OFFICERS, {"ROOT_REPOSITORY"}),
    ("only the new keys", OTHERS, NEWCOMERS, {"ROOT_THRESHOLD_OLD"}),
    ("only the old keys", OTHERS, OFFICERS, {"ROOT_THRESHOLD_NEW"}),
    ("one stolen key", {}, [RITA], {"ROOT_THRESHOLD_OLD", "ROOT_THRESHOLD_NEW"}),
    ("one below the threshold", {}, [RITA, SAM], {"ROOT_THRESHOLD_OLD", "ROOT_THRESHOLD_NEW"}),
    ("people without the role", {}, [RITA, SAM, PEOPLE["olivia"], PEOPLE["oscar"]],
     {"ROOT_THRESHOLD_OLD", "ROOT_THRESHOLD_NEW"}),
    ("strangers", {}, [RITA, SAM, STRANGER], {"ROOT_THRESHOLD_OLD"}),
    ("no threshold", {"thresholds": {}}, OFFICERS, {"ROOT_THRESHOLD_NEW"}),
    ("a threshold out of reach", {"thresholds": {"root": 5}}, [*OFFICERS, SYBIL],
     {"GATE_UNSATISFIABLE"}),
    ("a gate out of reach", {"gates": {**GATES, "paper": FOUR}}, OFFICERS,
     {"GATE_UNSATISFIABLE"}),
    ("a key without the use", people(ROOT, drop=["rita"], add=[NORA], uses=["sign-off"]),
     [*OFFICERS, NORA], {"ROOT_THRESHOLD_NEW"}),
]  # fmt: skip


@pytest.mark.parametrize(
    ("change", "signers", "expected"), [c[1:] for c in CASES], ids=[c[0] for c in CASES]
)
def test_a_root_that_is_not_the_next_one_changes_nothing_and_hinders_nobody(
    paper: TrustDesk, change: dict[str, Any], signers: Sequence[Signer], expected: set[str]
) -> None:
    before, roots = paper.cycle().permitted, paper.memory.roots
    publish(paper, after(ROOT, **change), *signers)
    verdict = paper.cycle()
    assert expected <= codes(verdict)
    assert all(f.severity is Severity.WARNING for f in verdict.findings if f.code.value in expected)
    assert verdict.admitted
    assert verdict.permitted == before
    assert paper.memory.roots == roots
    publish(paper, after(ROOT), *OFFICERS)  # the honest one, under the same number
    verdict = paper.cycle()
    assert verdict.permitted == before
    assert paper.memory.roots["2"] == digest_bytes(after(ROOT))


def test_a_number_that_is_skipped_is_refused(paper: TrustDesk) -> None:
    data = after(ROOT, version=3)
    publish(paper, data, *OFFICERS, number=3)
    verdict = paper.cycle()
    assert "ROOT_VERSION" in codes(verdict)
    assert verdict.admitted
    assert list(paper.memory.roots) == ["1"]


def test_judged_by_itself_a_root_with_another_number_is_not_the_next() -> None:
    two = after(ROOT)
    three = after(two, prev=digest_bytes(ROOT))
    path, digest = "trust/root/3.yaml", digest_bytes(three)
    blobs = {digest: three, **{who.name: who.sign(three, Use.TRUST_ROOT) for who in OFFICERS}}
    versions = {root_signature_path(path, who.name): (who.name,) for who in OFFICERS}
    trusted = Trusted((load(Root, ROOT, "root"),), (digest_bytes(ROOT),), {})
    judged = judge_root((path, digest), trusted, (versions, blobs))
    assert len(judged.signed_old) == 3
    assert [p.code for p in judged.problems if not p.code.startswith("GATE_")] == [
        Reason.ROOT_VERSION
    ]
    assert not judged.complete


@pytest.mark.parametrize("path", ["trust/root/02.yaml", "trust/root/x.yaml", "trust/root/2/2.yaml"])
def test_a_root_under_a_name_that_is_no_number_is_refused(paper: TrustDesk, path: str) -> None:
    data = after(ROOT)
    paper.push({path: data, **signed(data, path, OFFICERS)})
    assert "ROOT_VERSION" in codes(paper.cycle())
    assert list(paper.memory.roots) == ["1"]


def test_signatures_from_another_namespace_or_of_other_bytes_do_not_count(
    paper: TrustDesk,
) -> None:
    data = after(ROOT)
    path = "trust/root/2.yaml"
    paper.push({path: data, **signed(data, path, OFFICERS, Use.SIGN_OFF)})
    assert "ROOT_THRESHOLD_OLD" in codes(paper.cycle())
    paper.push(signed(ROOT, path, OFFICERS))
    assert "ROOT_THRESHOLD_OLD" in codes(paper.cycle())
    assert list(paper.memory.roots) == ["1"]


def test_one_person_is_not_three_under_other_names_or_with_other_keys(paper: TrustDesk) -> None:
    data, path = after(ROOT), "trust/root/2.yaml"
    made = {
        root_signature_path(path, who.name): RITA.sign(data, Use.TRUST_ROOT) for who in OFFICERS
    }
    paper.push({path: data, **made})
    assert "ROOT_THRESHOLD_OLD" in codes(paper.cycle())
    again = [Signer("rita", "risk_officer", "root", seed=f"rita {n}") for n in (2, 3)]
    more = after(ROOT, **people(ROOT, add=again))
    paper.push(
        {path: more, **signed(more, path, [RITA])}, *(signed(more, path, [w]) for w in again)
    )
    assert "ROOT_THRESHOLD_NEW" in codes(paper.cycle())
    assert list(paper.memory.roots) == ["1"]


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"trust/root/2.yaml": None}, "ROOT_ERASED"),
        ({"trust/root/1.yaml": None}, "ROOT_ERASED"),
        ({"trust/root/2.yaml": after(ROOT, issued="2026-11-23T10:00:00Z")}, "ROOT_CHANGED"),
        ({"trust/root/1.yaml": ROOT + b"# other bytes\n"}, "ROOT_CHANGED"),
    ],
)
def test_an_accepted_root_that_is_gone_or_changed_halts_until_it_is_back(
    paper: TrustDesk, change: dict[str, bytes | None], code: str
) -> None:
    publish(paper, after(ROOT), *OFFICERS)
    before, memory = paper.cycle().permitted, paper.memory
    assert list(memory.roots) == ["1", "2"]
    kept = {path: paper.files[path] for path in change}
    resigned = {
        name: data
        for path, given in change.items()
        for name, data in (signed(given, path, OFFICERS) if given else {}).items()
    }
    paper.push({**change, **resigned})  # completely signed, too
    verdict = paper.cycle()
    assert code in codes(verdict)
    assert not verdict.admitted
    assert verdict.permitted.mode is Mode.HALTED
    assert paper.memory.roots == memory.roots
    paper.push(kept)
    assert paper.cycle().permitted == before
    assert paper.memory.roots == memory.roots


def test_a_root_that_was_completely_signed_and_erased_in_one_push_halts(
    paper: TrustDesk,
) -> None:
    publish(paper, after(ROOT), *OFFICERS)
    paper.push({"trust/root/2.yaml": None})
    verdict = paper.cycle()
    assert "ROOT_ERASED" in codes(verdict)
    assert verdict.permitted.mode is Mode.HALTED
    assert list(paper.memory.roots) == ["1"]  # nothing is taken from such a head


def test_a_root_from_a_head_that_is_not_admissible_is_not_taken(paper: TrustDesk) -> None:
    paper.push({"mode.yaml": b"mode: [\n"})
    publish(paper, after(ROOT), *OFFICERS)
    assert not paper.cycle().admitted
    assert list(paper.memory.roots) == ["1"]
    paper.push({"mode.yaml": MODE_TEXT})
    assert paper.cycle().admitted
    assert list(paper.memory.roots) == ["1", "2"]


def test_one_key_material_under_two_persons_makes_a_root_invalid() -> None:
    root = load(Root, ROOT, "root")
    oscar = PEOPLE["oscar"].key.key_id
    other = "SHA256:" + "A" * 43
    twice = root.model_copy(update={"keys": {**root.keys, other: root.keys[oscar]}})
    assert Reason.ROOT_DUPLICATE_KEY in [found.code for found in root_findings(twice)]


def test_a_pinned_root_whose_threshold_nobody_can_reach_permits_nothing(
    found: Callable[..., TrustDesk],
) -> None:
    desk = found(root=root_with({"thresholds": {"root": 5}}))
    desk.approve(1)
    verdict = desk.cycle()
    assert {("GATE_UNSATISFIABLE", "threshold root")} <= {
        (f.code.value, f.subject) for f in verdict.findings
    }
    assert verdict.permitted.mode is Mode.HALTED


def test_a_pinned_root_without_a_threshold_stands_warns_and_is_never_replaced(
    found: Callable[..., TrustDesk],
) -> None:
    root = root_with({"thresholds": {}})
    desk = found(root=root)
    desk.cycle()
    desk.approve(1)
    verdict = desk.cycle()
    assert ("GATE_FRAGILE", "threshold root") in {
        (f.code.value, f.subject) for f in verdict.findings
    }
    assert verdict.permitted.mode is Mode.PAPER
    publish(desk, after(root, thresholds={"root": 3}), *OFFICERS)
    assert "ROOT_THRESHOLD_OLD" in codes(desk.cycle())
    assert list(desk.memory.roots) == ["1"]


def test_a_flood_of_names_for_the_next_root_is_told_in_part_and_hinders_nobody(
    paper: TrustDesk,
) -> None:
    flood: dict[str, Change] = {f"trust/root/2.a{n}.yaml": b"x: %d\n" % n for n in range(300)}
    flood |= {f"revocations/x{n}.yaml": b"x: y\n" for n in range(300)}
    paper.push(flood)
    told = [f.code for f in paper.cycle().findings]
    assert told.count("ROOT_SCHEMA") == told.count("REVOCATION_SCHEMA") == 16
    publish(paper, after(ROOT, **people(ROOT, add=[NORA])), *OFFICERS)
    assert paper.cycle().permitted.mode is Mode.PAPER
    assert set(paper.memory.roots) == {"1", "2"}
