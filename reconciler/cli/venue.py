"""``governor venue``: a local exchange to rehearse on, and the hand that makes it fail."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Annotated

import typer
from pydantic import ValidationError

from desired_state.errors import Stalled
from desired_state.reasons import Reason
from desired_state.values import amount_text, instant_text, parse_span
from layers.local_exchange.faults import Fault, FaultKind
from layers.local_exchange.rest import Asks
from reconciler.cli.app import app
from reconciler.cli.shared import NO, AsJson, note, show, show_json, stop_on_signals
from reconciler.wiring.exchange import Command, Opened, Serving, Ticks, Told, ask, serve

venue = typer.Typer(no_args_is_help=True, help="A local exchange to rehearse on.")
app.add_typer(venue, name="venue")
Store = Annotated[
    Path, typer.Option(metavar="DIR", help="Folder of its store, credentials and control socket.")
]


@venue.command("serve")
def serve_venue(
    store: Store = Path("venue"),
    prices: Annotated[str, typer.Option(metavar="FILE|carried", help="CSV of bars.")] = "carried",
    quotes: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="CSV of best bids and asks; with --trades, for bars."),
    ] = None,
    trades: Annotated[
        Path | None, typer.Option(metavar="FILE", help="CSV of single trades; with --quotes.")
    ] = None,
    interval: Annotated[
        str | None, typer.Option(help="Of the recorded bars. [default: 1h]")
    ] = None,
    pace: Annotated[
        str | None, typer.Option(help="How long one recorded bar lasts here. [default: 1s]")
    ] = None,
    warm: Annotated[
        int | None,
        typer.Option(
            min=0,
            help="Passed when the doors open: bars [default: 100], or seconds of ticks [0].",
        ),
    ] = None,
    seed: Annotated[int, typer.Option(min=0)] = 7,
    port: Annotated[int, typer.Option(min=0, max=65535, help="On loopback; 0: a free one.")] = 0,
    faults: Annotated[Path | None, typer.Option(metavar="FILE", help="A plan (YAML).")] = None,
    virtual: Annotated[bool, typer.Option(help="Time moves by `venue advance` alone.")] = False,
) -> None:
    """Serve Binance's spot REST protocol on loopback until told to end."""
    serving = Serving(
        folder=store,
        prices=_prices(prices, quotes, trades, timed=(interval or pace) is not None),
        interval=_span("--interval", interval or "1h"),
        pace=_span("--pace", pace or "1s"),
        warm=warm,
        seed=seed,
        port=port,
        plan=faults,
        virtual=virtual,
    )
    serve(serving, stop_on_signals(), _open)


@venue.command("show")
def show_venue(store: Store = Path("venue"), as_json: AsJson = False) -> None:
    """The desk's account as it truly is at the exchange, and which faults have struck."""
    _tell(ask(store, Command()), as_json=as_json)


@venue.command("advance")
def advance_venue(
    by: Annotated[str, typer.Argument(metavar="SPAN", help='Such as "30s" or "1h".')],
    store: Store = Path("venue"),
    as_json: AsJson = False,
) -> None:
    """Move a virtual clock; what is due on the way happens."""
    command = Command(advance_ms=_span("SPAN", by) // timedelta(milliseconds=1))
    _tell(ask(store, command), as_json=as_json)


@venue.command("fault")
def fault_venue(
    kind: Annotated[FaultKind, typer.Argument()],
    at: Annotated[list[Asks] | None, typer.Option(help="Requests it may strike; else all.")] = None,
    nth: Annotated[list[int] | None, typer.Option(help="Which of them, from 1.")] = None,
    times: Annotated[int, typer.Option(min=1, help="At most so often.")] = 1,
    asset: Annotated[str, typer.Option(help="Of wrong_balance.")] = "USDT",
    change: Annotated[str, typer.Option(help="Of wrong_balance, signed.")] = "-1",
    store: Store = Path("venue"),
    as_json: AsJson = False,
) -> None:
    """Something goes wrong: wipe, wrong_balance and foreign_order now, others at a request."""
    try:
        rule = Fault(
            kind=kind,
            at=tuple(at or ()),
            nth=tuple(nth or ()),
            times=times,
            asset=asset,
            change=change,
        )
    except ValidationError as error:
        text = "; ".join(str(problem["msg"]) for problem in error.errors())
        raise Stalled(Reason.USAGE, "venue fault", text) from error
    _tell(ask(store, Command(fault=rule)), as_json=as_json)


def _open(opened: Opened) -> None:
    show(f"serving {opened.url}")
    show(f"credentials {opened.credentials}")


def _prices(
    prices: str, quotes: Path | None, trades: Path | None, *, timed: bool
) -> Path | Ticks | None:
    """Bars or ticks, never both. Raises ``Stalled(USAGE)``."""
    if quotes is None and trades is None:
        return None if prices == "carried" else Path(prices)
    if quotes is None or trades is None:
        raise Stalled(Reason.USAGE, "venue serve", "expected --quotes and --trades together")
    if prices != "carried" or timed:
        text = (
            "a recording of ticks takes no --prices, and has its own times: no --interval, --pace"
        )
        raise Stalled(Reason.USAGE, "venue serve", text)
    return Ticks(quotes, trades)


def _span(option: str, text: str) -> timedelta:
    try:
        found = parse_span(text)
    except ValueError as error:
        raise Stalled(Reason.USAGE, option, str(error)) from error
    if found <= timedelta(0):
        raise Stalled(Reason.USAGE, option, "expected a time above zero")
    return found


def _tell(told: Told, *, as_json: bool) -> None:
    if as_json:
        show_json(told.model_dump(mode="json"))
    elif not told.refusal:
        at = datetime.fromtimestamp(told.now_ms / 1000, UTC)
        price = "none" if told.last_price is None else amount_text(told.last_price)
        show(f"time {instant_text(at)}  last price {price}")
        show(f"account {told.account}")
        show(f"orders {told.orders}, open {len(told.open_orders)}, fills {told.fills}")
        for holding in told.holdings:
            free, locked = amount_text(holding.free), amount_text(holding.locked)
            show(f"{holding.asset} free {free} locked {locked}")
        for strike in told.strikes:
            show(f"fault {strike}")
    if told.refusal:
        note(told.refusal)
        raise typer.Exit(NO)
