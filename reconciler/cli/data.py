"""``governor data fetch`` and ``calibrate``: market data of a venue, kept and put to use."""

from datetime import datetime, timedelta
from pathlib import Path
from typing import Annotated, Any, Self

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from desired_state.errors import Stalled
from desired_state.reasons import Reason
from desired_state.values import instant_text, parse_instant, parse_span
from layers.paper_venue.calibration import calibration_digest, table
from reconciler.cli.app import app
from reconciler.cli.shared import NO, AsJson, note, show, show_json, stop_on_signals
from reconciler.wiring.calibrating import calibration_of, calibration_on
from reconciler.wiring.market import SOURCES, Fetched, Order, fetch

data = typer.Typer(no_args_is_help=True, help="Market data: fetched, kept, calibrated on.")
app.add_typer(data, name="data")
SECOND = timedelta(seconds=1)
Symbol = Annotated[str, typer.Option(help="Base and quote.")]


@data.command("fetch")
def fetch_data(
    file: Annotated[Path, typer.Argument(help="CSV file; made, or continued where it ends.")],
    venue: Annotated[str, typer.Option(help=f"One of {', '.join(SOURCES)}.")],
    start: Annotated[str, typer.Option("--from", metavar="T", help='"2026-01-01T00:00:00Z".')],
    symbol: Symbol = "BTC/USDT",
    interval: Annotated[str, typer.Option(help='Of the bars, as "1h"; "trades" for each.')] = "1h",
    end: Annotated[str | None, typer.Option("--to", metavar="T", help="Else up to now.")] = None,
    at: Annotated[str | None, typer.Option(metavar="URL", help="Of the local exchange.")] = None,
    as_json: AsJson = False,
) -> None:
    """Keep what the venue serves; the same command goes on after a kill. 0 if all is there."""
    if venue not in SOURCES:
        text = f"expected one of {', '.join(SOURCES)}, found {venue}"
        raise Stalled(Reason.USAGE, "--venue", text)
    order = Order(
        source=SOURCES[venue],
        address=at,
        symbol=symbol,
        interval=None if interval == "trades" else _span(interval),
        start=_time(start),
        end=_time(end) if end else None,
        path=file,
    )
    stop = stop_on_signals()
    with _Watched(order) as watched:
        found = fetch(order, watched.tell, lambda span: not stop.wait(span.total_seconds()))
    _show_fetched(order, found, as_json=as_json)
    if not found.complete:
        note("it was ended before all was there; the same command goes on")
        raise typer.Exit(NO)


@data.command("calibrate")
def calibrate_data(
    quotes: Annotated[Path | None, typer.Option(help="CSV of best bid and ask.")] = None,
    trades: Annotated[Path | None, typer.Option(help="CSV of trades of the same time.")] = None,
    fills: Annotated[Path | None, typer.Option(help="Or recorded fills, one JSON a line.")] = None,
    symbol: Symbol = "BTC/USDT",
    latency: Annotated[str, typer.Option(help="From decision to arrival.")] = "250ms",
    as_json: AsJson = False,
) -> None:
    """Fit what takers paid, and tell what the fit gets wrong; 0 if it may be used."""
    if fills and not quotes and not trades:
        found = calibration_on(fills)
    elif quotes and trades and not fills:
        found = calibration_of(quotes, trades, symbol, _span(latency))
    else:
        raise Stalled(Reason.USAGE, "calibrate", "expected --quotes and --trades, or --fills")
    if as_json:
        digest = calibration_digest(found)
        show_json({"calibration": found.model_dump(mode="json"), "digest": digest})
    else:
        show(table(found))
    if not found.usable:
        raise typer.Exit(NO)


class _Watched:
    """A bar on stderr, over the time that is fetched."""

    def __init__(self, order: Order) -> None:
        self._order = order
        self._progress = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TimeRemainingColumn(),
            console=Console(stderr=True),
            transient=True,
        )
        self._task = self._progress.add_task(f"{order.symbol} of {order.source.venue}")
        self._unit = order.interval or SECOND

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self._progress.live.is_started:
            self._progress.stop()

    def tell(self, found: Fetched, end: datetime) -> None:
        """So far, of so much; the bar shows once there is something to tell."""
        self._progress.start()
        total = max(0, (end - self._order.start) // self._unit)
        reached = found.reached or self._order.start
        done = min(total, (reached - self._order.start) // self._unit)
        self._progress.update(self._task, total=total, completed=done)


def _show_fetched(order: Order, found: Fetched, *, as_json: bool) -> None:
    reached = instant_text(found.reached) if found.reached else None
    row: dict[str, Any] = {
        "file": order.path.name,
        "rows": found.rows,
        "added": found.added,
        "gaps": found.gaps,
        "reached": reached,
        "complete": found.complete,
        "provenance": order.source.provenance.value,
    }
    if as_json:
        show_json(row)
        return
    show(f"{row['file']}: {found.rows} rows, {found.added} of them new, {found.gaps} gaps")
    show(f"reached {reached or 'nothing'}; {row['provenance']}, see the companion")


def _time(text: str) -> datetime:
    try:
        return parse_instant(text)
    except ValueError as error:
        raise Stalled(Reason.USAGE, "time", str(error)) from error


def _span(text: str) -> timedelta:
    try:
        span = parse_span(text)
    except ValueError as error:
        raise Stalled(Reason.USAGE, "duration", str(error)) from error
    if not span:
        raise Stalled(Reason.USAGE, "duration", "expected one above zero")
    return span
