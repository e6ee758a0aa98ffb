"""The state table, over its whole product."""

import itertools

import pytest

from desired_state.errors import Stalled
from desired_state.reasons import Reason
from layers.l6_execution.states import NEXT, Happening, after
from layers.orders import WORKING, OrderState

TERMINAL = set(OrderState) - WORKING


def test_every_pair_gives_its_next_state_or_is_refused() -> None:
    for state, happening in itertools.product(OrderState, Happening):
        if (state, happening) in NEXT:
            assert after(state, happening, "g") is NEXT[state, happening]
        else:
            with pytest.raises(Stalled) as caught:
                after(state, happening, "g")
            assert caught.value.code is Reason.RECON_DIFF


def test_what_has_ended_stays_ended() -> None:
    for (state, _), then in NEXT.items():
        if state in TERMINAL:
            assert then is state


def test_unknown_never_becomes_rejected_by_silence() -> None:
    for state in (OrderState.UNKNOWN, OrderState.INTENT):
        for happening in (Happening.REFUSED, Happening.ANSWER_LOST):
            assert (state, happening) not in NEXT


def test_every_working_state_can_end_and_asking_to_cancel_frees_nothing() -> None:
    for state in WORKING:
        assert any(then in TERMINAL for (at, _), then in NEXT.items() if at is state)
        assert NEXT[state, Happening.CANCEL_ASKED] in WORKING
