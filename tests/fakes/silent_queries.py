"""A venue that leaves a question open now and then."""

from datetime import timedelta
from typing import Any

from desired_state.errors import Waiting
from desired_state.reasons import Reason


class Silent:
    """Queries of which ``balances`` does not answer from the ``first`` call on, ``calls`` times."""

    def __init__(self, inner: Any, first: int, calls: int) -> None:  # noqa: ANN401
        self._inner, self._lost, self._asked = inner, range(first, first + calls), 0

    def balances(self) -> Any:  # noqa: ANN401
        self._asked += 1
        if self._asked in self._lost:
            raise Waiting(Reason.VENUE_UNREACHABLE, "venue", retry_after=timedelta(seconds=1))
        return self._inner.balances()

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401
        return getattr(self._inner, name)
