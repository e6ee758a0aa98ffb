"""Whole sessions on real prices: repeatable, ended by what ends them, and true to the venue."""

import copy
import shutil
import time
from collections import Counter
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import pytest

from desired_state.canonical import from_json
from desired_state.errors import Stalled
from desired_state.reasons import Reason
from desired_state.values import StopClass
from layers.l5_risk_gate.finding import COLUMNS
from layers.market import Bar
from layers.orders import WORKING
from reconciler import decisions
from reconciler.session import Session
from reconciler.session_ending import Ending
from reconciler.wiring.renewal import RENEW
from tests.fakes.governed_desk import (
    ARMED,
    ENGAGED,
    GovernedDesk,
    close_git,
    mandated_desk,
    wait_for,
)
from tests.fakes.session_desk import FIRST, LAST, limits_of, opened, run

CRASH = datetime(2020, 3, 11, tzinfo=UTC)


def leaves(desk: GovernedDesk) -> list[dict]:
    lines = sorted((desk.var / "journal").glob("*.jsonl"))
    return [from_json(line) for path in lines for line in path.read_bytes().splitlines()]


def renewed() -> None:
    time.sleep(RENEW.total_seconds() + 0.05)


def test_the_same_seed_gives_the_same_packs_whoever_signs(
    desk: GovernedDesk, tmp_path: Path
) -> None:
    other = mandated_desk(tmp_path / "other" / "desk")
    first, second = run(desk), run(other)
    assert first.record.ending is Ending.COMPLETED
    assert len(first.record.fills) > 3
    assert first.session_pack == second.session_pack
    assert first.record.plans == second.record.plans
    assert first.reconciliation_pack == second.reconciliation_pack
    third = run(mandated_copy(desk, tmp_path), seed=8)
    assert third.session_pack != first.session_pack
    close_git()


def mandated_copy(desk: GovernedDesk, tmp_path: Path) -> GovernedDesk:
    again = desk.copy(tmp_path / "again")
    for name in ("venues", "journal", "trusted"):
        shutil.rmtree(again.var / name)
    shutil.rmtree(again.folder / "evidence.git")
    shutil.rmtree(again.folder / "evidence")
    for folder, bare in (("evidence.git", "--bare"), ("evidence", "")):
        again.git("init", "-q", *([bare] if bare else []), str(again.folder / folder))
    again.git("-C", str(again.folder / "evidence"), "remote", "add", "origin", "../evidence.git")
    return again


def test_i4_the_evidence_counts_what_each_control_refused(desk: GovernedDesk) -> None:
    desk.edit("limits.yaml", 'max_size_ratio: "5"', 'max_size_ratio: "0.5"')
    record = run(desk).record
    counted: Counter[str] = Counter()
    for leaf in leaves(desk):
        if leaf["kind"] == decisions.LEAF_KIND:
            counted.update(found["control"] for found in leaf["body"]["risk"]["against"])
    assert counted["B6"]
    assert record.refusals == dict(sorted(counted.items()))


def test_every_decision_replays_and_a_changed_one_does_not(desk: GovernedDesk) -> None:
    run(desk)
    found = [leaf["body"] for leaf in leaves(desk) if leaf["kind"] == decisions.LEAF_KIND]
    assert len(found) > 5
    limits = limits_of(desk, found[0])
    older = {**found[0], "semantics": 3}
    for record in (older, {k: v for k, v in older.items() if k != "semantics"}):
        [told] = decisions.replay(record, limits)  # never read by other rules than those of then
        assert "expected semantics 4 of this build" in told.message
    for body in found:
        assert decisions.replay(body, limits_of(desk, body)) == ()
    lower = limits.model_copy(update={"max_order_notional": Decimal(1)})
    assert decisions.replay(found[0], lower)
    edited = copy.deepcopy(found[0])
    edited["risk"]["within"][0][COLUMNS.index("measured")] = "live"
    assert decisions.replay(edited, limits)
    assert decisions.replay({**found[0], "risk": {}}, limits)
    assert decisions.replay({}, limits)


def test_a_decision_names_its_limits_by_the_verdict_that_it_cites(desk: GovernedDesk) -> None:
    run(desk)
    found = [leaf for leaf in leaves(desk) if leaf["kind"] == decisions.LEAF_KIND]
    verdicts = {leaf["body"]["verdict"] for leaf in leaves(desk) if leaf["kind"] == "verdict"}
    for leaf in found:
        assert leaf["body"]["verdict"] in verdicts
        assert "limits" not in leaf["body"]


def test_a_stop_ends_the_session_with_nothing_open(desk: GovernedDesk) -> None:
    pushed = []

    def stop(session: Session, _bar: Bar) -> None:
        if len(session.desk.execution.books.working) >= 3 and not pushed:
            pushed.append(desk.push(kill_switch__yaml=ENGAGED))
            wait_for(lambda: not desk.token.exists())

    outcome = run(desk, stop)
    assert pushed
    assert (outcome.record.ending, outcome.record.stop) == (Ending.STOPPED, StopClass.PERSON)
    assert outcome.stop is None
    assert desk.venue.open_orders() == ()
    assert all(line.state not in WORKING for line in outcome.record.orders)
    assert outcome.reconciliation.ok
    with pytest.raises(Stalled) as caught:
        run(desk)
    assert caught.value.code is Reason.NOT_APPROVED


