"""Finds ready-to-send orders in free text, so that prose cannot carry what the types forbid.

The types are the barrier (no artifact of L2 to L4 has a field for quantity, order type or time in
force); this scan stands beside them. It looks for instructions, not for vocabulary: "this plan
contains no order parameters" passes, "Buy 1 BTC at market now with leverage 10x" does not.
"""

import re
import unicodedata
from typing import Annotated, Final

from pydantic import AfterValidator

from desired_state.values import Text

_ACTION: Final = r"\b(?:buy|sell|long|short|purchase|bid|offer|close|enter|exit)\b"
_AMOUNT: Final = r"[0-9][0-9.,_]*\s*(?:%|[a-z]{2,10})?"
_COIN: Final = r"\b[a-z0-9]{2,10}(?:\s*/\s*|-)?(?:usdt?|usdc|eur|btc|eth)\b"
_NEAR: Final = r"[^.;\n]{0,60}?"

_ORDERS: Final = tuple(
    re.compile(pattern)
    for pattern in (
        rf"{_ACTION}\s+(?:exactly\s+|about\s+|another\s+)?[$€]?{_AMOUNT}",
        rf"{_ACTION}{_NEAR}\bat\s+(?:the\s+)?market\b",
        rf"{_ACTION}{_NEAR}@\s*[$€]?[0-9]",
        rf"{_ACTION}\s+{_COIN}{_NEAR}[0-9]",
        r"\b(?:place|send|submit|execute)\b[^.;\n]{0,40}?\border\b[^.;\n]{0,60}?[0-9]",
        r"\bleverage\s*(?:of\s*|=\s*|:\s*)?x?\s*[0-9]",
        r"\b[0-9]{1,3}\s*x\s+leverage\b",
        r"\b(?:market|limit|stop)\s+(?:buy|sell|order)\b[^.;\n]{0,40}?[0-9]",
        r"[\"']?(?:quantity|qty|order_type|time_in_force|tif)[\"']?\s*[:=]",
    )
)


def ready_order(text: str) -> str | None:
    """The words in ``text`` that read as an order ready to send, or none."""
    plain = unicodedata.normalize("NFKC", text)
    # zero-width and other format characters would split a word that people read as one
    plain = "".join(c for c in plain if unicodedata.category(c) != "Cf").casefold()
    plain = re.sub(r"[^\S\n]+", " ", plain)
    for pattern in _ORDERS:
        if found := pattern.search(plain):
            return found[0]
    return None


def _without_orders(text: str) -> str:
    if words := ready_order(text):
        raise ValueError(f"free text reads as an order ready to send: {words[:80]!r}")
    return text


Prose = Annotated[Text, AfterValidator(_without_orders)]
