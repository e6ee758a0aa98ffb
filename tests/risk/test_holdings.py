"""D1 to D3 are the account's: what is ours, in every currency, and only what is ours."""

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from desired_state.canonical import canonical, from_json
from layers.l6_execution import events
from layers.l6_execution.books import Books
from layers.market import Book, Level, Provenance
from layers.orders import AnswerKind, Balance, Fill, Side, VenueAnswer
from reconciler.beside import Markets, wanted
from reconciler.holdings import FeeValued, Holdings, PaidFees, Valued, WipeValued
from reconciler.marks import Mark, Marks
from tests.fakes.paper_desk import intent
from tests.risk.judged_order import D

START = datetime(2020, 3, 1, tzinfo=UTC)
HOUR = timedelta(hours=1)
COINS = {f"AIR{n}": D(n) for n in range(300)}
OPENING = {"USDT": D(1000), "ETH": D(4), "BNB": D(2), "BTC": D(3), **COINS}


class Account:
    """Books and balances that move together, as at a venue that takes fees where it likes."""

    def __init__(self, opening: dict[str, D] = OPENING) -> None:
        self.books, self.held, self.fees, self.number = Books(), dict(opening), PaidFees(), 0
        self._tell(events.Opened(balances=self.balances))

    def _tell(self, event: events.Event) -> None:
        self.number += 1
        self.books.apply(event, START, self.number)

    @property
    def balances(self) -> tuple[Balance, ...]:
        held = sorted(self.held.items())
        return tuple(Balance(currency=c, free=a, locked=D(0)) for c, a in held)

    def trade(self, symbol: str, side: Side, price: str, fee: str = "0", of: str = "USDT") -> None:
        """One unit, executed whole."""
        made = intent(f"{symbol}{self.number}", side=side, price=price, quantity="1")
        there = made.request.model_copy(update={"symbol": symbol})
        made = made.model_copy(update={"request": there})
        name = there.client_order_id
        self._tell(events.Intended(intent=made, permit=""))
        answer = VenueAnswer(kind=AnswerKind.ACCEPTED)
        self._tell(events.Answered(client_order_id=name, answer=answer))
        fill = Fill(
            fill_id=str(self.number),
            client_order_id=name,
            symbol=symbol,
            side=side,
            price=D(price),
            quantity=D(1),
            fee=D(fee),
            fee_currency=of,
            maker=False,
            at=START,
        )
        self._tell(events.Filled(fill=fill))
        base, quote = symbol.split("/")
        sign = 1 if side is Side.BUY else -1
        for currency, moved in ((base, sign), (quote, -sign * D(price)), (of, -D(fee))):
            self.held[currency] = self.held.get(currency, D(0)) + moved

    def transfer(self, currency: str, amount: str) -> None:
        told = {"currency": currency, "amount": D(amount), "direction": "in", "why": "w", "by": "p"}
        self._tell(events.Transferred(**told))
        self.held[currency] = self.held.get(currency, D(0)) + D(amount)

    def seen(self, symbol: str) -> Holdings:
        return Holdings(self.books, self.balances, symbol, self.fees)

    def settle(self, symbol: str, marked: Markets) -> tuple[Valued, ...]:
        found = self.seen(symbol).valued(marked)
        for one in found:
            self.fees.take(type(one).model_validate_json(canonical(one)))
        return found

    def wipe(self, **held: str) -> None:
        """The venue forgets everything, and a person takes note of it."""
        self.held = {currency: D(amount) for currency, amount in held.items()}
        self._tell(events.Reset(what="wiped"))
        told = {"why": "w", "by": "p", "balances": self.balances, "moved": True}
        self._tell(events.ResetAccepted(**told))
        self.fees.begin_again()

    def earned(self, symbol: str, marked: Markets) -> D | None:
        """What nobody paid in; none where that is not known."""
        self.settle(symbol, marked)
        seen = self.seen(symbol)
        worth = seen.equity(marked, DUST)
        return None if worth is None else worth - seen.paid_in


def markets(**bids: str) -> Markets:
    """Books in USDT, each a unit wide."""
    return {f"{name}/USDT": _book(f"{name}/USDT", D(bid)) for name, bid in bids.items()}