def test_lowered_limits_take_back_what_increases_risk(desk: GovernedDesk) -> None:
    before: list[set[str]] = []
    after: list[set[str]] = []

    def lower(session: Session, _bar: Bar) -> None:
        books = session.desk.execution.books
        increasing = {n for n in books.working if books.orders[n].increasing}
        if not before and increasing:
            desk.edit("limits.yaml", 'max_order_notional: "50"', 'max_order_notional: "10"')
            before.append(increasing)
            renewed()
        elif before and not after:
            after.append(set(books.working))

    outcome = run(desk, lower)
    assert outcome.record.ending is Ending.COMPLETED
    assert before
    assert not before[0] & after[0]  # SESSION-2
    late = [line for line in outcome.record.orders if line.client_order_id not in before[0]]
    buys = [o for o in late if o.side.value == "buy" and o.placed_at > FIRST + timedelta(hours=40)]
    assert all(Decimal(o.price) * Decimal(o.quantity) <= 10 for o in buys)
    assert outcome.reconciliation.ok


@pytest.mark.parametrize("to", ["shadow", "halted"])
def test_a_lowered_mode_ends_the_session(desk: GovernedDesk, to: str) -> None:
    done = []

    def lower(session: Session, _bar: Bar) -> None:
        if session.desk.execution.books.working and not done:
            done.append(desk.edit("mode.yaml", "mode: paper", f"mode: {to}"))
            renewed()

    outcome = run(desk, lower)
    assert done
    assert outcome.record.ending is Ending.NOT_PERMITTED
    assert desk.venue.open_orders() == ()
    assert outcome.reconciliation.ok


def test_an_evidence_remote_that_is_gone_does_not_break_the_session(desk: GovernedDesk) -> None:
    gone = []

    def cut(_session: Session, _bar: Bar) -> None:
        if not gone:
            gone.append((desk.folder / "evidence.git").rename(desk.folder / "gone.git"))
            time.sleep(1.1)  # the next shipment is due

    outcome = run(desk, cut)
    assert gone
    assert outcome.record.ending is Ending.COMPLETED
    (desk.folder / "gone.git").rename(desk.folder / "evidence.git")
    with opened(desk) as writer:
        assert writer.ledger.ship().size == writer.journal.head.size


def test_a_feed_that_breaks_leaves_nothing_open(desk: GovernedDesk, tmp_path: Path) -> None:
    source = Path(__file__).parents[2] / "layers" / "data" / "btcusdt-1h-2020-crash.csv"
    lines = source.read_text().splitlines()
    start = next(n for n, line in enumerate(lines) if "2020-02-25T12" in line)
    feed = tmp_path / "broken.csv"
    feed.write_text("\n".join([*lines[:start], "no,bar,at,all,here,,"]) + "\n")
    working: list[int] = []
    with pytest.raises(Stalled) as caught:
        run(desk, lambda s, _: working.append(len(s.desk.execution.books.working)), feed=str(feed))
    assert caught.value.code is Reason.FEED_INVALID
    assert working[-1] > 0
    assert desk.venue.open_orders() == ()


def test_a_loss_stops_and_its_release_holds_until_it_is_worse(desk: GovernedDesk) -> None:
    """Limits lowered to a loss that the first days of the crash are sure to bring."""
    desk.edit("limits.yaml", 'max_daily_loss: "100"', 'max_daily_loss: "3"')
    first = run(desk, start=CRASH, end=CRASH + timedelta(days=2))
    assert (first.record.ending, first.record.stop) == (Ending.STOPPED, StopClass.LOSS)
    assert first.stop is not None
    assert desk.latch.in_force()[first.stop].kind is StopClass.LOSS
    assert desk.venue.open_orders() == ()
    told = [leaf["body"] for leaf in leaves(desk) if leaf["kind"] == "loss_stop"]
    desk.propose_and_sign(2, "--clears", first.stop)
    with opened(desk) as writer:
        report = writer.reconcile()
        assert report.verdict.stops == ()
    second = run(desk, end=first.record.last + timedelta(days=2))
    marks = [m for m in second.record.marks if m.at.date() == first.record.last.date()]
    assert marks
    if second.stop:  # only because it got a tenth worse
        stops = [leaf["body"] for leaf in leaves(desk) if leaf["kind"] == "loss_stop"]
        before = {body["window"]: Decimal(body["pnl"]) for body in told}
        after = {b["window"]: Decimal(b["pnl"]) for b in stops if b["stop"] == second.stop}
        worse = any(after[name] <= before[name] * Decimal("1.1") for name in before)
        assert worse or any(body["at"][:10] != told[0]["at"][:10] for body in stops)
    assert second.record.bars > 1  # the old loss alone raised no new stop
    assert LAST < CRASH
    assert ARMED
