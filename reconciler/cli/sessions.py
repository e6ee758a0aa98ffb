"""``governor session run``, ``stop``, ``list`` and ``show``."""

from datetime import timedelta
from pathlib import Path
from typing import Annotated, Any, Final

import typer
from pydantic import ValidationError

from desired_state.canonical import canonical
from desired_state.errors import Stalled
from desired_state.reasons import Reason
from desired_state.values import Mode, instant_text, parse_instant, parse_span
from reconciler.cli.app import app
from reconciler.cli.shared import (
    NO,
    AsJson,
    Config,
    host_of,
    note,
    show,
    show_json,
    stop_on_signals,
)
from reconciler.session_request import Request, Standing, Told
from reconciler.slippage import Slippage
from reconciler.wiring.session_calls import end_session, hold_session
from reconciler.wiring.sessions import read_sessions

sessions = typer.Typer(no_args_is_help=True, help="Bounded runs of the layers in one mode.")
app.add_typer(sessions, name="session")
EVERY: Final = 100  # bars between two lines of progress
Time = Annotated[str | None, typer.Option(metavar="T", help='Market time, "2020-02-24T00:00:00Z".')]


@sessions.command("run")
def run_session(
    mode: Annotated[Mode, typer.Option()] = Mode.PAPER,
    symbol: Annotated[str, typer.Option()] = "BTC/USDT",
    feed: Annotated[Path | None, typer.Option(help="CSV of bars; else the carried prices.")] = None,
    start: Time = None,
    end: Time = None,
    interval: Annotated[
        str | None, typer.Option(help="Of the bars; 1h on recorded ones, 1m at a venue.")
    ] = None,
    seed: Annotated[int, typer.Option(min=0)] = 7,
    config: Config = None,
    as_json: AsJson = False,
) -> None:
    """Run the layers over the feed until it ends or a stop does; 0 if it completed."""
    place = str(feed.absolute()) if feed else None  # who runs it may stand elsewhere
    times = {"start": _time(start), "end": _time(end), "interval": _interval(interval, mode)}
    try:
        request = Request(symbol=symbol, mode=mode, seed=seed, feed=place, **times)
    except ValidationError as error:
        raise Stalled(Reason.USAGE, "session", error.errors()[0]["msg"]) from error
    stop = stop_on_signals()
    told = hold_session(host_of(config), request, stop.is_set, _Progress())
    _tell(told, as_json=as_json)
    if not told.completed:
        raise typer.Exit(NO)


@sessions.command("stop")
def stop_session(
    patience: Annotated[
        float, typer.Option("--patience", min=1, help="Seconds to wait until it has ended.")
    ] = 60.0,
    config: Config = None,
    as_json: AsJson = False,
) -> None:
    """End the session of this host at its next step: cancelled, reconciled, evidence written."""
    told = end_session(host_of(config), patience)
    if told is None:
        if as_json:
            show_json({"ended": False, "message": "no session is running on this host"})
        else:
            note("· no session is running on this host")
        raise typer.Exit(NO)
    _tell(told, as_json=as_json)
    if told.reconciled is False:
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
            if record.get("slippage"):  # packs of older builds have none
                found = Slippage.model_validate_json(canonical(record["slippage"]))
                note(f"· {found.standing}")
            return
    raise Stalled(Reason.USAGE, run, "expected the id of a session or of its pack")


def _time(text: str | None) -> Any:  # noqa: ANN401
    try:
        return parse_instant(text) if text else None
    except ValueError as error:
        raise Stalled(Reason.USAGE, "time", str(error)) from error


def _interval(text: str | None, mode: Mode) -> timedelta:
    try:
        return parse_span(text or ("1h" if mode <= Mode.PAPER else "1m"))
    except ValueError as error:
        raise Stalled(Reason.USAGE, "--interval", str(error)) from error


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


def _tell(told: Told, *, as_json: bool) -> None:
    """How it went. Raises ``Stalled`` with the reason why it could not run, or not go on."""
    if told.refused is not None:
        raise Stalled(told.refused, told.subject or "session", told.message)
    if as_json:
        show_json(_data(told))
        return
    show(f"{told.run_id} {told.ending}: {told.orders} orders, {told.fills} fills")
    if told.first and told.last:
        show(f"market time {instant_text(told.first)} to {instant_text(told.last)}")
    packs = (told.session_pack, told.reconciliation_pack)
    show(f"evidence {', '.join(pack for pack in packs if pack)}")
    if told.stop:
        note(f"✗ it raised the stop {told.stop}")
    if told.reconciled is None:
        show("in shadow: nothing was sent")
    else:
        show(f"our books and the venue's {'agree' if told.reconciled else 'DIFFER'}")


def _data(told: Told) -> dict[str, Any]:
    return {
        "run": told.run_id,
        "pack": told.session_pack,
        "first": instant_text(told.first) if told.first else None,
        "last": instant_text(told.last) if told.last else None,
        "ending": told.ending,
        "orders": told.orders,
        "fills": told.fills,
        "reconciliation": told.reconciliation_pack,
        "reconciled": told.reconciled,
        "stop": told.stop,
    }


class _Progress:
    """A line now and then, for whoever waits."""

    def __init__(self) -> None:
        self._bars = 0

    def __call__(self, standing: Standing) -> None:
        if standing.bars >= self._bars + EVERY and standing.market_time:
            self._bars = standing.bars
            note(f"► {standing.bars} bars, market time {instant_text(standing.market_time)}")
