"""Attacks on the root of trust: refused by name; the last root goes on, nobody is let in."""

import base64
import json
from collections.abc import Iterable, Mapping
from copy import deepcopy
from datetime import timedelta
from typing import Any

import pytest

from desired_state.document import parse
from tests.attacks.plain_desk import DAY, ROOT_1, PlainDesk, codes, permitted, root_entry, sha256
from tests.attacks.test_signoffs import order_size, raise_the_limit

OLD = ("olivia", "oscar", "rita")  # who holds the role root in the first one
NEW = ("eve", "mallory", "trudy")


def last_root(desk: PlainDesk) -> dict[str, Any]:
    return deepcopy(dict(parse((desk.clone / ROOT_1).read_bytes(), ROOT_1).data))


def next_root(desk: PlainDesk, people: Iterable[str] = (), **changes: object) -> dict[str, Any]:
    """Root 2 as root 1 is, with further people who hold every role that matters."""
    root = last_root(desk)
    root["persons"] = dict(root["persons"])
    root["keys"] = dict(root["keys"])
    for person in people:
        key = desk.new_key(person)
        public = key.with_suffix(".pub").read_text()
        root["persons"][person] = {"roles": ["root", "operator", "security_officer"], "forge": {}}
        root["keys"][desk.key_id(key)] = root_entry(public, person, desk.now)
    before = (desk.clone / ROOT_1).read_bytes()
    return {**root, "version": 2, "prev": sha256(before), **changes}


def publish(desk: PlainDesk, root: Mapping[str, Any], *signers: str, name: str = "2") -> bytes:
    data = json.dumps(root, indent=1).encode()
    files: dict[str, str | bytes | None] = {f"trust/root/{name}.yaml": data}
    for person in signers:
        signature = desk.signature(data, desk.key(person), "trust-root")
        files[f"trust/root/{name}.sigs/{person}.sig"] = signature
    desk.push(files)
    return data


def without_old_root_holders(root: dict[str, Any]) -> dict[str, Any]:
    persons = {
        name: {
            **entry,
            "roles": [role for role in entry["roles"] if role != "root"] or ["operator"],
        }
        if name in OLD
        else entry
        for name, entry in root["persons"].items()
    }
    return {**root, "persons": persons}


def assert_nobody_was_let_in(desk: PlainDesk, *expected: str) -> None:
    """The refusal by name; what was permitted stays; the newcomer's vote counts for nothing."""
    for _, told in (desk.verify(), desk.reconcile()):
        assert set(expected) <= codes(told), told["findings"]
        assert told["admitted"]
        assert (permitted(told), order_size(told)) == ("paper", "50")
    raise_the_limit(desk)
    desk.propose(2)
    desk.sign(2, "oscar")
    if not desk.key("eve").exists():
        desk.new_key("eve")
    desk.sign(2, "eve", role="security_officer")
    for _, told in (desk.verify(), desk.reconcile()):
        assert order_size(told) == "50"
        assert "SIGNOFF_KEY_UNKNOWN" in codes(told)


def test_a_new_root_signed_by_both_thresholds_lets_its_people_in(desk: PlainDesk) -> None:
    publish(desk, next_root(desk, NEW), *OLD)
    assert desk.reconcile()[1]["admitted"]
    raise_the_limit(desk)
    desk.propose(2)
    desk.sign(2, "oscar")
    desk.sign(2, "eve", role="security_officer")
    for _, told in (desk.verify(), desk.reconcile()):
        assert order_size(told) == "500", told["findings"]


def test_a_new_root_signed_only_by_the_new_keys(desk: PlainDesk) -> None:
    publish(desk, next_root(desk, NEW), *NEW)
    assert_nobody_was_let_in(desk, "ROOT_THRESHOLD_OLD")


def test_a_new_root_signed_only_by_the_old_keys(desk: PlainDesk) -> None:
    publish(desk, without_old_root_holders(next_root(desk, NEW)), *OLD)
    assert_nobody_was_let_in(desk, "ROOT_THRESHOLD_NEW")


