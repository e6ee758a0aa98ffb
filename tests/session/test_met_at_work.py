"""What comes to light while a session cancels stops it in its own words, not at the next look."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from desired_state.reasons import Reason
from desired_state.values import StopClass
from layers.l6_execution.execution import Execution
from layers.ports import Cancels
from reconciler.counter import Counter
from reconciler.session_ending import Ending
from reconciler.session_request import Request
from reconciler.wiring.counters import Place
from reconciler.wiring.session import SessionRun
from tests.fakes.governed_desk import GovernedDesk
from tests.fakes.paper_desk import request
from tests.fakes.session_desk import FIRST, LAST, opened

STRANGER = request("stranger", price="5000", quantity="0.01").model_copy(
    update={"symbol": "BTC/USDT"}
)


@dataclass
class Beside:
    """The session's own cancels; before the first of them goes out, somebody else acts."""

    inner: Cancels
    act: Callable[[], object]
    acted: bool = False

    def cancel(self, symbol: str, client_order_id: str) -> Any:  # noqa: ANN401
        if not self.acted:
            self.acted = True
            self.act()
        return self.inner.cancel(symbol, client_order_id)

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401
        return getattr(self.inner, name)


class VisitedRun(SessionRun):
    """Somebody else places an order on the account while the session cancels one of its own."""

    def _counter(self, place: Place) -> Counter:
        made = super()._counter(place)
        assert isinstance(made.orders, Execution)
        cancelling = made.orders._cancelling  # noqa: SLF001
        venue = made.queries._venue  # noqa: SLF001
        cancelling.cancels = Beside(cancelling.cancels, lambda: venue.submit(STRANGER))
        return made


def test_a_foreign_order_met_while_cancelling_stops_before_the_next_order(
    desk: GovernedDesk,
) -> None:
    with opened(desk) as writer:
        outcome = VisitedRun(writer, Request(start=FIRST, end=LAST)).run()
    assert (outcome.record.ending, outcome.record.stop) == (Ending.STOPPED, StopClass.INTEGRITY)
    words = f"{Reason.FOREIGN_ORDER}: {STRANGER.client_order_id}"
    assert any(stop.reason.startswith(words) for stop in desk.latch.in_force().values())
    assert outcome.record.refusals == {Reason.FOREIGN_ORDER: 1}  # nothing was judged after it