def _book(symbol: str, bid: D) -> Book:
    bids, asks = (Level(bid, D(1)),), (Level(bid + 1, D(1)),)
    return Book(symbol, bids, asks, START, START, Provenance.LIVE, timedelta())


DUST = D(1)


def test_a_position_in_another_symbol_is_worth_what_it_was_bought_for_and_no_phantom_loss() -> None:
    account = Account()
    before = account.seen("BTC/USDT").equity(markets(BTC="9000"), DUST)
    account.trade("ETH/USDT", Side.BUY, "300")
    marked = markets(BTC="9000", ETH="300")
    assert account.seen("BTC/USDT").equity(marked, DUST) == before == 1000
    assert wanted(account.books, "BTC/USDT", account.seen("BTC/USDT").currencies()) == ("ETH/USDT",)


def test_a_fall_between_two_sessions_in_two_symbols_is_a_loss_of_the_day() -> None:
    account, marks = Account(), Marks()
    account.trade("ETH/USDT", Side.BUY, "300")
    for hours, symbol, ether in ((0, "BTC/USDT", "300"), (1, "ETH/USDT", "10")):
        worth = account.seen(symbol).equity(markets(BTC="9000", ETH=ether), DUST)
        realised = account.seen(symbol).realised(markets())
        assert worth is not None
        assert realised is not None
        now = Mark(at=START + hours * HOUR, equity=worth, realised=realised)
        marks.add(now, D(100))
    assert (marks.pnl("day", now), marks.pnl("rolling", now)) == (-290, -290)


def test_what_cannot_be_marked_is_not_known() -> None:
    account = Account()
    account.trade("ETH/USDT", Side.BUY, "300")
    assert account.seen("BTC/USDT").equity(markets(BTC="9000"), DUST) is None
    dusty = Account()
    dusty.trade("ETH/USDT", Side.BUY, "0.5")
    assert dusty.seen("BTC/USDT").equity(markets(BTC="9000"), DUST) == D("999.5")
    assert dusty.seen("BTC/USDT").equity(markets(BTC="9000"), None) is None
    assert dusty.seen("BTC/USDT").equity(markets(BTC="9000", ETH="40"), DUST) == D("1039.5")
    dusty.trade("ETH/BTC", Side.BUY, "0.01", "0", "BTC")  # an ether whose cost is not in dollars
    assert dusty.seen("BTC/USDT").equity(markets(BTC="9000"), DUST) is None


def test_coins_that_are_known_to_be_missing_are_lost_as_far_as_they_were_ours() -> None:
    account = Account()
    account.trade("ETH/USDT", Side.BUY, "300")
    for gap, worth in (("0.5", 1000), ("-0.5", 850), ("-3", 700)):
        account.books.money.gaps["ETH"] = D(gap)
        assert account.seen("ETH/USDT").equity(markets(ETH="300"), DUST) == worth


def test_coins_that_nothing_of_ours_traded_are_neither_asked_for_nor_counted() -> None:
    account = Account()
    account.trade("BTC/USDT", Side.BUY, "100")
    assert account.seen("BTC/USDT").currencies() == {"BTC"}
    account.held["AIR7"] *= 10
    account.held["NEW"] = D(5)
    assert account.seen("BTC/USDT").equity(markets(BTC="100"), DUST) == 1000


def test_of_the_quote_currency_the_less_counts_of_what_is_shown_and_what_we_wrote_down() -> None:
    account = Account()
    for shown, worth, missing in (("1500", 1000, 0), ("900", 900, 100)):
        account.held["USDT"] = D(shown)
        seen = account.seen("BTC/USDT")
        assert (seen.equity({}, DUST), seen.missing) == (worth, missing)


def test_what_lay_there_and_what_people_moved_is_not_our_gain_or_loss() -> None:
    account = Account()
    account.trade("ETH/USDT", Side.BUY, "300")
    account.transfer("ETH", "10")
    for price, worth in (("300", 1000), ("10", 710)):  # of one ether, and not of fifteen
        assert account.seen("ETH/USDT").equity(markets(ETH=price), DUST) == worth


