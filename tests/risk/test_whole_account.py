"""L5 judges the account: what is held and worked in every symbol, whatever symbol is asked for."""

from dataclasses import replace
from datetime import timedelta

import pytest

from desired_state.errors import Stalled
from desired_state.limits import Limits
from desired_state.reasons import Reason
from layers.l5_risk_gate.finding import ControlFinding, Outcome
from layers.l5_risk_gate.gate import evaluate
from layers.l6_execution.symbol_book import SymbolBook
from layers.market import Book, Level
from layers.orders import Intent
from reconciler.beside import MOST_ASKED, fresh, shown, wanted
from reconciler.rejudging import refused_orders
from reconciler.scene import Scene
from reconciler.snapshots import snapshot
from tests.bench.risk_gate import AT, SYMBOL, WIDE, scene_of
from tests.risk.judged_order import D

OTHERS = ("ADA/USDT", "ETH/USDT", "SOL/USDT", "XRP/USDT")
TIGHT = WIDE.model_copy(update={"max_total_exposure": D(500), "max_open_positions": 3})


def book(symbol: str, bid: str = "9", ask: str = "10", **terms: object) -> Book:
    _, _, market = SCENE
    assert market.book is not None
    sides = {"bids": (Level(D(bid), D(1)),), "asks": (Level(D(ask), D(1)),)}
    return replace(market.book, symbol=symbol, **{**sides, **terms})


SCENE = scene_of(0)


def held(position: str = "10", cost: str = "95", **more: object) -> SymbolBook:
    return SymbolBook(position=D(position), cost=D(cost), **more)


def scene(symbols: dict[str, SymbolBook], *books: Book) -> tuple[Scene, Intent]:
    given, intent, _ = scene_of(0)
    given.books.symbols.update(symbols)
    return replace(given, markets={one.symbol: one for one in books}), intent


def found(given: Scene, intent: Intent, limits: Limits = WIDE) -> dict[str, ControlFinding]:
    verdict = evaluate(intent, snapshot(given, intent), limits, AT)
    return {one.control: one for one in verdict.findings}


def test_positions_and_working_orders_of_every_symbol_count_towards_the_account_s_limits() -> None:
    working = {"open_buy": D(10), "working": 1, "increasing": 1}
    given, intent = scene({s: held(**working) for s in OTHERS}, *map(book, OTHERS))
    alone = found(*scene({}))
    told = found(given, intent, TIGHT)
    for control in ("C1", "C3"):  # ten held, ten open, at the ask of ten: 200 a symbol
        assert told[control].observed == alone[control].observed + 800
    assert (told["C1"].code, told["C4"].code) == (Reason.TOTAL_EXPOSURE, Reason.MAX_POSITIONS)
    assert told["C4"].observed == 5
    assert told["C8"].observed == alone["C8"].observed + 400
    assert found(given, intent)["C1"].outcome is Outcome.ALLOW


def test_an_order_of_unknown_fate_in_another_symbol_halts_with_the_second_one() -> None:
    lost = held("0", "0", working=1, unproven={"g" + "a" * 16: AT})
    given, intent = scene({"ETH/USDT": lost}, book("ETH/USDT"))
    assert found(given, intent)["G3"].outcome is Outcome.ALLOW  # its symbol alone is blocked
    given, intent = scene(dict.fromkeys(OTHERS[:2], lost), *map(book, OTHERS[:2]))
    assert found(given, intent)["G3"].outcome is Outcome.HALT


def test_what_is_held_without_a_quote_is_not_known_and_refuses_what_increases_risk() -> None:
    given, intent = scene({"ETH/USDT": held()})
    told = found(given, intent)
    assert {told[c].code for c in ("C1", "C3", "C4")} == {Reason.DATA_MISSING}
    assert given.other_exposure is None
    given.books.symbols[SYMBOL] = held("1")
    size = intent.request.model_copy(update={"side": "sell", "quantity": "0.002"})
    selling = intent.model_copy(update={"request": size})
    assert found(given, selling)["C1"].outcome is Outcome.ALLOW  # a reduction goes on


