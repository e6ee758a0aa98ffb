"""Every difference of two trust roots is told, in the right direction."""

from collections.abc import Callable
from copy import deepcopy
from datetime import timedelta
from typing import Any

import pytest

from desired_state.document import dump, load, parse
from desired_state.errors import Stalled
from desired_state.reasons import Reason
from desired_state.trust_root import Root
from desired_state.values import Environment
from reconciler.founding import person, root_file
from reconciler.root_changes import root_change_lines, root_changes
from reconciler.rooting import NewPerson, RootEdit, draft_root
from tests.fakes.trust_desk import DAY, REPOSITORY, START, Signer

PEOPLE = [
    Signer("olivia", "operator", "root"),
    Signer("oscar", "operator", "root"),
    Signer("rita", "risk_officer", "root"),
    Signer("simon", "security_officer"),
    Signer("petra", "operations"),
    Signer("walter", "system_owner"),
]
DATA = root_file(
    [person(s.name, s.roles, s.public) for s in PEOPLE], REPOSITORY, Environment.REHEARSAL, START
)
ROOT = load(Root, DATA, "trust/root/1.yaml")
OLIVIA = next(key_id for key_id, key in ROOT.keys.items() if key.person == "olivia")
NO = False
PAIR = [{"role": "operator", "at_least": 1}]


def changed(change: Callable[[dict[str, Any]], object]) -> Root:
    data: dict[str, Any] = deepcopy(dict(parse(DATA, "root").data))
    change(data)
    return load(Root, dump(data), "root")


def put(*path: object) -> Callable[[dict[str, Any]], object]:
    """The value at the end stands at the path before it."""

    def change(data: dict[str, Any]) -> None:
        *inside, last, value = path
        place: Any = data
        for name in inside:
            place = place[name]
        if value is None:
            del place[last]
        else:
            place[last] = value

    return change


LOOSER = [
    ("expires", put("expires", "2027-05-01T00:00:00Z")),
    ("person simon role root", put("persons", "simon", {"roles": ["security_officer", "root"]})),
    ("threshold root", put("thresholds", "root", 2)),
    ("gate paper at_most_days", put("gates", "paper", "at_most_days", 31)),
    ("gate paper distinct", put("gates", "paper", "distinct", 1)),
    ("gate bounded_live touch", put("gates", "bounded_live", "touch", NO)),
    ("gate bounded_live evidence", put("gates", "bounded_live", "evidence", ["live_readiness"])),
    ("gate paper signers", put("gates", "paper", "all_of", PAIR)),
    (
        "gate paper ceiling max_order_notional",
        put("gates", "paper", "ceilings", "max_order_notional", "5001"),
    ),
    (
        "gate paper ceiling max_daily_loss",
        put("gates", "paper", "ceilings", "max_daily_loss", None),
    ),
    ("bound halted_after", put("bounds", "halted_after", "301s")),
    ("incompatible risk_officer and system_owner", put("incompatible", [])),
    (
        f"key {OLIVIA} of olivia valid_until",
        put("keys", OLIVIA, "valid_until", "2027-05-01T00:00:00Z"),
    ),
    (
        f"key {OLIVIA} of olivia valid_from",
        put("keys", OLIVIA, "valid_from", "2026-01-01T00:00:00Z"),
    ),
    (
        f"key {OLIVIA} of olivia use evidence",
        put(
            "keys", OLIVIA, "uses", ["sign-off", "proposal", "trust-root", "revocation", "evidence"]
        ),
    ),
]


@pytest.mark.parametrize(("path", "change"), LOOSER, ids=[path for path, _ in LOOSER])
def test_a_looser_root_says_so_and_the_way_back_is_tighter(
    path: str, change: Callable[[dict[str, Any]], object]
) -> None:
    there = root_changes(ROOT, changed(change))
    back = root_changes(changed(change), ROOT)
    assert [(c.path, c.looser) for c in there] == [(path, True)]
    assert [(c.path, c.looser) for c in back] == [(path, False)]


def test_other_people_who_must_sign_are_never_called_tighter() -> None:
    other = [{"any_of": ["operator", "operations"], "at_least": 1}, *PAIR]
    [change] = root_changes(ROOT, changed(put("gates", "paper", "all_of", other)))
    assert change.looser


def test_a_key_handed_to_somebody_else_is_a_key_gone_and_a_key_new() -> None:
    found = root_changes(ROOT, changed(put("keys", OLIVIA, "person", "petra")))
    lines = list(root_change_lines(found))
    assert f"  + key {OLIVIA} of petra: added (looser)" in lines
    assert f"  - key {OLIVIA} of olivia: removed (tighter)" in lines


def test_the_next_root_changes_nothing_that_nobody_named() -> None:
    nina = NewPerson("nina", ("operations",), (Signer("nina").public,))
    made = draft_root(ROOT, DATA, RootEdit(add=(nina,)), START + DAY)
    [key_id] = [k for k, key in made.root.keys.items() if key.person == "nina"]
    assert {c.path.split(" ")[1] for c in made.changes} == {"nina", key_id}
    assert made.root.gates == ROOT.gates
    assert made.root.expires == ROOT.expires
    assert made.root.prev.startswith("sha256:")


def test_an_ended_root_must_be_renewed_to_be_followed() -> None:
    late = START + 91 * DAY
    gone = RootEdit(remove_keys=(OLIVIA,))
    with pytest.raises(Stalled) as refused:
        draft_root(ROOT, DATA, gone, late)
    assert refused.value.code is Reason.GATE_UNSATISFIABLE  # three root holders are needed
    nina = NewPerson("nina", ("operations",), (Signer("nina").public,))
    with pytest.raises(Stalled) as refused:
        draft_root(ROOT, DATA, RootEdit(add=(nina,)), late)
    assert refused.value.code is Reason.ROOT_EXPIRED
    made = draft_root(ROOT, DATA, RootEdit(renew=timedelta(days=90)), late)
    assert made.root.expires == late + 90 * DAY
    assert {key.valid_until for key in made.root.keys.values()} == {late + 90 * DAY}


def test_a_key_that_was_ended_before_its_root_stays_ended() -> None:
    early = "2026-12-01T00:00:00Z"
    data = deepcopy(dict(parse(DATA, "root").data))
    put("keys", OLIVIA, "valid_until", early)(data)
    written = dump(data)
    last = load(Root, written, "root")
    made = draft_root(last, written, RootEdit(renew=90 * DAY), START + 30 * DAY)
    assert made.root.keys[OLIVIA] == last.keys[OLIVIA]
    assert made.root.expires == START + 120 * DAY
