"""A gate with one more constraint lets nobody through whom it refused, over whole roots.

Judged on one proposal with real signatures: with and without touch, with evidence, under roots that
list fewer people or keys, after revocations.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from desired_state.approvals import approve
from desired_state.ledger import NOTHING, Ledger
from desired_state.limits import Limits
from desired_state.memory import EMPTY
from desired_state.observation import Base
from desired_state.proposals import EvidenceReference
from desired_state.quorum import Requirement
from desired_state.trust_root import GateRule, Root
from desired_state.values import Environment
from desired_state.votes import Papers
from reconciler.contents import Cached
from reconciler.founding import person, root_file
from tests.fakes.software_token import TOUCH, SoftwareToken
from tests.fakes.trust_desk import PEOPLE, REPOSITORY, START, Signer, TrustDesk

ROLES = ("operator", "risk_officer", "security_officer", "operations")
VOTERS = ("oscar", "rita", "sam", "otto")
PACK = EvidenceReference(
    id="EV-20261122-PHASE_GATE-000000000001", sha256="sha256:" + "1" * 64, claim="risk_assessment"
)


@dataclass(frozen=True)
class Case:
    """One proposal, everything said to it, and the root it was said under."""

    ledger: Ledger
    blobs: Cached
    root: Root
    bases: tuple[Base, ...]
    now: datetime

    def grants(self, root: Root, without: str = "", revoked: frozenset[str] = frozenset()) -> bool:
        kept = [
            (path, digest)
            for path in self.ledger
            for digest in self.ledger[path]
            if not without or not path.startswith(f"signoffs/0001/{without}.")
        ]
        ledger = NOTHING.grown(kept)
        memory = EMPTY.model_copy(update={"ledger": ledger})
        papers = Papers(ledger, self.blobs, root, revoked)
        return approve(memory, papers, self.bases, self.now, armed=True).approval is not None

    def under(self, rule: GateRule) -> Root:
        return self.root.model_copy(update={"gates": {**self.root.gates, "paper": rule}})


@pytest.fixture(scope="module")
def case(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Case]:
    flags = {"oscar": TOUCH, "rita": TOUCH, "otto": 0}  # sam's key is none of hardware
    who = {
        name: Signer(name, *one.roles, token=SoftwareToken(name, flags=flags[name]))
        if name in flags
        else one
        for name, one in PEOPLE.items()
    }
    holders = [person(one.name, one.roles, one.public) for one in who.values()]
    root = root_file(holders, REPOSITORY, Environment.REHEARSAL, START)
    desk = TrustDesk(tmp_path_factory.mktemp("case") / "desk", root=root)
    desk.propose(1, evidence=(PACK,))
    for name in VOTERS:
        desk.sign(1, name, by=who[name], key=who[name].key.key_id)
    desk.cycle()
    assert desk.admission
    assert desk.admission.root
    seen = desk.survey.observe(desk.head, EMPTY, ())
    contents = desk.contents
    yield Case(desk.memory.ledger, contents, desk.admission.root, seen.bases, desk.now)
    desk.close()


slots = st.builds(
    Requirement,
    any_of=st.lists(st.sampled_from(ROLES), min_size=1, max_size=3, unique=True).map(tuple),
    at_least=st.integers(1, 2),
)
rules = st.builds(
    GateRule,
    all_of=st.lists(slots, min_size=1, max_size=2).map(tuple),
    distinct=st.integers(1, 4),
    touch=st.booleans(),
    at_most_days=st.sampled_from([None, 7, 30]),
    ceilings=st.sampled_from([Limits(), Limits(max_open_positions=3)]),
    evidence=st.sampled_from([(), ("risk_assessment",)]),
)


def with_(**change: object) -> Callable[[GateRule], GateRule]:
    return lambda rule: rule.model_copy(update=change)


constraints = st.one_of(
    slots.map(lambda slot: lambda rule: with_(all_of=(*rule.all_of, slot))(rule)),
    st.just(lambda rule: with_(distinct=rule.distinct + 1)(rule)),
    st.just(with_(touch=True)),
    st.just(lambda rule: with_(at_most_days=min(rule.at_most_days or 30, 6))(rule)),
    st.just(with_(ceilings=Limits(currency="USD", max_order_notional=Decimal(10)))),
    st.sampled_from(["risk_assessment", "live_readiness"]).map(
        lambda claim: lambda rule: with_(evidence=(*rule.evidence, claim))(rule)
    ),
)
DEEP = max(60, settings.default.max_examples // 2)  # type: ignore[union-attr]


@settings(max_examples=DEEP)
@given(rule=rules, more=st.lists(constraints, min_size=1, max_size=2))
def test_adding_a_constraint_to_a_gate_never_turns_refusal_into_permission(
    case: Case, rule: GateRule, more: list[Callable[[GateRule], GateRule]]
) -> None:
    then = rule
    for constraint in more:
        then = constraint(then)
    assert case.grants(case.under(rule)) or not case.grants(case.under(then))


@settings(max_examples=DEEP)
@given(rule=rules, name=st.sampled_from(VOTERS))
def test_a_root_that_loses_a_person_or_a_key_never_grants_what_was_refused(
    case: Case, rule: GateRule, name: str
) -> None:
    root = case.under(rule)
    keys = {key_id: key for key_id, key in root.keys.items() if key.person != name}
    persons = {who: entry for who, entry in root.persons.items() if who != name}
    fewer = root.model_copy(update={"keys": keys, "persons": persons})
    revoked = frozenset(set(root.keys) - set(keys))
    granted = case.grants(root)
    assert granted or not case.grants(fewer)
    assert case.grants(fewer) == case.grants(root, revoked=revoked) == case.grants(root, name)


@settings(max_examples=DEEP)
@given(rule=rules)
def test_removing_any_counted_sign_off_at_the_threshold_always_refuses(
    case: Case, rule: GateRule
) -> None:
    root = case.under(rule)
    if not case.grants(root):
        return
    counted = [name for name in VOTERS if name in {"oscar", "rita"} or not rule.touch]
    threshold = max(rule.distinct, sum(slot.at_least for slot in rule.all_of))
    for name in counted:
        if len(counted) == threshold:
            assert not case.grants(root, name)


def test_the_case_is_granted_as_shipped_and_each_constraint_can_refuse_it(case: Case) -> None:
    rule = case.root.gates["paper"]
    assert case.grants(case.root)
    for change in (
        with_(distinct=5),
        with_(evidence=("live_readiness",)),
        with_(at_most_days=6),
        with_(ceilings=Limits(currency="USD", max_order_notional=Decimal(10))),
        with_(all_of=(Requirement(role="security_officer", at_least=1),), touch=True),
    ):
        assert not case.grants(case.under(change(rule)))
