"""The office: every refusal, and what a permit that is given says."""

import itertools
import json
from datetime import UTC, datetime, timedelta

import pytest

from desired_state.authority import BOTTOM, SymbolAccess
from desired_state.errors import Finding
from desired_state.memory import Stop
from desired_state.reasons import Reason
from desired_state.values import Access, Mode, StopClass, Switch, Trading
from layers.orders import OrderRequest, Permit
from layers.permits import MAX_LIFETIME, is_sealed, request_digest
from reconciler.gate import Verdict
from reconciler.permits import SENDING, PermitOffice
from reconciler.verdicts import verdict_digest
from tests.fakes.paper_desk import request

KEY = b"p" * 32
NOW = datetime(2026, 1, 1, tzinfo=UTC)
STOP = Stop(id="L-local-1", kind=StopClass.PERSON, reason="r", by="b", commit=None, seen_at=NOW)


def verdict(**changes: object) -> Verdict:
    terms = {
        "mode": Mode.PAPER,
        "trading": Trading.ACTIVE,
        "access": Access.TRADE,
        "venue": "paper",
        "symbol": "BTC/USDT",
        "stops": (),
        "valid_until": NOW + timedelta(minutes=1),
        **changes,
    }
    symbols = {terms["symbol"]: SymbolAccess(venue=terms["venue"], access=terms["access"])}
    update = {"mode": terms["mode"], "trading": terms["trading"], "symbols": symbols}
    permitted = BOTTOM.model_copy(update=update)
    return Verdict(
        now=NOW,
        revision="1" * 40,
        admitted=True,
        desired=permitted,
        approved=permitted,
        permitted=permitted,
        switch=Switch.ENGAGED if terms["stops"] else Switch.ARMED,
        stops=terms["stops"],
        sequence=1,
        people=(),
        configuration=None,
        findings=(),
        valid_until=terms["valid_until"],
    )


def office(**changes: object) -> PermitOffice:
    made = PermitOffice(KEY, 3, lambda: NOW)
    made.take(verdict(**changes))
    return made


def test_a_permit_is_bound_to_request_verdict_and_epoch_and_used_by_number() -> None:
    made, asked = office(), request("a")
    first, second = made.issue(asked), made.issue(asked)
    assert isinstance(first, Permit)
    assert isinstance(second, Permit)
    assert first.request == request_digest(asked)
    assert first.verdict == made.digest == verdict_digest(verdict())
    assert (first.epoch, first.nonce, second.nonce) == (3, 1, 2)
    assert first.expires_at == NOW + MAX_LIFETIME
    assert is_sealed(first, KEY)
    assert not is_sealed(first, b"q" * 32)


REFUSED = [
    ({"stops": (STOP,)}, Reason.MODE_FORBIDS),
    ({"mode": Mode.SHADOW}, Reason.MODE_FORBIDS),
    ({"mode": Mode.HALTED}, Reason.MODE_FORBIDS),
    ({"trading": Trading.HALTED}, Reason.MODE_FORBIDS),
    ({"access": Access.NONE}, Reason.MODE_FORBIDS),
    ({"venue": "elsewhere"}, Reason.MODE_FORBIDS),
    ({"symbol": "ETH/USDT"}, Reason.MODE_FORBIDS),
    ({"valid_until": NOW}, Reason.VERDICT_EXPIRED),
    ({"valid_until": NOW - timedelta(seconds=1)}, Reason.VERDICT_EXPIRED),
]


@pytest.mark.parametrize(("changes", "code"), REFUSED)
def test_what_is_not_permitted_gets_no_permit(changes: dict, code: Reason) -> None:
    made = office(**changes)
    found = made.issue(request("a"))
    assert isinstance(found, Finding)
    assert found.code is code
    made.take(verdict())
    given = made.issue(request("a"))
    assert isinstance(given, Permit)
    assert given.nonce == 1  # a refusal uses up nothing


def test_over_the_full_product_a_permit_needs_everything() -> None:
    product = itertools.product(Mode, Trading, Access, ("paper", "x"), ((), (STOP,)))
    for mode, trading, access, venue, stops in product:
        made = office(mode=mode, trading=trading, access=access, venue=venue, stops=stops)
        may = (
            mode in SENDING
            and trading is not Trading.HALTED
            and access is not Access.NONE
            and venue == "paper"
            and not stops
        )
        assert isinstance(made.issue(request("a")), Permit) is may


def test_without_a_verdict_there_is_no_permit() -> None:
    made = PermitOffice(KEY, 1, lambda: NOW)
    found = made.issue(request("a"))
    assert isinstance(found, Finding)
    assert (found.code, made.digest) == (Reason.VERDICT_EXPIRED, "")


def test_no_permit_outlives_its_verdict_or_five_seconds() -> None:
    soon = NOW + timedelta(seconds=2)
    assert _end(office(valid_until=soon)) == soon
    made = office()
    made.lifetime = timedelta(hours=1)
    assert _end(made) == NOW + MAX_LIFETIME


def _end(made: PermitOffice) -> datetime:
    given = made.issue(request("a"))
    assert isinstance(given, Permit)
    return given.expires_at


def test_a_permit_is_for_exactly_one_request() -> None:
    made = office()
    given = made.issue(request("a"))
    assert isinstance(given, Permit)
    plain = request("a").model_dump(mode="json")
    for name, other in (("quantity", "2"), ("price", "94"), ("side", "sell"), ("account", "b")):
        changed = OrderRequest.model_validate_json(_text({**plain, name: other}))
        assert request_digest(changed) != given.request


def _text(plain: dict) -> str:
    return json.dumps(plain)


def test_the_seal_key_is_shown_nowhere() -> None:
    assert "p" * 8 not in repr(office())
