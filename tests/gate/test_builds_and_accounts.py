"""From testnet up a person names the build and the account; another one permits nothing."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from desired_state.authority import BOTTOM
from desired_state.values import Environment, Mode
from reconciler.adapters.running_build import PACKAGES, build_of, running_build
from reconciler.plan import Actual, VenueView, plan
from tests.fakes.trust_desk import LIMITS_TEXT, TrustDesk, codes, production_root

BUILD, OTHER = "sha256:" + "a" * 64, "sha256:" + "b" * 64
MODE_TEXT = f"""mode: testnet
trading: active
symbols:
  BTC/USDT: {{venue: binance, access: trade}}
layers: [L2, L5, L6]
budgets: {{models_per_day: "50"}}
build: "{BUILD}"
accounts: {{binance: "12345678"}}
""".encode()
THE_FOUR = ("rita", "sam", "otto", "sybil")


@pytest.fixture
def testnet(tmp_path: Path) -> Iterator[TrustDesk]:
    desk = TrustDesk(tmp_path / "desk", root=production_root())
    desk.build, desk.accounts = BUILD, {"binance": "12345678"}
    desk.push({"mode.yaml": MODE_TEXT, "limits.yaml": LIMITS_TEXT})
    desk.cycle()
    yield desk
    desk.close()


def approve(desk: TrustDesk, sequence: int = 1, **changes: object) -> None:
    stated = {"environment": Environment.PRODUCTION, "gate": "testnet", **changes}
    desk.approve(sequence, *THE_FOUR, **stated)


def test_the_approved_build_on_the_approved_account_is_permitted(testnet: TrustDesk) -> None:
    approve(testnet)
    verdict = testnet.cycle()
    assert verdict.permitted.mode is Mode.TESTNET
    assert (verdict.permitted.build, verdict.permitted.accounts) == (BUILD, {"binance": "12345678"})
    assert not {"BUILD_UNAPPROVED", "ACCOUNT_UNAPPROVED"} & codes(verdict)


@pytest.mark.parametrize("running", [OTHER, None])
def test_another_build_permits_nothing_whatever_mode_is_asked(
    testnet: TrustDesk, running: str | None
) -> None:
    approve(testnet)
    testnet.cycle()
    testnet.build = running
    verdict = testnet.cycle()
    assert "BUILD_UNAPPROVED" in codes(verdict)
    assert verdict.permitted == BOTTOM
    testnet.edit("mode.yaml", "mode: testnet", "mode: paper")
    assert testnet.cycle().permitted == BOTTOM  # asking for less never permits more
    testnet.build = BUILD
    assert testnet.cycle().permitted.mode is Mode.PAPER


def test_a_venue_that_reports_another_account_permits_nothing(testnet: TrustDesk) -> None:
    approve(testnet)
    testnet.cycle()
    testnet.accounts = {"binance": "87654321"}
    verdict = testnet.cycle()
    assert "ACCOUNT_UNAPPROVED" in codes(verdict)
    assert verdict.permitted == BOTTOM
    testnet.accounts = {"kraken": "87654321"}  # of a venue that nobody named
    assert testnet.cycle().permitted.mode is Mode.TESTNET


@pytest.mark.parametrize(
    ("old", "new"),
    [(BUILD, OTHER), ('"12345678"', '"87654321"'), (f'build: "{BUILD}"\n', "")],
)
def test_a_build_or_account_changed_after_approval_is_at_most_paper(
    testnet: TrustDesk, old: str, new: str
) -> None:
    approve(testnet)
    testnet.cycle()
    testnet.edit("mode.yaml", old, new)
    verdict = testnet.cycle()
    assert verdict.permitted.mode is Mode.PAPER
    assert verdict.permitted.build is None
    assert "NOT_APPROVED" in codes(verdict) or not new
    testnet.push({"mode.yaml": MODE_TEXT})
    assert testnet.cycle().permitted.mode is Mode.PAPER  # it fell: until people restore it


@pytest.mark.parametrize("lost", [{"build": None}, {"accounts": {}}, {"accounts": {"kraken": "1"}}])
def test_a_testnet_proposal_without_build_or_account_is_refused(
    testnet: TrustDesk, lost: dict[str, object]
) -> None:
    approve(testnet, authority=testnet.asked.model_copy(update=lost))
    verdict = testnet.cycle()
    assert "PROPOSAL_INCOMPLETE" in codes(verdict)
    assert testnet.memory.high is None
    assert verdict.permitted == BOTTOM


def test_orders_at_a_venue_without_an_approved_account_are_cancelled(testnet: TrustDesk) -> None:
    approve(testnet)
    verdict = testnet.cycle()
    views = tuple(VenueView(venue=name, open_orders=("x",)) for name in ("binance", "kraken"))
    actual = Actual(venues=views, token_age_ms=1, seen_at=verdict.now)
    assert [a.subject for a in plan(verdict, testnet.memory, actual)] == ["kraken"]
    nameless = verdict.permitted.model_copy(update={"accounts": {}})
    worse = verdict.model_copy(update={"permitted": nameless})
    assert [a.subject for a in plan(worse, testnet.memory, actual)] == ["binance", "kraken"]


def test_the_running_build_changes_with_any_file_of_ours(tmp_path: Path) -> None:
    assert running_build() == running_build()
    for name in PACKAGES:
        (tmp_path / name).mkdir()
    (tmp_path / "layers" / "a.py").write_text("LIMIT = 1\n")
    first = build_of(tmp_path)
    (tmp_path / "layers" / "__pycache__").mkdir()
    (tmp_path / "layers" / "__pycache__" / "a.pyc").write_bytes(b"x")
    assert build_of(tmp_path) == first
    (tmp_path / "layers" / "a.py").write_text("LIMIT = 2\n")
    assert build_of(tmp_path) != first
