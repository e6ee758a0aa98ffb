"""B8: what rests longer than it may is taken back; on bars its age counts in bars."""

from dataclasses import replace
from datetime import timedelta

from reconciler.rejudging import overdue_orders
from reconciler.scene import Scene
from tests.bench.risk_gate import AT, WIDE, scene_of

HOUR = timedelta(hours=1)
TICK = timedelta(microseconds=1)


def at(scene: Scene, age: timedelta, most: timedelta | None) -> tuple[str, ...]:
    limits = WIDE.model_copy(update={"max_order_age": most})
    permitted = scene.verdict.permitted.model_copy(update={"limits": limits})
    verdict = scene.verdict.model_copy(update={"permitted": permitted})
    return overdue_orders(replace(scene, verdict=verdict, at=AT + age))


def test_orders_rest_up_to_their_age_and_not_a_moment_longer() -> None:
    scene, _, _ = scene_of(3)
    assert len(scene.books.working) == 3
    assert at(scene, 24 * HOUR, 24 * HOUR) == ()
    assert at(scene, 24 * HOUR + TICK, 24 * HOUR) == tuple(scene.books.working)


def test_an_age_of_half_a_bar_is_one_bar_and_no_age_is_none() -> None:
    scene, _, _ = scene_of(1)
    assert at(scene, HOUR, HOUR / 2) == ()
    assert len(at(scene, HOUR + TICK, HOUR / 2)) == 1
    assert len(at(scene, TICK, None)) == 1
