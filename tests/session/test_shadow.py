"""In shadow the machine decides as ever, writes down what it would have sent, and cannot send."""

import ast
import subprocess
import sys
import time
from collections import Counter
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from desired_state.canonical import from_json
from desired_state.errors import Stalled
from desired_state.reasons import Reason
from desired_state.values import Mode
from layers.market import Bar
from layers.orders import Permit
from reconciler import decisions
from reconciler.session import Session
from reconciler.session_ending import Ending
from reconciler.shadowing import OF_THE_VENUE
from reconciler.wiring.counters import WIRINGS
from reconciler.wiring.host_parts import paper_store
from reconciler.wiring.renewal import RENEW
from tests.fakes.governed_desk import GovernedDesk, found_desk
from tests.fakes.paper_desk import request
from tests.fakes.session_desk import FIRST, LAST, limits_of, opened, run

ROOT = Path(__file__).parents[2]
PACKAGES = ("desired_state", "evidence_repo", "layers", "reconciler")
CRASH = datetime(2020, 3, 11, tzinfo=UTC)
ASKED = ("--mode", "shadow", "--start", "2020-02-24T00:00:00Z", "--end", "2020-02-26T00:00:00Z")


def leaves(desk: GovernedDesk) -> list[dict[str, Any]]:
    lines = sorted((desk.var / "journal").glob("*.jsonl"))
    return [from_json(line) for path in lines for line in path.read_bytes().splitlines()]


def of_kind(desk: GovernedDesk, kind: str) -> list[dict[str, Any]]:
    return [leaf["body"] for leaf in leaves(desk) if leaf["kind"] == kind]


@pytest.fixture(scope="module")
def founded(tmp_path_factory: pytest.TempPathFactory) -> GovernedDesk:
    """A mandate for shadow alone."""
    desk = found_desk(tmp_path_factory.mktemp("shadow") / "desk")
    desk.edit("mode.yaml", "mode: halted", "mode: shadow")
    desk.propose_and_sign(1)
    return desk


@pytest.fixture
def shadow(founded: GovernedDesk, tmp_path: Path) -> GovernedDesk:
    return founded.copy(tmp_path / "desk")


def test_what_would_have_been_sent_is_on_record_and_nothing_was(shadow: GovernedDesk) -> None:
    outcome = run(shadow, mode=Mode.SHADOW)
    assert outcome.record.ending is Ending.COMPLETED
    would = of_kind(shadow, "would_send")
    assert len(would) > 5
    decided = {body["intent"]["intent_id"]: body for body in of_kind(shadow, "decision")}
    for body in would:
        assert body["aimed_at"] == "paper"
        decision = decided[body["intent"]["intent_id"]]
        assert body["intent"] == decision["intent"]  # the exact request
        assert body["risk"] == decision["risk"]
        assert body["verdict"] == decision["verdict"]
        assert [found["control"] for found in body["risk"]["against"]] == body["set_aside"]
        assert "A1" in body["set_aside"]
        assert set(body["set_aside"]) <= OF_THE_VENUE
    for body in decided.values():
        assert decisions.replay(body, limits_of(shadow, body)) == ()
    kinds = Counter(leaf["kind"] for leaf in leaves(shadow))
    assert not [kind for kind in kinds if kind.startswith("order_")]
    assert not paper_store(shadow.host).exists()
    assert len(outcome.record.orders) == len(would)
    assert outcome.record.fills  # made up, by the bars that traded through
    assert outcome.reconciliation is None
    costs = outcome.record.slippage
    assert costs is not None
    assert len(costs.lines) == len(outcome.record.fills)


def test_a_refused_order_would_not_have_been_sent(shadow: GovernedDesk) -> None:
    shadow.edit("limits.yaml", 'passive_collar: "0.20"', 'passive_collar: "0.0001"')
    run(shadow, mode=Mode.SHADOW)
    assert of_kind(shadow, "decision")
    assert of_kind(shadow, "would_send") == []


def test_a_loss_of_made_up_money_ends_the_session_and_stops_nobody(shadow: GovernedDesk) -> None:
    shadow.edit("limits.yaml", 'max_daily_loss: "100"', 'max_daily_loss: "3"')
    outcome = run(shadow, mode=Mode.SHADOW, start=CRASH, end=CRASH + timedelta(days=2))
    assert outcome.record.ending is Ending.STOPPED
    assert of_kind(shadow, "would_stop")
    assert outcome.stop is None
    assert shadow.latch.stops() == {}


def test_the_office_issues_no_permit_below_paper(shadow: GovernedDesk) -> None:
    with opened(shadow) as writer:
        writer.reconcile()
        assert writer.permits.verdict is not None
        assert writer.permits.verdict.permitted.mode is Mode.SHADOW
        refused = writer.permits.issue(request("any"))
    assert not isinstance(refused, Permit)
    assert refused.code is Reason.MODE_FORBIDS


