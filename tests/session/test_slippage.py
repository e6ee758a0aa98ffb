"""What executions cost beside what was predicted, in a session's pack; computed again by hand."""

import json
import math
import os
from contextlib import closing
from datetime import UTC, datetime, timedelta
from decimal import ROUND_HALF_EVEN, Decimal
from pathlib import Path
from typing import Any

import pytest

from desired_state.canonical import from_json
from desired_state.values import instant_text, parse_instant
from evidence_repo.adapters.git_reader import GitReader
from evidence_repo.reader import pack_files
from layers.adapters.csv_bars import carried_prices
from layers.feed import Series, Window
from layers.market import Bar
from layers.orders import Fill, Side
from layers.ports import JournalEntry
from reconciler.cli.main import main
from reconciler.fill_costs import Terms, slippage
from reconciler.session import Session
from reconciler.slippage import CostModel
from tests.fakes.governed_desk import GovernedDesk, in_child
from tests.fakes.session_desk import run

D = Decimal
HOUR = timedelta(hours=1)
START = datetime(2020, 3, 6, tzinfo=UTC)  # the stops of the 8th take
AT = datetime(2020, 3, 1, tzinfo=UTC)
STRICT = CostModel(preset="pessimistic", impact_bps=D(0), adverse_ticks=0, calibration=None)


def bps(part: Decimal, whole: Decimal) -> str:
    found = (part / whole * 10_000).quantize(D("0.000001"), ROUND_HALF_EVEN)
    return format(found + 0, "f")


def leaves(desk: GovernedDesk, kind: str) -> list[dict[str, Any]]:
    lines = sorted((desk.var / "journal").glob("*.jsonl"))
    found = (from_json(line) for path in lines for line in path.read_bytes().splitlines())
    return [leaf["body"] for leaf in found if leaf["kind"] == kind]


def by_hand(desk: GovernedDesk) -> list[dict[str, Any]]:
    """Every fill of the journal from decision, answer, the hour's opening and the fill alone."""
    opened = {parse_instant(m["at"]) - HOUR: D(m["opening"]) for m in leaves(desk, "mark")}
    decided = {b["intent"]["request"]["client_order_id"]: b for b in leaves(desk, "decision")}
    answers = {b["client_order_id"]: b["answer"]["order"] for b in leaves(desk, "order_answer")}
    found = []
    for fill in (body["fill"] for body in leaves(desk, "order_fill")):
        name = fill["client_order_id"]
        request, snapshot = decided[name]["intent"]["request"], decided[name]["snapshot"]
        (quote,) = (s["quote"] for s in snapshot["symbols"])
        bid, ask = D(quote["bid"]), D(quote["ask"])
        mid, limit = (bid + ask) / 2, D(request["price"])
        buying = request["side"] == "buy"
        arrived = parse_instant(answers[name]["updated_at"])
        arrival = opened.get(arrived, mid)
        crosses = limit >= ask if buying else limit <= bid
        cost = limit - mid if buying else mid - limit
        predicted = (ask - bid) / 2 if crosses else cost
        realised = D(fill["price"]) - arrival if buying else arrival - D(fill["price"])
        drift = arrival - mid if buying else mid - arrival
        found.append(
            {
                "fill_id": fill["fill_id"],
                "decision_mid": mid,
                "arrival_mid": arrival,
                "predicted_bps": bps(predicted, mid),
                "realised_bps": bps(realised, arrival),
                "drift_bps": bps(drift, mid),
            }
        )
    return found


@pytest.fixture
def packed(desk: GovernedDesk) -> tuple[GovernedDesk, dict[str, bytes], str]:
    outcome = run(desk, start=START, end=START + timedelta(days=3))
    with closing(GitReader(Path(desk.host.evidence_url))) as reader:
        return desk, dict(pack_files(reader, outcome.session_pack)), outcome.record.run_id


