"""The harness runs, each measurement once, so that ``make bench`` cannot rot unseen."""

import json
from datetime import timedelta
from pathlib import Path

import pytest

from tests.bench import peer_risk_engine, sustained
from tests.bench.__main__ import GROUPS, main
from tests.bench.bounds import BOUNDS, Bound
from tests.bench.measurement import NOT_INSTALLED, Measured, Peer, Plan
from tests.bench.order_desk import order_desk
from tests.bench.order_way import PARTS
from tests.bench.report import table
from tests.bench.risk_gate import AT

FAST = ("L5", "journal", "audit", "stop", "order")
# open_desk leaves git's pipes to the garbage collector; a measurement cannot close them for it
LEFT_OPEN = pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
SLOW = tuple(name for name in GROUPS if name not in FAST)


@LEFT_OPEN
@pytest.mark.parametrize("group", [*FAST, *(pytest.param(g, marks=pytest.mark.slow) for g in SLOW)])
def test_every_row_is_measured_and_says_what_it_costs(group: str, tmp_path: Path) -> None:
    found = list(GROUPS[group](Plan(tmp_path, runs=1, share=0)))

    assert found
    assert all(row.values for row in found)
    assert len({row.name for row in found}) == len(found)
    assert any(row.bounds for row in found)


@LEFT_OPEN
@pytest.mark.slow
def test_every_bound_is_of_a_row_that_is_measured(tmp_path: Path) -> None:
    names = set()
    for group, rows in GROUPS.items():
        (tmp_path / group).mkdir()
        names |= {row.name for row in rows(Plan(tmp_path / group, runs=20, share=0))}

    assert set(BOUNDS) - set(sustained.LONG) <= names


def test_a_table_and_every_value_are_left(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    code = main(["--quick", "--only", "journal", "--out", str(tmp_path)])

    (left,) = tmp_path.iterdir()  # the folder it worked in is gone
    told = json.loads(left.read_text())
    (row,) = told["rows"]
    assert "additions" in told["machine"]
    assert row["name"] == "journal: append on disk"
    assert len(row["values"]) == row["runs"] > 100
    assert row["ratio"] > 0
    assert code == (0 if row["ok"] else 1)
    assert "journal: append on disk" in capsys.readouterr().out


def test_a_peer_that_is_not_installed_is_said_and_not_skipped() -> None:
    row = Measured("L5 decision, 1 open", "µs", (10.0,), Peer("the peer", None))

    cells = [next(iter(column.cells)) for column in table([row], "here").columns]

    assert "the peer" in cells
    assert NOT_INSTALLED in cells
    assert row.ratio is None
    if not peer_risk_engine.installed():
        assert peer_risk_engine.checks(0) is None


def test_quantiles_and_bounds_are_what_they_say() -> None:
    row = Measured("stop: no order can leave", "ms", tuple(float(n) for n in range(1, 101)))

    assert (row.p50, row.p99, row.most) == (50.5, 99.0, 100.0)
    assert row.ok is False
    assert Measured(row.name, "ms", (1.0,) * 99 + (51.0,)).ok  # one in a hundred may be late
    assert Measured("no such row", "ms", (1.0,)).ok is None
    assert Bound("p50", 10, at_least=True).holds(11)
    assert not Bound("p50", 10).holds(11)


def test_an_order_is_timed_on_the_way_that_a_session_sends_it(tmp_path: Path) -> None:
    with order_desk(tmp_path / "desk") as desk:
        name = desk.order()
        seen = desk.watch.seen
        kinds = [entry.kind for entry in desk.execution.ledger.journal.entries()]
        shown = desk.execution.queries.order("BTC/USDT", name)
        judged = desk.session.judged
        desk.cancel(name)
        desk.upkeep()

    assert kinds[-3:] == ["decision", "order_intent", "order_answer"]
    assert list(seen.values()) == sorted(seen.values())
    assert {instant for ends in PARTS.values() for instant in ends} <= set(seen)
    assert shown is not None
    assert len(judged) == 1
    assert not desk.execution.books.working


def test_ids_of_judged_intents_are_kept_while_they_are_unexpired(tmp_path: Path) -> None:
    with order_desk(tmp_path / "desk") as desk:
        desk.session.judged |= {"I-gone": AT - timedelta(1), "I-there": AT + timedelta(1)}
        desk.order()
        assert "I-gone" not in desk.session.judged
        assert "I-there" in desk.session.judged
