"""One request as it came over the wire, and its parameters read the way the venue reads them."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Final

from layers.local_exchange.refusals import (
    DOUBLED_PARAMETER,
    RefusedError,
    illegal,
    missing,
    too_precise,
    unread,
)

_NUMBER: Final = r"^([0-9]{1,20})(\.[0-9]{1,20})?$"
_COUNT: Final = r"^[0-9]{1,20}$"
_CLIENT_ID: Final = r"^[\.A-Z\:/a-z0-9_-]{1,36}$"
_SYMBOL: Final = r"^[A-Z0-9-_.]{1,20}$"
_MOST_DECIMALS: Final = 8
SIGNING: Final = frozenset({"timestamp", "recvWindow", "signature"})


@dataclass(frozen=True, slots=True)
class Request:
    """A request; ``query`` and ``body`` are the raw text that was signed, ``pairs`` decoded."""

    method: str
    path: str
    query: str = ""
    body: str = ""
    pairs: tuple[tuple[str, str], ...] = ()
    key: str = ""  # X-MBX-APIKEY


class Parameters:
    """Typed reading of a request's parameters; everything amiss is the venue's own refusal."""

    __slots__ = ("_values",)

    def __init__(self, request: Request, known: frozenset[str]) -> None:
        """``known`` are the names that the endpoint reads besides those of signing."""
        self._values: dict[str, str] = {}
        for name, value in request.pairs:
            if name in self._values:
                raise RefusedError(DOUBLED_PARAMETER)
            self._values[name] = value
        strangers = self._values.keys() - known - SIGNING
        if strangers:
            sent = len(self._values)
            raise RefusedError(unread(sent - len(strangers), sent))

    @property
    def values(self) -> Mapping[str, str]:
        """All of them, as sent."""
        return self._values

    def text(self, name: str) -> str:
        """A mandatory text."""
        value = self._values.get(name, "")
        if not value:
            raise RefusedError(missing(name))
        return value

    def symbol(self) -> str:
        """The mandatory ``symbol``, in its legal characters."""
        return self._matching("symbol", self.text("symbol"), _SYMBOL)

    def optional_symbol(self) -> str | None:
        """``symbol`` where it was sent."""
        return self.symbol() if "symbol" in self._values else None

    def client_id(self, name: str) -> str | None:
        """A client order id, where one was sent."""
        value = self._values.get(name)
        return None if value is None else self._matching(name, value, _CLIENT_ID)

    def number(self, name: str) -> Decimal:
        """A mandatory decimal with at most eight decimals."""
        text = self._matching(name, self.text(name), _NUMBER)
        if len(text.partition(".")[2]) > _MOST_DECIMALS:
            raise RefusedError(too_precise(name))
        return Decimal(text)

    def count(self, name: str) -> int | None:
        """A whole number, where one was sent."""
        value = self._values.get(name)
        return None if value is None else int(self._matching(name, value, _COUNT))

    def limit(self, default: int, most: int) -> int:
        """``limit``, bounded as the venue bounds it: more is cut, nothing is refused."""
        return max(1, min(self.count("limit") or default, most))

    def sent(self, name: str) -> bool:
        """Whether it was sent at all."""
        return name in self._values

    def _matching(self, name: str, value: str, pattern: str) -> str:
        if not re.fullmatch(pattern[1:-1], value, re.ASCII):
            raise RefusedError(illegal(name, pattern))
        return value
