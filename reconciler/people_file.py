"""``people.yaml``: who a first trust root names, as somebody writes it down once. Pure."""

from typing import Annotated

from pydantic import Field

from desired_state.document import load
from desired_state.frozen import Frozen
from desired_state.trust_root import RepositoryId, Role, Use
from desired_state.values import Environment, Name, Person
from reconciler.founding import PERSONAL_USES


class PersonPlan(Frozen):
    """Roles, public key files beside ``people.yaml``, and the numeric user id at each forge."""

    roles: tuple[Role, ...]
    keys: Annotated[tuple[str, ...], Field(min_length=1)]
    uses: tuple[Use, ...] = PERSONAL_USES
    forge: dict[Name, int] = Field(default_factory=dict)


class PeopleFile(Frozen):
    """The whole file."""

    repository: RepositoryId
    environment: Environment
    persons: dict[Person, PersonPlan]


def read_people(data: bytes, name: str) -> PeopleFile:
    """The file as a value. Raises ``Stalled`` (``STATE_YAML``, ``STATE_SCHEMA``)."""
    return load(PeopleFile, data, name)
