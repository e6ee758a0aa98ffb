"""What one memory keeps of another, and the form in which it is written."""

from datetime import UTC, datetime

import pytest

from desired_state.canonical import digest_bytes
from desired_state.ledger import NOTHING, Ledger
from desired_state.memory import (
    EMPTY,
    High,
    Memory,
    Release,
    Stop,
    from_snapshot,
    snapshot,
    snapshot_digest,
)
from desired_state.ratchet import Fall
from desired_state.values import StopClass

NOW = datetime(2026, 11, 22, 10, tzinfo=UTC)
FILE = digest_bytes(b"file")


def a_stop(number: int, reason: str = "lost") -> Stop:
    return Stop(
        id=f"S-{number:016d}",
        kind=StopClass.TECHNICAL,
        reason=reason,
        by="",
        commit=None,
        seen_at=NOW,
    )


def winding(sequence: int) -> High:
    return High(sequence=sequence, proposal=FILE, signature=FILE, completed_at=NOW)


def refusals(number: int) -> Memory:
    """A memory in which something is refused in each of the ways there are."""
    stop = a_stop(number)
    return Memory(
        revoked={f"SHA256:{str(number) * 43}": FILE},
        erased=(f"signoffs/{number:04d}/rita.NO_GO.yaml",),
        voided=(number,),
        winding=winding(number),
        falls=(Fall(path="limits.USD.max_daily_loss", value="1", revision=str(number) * 40),),
        stops={stop.id: stop},
    )


def widening(number: int) -> dict[str, object]:
    """What a forged or an older memory could ask for beside its refusals."""
    stop = a_stop(number)
    return {
        "head": str(number) * 40,
        "roots": {str(number): FILE},
        "ledger": NOTHING.grown([(f"proposals/{number:04d}.yaml", FILE)]),
        "high": winding(number),
        "releases": {stop.id: Release(stop=stop.id, sequence=number, people=("rita",), at=NOW)},
        "floor": NOW,
    }


@pytest.mark.parametrize(("mine", "other"), [(1, 2), (2, 1)])
def test_what_narrows_is_kept_of_both_memories_and_nothing_that_widens(
    mine: int, other: int
) -> None:
    first, second, own = refusals(mine), refusals(other), widening(mine)
    found = first.model_copy(update=own).with_refusals_of(second.model_copy(update=widening(other)))
    assert found == Memory(
        revoked={**first.revoked, **second.revoked},
        erased=("signoffs/0001/rita.NO_GO.yaml", "signoffs/0002/rita.NO_GO.yaml"),
        voided=(1, 2),
        winding=winding(2),
        falls=(*refusals(1).falls, *refusals(2).falls),
        stops={**first.stops, **second.stops},
    ).model_copy(update=own)


def test_what_both_know_stands_as_it_was_known_here() -> None:
    here, there = a_stop(1, "seen here"), a_stop(1, "told otherwise")
    key = f"SHA256:{'A' * 43}"
    mine = Memory(stops={here.id: here}, revoked={key: FILE})
    told = Memory(stops={there.id: there}, revoked={key: digest_bytes(b"another")})
    assert mine.with_refusals_of(told) == mine


@pytest.mark.parametrize(("mine", "other"), [(EMPTY, refusals(1)), (refusals(1), EMPTY)])
def test_a_memory_without_refusals_loses_none_of_the_other(mine: Memory, other: Memory) -> None:
    assert mine.with_refusals_of(other) == refusals(1)
    assert EMPTY.with_refusals_of(EMPTY) == EMPTY


def test_a_snapshot_names_the_ledger_and_does_not_read_it() -> None:
    never_read = Ledger.at(FILE, {})
    told = snapshot(EMPTY.model_copy(update={"ledger": never_read}))
    assert f'"ledger":"{FILE}"'.encode() in told
    assert digest_bytes(told) == snapshot_digest(EMPTY.model_copy(update={"ledger": never_read}))


@pytest.mark.parametrize("data", [b"[]", b"null", b"{}", b'{"ledger":3}', b'{"ledger":null}'])
def test_what_does_not_name_its_ledger_is_no_snapshot_and_no_ledger_is_looked_for(
    data: bytes,
) -> None:
    asked: list[str] = []

    def ledger(name: str) -> Ledger:
        asked.append(name)
        return NOTHING

    text = "^expected a snapshot of a memory with the digest of its ledger$"
    with pytest.raises(ValueError, match=text):
        from_snapshot(data, ledger)
    assert asked == []


def test_a_voided_number_stands_once_among_the_others_in_order() -> None:
    known = Memory(voided=(2, 5))
    assert known.voiding(3) == Memory(voided=(2, 3, 5))
    assert known.voiding(5) == known


def test_stops_in_force_stand_by_their_ids_and_a_released_one_is_none_of_them() -> None:
    made = {stop.id: stop for stop in (a_stop(3), a_stop(1), a_stop(2))}
    known = Memory(stops=made)
    assert [stop.id for stop in known.in_force] == sorted(made)
    freed = Release(stop=a_stop(2).id, sequence=1, people=("rita",), at=NOW)
    left = known.model_copy(update={"releases": {freed.stop: freed}}).in_force
    assert [stop.id for stop in left] == [a_stop(1).id, a_stop(3).id]