def test_a_fee_in_a_third_currency_is_a_loss_of_what_it_was_worth_when_it_was_paid() -> None:
    account = Account()
    for side in (Side.BUY, Side.SELL):
        account.trade("BTC/USDT", side, "100", "0.01", "BNB")
    bare = markets(BTC="100")
    assert account.seen("BTC/USDT").equity(bare, DUST) is None  # no price, and not nothing
    assert account.settle("BTC/USDT", bare) == ()
    asked = wanted(account.books, "BTC/USDT", account.seen("BTC/USDT").currencies())
    assert asked == ("BNB/USDT",)
    [one] = account.settle("BTC/USDT", markets(BTC="100", BNB="599"))
    assert (one.currency, one.amount, one.expensed, one.worth) == ("BNB", D("0.02"), D("0.02"), 12)
    for coin in ("599", "6000"):  # what is paid is paid: the coin's price moves nothing any more
        seen, marked = account.seen("BTC/USDT"), markets(BTC="100", BNB=coin)
        assert (seen.equity(marked, DUST), seen.realised(marked)) == (988, -12)
        assert account.settle("BTC/USDT", marked) == ()
    seen = account.seen("BTC/USDT")
    assert (seen.equity(bare, DUST), seen.currencies()) == (988, frozenset())


def test_a_fee_out_of_a_coin_that_we_bought_is_told_by_what_is_left_of_it() -> None:
    account = Account()
    account.trade("BNB/USDT", Side.BUY, "600")
    account.trade("BTC/USDT", Side.BUY, "100", "0.02", "BNB")
    marked = markets(BTC="100", BNB="600")
    [one] = account.settle("BTC/USDT", marked)
    assert (one.amount, one.expensed, one.worth) == (D("0.02"), 0, 0)
    assert account.seen("BTC/USDT").equity(marked, DUST) == 988


def test_a_symbol_in_another_quote_currency_counts_by_what_it_moved() -> None:
    account = Account({"USDT": D(1000), "BTC": D(3)})
    account.trade("BTC/USDT", Side.BUY, "100")
    account.trade("ETH/BTC", Side.BUY, "0.5", "0", "BTC")
    marked = markets(BTC="100", ETH="60")
    assert account.seen("BTC/USDT").equity(marked, DUST) == 1010
    account.trade("ETH/BTC", Side.SELL, "0.8", "0", "BTC")
    seen = account.seen("BTC/USDT")
    assert (seen.equity(marked, DUST), seen.realised(marked)) == (1030, 30)
    assert seen.realised({}) is None


def test_after_a_wipe_that_was_accepted_balances_begin_anew_and_what_was_spent_stays_spent() -> (
    None
):
    account = Account()
    account.trade("BTC/USDT", Side.BUY, "100", "0.01", "BNB")
    account.settle("BTC/USDT", markets(BTC="100", BNB="599"))
    account.held = dict(OPENING)
    account.books.reset = "wiped"
    told = {"why": "w", "by": "p", "balances": account.balances}
    account.books.apply(events.ResetAccepted(**told), START, 99)
    account.fees.begin_again()
    seen = account.seen("BTC/USDT")
    assert (seen.equity({}, DUST), seen.realised({})) == (994, -6)
    account.trade("BTC/USDT", Side.BUY, "100", "0.01", "BNB")
    [again] = account.settle("BTC/USDT", markets(BTC="100", BNB="599"))
    assert again.worth == 6


# --- BOOKS-3: what went in a wipe that people accepted
def test_what_went_in_an_accepted_wipe_is_no_loss_and_what_was_lost_before_stays_one() -> None:
    account = Account()
    account.trade("BTC/USDT", Side.BUY, "100")
    account.trade("ETH/USDT", Side.BUY, "300")
    before = account.earned("BTC/USDT", markets(BTC="80", ETH="200"))
    assert before == 880
    account.wipe(USDT="5000", BTC="7", ETH="70")
    asked = wanted(account.books, "BTC/USDT", account.seen("BTC/USDT").currencies())
    assert asked == ("ETH/USDT",)
    assert account.earned("BTC/USDT", markets(BTC="80")) is None  # not known, and no loss
    assert account.earned("BTC/USDT", markets(BTC="1", ETH="200")) == before
    for price in ("1", "9000"):  # once: the price of what is gone moves nothing any more
        assert account.earned("BTC/USDT", markets(BTC=price, ETH=price)) == before
    assert account.seen("BTC/USDT").currencies() == frozenset()