def test_a_new_root_signed_by_one_stolen_key(desk: PlainDesk) -> None:
    publish(desk, next_root(desk, NEW), "rita")
    assert_nobody_was_let_in(desk, "ROOT_THRESHOLD_OLD")


def test_one_stolen_key_signs_in_the_names_of_three(desk: PlainDesk) -> None:
    root = next_root(desk, NEW)
    data = json.dumps(root, indent=1).encode()
    stolen = desk.signature(data, desk.key("rita"), "trust-root")
    desk.push(
        {"trust/root/2.yaml": data, **{f"trust/root/2.sigs/{who}.sig": stolen for who in OLD}}
    )
    assert_nobody_was_let_in(desk, "ROOT_THRESHOLD_OLD")


def test_a_new_root_with_a_number_skipped(desk: PlainDesk) -> None:
    publish(desk, next_root(desk, NEW, version=3), *OLD, name="3")
    assert_nobody_was_let_in(desk, "ROOT_VERSION")


def test_a_new_root_with_another_prev(desk: PlainDesk) -> None:
    publish(desk, next_root(desk, NEW, prev="sha256:" + "0" * 64), *OLD)
    assert_nobody_was_let_in(desk, "ROOT_PREV")


@pytest.mark.parametrize(
    "change", [{"repository": "peak/other"}, {"environment": "production"}], ids=str
)
def test_a_new_root_for_another_place(desk: PlainDesk, change: dict[str, str]) -> None:
    publish(desk, next_root(desk, NEW, **change), *OLD)
    assert_nobody_was_let_in(desk, "ROOT_REPOSITORY")


def test_a_new_root_that_lists_one_key_in_its_plain_and_its_hardware_form(
    desk: PlainDesk,
) -> None:
    """The same point twice would give one secret two persons' slots."""
    root = next_root(desk, NEW)
    plain = base64.b64decode(desk.key("rita").with_suffix(".pub").read_text().split()[1])
    point = plain[-32:]
    kind, application = b"sk-ssh-ed25519@openssh.com", b"ssh:"
    parts = (kind, point, application)
    blob = b"".join(len(part).to_bytes(4, "big") + part for part in parts)
    line = f"{kind.decode()} {base64.b64encode(blob).decode()} eve"
    (desk.folder / "twin.pub").write_text(line + "\n")
    entry = root_entry(line, "eve", desk.now, hardware=True)
    root["keys"][desk.key_id(desk.folder / "twin")] = entry
    publish(desk, root, *OLD)
    assert_nobody_was_let_in(desk, "ROOT_DUPLICATE_KEY")


def test_a_new_root_whose_gate_nobody_could_complete(desk: PlainDesk) -> None:
    root = next_root(desk, NEW)
    root["gates"]["paper"] = {
        "all_of": [{"role": "astronaut", "at_least": 1}],
        "distinct": 1,
        "at_most_days": 30,
    }
    publish(desk, root, *OLD)
    assert_nobody_was_let_in(desk, "GATE_UNSATISFIABLE")


@pytest.mark.parametrize(("number", "old"), [("1", "rita"), ("2", "eve")])
def test_other_bytes_under_an_accepted_number(desk: PlainDesk, number: str, old: str) -> None:
    publish(desk, next_root(desk, NEW), *OLD)
    assert permitted(desk.reconcile()[1]) == "paper"
    path = f"trust/root/{number}.yaml"
    good = desk.read(path)
    assert old in good
    desk.push({path: good + "\n\n"})
    for _, told in (desk.verify(), desk.reconcile()):
        assert "ROOT_CHANGED" in codes(told)
        assert permitted(told) == "halted"
    desk.push({path: good})
    assert permitted(desk.reconcile()[1]) == "paper"


