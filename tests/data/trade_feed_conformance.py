"""What every source of single trades must deliver; a test module binds ``source`` to one of them.

``source`` gives ``trades(count)``, the first so many items, and ``missing``, the numbers that it
does not have among them.
"""

from types import SimpleNamespace

from layers.market_data.ticks import Trade, TradeGap


def test_trades_come_in_order_of_number_and_time(source: SimpleNamespace) -> None:
    trades = [item for item in source.trades(9) if isinstance(item, Trade)]
    assert len(trades) >= 8
    assert [t.number for t in trades] == sorted({t.number for t in trades})
    assert [t.at for t in trades] == sorted(t.at for t in trades)


def test_trades_and_gaps_leave_no_number_unsaid(source: SimpleNamespace) -> None:
    items = source.trades(9)
    expected = items[0].number
    for item in items:
        if isinstance(item, TradeGap):
            assert item.first == expected
            expected = item.until
        else:
            assert item.number == expected
            expected += 1


def test_numbers_that_are_missing_are_a_gap(source: SimpleNamespace) -> None:
    gaps = [item for item in source.trades(9) if isinstance(item, TradeGap)]
    assert [n for gap in gaps for n in range(gap.first, gap.until)] == source.missing


def test_every_trade_has_price_size_and_a_side_that_took(source: SimpleNamespace) -> None:
    for trade in source.trades(9):
        if isinstance(trade, Trade):
            assert min(trade.price, trade.quantity) > 0
            assert trade.aggressor in {"buy", "sell"}
