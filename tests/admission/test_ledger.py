"""The ledger of papers: a mapping that only grows, and costs what is new in it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from desired_state.canonical import canonical, digest_bytes
from desired_state.ledger import NOTHING, Ledger
from desired_state.memory import EMPTY, Memory, from_snapshot, snapshot, snapshot_digest

DIGESTS = ["sha256:" + letter * 64 for letter in "abcd"]
PATHS = st.sampled_from(
    [
        *(f"proposals/{n:04d}.yaml{end}" for n in (1, 2, 33, 1000, 123456) for end in ("", ".sig")),
        *(f"signoffs/{n:04d}/ann.GO.yaml" for n in (1, 2, 34)),
        *("signoffs/12/x", "signoffs/00042/x", "proposals/00042.yaml", "proposals/note"),
        *("trust/root/1.yaml", "revocations/a.yaml", "odd", "proposals/0001.yamlx"),
    ]
)
ENTRIES = st.lists(st.tuples(PATHS, st.sampled_from(DIGESTS)), max_size=30)


def plainly(entries: list[tuple[str, str]]) -> dict[str, tuple[str, ...]]:
    found: dict[str, tuple[str, ...]] = {}
    for path, digest in entries:
        known = found.get(path, ())
        found[path] = known if digest in known else (*known, digest)
    return found


@given(ENTRIES)
def test_it_is_the_plain_mapping(entries: list[tuple[str, str]]) -> None:
    ledger, plain = NOTHING.grown(entries), plainly(entries)
    assert ledger == plain
    assert dict(ledger) == plain
    assert len(ledger) == len(plain)
    assert all(ledger[path] == versions for path, versions in plain.items())
    assert ledger.get("proposals/7777.yaml") is None
    assert ledger.grown(entries) is ledger


@given(ENTRIES, ENTRIES)
def test_two_are_equal_where_their_contents_are(
    one: list[tuple[str, str]], two: list[tuple[str, str]]
) -> None:
    equal = plainly(one) == plainly(two)
    assert (NOTHING.grown(one) == NOTHING.grown(two)) is equal
    assert (NOTHING.grown(one).digest == NOTHING.grown(two).digest) is equal


@given(ENTRIES, ENTRIES)
def test_since_is_what_was_added_and_says_so_where_it_is_not_grown(
    first: list[tuple[str, str]], more: list[tuple[str, str]]
) -> None:
    before, after = NOTHING.grown(first), NOTHING.grown([*first, *more])
    added = list(after.since(before))
    assert before.grown(added) == after
    assert len(added) == sum(map(len, after.values())) - sum(map(len, before.values()))
    if after != before:
        with pytest.raises(ValueError, match="than the one before"):
            list(before.since(after))


@given(ENTRIES, ENTRIES)
def test_it_is_read_again_from_its_nodes_and_shares_what_did_not_change(
    first: list[tuple[str, str]], more: list[tuple[str, str]]
) -> None:
    before, after = NOTHING.grown(first), NOTHING.grown([*first, *more])
    nodes = {name: data for name, data, _ in before.nodes()}
    fresh = {name: data for name, data, _ in after.nodes(nodes)}
    assert not fresh.keys() & nodes.keys()
    objects = nodes | fresh
    assert all(digest_bytes(data) == name for name, data in objects.items())
    assert Ledger.at(after.digest, objects) == after
    assert dict(Ledger.at(after.digest, objects)) == dict(after)
    assert Ledger.at(before.digest, objects).grown(more).digest == after.digest
    named = {digest for _, _, found in after.nodes() for digest in found}
    assert named == {digest for versions in after.values() for digest in versions}


@given(ENTRIES, st.integers(0, 40))
def test_the_numbers_of_proposals_rise_and_are_those_with_a_file(
    entries: list[tuple[str, str]], last: int
) -> None:
    ledger = NOTHING.grown(entries)
    numbers = [n for n in (1, 2, 33, 1000, 123456) if f"proposals/{n:04d}.yaml" in ledger]
    assert list(ledger.after(last)) == [n for n in numbers if n > last]
    assert set(ledger.under(1)) == {
        path for path in ledger if path.startswith(("proposals/0001.", "signoffs/0001/"))
    }


def test_one_more_paper_makes_as_many_bytes_beside_a_thousand_proposals() -> None:
    sizes = []
    for count in (10, 1000):
        paths = [f"signoffs/{n:04d}/{p}.GO.yaml" for n in range(count) for p in "abcd"]
        ledger = NOTHING.grown((path, DIGESTS[0]) for path in paths)
        known = {name for name, _, _ in ledger.nodes()}
        more = ledger.grown([("signoffs/0009/e.GO.yaml", DIGESTS[1])])
        new = list(more.nodes(known))
        sizes.append(sum(len(data) for _, data, _ in new))
        assert len(new) == 3
    assert sizes[1] < 5 * sizes[0]
    assert sizes[1] < 8_000


@pytest.mark.parametrize(
    "data",
    [b"", b"[]", b'{"nodes":{"a":"b"}}', b'{"files":{}}', b'{"nodes":[]}', b'{"nodes":{},"x":1}'],
)
def test_bytes_that_are_no_node_are_refused(data: bytes) -> None:
    digest = digest_bytes(data)
    with pytest.raises(ValueError):  # noqa: PT011  (any of them)
        list(Ledger.at(digest, {digest: data}))
    with pytest.raises(KeyError):
        list(Ledger.at(digest, {}))


@given(ENTRIES)
def test_a_memory_goes_through_its_plain_form_and_through_its_snapshot(
    entries: list[tuple[str, str]],
) -> None:
    memory = EMPTY.model_copy(update={"ledger": NOTHING.grown(entries), "voided": (3,)})
    assert Memory.model_validate_json(canonical(memory)) == memory
    assert Memory(ledger=plainly(entries), voided=(3,)) == memory
    data = snapshot(memory)
    assert digest_bytes(data) == snapshot_digest(memory)
    objects = {name: node for name, node, _ in memory.ledger.nodes()}
    again = from_snapshot(data, lambda name: Ledger.at(name, objects))
    assert again == memory
    assert len(data) < 600