def test_an_accepted_root_is_erased(desk: PlainDesk) -> None:
    publish(desk, next_root(desk, NEW), *OLD)
    desk.reconcile()
    good = desk.read("trust/root/2.yaml")
    desk.push({"trust/root/2.yaml": None})
    for _, told in (desk.verify(), desk.reconcile()):
        assert "ROOT_ERASED" in codes(told)
        assert permitted(told) == "halted"
    desk.push({"trust/root/2.yaml": good})
    assert permitted(desk.reconcile()[1]) == "paper"


def revoke(desk: PlainDesk, person: str, by: str) -> str:
    key = desk.key_id(desk.key(person))
    made = {
        "key": key,
        "repository": "peak/state",
        "environment": "rehearsal",
        "person": by,
        "by_key": desk.key_id(desk.key(by)),
        "reason": "the laptop was stolen",
        "at": desk.now.strftime("%Y-%m-%dT%H:%M:%SZ"),
    }
    name = key.removeprefix("SHA256:").replace("+", "-").replace("/", "_")
    path = f"revocations/SHA256-{name}.yaml"
    data = json.dumps(made, indent=1).encode()
    desk.push({path: data, f"{path}.sig": desk.signature(data, desk.key(by), "revocation")})
    return path


@pytest.mark.parametrize("by", ["rita", "olivia"])
def test_a_revoked_key_approves_nothing_and_what_it_approved_ends_at_once(
    desk: PlainDesk, by: str
) -> None:
    revoke(desk, "rita", by)
    for _, told in (desk.verify(), desk.reconcile(), desk.verify(desk.now + DAY)):
        assert permitted(told) == "halted"
        assert "SIGNOFF_KEY_REVOKED" in codes(told) or "QUORUM_NOT_MET" in codes(told)
    desk.propose(2)
    desk.sign(2, "oscar")
    desk.sign(2, "rita")
    told = desk.reconcile()[1]
    assert permitted(told) == "halted"
    assert {"SIGNOFF_KEY_REVOKED", "QUORUM_NOT_MET"} <= codes(told)
    desk.sign(2, "simon")
    assert permitted(desk.reconcile()[1]) == "paper"


def test_a_revocation_is_erased_and_the_key_listed_again(desk: PlainDesk) -> None:
    path = revoke(desk, "rita", "olivia")
    assert permitted(desk.reconcile()[1]) == "halted"
    desk.push({path: None, f"{path}.sig": None})
    for _, told in (desk.verify(), desk.reconcile()):
        assert permitted(told) == "halted"
        assert "REVOCATION_ERASED" in codes(told)
    root = next_root(desk)
    root["thresholds"] = {"root": 2}
    publish(desk, root, "olivia", "oscar")  # the old threshold is three, and rita's key is dead
    assert "ROOT_THRESHOLD_OLD" in codes(desk.reconcile()[1])


def test_a_thief_forges_a_revocation(desk: PlainDesk) -> None:
    desk.new_key("eve")
    key = desk.key_id(desk.key("rita"))
    made = {
        "key": key,
        "repository": "peak/state",
        "environment": "rehearsal",
        "person": "olivia",
        "by_key": desk.key_id(desk.key("olivia")),
        "reason": "forged",
        "at": desk.now.strftime("%Y-%m-%dT%H:%M:%SZ"),
    }
    name = key.removeprefix("SHA256:").replace("+", "-").replace("/", "_")
    path = f"revocations/SHA256-{name}.yaml"
    data = json.dumps(made).encode()
    desk.push({path: data, f"{path}.sig": desk.signature(data, desk.key("eve"), "revocation")})
    for _, told in (desk.verify(), desk.reconcile()):
        assert "REVOCATION_SIGNATURE" in codes(told)
        assert permitted(told) == "paper"


def test_the_root_expires(desk: PlainDesk) -> None:
    end = desk.now + 90 * DAY
    told = desk.verify(end + timedelta(hours=2))[1]
    assert permitted(told) == "halted"
    assert "ROOT_EXPIRED" in codes(told)
