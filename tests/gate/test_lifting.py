"""Facts that narrow lift by themselves, but only after three good cycles in a row."""

import itertools

from desired_state.values import Trading
from reconciler.lifting import GOOD_CYCLES, Fact, Held, after, begun_again, lifts

A, R, H = Trading.ACTIVE, Trading.REDUCING, Trading.HALTED


def permitted(said: list[tuple[Trading, bool]], fact: Fact = Fact.SOURCE) -> list[Trading]:
    """What one fact permits over cycles that say (level, whether the head was admitted)."""
    held: tuple[Held, ...] = ()
    seen = []
    for level, admitted in said:
        standing = [h for h in held if not lifts(h, level, admitted=admitted)]
        seen.append(min([level, *(h.trading for h in standing)]))
        held = after(held, {fact: level}, admitted=admitted)
    return seen


def test_what_narrowed_lifts_in_the_third_good_cycle() -> None:
    assert permitted([(H, True), (A, True), (A, True), (A, True), (A, True)]) == [H, H, H, A, A]


def test_a_bad_cycle_between_begins_the_count_again() -> None:
    cycles = [(R, True), (A, True), (A, True), (R, True), (A, True), (A, True), (A, True)]
    assert permitted(cycles) == [R, R, R, R, R, R, A]


def test_halted_does_not_lift_to_reducing_on_the_way() -> None:
    assert permitted([(H, True), (R, True), (A, True), (A, True), (A, True)]) == [H, H, H, H, A]


def test_only_cycles_with_an_admitted_head_count() -> None:
    cycles = [(R, True), (A, True), (A, True), (A, False), (A, True), (A, True), (A, True)]
    assert permitted(cycles) == [R, R, R, R, R, R, A]


def test_a_cycle_that_failed_begins_the_count_again() -> None:
    held = begun_again((Held(fact=Fact.SOURCE, trading=R, good=2),))
    assert held == (Held(fact=Fact.SOURCE, trading=R, good=0),)


def test_over_every_short_history_nothing_rises_without_three_good_cycles_before() -> None:
    moves = [(A, True), (A, False), (R, True), (H, True)]
    for cycles in itertools.product(moves, repeat=6):
        seen = permitted(list(cycles))
        for at in range(1, 6):
            if seen[at] > seen[at - 1]:
                last = cycles[max(0, at - GOOD_CYCLES + 1) : at + 1]
                assert last == ((A, True),) * GOOD_CYCLES, (cycles, seen)
            assert seen[at] <= cycles[at][0]
