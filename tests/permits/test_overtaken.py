"""A verdict that falls between permit and wire keeps the order back; a renewed one does not."""

from datetime import timedelta
from decimal import Decimal
from pathlib import Path

import pytest

from desired_state.canonical import digest
from desired_state.errors import finding
from desired_state.limits import Limits
from desired_state.reasons import Reason
from desired_state.values import Access, Mode, Trading
from layers.orders import AnswerKind, Permit
from layers.permits import PermitFields, seal
from reconciler.gate import Verdict
from reconciler.permits import REMEMBERED, PermitOffice
from tests.fakes.paper_desk import KEY, Desk, FaultAt, intent, make_venue, request
from tests.permits.test_permits import NOW, STOP, verdict

LIMITS = Limits(currency="USDT", max_total_exposure=Decimal(1000), max_order_notional=Decimal(500))


def permitting(limits: Limits = LIMITS, **terms: object) -> Verdict:
    about = {name: terms.pop(name) for name in ("configuration", "findings") if name in terms}
    plain = verdict(**terms)
    of = {"limits": limits, "expires": terms.get("expires", NOW + timedelta(days=1))}
    return plain.model_copy(update={"permitted": plain.permitted.model_copy(update=of), **about})


FALLEN = {
    "one limit": permitting(LIMITS.model_copy(update={"max_order_notional": Decimal(499)})),
    "a limit gone": permitting(LIMITS.model_copy(update={"max_total_exposure": None})),
    "reducing": permitting(trading=Trading.REDUCING),
    "access": permitting(access=Access.REDUCE),
    "symbol": permitting(symbol="ETH/USDT"),
    "venue": permitting(venue="elsewhere"),
    "mode below": permitting(mode=Mode.SHADOW),
    "mode above": permitting(mode=Mode.TESTNET),
    "sooner over": permitting(expires=NOW + timedelta(hours=1)),
    "a stop": permitting(stops=(STOP,)),
    "configuration": permitting(configuration=digest("another")),
}
RENEWED = {
    "the same again": permitting(),
    "for longer": permitting(valid_until=NOW + timedelta(minutes=9)),
    "with a finding more": permitting(findings=(finding(Reason.SOURCE_STALE, "head"),)),
    "wider": permitting(LIMITS.model_copy(update={"max_order_notional": Decimal(501)})),
}


def office() -> PermitOffice:
    made = PermitOffice(KEY, 1, lambda: NOW)
    made.take(permitting())
    return made


def sent(folder: Path, made: PermitOffice, later: Verdict, *, first: bool) -> tuple[Desk, Reason]:
    """``later`` is taken before the door is asked, or while the intent goes to the disk."""
    make_venue(folder)
    given = made.issue(request("a"))
    assert isinstance(given, Permit)

    def fall() -> None:
        made.take(later)

    desk = Desk(folder, journal=lambda j: FaultAt(j, "append", 1, fall, after=True))
    desk.wall = NOW
    desk.door.verdicts = made
    if first:
        fall()
    answer = desk.execution.send(intent("a"), given)
    code = answer.code or Reason.SUCCEEDED
    assert (answer.kind is AnswerKind.ACCEPTED) is (code is Reason.SUCCEEDED)
    return desk, code


@pytest.mark.parametrize("kind", FALLEN)
@pytest.mark.parametrize("first", [True, False])
def test_what_fell_after_the_permit_was_given_keeps_the_order(
    tmp_path: Path, kind: str, *, first: bool
) -> None:
    desk, code = sent(tmp_path, office(), FALLEN[kind], first=first)
    assert code is Reason.VERDICT_FELL
    assert desk.venue.open_orders() == ()
    assert not desk.books.working
    kinds = [entry.kind for entry in desk.disk.entries()]
    assert kinds == ([] if first else ["order_intent", "order_answer"])
    assert Desk(tmp_path).books.orders == desk.books.orders


@pytest.mark.parametrize("kind", RENEWED)
@pytest.mark.parametrize("first", [True, False])
def test_a_verdict_that_is_only_renewed_lets_it_go(
    tmp_path: Path, kind: str, *, first: bool
) -> None:
    desk, code = sent(tmp_path, office(), RENEWED[kind], first=first)
    assert code is Reason.SUCCEEDED
    assert len(desk.venue.open_orders()) == 1


def test_a_verdict_that_is_over_keeps_it(tmp_path: Path) -> None:
    over = permitting(valid_until=NOW)
    desk, code = sent(tmp_path, office(), over, first=False)
    assert code is Reason.VERDICT_EXPIRED
    assert desk.venue.open_orders() == ()


def test_what_fell_and_stands_again_is_compared_as_it_stands() -> None:
    made = office()
    given = _under(permitting(), made)
    made.take(FALLEN["reducing"])
    narrow = _under(FALLEN["reducing"], made)
    assert made.overtaken(given) is not None
    assert made.overtaken(narrow) is None
    made.take(permitting(valid_until=NOW + timedelta(minutes=2)))
    assert made.overtaken(given) is made.overtaken(narrow) is None


def _under(cited: Verdict, made: PermitOffice) -> Permit:
    given = made.issue(request("a"))
    assert isinstance(given, Permit), cited
    return given


def test_a_permit_that_cites_a_verdict_of_nobody_is_none() -> None:
    made = office()
    end = NOW + timedelta(seconds=1)
    found = made.overtaken(seal(PermitFields(digest("r"), digest("v"), 1, 1, end), KEY))
    assert found is not None
    assert found.code is Reason.PERMIT_INVALID
    empty = PermitOffice(KEY, 1, lambda: NOW).overtaken(_under(permitting(), made))
    assert empty is not None
    assert empty.code is Reason.VERDICT_EXPIRED


def test_only_the_last_verdicts_are_remembered() -> None:
    made = office()
    given = _under(permitting(), made)
    for number in range(1, REMEMBERED + 1):
        assert made.overtaken(given) is None
        made.take(permitting(valid_until=NOW + timedelta(minutes=1, seconds=number)))
    found = made.overtaken(given)
    assert found is not None
    assert found.code is Reason.PERMIT_INVALID