def test_the_pack_holds_every_fill_as_the_journal_gives_it_by_hand(
    packed: tuple[GovernedDesk, dict[str, bytes], str],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    desk, files, run_id = packed
    told = json.loads(files["slippage.json"])
    expected = by_hand(desk)
    lines = [
        {key: D(line[key]) if key.endswith("_mid") else line[key] for key in expected[0]}
        for line in told["lines"]
    ]
    assert lines == expected
    took = [line for line in told["lines"] if not line["maker"]]
    assert len(took) >= 3
    assert any(line["arrival_mid"] != line["decision_mid"] for line in took)
    errors = [abs(D(line["realised_bps"]) - D(line["predicted_bps"])) for line in took]
    summary = told["summary"]
    cut = int(len(took) * D("0.6667"))
    band = sorted(errors[:cut])[math.ceil(0.9 * cut) - 1]
    inside = sum(error <= band for error in errors[cut:])
    assert D(summary["median_error_bps"]) == sorted(errors)[(len(errors) + 1) // 2 - 1]
    assert D(summary["band_bps"]) == band
    assert (summary["fills"], summary["took"]) == (len(expected), len(took))
    assert summary["measured"] == len(took) - cut
    assert D(summary["inside"]) == (D(inside) / (len(took) - cut)).quantize(D("0.000001"))
    assert summary["unpredicted"] == []

    # in the record without its lines, in a sentence for people, and as a calibration reads it
    record = json.loads(files["session.json"])
    assert record["slippage"] == {**told, "lines": []}
    config = str(desk.folder / "governor.yaml")
    assert main(["session", "show", run_id, "--config", config]) == 0
    shown = capsys.readouterr()
    assert json.loads(shown.out) == record
    sentence = f"· slippage: {len(took)} of {len(expected)} fills took, median error "
    assert shown.err.startswith(sentence)
    kept = tmp_path / "takers.jsonl"
    kept.write_bytes(files["takers.jsonl"])
    main(["data", "calibrate", "--fills", str(kept), "--json"])
    found = json.loads(capsys.readouterr().out)["calibration"]
    assert len(found["lines"]) == len({line["client_order_id"] for line in took})


def test_what_executed_while_nobody_watched_is_predicted_by_the_decision_of_then(
    desk: GovernedDesk,
) -> None:
    """The process died; its orders rest on at the venue, and the next session finds the fills."""

    def die(session: Session, _bar: Bar) -> None:
        if len(session.desk.execution.books.working) >= 3:
            os._exit(9)

    assert in_child(lambda: run(desk, die)) == 9
    before = {order.client_order_id for order in desk.venue.open_orders()}
    rows = carried_prices().bars(Series("BTC/USDT", HOUR), Window(desk.venue.clock(), None))
    for bar in rows:
        assert isinstance(bar, Bar)
        desk.venue.advance(bar)
        if len(desk.venue.open_orders()) < len(before):
            break
    record = run(desk, end=desk.venue.clock() + 2 * HOUR).record
    assert before & {found.client_order_id for found in record.fills}
    assert record.slippage is not None
    assert record.slippage.summary.unpredicted == ()
    assert len(record.slippage.lines) == len(record.fills)


# --- single cases, by numbers that a head can check
def decision(name: str, **over: str) -> JournalEntry:
    quote = {
        "bid": "99.00",
        "ask": "101.00",
        "bid_depth": "4",
        "ask_depth": "9",
        "received_at": instant_text(AT),
    }
    request = {
        "client_order_id": name,
        "symbol": "BTC/USDT",
        "side": over.get("side", "buy"),
        "price": over.get("price", "105"),
        "quantity": "1",
    }
    symbols = [{"symbol": "BTC/USDT", "quote": {**quote, **over}}]
    body = {"intent": {"request": request}, "snapshot": {"symbols": symbols}}
    return JournalEntry(1, "decision", body, AT)


def mark(opening: str) -> JournalEntry:
    body = {"at": instant_text(AT + HOUR), "opening": opening}
    return JournalEntry(2, "mark", body, AT + HOUR)


def fill(
    name: str, price: str, *, maker: bool = False, side: Side = Side.BUY, number: int = 1
) -> Fill:
    return Fill(
        fill_id=f"F-{number}",
        client_order_id=name,
        symbol="BTC/USDT",
        side=side,
        price=D(price),
        quantity=D("0.5"),
        fee=D(0),
        fee_currency="BTC",
        maker=maker,
        at=AT + timedelta(seconds=number),
    )


NAMES = [f"g{letter * 16}" for letter in "abcdefghijkl"]


def cost(model: CostModel = STRICT) -> Terms:
    return Terms(model, D("0.01"), HOUR)


def test_a_taker_is_predicted_half_the_spread_the_impact_and_the_adverse_ticks() -> None:
    model = CostModel(preset="x", impact_bps=D(6), adverse_ticks=2, calibration=None)
    entries = (decision(NAMES[0]), mark("100.10"))
    (line,) = slippage((fill(NAMES[0], "101.101"),), entries, cost(model)).lines
    # 1.00 of 100 is 100 bps, the ninth of the depth costs 6/3, two cents are 2 bps
    assert line.predicted_bps == "104.000000"
    assert line.realised_bps == "100.000000"  # 1.001 of the hour's opening, which is the arrival
    assert line.drift_bps == "10.000000"
    assert line.arrival_mid == D("100.10")


def test_who_rests_is_predicted_its_own_price_and_is_not_summed_up() -> None:
    entries = (decision(NAMES[0], side="sell", price="102"),)
    found = slippage((fill(NAMES[0], "102", maker=True, side=Side.SELL),), entries, cost())
    (line,) = found.lines
    assert (line.predicted_bps, line.realised_bps) == ("-200.000000", "-200.000000")
    assert (found.summary.took, found.summary.median_error_bps) == (0, None)
    assert found.standing == "slippage: 0 of 1 fills took (pessimistic model)"


@pytest.mark.parametrize(
    "entries", [(), (decision(NAMES[0], ask=""),), (decision(NAMES[0], ask_depth="0"),)]
)
def test_a_fill_that_nothing_on_record_predicts_is_named_and_not_left_out(
    entries: tuple[JournalEntry, ...],
) -> None:
    found = slippage((fill(NAMES[0], "101"),), entries, cost())
    assert found.lines == ()
    assert found.summary.unpredicted == ("F-1",)
    assert found.summary.fills == 1
    assert "1 without a prediction" in found.standing


def test_the_band_comes_from_the_older_fills_and_is_measured_on_the_newer() -> None:
    entries = tuple(decision(name) for name in NAMES[:6])
    prices = ("101.01", "101.02", "101.03", "101.04", "101.02", "109")
    fills = tuple(
        fill(name, price, number=n)
        for n, (name, price) in enumerate(zip(NAMES, prices, strict=False), start=1)
    )
    summary = slippage(tuple(reversed(fills)), entries, cost()).summary
    assert summary.band_bps == 4  # of 1, 2, 3, 4
    assert summary.measured == 2
    assert summary.inside == D("0.5")
    assert summary.median_error_bps == 2  # of 1, 2, 2, 3, 4, 800
