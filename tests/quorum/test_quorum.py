"""One person fills one slot, whatever roles they claim."""

from itertools import permutations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from desired_state.quorum import Requirement, Vote, missing

ROLES = ("operator", "risk_officer", "security_officer", "operations")
FOUR = tuple(Requirement(role=role, at_least=1) for role in ROLES)
PAIR = (
    Requirement(role="operator", at_least=1),
    Requirement(any_of=("risk_officer", "security_officer", "operations"), at_least=1),
)
requirements = st.one_of(
    st.builds(Requirement, role=st.sampled_from(ROLES), at_least=st.integers(1, 2)),
    st.builds(
        Requirement,
        any_of=st.lists(st.sampled_from(ROLES), min_size=1, max_size=3, unique=True).map(tuple),
        at_least=st.integers(1, 2),
    ),
)
rules = st.lists(requirements, min_size=1, max_size=3)
votes = st.lists(
    st.builds(Vote, person=st.sampled_from("abcde"), role=st.sampled_from(ROLES)), max_size=7
)


def by_trying_everything(rule: list[Requirement], distinct: int, given: list[Vote]) -> bool:
    """Whether some assignment of different people fills every slot."""
    slots = [slot for slot in rule for _ in range(slot.at_least)]
    roles = {(vote.person, vote.role) for vote in given}
    people = sorted({vote.person for vote in given})
    if len(people) < distinct:
        return False
    return any(
        all(
            any((person, role) in roles for role in slot.roles)
            for slot, person in zip(slots, chosen, strict=True)
        )
        for chosen in permutations(people, len(slots))
    )


@given(rules, st.integers(1, 5), votes)
def test_complete_is_what_trying_every_assignment_finds(
    rule: list[Requirement], distinct: int, cast: list[Vote]
) -> None:
    assert (not missing(rule, distinct, cast)) == by_trying_everything(rule, distinct, cast)


@given(rules, st.integers(1, 5), votes, st.randoms())
def test_the_order_of_votes_and_slots_decides_nothing(
    rule: list[Requirement], distinct: int, cast: list[Vote], random: object
) -> None:
    complete = not missing(rule, distinct, cast)
    random.shuffle(cast)  # type: ignore[attr-defined]
    random.shuffle(rule)  # type: ignore[attr-defined]
    assert (not missing(rule, distinct, cast)) == complete


@settings(max_examples=settings.default.max_examples * 2)
@given(rules, st.integers(1, 5), votes)
def test_removing_a_vote_never_completes_and_at_the_threshold_always_refuses(
    rule: list[Requirement], distinct: int, cast: list[Vote]
) -> None:
    complete = not missing(rule, distinct, cast)
    slots = sum(slot.at_least for slot in rule)
    people = {vote.person for vote in cast}
    for person in people:
        fewer = [vote for vote in cast if vote.person != person]
        still = not missing(rule, distinct, fewer)
        assert complete or not still
        if len(people) == max(slots, distinct):
            assert not still


@given(rules, st.integers(1, 4), votes, requirements)
def test_adding_a_constraint_never_turns_refusal_into_permission(
    rule: list[Requirement], distinct: int, cast: list[Vote], more: Requirement
) -> None:
    if missing(rule, distinct, cast):
        assert missing([*rule, more], distinct, cast)
        assert missing(rule, distinct + 1, cast)


@given(rules, votes)
def test_one_more_person_for_each_open_slot_completes_it(
    rule: list[Requirement], cast: list[Vote]
) -> None:
    left = missing(rule, 1, cast)
    new = [Vote(person=f"new{n}", role=slot.roles[0]) for n, slot in enumerate(left)]
    assert missing(rule, 1, [*cast, *new]) == ()
    assert not left or missing(rule, 1, [*cast, *new[1:]])


@pytest.mark.parametrize("person", ["ann"])
def test_one_person_in_every_role_fills_one_slot(person: str) -> None:
    everywhere = [Vote(person=person, role=role) for role in ROLES]
    assert len(missing(FOUR, 4, everywhere)) == 3
    assert len(missing(PAIR, 2, everywhere)) == 1


def test_three_of_four_are_not_four() -> None:
    four = [Vote(person=name, role=role) for name, role in zip("abcd", ROLES, strict=True)]
    assert missing(FOUR, 4, four) == ()
    for left_out in range(4):
        three = [vote for index, vote in enumerate(four) if index != left_out]
        assert missing(FOUR, 4, three) == (FOUR[left_out],)


def test_a_person_moves_to_the_slot_that_only_they_can_fill() -> None:
    cast = [Vote(person="ann", role="operator"), Vote(person="ann", role="operations")]
    assert missing(PAIR, 2, [*cast, Vote(person="bob", role="operator")]) == ()
    assert missing(PAIR, 2, [Vote(person="bob", role="operations"), *cast]) == ()


def test_more_people_than_slots_are_asked_for_by_name() -> None:
    two = [Vote(person="ann", role="operator"), Vote(person="bob", role="operations")]
    (left,) = missing(PAIR, 3, two)
    assert left.at_least == 1
    assert set(left.roles) == set(ROLES)
    assert missing(PAIR, 3, [*two, Vote(person="cid", role="operator")]) == ()


@pytest.mark.parametrize(
    "data", ['{"at_least": 1}', '{"role": "a", "any_of": ["b"], "at_least": 1}', '{"role": "a"}']
)
def test_a_requirement_has_one_form(data: str) -> None:
    with pytest.raises(ValidationError):
        Requirement.model_validate_json(data)


@pytest.mark.parametrize("number", ["0", "true", '"1"', "21"])
def test_a_number_of_people_is_a_small_integer(number: str) -> None:
    with pytest.raises(ValidationError):
        Requirement.model_validate_json(f'{{"role": "a", "at_least": {number}}}')


def test_what_is_still_missing_is_named_person_by_person() -> None:
    rule = (Requirement(role="operator", at_least=3), Requirement(role="risk_officer", at_least=1))
    left = missing(rule, 4, [Vote(person="oscar", role="operator")])
    assert [slot.words for slot in left] == ["1 x operator", "1 x operator", "1 x risk_officer"]