def test_under_a_shadow_mandate_no_other_session_runs(shadow: GovernedDesk) -> None:
    with pytest.raises(Stalled) as caught:
        run(shadow)
    assert caught.value.code is Reason.NOT_APPROVED
    assert not paper_store(shadow.host).exists()


def test_a_session_in_shadow_leaves_a_paper_account_as_it_was(desk: GovernedDesk) -> None:
    """Beside a paper mandate: neither its books nor its losses are touched by what was imagined."""
    first = run(desk)
    before = desk.venue.balances()
    again = run(desk, mode=Mode.SHADOW)
    assert again.record.ending is Ending.COMPLETED
    assert of_kind(desk, "would_send")
    assert desk.venue.balances() == before
    assert desk.venue.open_orders() == ()
    after = run(desk, end=LAST.replace(day=27))
    assert after.reconciliation is not None
    assert after.reconciliation.ok
    assert after.record.setup.start > first.record.setup.start
    assert after.record.setup.start > FIRST


def test_the_same_session_in_shadow_twice_is_one_record(shadow: GovernedDesk) -> None:
    first, second = run(shadow, mode=Mode.SHADOW), run(shadow, mode=Mode.SHADOW)
    assert first.session_pack == second.session_pack
    with opened(shadow) as writer:
        assert writer.ledger.ship().size == writer.journal.head.size


def test_a_lowered_mode_ends_a_session_in_shadow(shadow: GovernedDesk) -> None:
    done = []

    def lower(session: Session, _bar: Bar) -> None:
        if session.bars > 3 and not done:
            done.append(shadow.edit("mode.yaml", "mode: shadow", "mode: advisory"))
            time.sleep(RENEW.total_seconds() + 0.05)

    outcome = run(shadow, lower, mode=Mode.SHADOW)
    assert done
    assert outcome.record.ending is Ending.NOT_PERMITTED


# --- it cannot send ------------------------------------------------------------------------------
def imported(module: str) -> set[str]:
    """Our own modules that this one imports, by its source."""
    path = ROOT.joinpath(*module.split("."))
    path = path / "__init__.py" if path.is_dir() else path.with_suffix(".py")
    found = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {name.name for name in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found.add(node.module)
            found |= {f"{node.module}.{name.name}" for name in node.names}
    return {name for name in found if is_module(name)}


def is_module(name: str) -> bool:
    if not name.startswith(PACKAGES):
        return False
    path = ROOT.joinpath(*name.split("."))
    return path.is_dir() or path.with_suffix(".py").is_file()


def reached(start: str) -> set[str]:
    found: set[str] = set()
    left = [start]
    while left:
        name = left.pop()
        if name not in found:
            found.add(name)
            left += imported(name)
    return found


def able_to_send() -> set[str]:
    """Modules with a ``submit`` of their own, or that call one."""
    found = set()
    for package in PACKAGES:
        for path in (ROOT / package).rglob("*.py"):
            tree = ast.parse(path.read_text(encoding="utf-8"))
            for node in ast.walk(tree):
                match node:
                    case ast.FunctionDef(name="submit") | ast.Attribute(attr="submit"):
                        found.add(".".join(path.relative_to(ROOT).with_suffix("").parts))
    return found - {"layers.ports"}  # the port itself, which is only a word


def test_the_wiring_of_shadow_reaches_no_module_that_can_send() -> None:
    able = able_to_send()
    assert {"layers.l6_execution.door", "layers.adapters.paper_entry"} <= able
    assert reached(WIRINGS[Mode.SHADOW]) & able == set()
    assert reached(WIRINGS[Mode.PAPER]) & able  # the walk finds what is there
    assert "layers.l6_execution.execution" not in reached(WIRINGS[Mode.SHADOW])


PROBE = """
import gc, sys
from reconciler.cli import main
code = main(sys.argv[1:])
entries = [m for m in sys.modules if m.endswith("_entry") or m == "ccxt"]
loaded = entries + [m for m in sys.modules if m == "layers.l6_execution.door"]
able = {type(o).__qualname__ for o in gc.get_objects() if hasattr(type(o), "submit")}
print(code, sorted(loaded), sorted(name for name in able if "Executor" not in name))
"""


def test_a_process_that_ran_in_shadow_holds_nothing_that_can_send(shadow: GovernedDesk) -> None:
    config = str(shadow.folder / "governor.yaml")
    done = subprocess.run(
        [sys.executable, "-c", PROBE, "session", "run", *ASKED, "--config", config],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert done.stdout.splitlines()[-1] == "0 [] []", done.stdout + done.stderr
    assert of_kind(shadow, "would_send")
