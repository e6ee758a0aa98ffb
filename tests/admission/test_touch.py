"""Hardware keys: what a gate that wants touch counts, and what a root must say of its keys."""

from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import Any

import pytest

from desired_state.canonical import plain
from desired_state.document import dump, load, parse
from desired_state.proposals import Decision, proposal_path, signoff_path
from desired_state.trust_root import Root, Use, satisfiable
from desired_state.values import Environment, Mode
from reconciler.founding import person, root_file
from tests.fakes.software_token import PIN, TOUCH, SoftwareToken
from tests.fakes.trust_desk import (
    ARMED,
    ENGAGED,
    MINUTE,
    PEOPLE,
    REPOSITORY,
    START,
    Signer,
    TrustDesk,
    codes,
    root_data,
    root_with,
    written,
)

Found = Callable[..., TrustDesk]
RITA = signoff_path(1, "rita", Decision.GO)


def in_hardware(name: str, flags: int = TOUCH) -> Signer:
    sort = "ecdsa" if name == "oscar" else "ed25519"
    return Signer(name, *PEOPLE[name].roles, token=SoftwareToken(name, sort, flags=flags))


def root_of(signers: Iterable[Signer], *wanting: str, **changes: object) -> bytes:
    """A root of these people in which the gates ``wanting`` want touch."""
    people = [person(who.name, who.roles, who.public) for who in signers]
    data = dict(parse(root_file(people, REPOSITORY, Environment.REHEARSAL, START), "root").data)
    gates = {name: {**rule, "touch": name in wanting} for name, rule in data["gates"].items()}
    return dump({**data, "gates": gates, **changes}, name="root")


SIGNERS = [in_hardware(name) if name in {"oscar", "rita", "otto"} else who
           for name, who in PEOPLE.items()]  # fmt: skip
ROOT = root_of(SIGNERS, "paper")


def signed(desk: TrustDesk, who: Signer, sequence: int = 1, **changes: Any) -> None:  # noqa: ANN401
    desk.sign(sequence, who.name, by=who, key=who.key.key_id, **changes)


@pytest.fixture
def asking(found: Found) -> TrustDesk:
    """Proposal 1 stands under a gate that wants touch, and oscar signed with one."""
    desk = found(root=ROOT)
    desk.cycle()
    desk.propose(1)
    signed(desk, in_hardware("oscar"))
    verdict = desk.cycle()
    assert "QUORUM_NOT_MET" in codes(verdict)
    assert "SIGNOFF_TOUCH" not in codes(verdict)
    return desk


def not_counted(desk: TrustDesk) -> None:
    verdict = desk.cycle()
    assert {"SIGNOFF_TOUCH", "QUORUM_NOT_MET"} <= codes(verdict)
    assert verdict.permitted.mode is Mode.HALTED
    assert desk.memory.high is None


@pytest.mark.parametrize("flags", [0, PIN])
def test_a_hardware_key_without_touch_does_not_count_where_the_gate_wants_touch(
    asking: TrustDesk, flags: int
) -> None:
    signed(asking, in_hardware("rita", flags))
    not_counted(asking)
    signed(asking, in_hardware("otto", TOUCH | PIN))
    assert asking.cycle().permitted.mode is Mode.PAPER


def test_a_key_without_hardware_does_not_count_where_the_gate_wants_touch(
    asking: TrustDesk,
) -> None:
    signed(asking, PEOPLE["sam"])
    not_counted(asking)
    signed(asking, in_hardware("otto"))
    assert asking.cycle().permitted.mode is Mode.PAPER


def test_a_touched_signature_beside_an_untouched_one_counts_in_any_order(asking: TrustDesk) -> None:
    data = dump(written(plain(asking.signoff(1, "rita", key=in_hardware("rita").key.key_id))))
    asking.push({RITA: data, RITA + ".sig": in_hardware("rita", 0).sign(data, Use.SIGN_OFF)})
    not_counted(asking)
    asking.push({RITA + ".sig": in_hardware("rita").sign(data, Use.SIGN_OFF)})
    assert asking.cycle().permitted.mode is Mode.PAPER
    asking.push({RITA + ".sig": in_hardware("rita", PIN).sign(data, Use.SIGN_OFF)})
    assert asking.cycle().permitted.mode is Mode.PAPER


@pytest.mark.parametrize("who", [in_hardware("otto", 0), PEOPLE["sam"]])
@pytest.mark.parametrize("decision", [Decision.NO_GO, Decision.WITHDRAW])
def test_a_veto_needs_no_touch(asking: TrustDesk, who: Signer, decision: Decision) -> None:
    signed(asking, who, decision=decision)
    signed(asking, in_hardware("rita"))
    verdict = asking.cycle()
    assert "VETO" in codes(verdict)
    assert verdict.permitted.mode is Mode.HALTED
    assert asking.memory.high is None


