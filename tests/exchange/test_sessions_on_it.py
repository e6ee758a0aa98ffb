"""Many requests, some of which fail: what a customer can learn afterwards is the whole truth."""

import threading
from contextlib import suppress
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from random import Random

import ccxt
import pytest

from layers.local_exchange.faults import RECOVERABLE, Fault, FaultKind, FaultPlan
from layers.local_exchange.terms import ExchangeTerms
from tests.fakes.exchange import ROOMY, Client, Served, carried_bars, ccxt_binance, served

SYMBOL = "BTC/USDT"
CHANCE = Decimal("0.012")


def faults(seed: int) -> FaultPlan:
    kinds = sorted(RECOVERABLE - {FaultKind.RATE_LIMITED, FaultKind.BANNED})
    return FaultPlan(
        seed=seed, faults=tuple(Fault(kind=kind, chance=CHANCE, hold_ms=20) for kind in kinds)
    )


def trade(venue: Served, client: Client, seed: int) -> list[str]:
    """Places and cancels as drawn, and takes no answer for granted; the ids that were sent."""
    draw = Random(seed)  # noqa: S311  (a script)
    sent = []
    for index in range(60):
        venue.advance(timedelta(minutes=draw.randrange(1, 9)))
        last = venue.state.tapes["BTCUSDT"].last or Decimal(1)
        price = last * Decimal(draw.choice(["0.998", "0.9995", "1.001", "1.002"]))
        side = draw.choice(["buy", "sell"])
        with suppress(ccxt.BaseError):
            if sent and draw.random() < 0.3:
                client.cancel_order(None, SYMBOL, {"origClientOrderId": draw.choice(sent)})
            else:
                sent.append(f"s{index}")
                told = {"clientOrderId": sent[-1]}
                client.create_order(SYMBOL, "limit", side, "0.00100", f"{price:.2f}", told)
    return sent


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_after_recoverable_faults_queries_tell_the_whole_truth(tmp_path: Path, seed: int) -> None:
    terms = ExchangeTerms(seed=seed, rates=ROOMY)
    with served(tmp_path, terms=terms, bars=carried_bars(8), plan=FaultPlan()) as venue:
        client = ccxt_binance(venue.url, venue.credentials, venue.clock, timeout_ms=500)
        client.load_markets()
        venue.inject(*faults(seed).faults)
        sent = trade(venue, client, seed)
        struck = {kind for kind, _ in venue.exchange.faults.strikes}
        venue.exchange.faults.clear()
        orders = client.fetch_orders(SYMBOL, limit=1000)
        trades = client.fetch_my_trades(SYMBOL, limit=1000)
        balance = client.fetch_balance()["info"]["balances"]
        client.session.close()
    assert len(struck) > 5
    assert len(trades) >= 5
    names = [order["clientOrderId"] for order in orders]
    assert len(names) == len(set(names))
    assert set(names) <= set(sent)
    # what the trades say is what the balances say, to the last satoshi
    truth = {"USDT": Decimal(10_000), "BTC": Decimal(1)}
    for row in (t["info"] for t in trades):
        sign = 1 if row["isBuyer"] else -1
        truth["BTC"] += sign * Decimal(row["qty"])
        truth["USDT"] -= sign * Decimal(row["quoteQty"])
        truth[row["commissionAsset"]] -= Decimal(row["commission"])
    assert {b["asset"]: Decimal(b["free"]) + Decimal(b["locked"]) for b in balance} == truth


def test_customers_at_once_are_served_one_after_the_other(tmp_path: Path) -> None:
    with served(tmp_path, bars=carried_bars(3)) as venue:
        wrong: list[Exception] = []

        def place(name: str) -> None:
            client = ccxt_binance(venue.url, venue.credentials, venue.clock, timeout_ms=20_000)
            try:
                client.load_markets()
                for index in range(12):
                    told = {"clientOrderId": f"{name}{index}"}
                    client.create_order(SYMBOL, "limit", "buy", "0.001", "9000", told)
            except ccxt.BaseError as error:
                wrong.append(error)
            finally:
                client.session.close()

        threads = [threading.Thread(target=place, args=(name,)) for name in "abc"]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert wrong == []
        assert sorted(venue.state.orders) == [("BTCUSDT", number) for number in range(1, 37)]
        assert venue.state.purses.purse("desk", "USDT").locked == 36 * 9
