"""A testnet that is wiped under a session: stopped, accepted by a person, released, traded on."""

import time

import pytest

from desired_state.reasons import Reason
from desired_state.values import StopClass
from layers.local_exchange.faults import Fault, FaultKind
from reconciler.wiring.exchange import Command, ask
from tests.fakes.governed_desk import wait_for
from tests.fakes.rehearsal_desk import RehearsalDesk
from tests.session.test_rehearsed_sessions import SESSION, ends, leaves, running, truth

WHY = ("--reason", "announced by the venue")


def settled(desk: RehearsalDesk) -> bool:
    """Orders are open, and none was placed lately."""
    before = truth(desk)
    time.sleep(0.4)
    now = truth(desk)
    return len(now.open_orders) > 1 and now.orders == before.orders


@pytest.mark.slow
def test_a_wipe_that_a_person_accepts_and_people_release_is_traded_on_after(
    testnet: RehearsalDesk,
) -> None:
    with running(testnet, *SESSION, "testnet") as child:
        wait_for(lambda: settled(testnet), 60)  # in the midst of placing it is no wipe of all
        assert testnet.verb("books", "accept-reset", *WHY) == 2  # the session keeps these books
        ask(testnet.store, Command(fault=Fault(kind=FaultKind.WIPE)))
        said, _ = child.communicate(timeout=60)
    assert child.returncode == 1, said
    stops = testnet.latch.in_force()
    assert {stop.kind for stop in stops.values()} == {StopClass.INTEGRITY}
    assert any(Reason.VENUE_RESET in stop.reason for stop in stops.values())
    (held,) = testnet.told("books", "show")["books"]
    assert held["reset"]
    assert testnet.verb("books", "explain", "venue", *WHY) == 2  # a wipe is accepted, not explained

    told = testnet.told("books", "accept-reset", *WHY)
    assert (told["written"], told["counter"]) == (True, "binance")
    (held,) = testnet.told("books", "show")["books"]
    assert (held["reset"], held["unexplained"], held["orders"]) == (None, {}, [])
    assert set(testnet.latch.in_force()) == set(stops)  # BOOKS-1
    (written,) = [leaf for leaf in leaves(testnet) if leaf["kind"] == "order_venue_reset_accepted"]
    assert written["body"]["balances"]

    with testnet.watched(armed=False):
        for stop in stops:
            testnet.acknowledged(stop)
        clears = (word for stop in sorted(stops) for word in ("--clears", stop))
        testnet.propose_and_sign(2, *clears)
        for person in ("simon", "petra", "walter"):  # oscar and rita have
            assert testnet.verb("sign", "2", "--as", person, "--yes", "--push") == 0
        assert testnet.verb("reconcile") == 0
    assert testnet.latch.in_force() == {}
    with running(testnet, *SESSION, "testnet", *ends(20)) as child:
        said, _ = child.communicate(timeout=90)
    assert child.returncode == 0, said
    assert truth(testnet).orders > 0
    assert truth(testnet).open_orders == ()