def test_what_was_earned_in_the_quote_currency_is_told_by_its_new_balance_alone() -> None:
    account = Account({"USDT": D(1000)})
    account.trade("BTC/USDT", Side.BUY, "100")
    account.trade("BTC/USDT", Side.SELL, "150")
    account.wipe(USDT="10")
    assert account.earned("BTC/USDT", markets(BTC="100")) == 1050


def test_a_wipe_after_a_wipe_is_counted_by_itself() -> None:
    account = Account({"USDT": D(1000)})
    for price in ("100", "50"):
        account.trade("BTC/USDT", Side.BUY, price)
        account.wipe(USDT="1000")
        assert account.earned("BTC/USDT", markets(BTC=price)) == 1000


def test_after_a_wipe_a_rest_that_was_dust_and_has_no_market_holds_up_nothing() -> None:
    account = Account()
    account.trade("ETH/USDT", Side.BUY, "0.5")
    account.wipe(USDT="1000")
    assert account.earned("BTC/USDT", markets(BTC="9000")) == D("999.5")
    assert account.seen("BTC/USDT").equity(markets(BTC="9000"), None) is None


def test_coins_that_were_missing_before_the_wipe_were_lost_and_not_moved() -> None:
    account = Account()
    account.trade("ETH/USDT", Side.BUY, "300")
    account.books.money.gaps["ETH"] = D("-0.5")
    account.wipe(USDT="1000")
    assert account.earned("ETH/USDT", markets(ETH="300")) == 850


def test_a_wipe_that_was_accepted_as_a_loss_stays_one_when_the_journal_is_read_again() -> None:
    account = Account()
    account.trade("ETH/USDT", Side.BUY, "300")
    account.books.reset = "wiped"
    told = {"why": "w", "by": "p", "balances": account.balances}
    account.books.apply(events.ResetAccepted(**told), START, 99)
    assert account.earned("ETH/USDT", markets(ETH="300")) == 700


def test_a_valued_wipe_survives_the_journal() -> None:
    one = WipeValued(currency="BTC", amount=D("0.1"), quote="USDT", worth=D(6))
    assert WipeValued.model_validate_json(canonical(from_json(canonical(one)))) == one


STEPS = st.lists(
    st.tuples(
        st.sampled_from(("BTC/USDT", "ETH/USDT", "BNB/USDT")),
        st.sampled_from(("BTC", "ETH", "BNB", "USDT")),
    ),
    max_size=12,
)


@given(STEPS)
def test_at_prices_that_stand_still_equity_falls_by_fees_and_the_spread_alone(
    steps: Iterable[tuple[str, str]],
) -> None:
    rich = dict.fromkeys(("USDT", "BTC", "ETH", "BNB"), D(100_000))
    account, marked, paid = Account(rich), markets(BTC="100", ETH="20", BNB="5"), D(0)
    before = account.seen("BTC/USDT").equity(marked, DUST)
    assert before == 100_000
    ask = {c: marked[f"{c}/USDT"].asks[0].price for c in ("BTC", "ETH", "BNB")} | {"USDT": D(1)}
    for symbol, of in steps:
        account.trade(symbol, Side.BUY, str(marked[symbol].bids[0].price), "0.1", of)
        account.settle("BTC/USDT", marked)
        paid += D("0.1") * ask[of]
    worth = account.seen("BTC/USDT").equity(marked, DUST)
    assert worth is not None
    assert before - paid <= worth <= before - paid + D("0.1") * len(list(steps))


def test_a_valued_fee_survives_the_journal() -> None:
    one = FeeValued(currency="BNB", amount=D("0.1"), expensed=D("0.1"), quote="USDT", worth=D(6))
    assert FeeValued.model_validate_json(canonical(from_json(canonical(one)))) == one
