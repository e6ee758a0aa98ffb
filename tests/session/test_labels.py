"""What a session's market is made of, and how kind its fills are, stands in its evidence."""

from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from desired_state.canonical import from_json
from desired_state.errors import Stalled
from desired_state.reasons import Reason
from evidence_repo.adapters.git_reader import GitReader
from evidence_repo.manifest import MANIFEST
from evidence_repo.reader import pack_files
from layers.market import Provenance
from layers.paper_venue.spot_rules import BTC_USDT
from layers.paper_venue.terms import MarketModel
from layers.paper_venue.venue import PaperVenue
from reconciler.wiring.host_parts import paper_store
from tests.fakes.governed_desk import GovernedDesk
from tests.fakes.paper_desk import FUNDS
from tests.fakes.session_desk import FIRST, run

SHIPPED = Path(__file__).parents[2] / "layers" / "data" / "btcusdt-1h-2020-crash.csv"


def claim(desk: GovernedDesk, pack: str) -> Any:  # noqa: ANN401
    with closing(GitReader(Path(desk.host.evidence_url))) as reader:
        manifest = from_json(pack_files(reader, pack)[MANIFEST])
    return manifest["predicate"]["context"]["claim"]["text"]


def test_the_evidence_names_the_preset_and_where_the_bars_come_from(desk: GovernedDesk) -> None:
    outcome = run(desk, end=FIRST.replace(hour=6))
    text = claim(desk, outcome.session_pack)
    assert text == "a paper session over recorded bars, pessimistic fills"


def test_a_venue_that_fills_kindly_runs_no_session(desk: GovernedDesk) -> None:
    path = paper_store(desk.host)
    path.parent.mkdir(parents=True, exist_ok=True)
    kind = MarketModel(seed=7, provenance=Provenance.RECORDED, adverse_ticks=0)
    venue = PaperVenue.create(path, clock=FIRST, model=kind, rules=(BTC_USDT,), balances=FUNDS)
    before = venue.dump()
    with pytest.raises(Stalled) as caught:
        run(desk)
    assert caught.value.code is Reason.PRESET_OPTIMISTIC
    assert venue.dump() == before
    venue.close()


def test_bars_that_nobody_vouches_for_are_synthetic_and_are_not_mixed_with_recorded_ones(
    desk: GovernedDesk, tmp_path: Path
) -> None:
    feed = tmp_path / "found.csv"
    feed.write_bytes(SHIPPED.read_bytes())
    outcome = run(desk, feed=str(feed), end=FIRST.replace(hour=6))
    assert "over synthetic bars" in claim(desk, outcome.session_pack)
    with pytest.raises(Stalled) as caught:
        run(desk, start=FIRST.replace(hour=6), end=FIRST.replace(hour=12))
    assert caught.value.code is Reason.FEED_INVALID
