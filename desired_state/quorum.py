"""Whether the right people have signed: one person fills one slot (trust.md, section 3)."""

from collections.abc import Sequence
from typing import Annotated, Self

from pydantic import Field, model_validator

from desired_state.frozen import Frozen
from desired_state.values import Name, Person


class Requirement(Frozen):
    """``at_least`` people who hold ``role``, or any of the roles ``any_of``."""

    role: Name | None = None
    any_of: tuple[Name, ...] = ()
    at_least: Annotated[int, Field(ge=1, le=20)]

    @model_validator(mode="after")
    def _one_form(self) -> Self:
        if (self.role is None) == (not self.any_of):
            raise ValueError("expected either role or any_of")
        return self

    @property
    def roles(self) -> tuple[str, ...]:
        """The roles that fill this slot."""
        return (self.role,) if self.role else self.any_of

    @property
    def words(self) -> str:
        """For people: ``1 x operator``."""
        return f"{self.at_least} x {' or '.join(self.roles)}"


class Vote(Frozen):
    """One counted GO: a person, in one role."""

    person: Person
    role: Name


def missing(
    rule: Sequence[Requirement], distinct: int, votes: Sequence[Vote]
) -> tuple[Requirement, ...]:
    """The requirements that these votes leave open; empty means complete.

    A maximum matching of slots and persons (QUORUM-1): nobody fills two slots, whatever roles they
    claim. ``distinct`` people must have signed besides (QUORUM-2).
    """
    slots = [
        requirement.model_copy(update={"at_least": 1})
        for requirement in rule
        for _ in range(requirement.at_least)
    ]
    holder: dict[str, int] = {}
    for index in range(len(slots)):
        _place(index, slots, votes, holder, set())
    taken = set(holder.values())
    left = [slot for index, slot in enumerate(slots) if index not in taken]
    # every voter counts here, or adding a slot could let somebody in who was none before (QUORUM-3)
    short = distinct - len({vote.person for vote in votes})
    if not left and short > 0:
        roles = tuple(dict.fromkeys(role for slot in slots for role in slot.roles))
        left = [Requirement(any_of=roles, at_least=short)]
    return tuple(left)


def _place(
    index: int,
    slots: Sequence[Requirement],
    votes: Sequence[Vote],
    holder: dict[str, int],
    tried: set[str],
) -> bool:
    for vote in votes:
        if vote.role not in slots[index].roles or vote.person in tried:
            continue
        tried.add(vote.person)
        if vote.person not in holder or _place(holder[vote.person], slots, votes, holder, tried):
            holder[vote.person] = index
            return True
    return False