def test_dust_without_a_quote_holds_nothing_up_and_counts_where_there_is_one() -> None:
    dust = {"ETH/USDT": held("0.0001", "0.9")}
    assert found(*scene(dust))["C1"].outcome is Outcome.ALLOW
    given, _ = scene(dust, book("ETH/USDT"))
    assert given.other_exposure == D("0.001")
    in_bitcoin = {"ETH/BTC": held("10", "0.9")}  # nine tenths of a bitcoin are no dust
    assert found(*scene(in_bitcoin))["C1"].code is Reason.DATA_MISSING
    worked = {"ETH/USDT": held("0.0001", "0.9", working=1)}
    assert found(*scene(worked))["C1"].code is Reason.DATA_MISSING


def test_a_symbol_in_another_quote_currency_is_marked_in_the_session_s_own() -> None:
    given, _ = scene({"ETH/BTC": held()}, book("ETH/USDT"))
    assert given.other_exposure == 100
    assert wanted(given.books, SYMBOL) == ("ETH/USDT",)
    assert wanted(given.books, "ETH/USDT") == ()  # that is the session's own book


@pytest.mark.parametrize(
    "terms",
    [
        {"bids": ()},
        {"asks": ()},
        {"asks": (Level(D(9), D(1)),)},
        {"received_at": AT - timedelta(hours=2)},
        {"event_at": AT - timedelta(hours=2)},
        {"received_at": AT + timedelta(hours=2)},
    ],
    ids=["no bid", "no ask", "crossed", "old", "an old event", "from the future"],
)
def test_a_book_that_no_order_could_be_judged_by_marks_nothing(terms: dict[str, object]) -> None:
    assert fresh({"ETH/USDT": book("ETH/USDT")}, WIDE, AT)
    assert not fresh({"ETH/USDT": book("ETH/USDT", **terms)}, WIDE, AT)
    for name in ("max_book_age", "max_event_age"):
        unset = WIDE.model_copy(update={name: None})
        assert not fresh({"ETH/USDT": book("ETH/USDT")}, unset, AT)


def test_only_what_is_held_or_worked_is_asked_for_and_no_more_than_a_bound() -> None:
    symbols = {f"C{n}/USDT": held(cost=str(n)) for n in range(30)}
    symbols |= {"FLAT/USDT": SymbolBook(), "WORK/USDT": SymbolBook(working=1), SYMBOL: held()}
    given, _ = scene(symbols)
    names = wanted(given.books, SYMBOL)
    assert len(names) == MOST_ASKED
    assert names[:3] == ("WORK/USDT", "C29/USDT", "C28/USDT")
    assert not {"FLAT/USDT", SYMBOL} & set(names)


def test_states_of_other_symbols_are_built_once_a_scene() -> None:
    given, intent = scene({s: held() for s in OTHERS}, *map(book, OTHERS))
    first, second = snapshot(given, intent), snapshot(given, intent)
    assert [s.symbol for s in first.symbols] == [SYMBOL, *OTHERS]
    assert all(a is b for a, b in zip(first.symbols[1:], second.symbols[1:], strict=True))


def test_an_open_order_of_another_symbol_is_not_judged_by_the_session_s_market() -> None:
    given, intent, _ = scene_of(3)
    given = replace(given, markets={"ETH/USDT": book("ETH/USDT")})
    for name in list(given.books.working):
        own = given.books.orders[name]
        there = own.intent.request.model_copy(update={"symbol": "ETH/USDT"})
        given.books.take_out(name)
        given.books.put_back(replace(own, intent=own.intent.model_copy(update={"request": there})))
    assert set(refused_orders(given, AT)) == set(given.books.working)
    told = snapshot(given, intent)
    assert [s.symbol for s in told.symbols] == [SYMBOL, "ETH/USDT"]
    assert (told.symbols[1].rules, told.symbols[1].triggers) == (None, None)


def test_books_that_cannot_be_had_are_left_out() -> None:
    def ask(name: str) -> Book | None:
        if name == "ETH/USDT":
            raise Stalled(Reason.FEED_INVALID, name)
        return None if name == "SOL/USDT" else book(name)

    assert set(shown(ask, OTHERS)) == {"ADA/USDT", "XRP/USDT"}
