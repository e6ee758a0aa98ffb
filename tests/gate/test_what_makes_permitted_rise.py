"""The property at the end of trust.md, section 4, over random histories in real git.

Permitted rises between two cycles only if a proposal's quorum completed or reached its not before;
or desired rose, within approved, in a path that had not fallen since the base; or a named fact
cleared; or a stop was released. And it is at every cycle what a small model of the text says,
through merges, rewrites, rotations, revocations, crashes and lost memory.
"""

import pytest
from hypothesis import HealthCheck, settings
from hypothesis.stateful import run_state_machine_as_test as run

from tests.fakes.histories_of_main import MainsHistories

QUIET = (HealthCheck.too_slow, HealthCheck.filter_too_much, HealthCheck.data_too_large)


def test_permitted_rises_only_by_people_by_facts_or_by_desire_that_never_fell() -> None:
    few = settings(
        max_examples=10, stateful_step_count=20, deadline=None, suppress_health_check=QUIET
    )
    run(MainsHistories, settings=few)


@pytest.mark.slow
def test_permitted_rises_only_so_over_many_long_histories() -> None:
    many = settings(
        max_examples=300, stateful_step_count=40, deadline=None, suppress_health_check=QUIET
    )
    run(MainsHistories, settings=many)
