"""Signatures as Binance documents them: its own example key, texts and results."""

from urllib.parse import parse_qsl

import pytest

from layers.local_exchange.parameters import Parameters, Request
from layers.local_exchange.refusals import RefusedError
from layers.local_exchange.signature import signer
from layers.local_exchange.terms import Key

KEY = Key(
    name="vmPUZE6mv9SD5VNHk4HlWFsOr6aKE2zvsw0MuIgwCIPy6utIco14y7Ju91duEh8A",
    secret="NhqPtmdSJYdKjVHjA7PZj4Mge3R5YNiP1e3UZjInClVN65XAbvqqM6A7H5fATj0j",  # noqa: S106
)
NOW_MS = 1_499_827_319_559
HEAD = "symbol=LTCBTC&side=BUY&type=LIMIT&timeInForce=GTC"
TAIL = "quantity=1&price=0.1&recvWindow=5000&timestamp=1499827319559"
WHOLE = "c8db56825ae71d6d79447849e617115f4a920fa2acdcab2b053c4b2838bd6b71"
MIXED = "0fd168b8ddb4876a0358a8d14d0c9f3da0e9b20c5d52b2a00fcf7d1c602f9a77"


def signed_by(query: str, body: str) -> Key:
    pairs = tuple(parse_qsl(query) + parse_qsl(body))
    request = Request("POST", "/api/v3/order", query, body, pairs, KEY.name)
    names = frozenset(["symbol", "side", "type", "timeInForce", "quantity", "price"])
    return signer(request, Parameters(request, names), (KEY,), NOW_MS)


@pytest.mark.parametrize(
    ("query", "body"),
    [
        ("", f"{HEAD}&{TAIL}&signature={WHOLE}"),
        (f"{HEAD}&{TAIL}&signature={WHOLE}", ""),
        (HEAD, f"{TAIL}&signature={MIXED}"),
    ],
    ids=["body", "query", "mixed"],
)
def test_the_documented_examples_are_signed(query: str, body: str) -> None:
    assert signed_by(query, body) is KEY


def test_parts_that_change_places_are_not_signed() -> None:
    with pytest.raises(RefusedError) as refusal:
        signed_by(HEAD, f"{TAIL}&signature={WHOLE}")
    assert refusal.value.refusal.code == -1022


def test_a_key_shows_its_secret_to_nobody() -> None:
    assert KEY.secret not in f"{KEY} {KEY!r}"
