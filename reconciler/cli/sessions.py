"""``governor session run``, ``list`` and ``show``."""

from pathlib import Path
from typing import Annotated, Any

import typer

from desired_state.errors import Stalled
from desired_state.reasons import Reason
from desired_state.values import Mode, instant_text, parse_instant
from reconciler.cli.app import app
from reconciler.cli.shared import NO, AsJson, Config, host_of, note, show, show_json
from reconciler.session import Ending
from reconciler.session_request import Request
from reconciler.wiring.desk import open_desk
from reconciler.wiring.loop import watching
from reconciler.wiring.session import SessionRun
from reconciler.wiring.session_evidence import Outcome
from reconciler.wiring.sessions import read_sessions

sessions = typer.Typer(no_args_is_help=True, help="Bounded runs of the layers in one mode.")
app.add_typer(sessions, name="session")
Time = Annotated[str | None, typer.Option(metavar="T", help='Market time, "2020-02-24T00:00:00Z".')]


@sessions.command("run")
def run_session(
    mode: Annotated[Mode, typer.Option()] = Mode.PAPER,
    symbol: Annotated[str, typer.Option()] = "BTC/USDT",
    feed: Annotated[Path | None, typer.Option(help="CSV of bars; else the carried prices.")] = None,
    start: Time = None,
    end: Time = None,
    seed: Annotated[int, typer.Option(min=0)] = 7,
    config: Config = None,
    as_json: AsJson = False,
) -> None:
    """Run the layers over recorded bars until they end or a stop does; 0 if it completed."""
    request = Request(
        symbol=symbol,
        mode=mode,
        start=_time(start),
        end=_time(end),
        seed=seed,
        feed=str(feed) if feed else None,
    )
    host = host_of(config)
    with open_desk(host) as desk, watching(host):
        outcome = SessionRun(desk, request).run()
    _tell(outcome, as_json=as_json)
    if outcome.record.ending is not Ending.COMPLETED or not outcome.agrees:
        raise typer.Exit(NO)


@sessions.command("list")
def list_sessions(config: Config = None, as_json: AsJson = False) -> None:
    """Every session in the evidence repository, oldest first."""
    found = read_sessions(host_of(config))
    if as_json:
        show_json({"sessions": [_row(pack, record) for pack, record in found]})
        return
    for pack, record in found:
        row = _row(pack, record)
        show(f"{row['run']}  {row['pack']}  {row['first']} to {row['last']}  {row['ending']}")


@sessions.command("show")
def show_session(
    run: Annotated[str, typer.Argument(metavar="RUN|PACK")],
    config: Config = None,
) -> None:
    """One session's record, as its pack holds it."""
    for pack, record in read_sessions(host_of(config)):
        if run in {pack, record["run_id"]}:
            show_json(record)
            return
    raise Stalled(Reason.USAGE, run, "expected the id of a session or of its pack")


def _time(text: str | None) -> Any:  # noqa: ANN401
    try:
        return parse_instant(text) if text else None
    except ValueError as error:
        raise Stalled(Reason.USAGE, "time", str(error)) from error


def _row(pack: str, record: dict[str, Any]) -> dict[str, Any]:
    return {
        "run": record["run_id"],
        "pack": pack,
        "first": record["first"],
        "last": record["last"],
        "ending": record["ending"],
        "orders": len(record["orders"]),
        "fills": len(record["fills"]),
    }


def _tell(outcome: Outcome, *, as_json: bool) -> None:
    record = outcome.record
    if as_json:
        data = _row(outcome.session_pack, record.model_dump(mode="json"))
        data["reconciliation"] = outcome.reconciliation_pack
        data["reconciled"] = outcome.agrees
        data["stop"] = outcome.stop
        show_json(data)
        return
    show(f"{record.run_id} {record.ending}: {len(record.orders)} orders, {len(record.fills)} fills")
    if record.first and record.last:
        show(f"market time {instant_text(record.first)} to {instant_text(record.last)}")
    show(f"evidence {outcome.session_pack}, {outcome.reconciliation_pack}")
    if outcome.stop:
        note(f"✗ it raised the stop {outcome.stop}")
    word = "agree" if outcome.agrees else "DIFFER"
    show(f"our books and the venue's {word}")
