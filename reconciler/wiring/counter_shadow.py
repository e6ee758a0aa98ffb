"""The counter of sessions in shadow: recorded bars, made-up money, and nothing that could send.

This module and all it imports reach no order entry, no door and no venue (SESSION-3); a test walks
the graph.
"""

from typing import Final

from desired_state.canonical import digest_bytes
from desired_state.errors import Stalled
from desired_state.reasons import Reason
from layers.market import Bar, Book
from layers.orders import Balance, CancelReport, SymbolRules
from layers.paper_venue.price_path import ladder
from layers.paper_venue.spot_rules import BTC_USDT
from layers.paper_venue.terms import MarketModel
from reconciler.counter import Counter
from reconciler.shadowing import SHADOW, Shadow
from reconciler.slippage import costs_of
from reconciler.wiring.approved import venue_row
from reconciler.wiring.counters import Place
from reconciler.wiring.recorded import first_bar, provenance_of, recorded

RULES: Final = {rules.symbol: rules for rules in (BTC_USDT,)}


def open_counter(place: Place) -> Counter:
    """A new account each time, with what the configuration says it holds.

    Raises:
        Stalled: ``NOT_ALLOW_LISTED``, ``FEED_INVALID``.
    """
    request = place.request
    feed = recorded(request)
    row = venue_row(place.files, place.venue)
    if request.symbol not in RULES:
        raise Stalled(Reason.NOT_ALLOW_LISTED, request.symbol, f"expected {', '.join(RULES)}")
    rules = RULES[request.symbol]
    model = MarketModel(seed=request.seed, provenance=provenance_of(feed))
    shadow = Shadow(
        journal=place.journal,
        note=place.journal.conduct.take,
        wall_clock=place.clock.wall,
        symbol_rules=rules,
        opening=tuple(
            Balance(currency=name, free=held, locked=held * 0)
            for name, held in sorted(row.opening_balances.items())
        ),
        aimed_at=place.venue,
        book_of=lambda bar: _book(bar, rules, model),
        verdict=place.verdict,
    )
    return Counter(
        venue=place.venue,
        account=SHADOW,
        venue_class=None,
        orders=shadow,
        queries=shadow,
        probe=shadow,
        journal=place.journal,
        hand=shadow,
        items=lambda window, _nap: feed.bars(request.series, window),
        feed=digest_bytes(feed.path.read_bytes()),
        start=request.start or first_bar(request, feed),
        advance=shadow.advance,
        now=lambda bar: bar.closed,
        pegs=row.pegs,
        touch=lambda _pair: None,  # nothing is wired that could be asked
        way_out=lambda: CancelReport(confirmed=(), still_open=()),
        goes_on=False,
        may_halt=lambda _kind: False,
        entries=lambda _first: tuple(shadow.imagined),
        claim="a session in shadow over recorded bars: nothing was sent",
        costs=costs_of(model, on_bars=True),
        close=lambda: None,
    )


def _book(bar: Bar, rules: SymbolRules, model: MarketModel) -> Book:
    bids, asks = ladder(bar.close, bar, rules, model)
    return Book(
        symbol=bar.symbol,
        bids=tuple(bids),
        asks=tuple(asks),
        event_at=bar.closed,
        received_at=bar.closed,
        provenance=model.provenance,
        interval=bar.interval,
    )