def test_where_one_of_two_rules_wants_touch_every_vote_needs_it(found: Found) -> None:
    desk = found(root=ROOT)
    desk.cycle()
    desk.propose(1)
    for name in ("oscar", "rita"):
        signed(desk, in_hardware(name))
    assert desk.cycle().permitted.mode is Mode.PAPER
    desk.push({"kill_switch.yaml": ENGAGED})
    desk.push({"kill_switch.yaml": ARMED})
    stops = tuple(stop.id for stop in desk.cycle(MINUTE).stops)
    assert stops
    desk.propose(2, clears=stops)  # paper, which wants touch, and release, which does not
    for name in ("oscar", "rita"):
        signed(desk, in_hardware(name, 0), sequence=2)
    verdict = desk.cycle()
    assert "SIGNOFF_TOUCH" in codes(verdict)
    assert tuple(stop.id for stop in verdict.stops) == stops
    for name in ("oscar", "rita"):
        signed(desk, in_hardware(name), sequence=2)
    assert desk.cycle().stops == ()


def test_without_touch_wanted_an_untouched_hardware_key_is_as_good_as_another(found: Found) -> None:
    desk = found(root=root_of(SIGNERS))
    desk.cycle()
    desk.propose(1)
    for name in ("oscar", "rita"):
        signed(desk, in_hardware(name, 0))
    assert desk.cycle().permitted.mode is Mode.PAPER


# --- the root ----------------------------------------------------------------------------------
def halted(desk: TrustDesk, code: str, *said: str) -> None:
    verdict = desk.cycle()
    told = [found.message for found in verdict.findings if found.code == code]
    assert len(told) == 1
    assert [word for word in said if word not in told[0]] == []
    assert verdict.permitted.mode is Mode.HALTED
    assert desk.memory.head is None


@pytest.mark.parametrize(("who", "claimed"), [("rita", False), ("sam", True)])
def test_a_root_that_says_of_a_key_what_its_kind_does_not_is_refused(
    found: Found,
    who: str,
    claimed: bool,  # noqa: FBT001
) -> None:
    keys = dict(parse(ROOT, "root").data["keys"])
    key_id = next(key for key, entry in keys.items() if entry["person"] == who)
    changed = {**keys, key_id: {**keys[key_id], "hardware": claimed}}
    desk = found(root=root_of(SIGNERS, keys=changed))
    halted(desk, "ROOT_SCHEMA", f"hardware: {str(not claimed).lower()}", key_id)


def test_one_point_plain_and_in_hardware_is_one_key(found: Found) -> None:
    token = SoftwareToken("rita")
    plain_form = person("sam", ["security_officer"], token.plain)
    hard_form = person("rita", ["risk_officer"], token.public)
    rest = [person(w.name, w.roles, w.public) for w in SIGNERS if w.name not in {"sam", "rita"}]
    root = root_file([plain_form, hard_form, *rest], REPOSITORY, Environment.REHEARSAL, START)
    halted(found(root=root), "ROOT_DUPLICATE_KEY")


def test_one_token_under_two_applications_is_one_key(found: Found) -> None:
    token = SoftwareToken("rita")
    forms = [token.public, replace(token, application=b"ssh:second").public]
    two = [person(name, ["risk_officer"], form)
           for name, form in zip(("rita", "ruth"), forms, strict=True)]  # fmt: skip
    rest = [person(w.name, w.roles, w.public) for w in SIGNERS if w.name != "rita"]
    root = root_file([*two, *rest], REPOSITORY, Environment.REHEARSAL, START)
    halted(found(root=root), "ROOT_DUPLICATE_KEY")


def test_a_gate_that_wants_more_touch_than_there_is_is_refused(found: Found) -> None:
    gates = {**root_data()["gates"]}
    gates["paper"] = {**gates["paper"], "touch": True}
    halted(found(root=root_with({"gates": gates})), "GATE_UNSATISFIABLE")


def test_a_rehearsal_is_warned_of_a_touch_that_it_never_comes_to(desk: TrustDesk) -> None:
    verdict = desk.cycle()
    assert [(f.severity, f.subject) for f in verdict.findings if f.code == "GATE_TOUCH"] == [
        ("warning", "gate bounded_live")
    ]
    desk.approve(1)
    assert desk.cycle().permitted.mode is Mode.PAPER


def test_only_people_with_hardware_keys_are_counted_for_a_gate_that_wants_touch() -> None:
    root = load(Root, ROOT, "trust/root/1.yaml")
    rule = root.gates["paper"]
    assert rule.touch
    assert satisfiable(root, rule, ["olivia"])
    assert not satisfiable(root, rule, ["oscar"])  # the one operator with a hardware key
    easy = rule.model_copy(update={"touch": False})
    for name in root.persons:  # wanting touch never lets anybody in
        assert satisfiable(root, easy, [name]) >= satisfiable(root, rule, [name])


def test_the_requesters_own_key_needs_no_touch(found: Found) -> None:
    desk = found(root=root_of([*(s for s in SIGNERS if s.name != "olivia"),
                               in_hardware("olivia", 0)], "paper"))  # fmt: skip
    desk.cycle()
    made = desk.propose(1, by=in_hardware("olivia", 0))
    for name in ("oscar", "rita"):
        signed(desk, in_hardware(name))
    verdict = desk.cycle()
    assert (made.requester, verdict.permitted.mode) == ("olivia", Mode.PAPER)
    assert proposal_path(1) in desk.files
