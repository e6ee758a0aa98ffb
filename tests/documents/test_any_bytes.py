"""Whatever the bytes are, the answer is a document or an error with file and line."""

import contextlib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from desired_state.canonical import canonical
from desired_state.document import Document, DocumentError, dump, load, parse
from desired_state.limits import Limits

VALID = (
    b'# a comment\ncurrency: USD\nmax_order_notional: "50"\nmax_open_orders: 6\n'
    b"enforce_limits: true                  # constant\nsymbols:\n"
    b"  BTC/USDT: {venue: paper, access: trade}\nlayers: [L0, L1, L2]\n"
    b"reason: |\n  two\n  lines\nlist:\n  - a: 'x'\n    b: \"\\u00e9\"\n  - []\n"
)  # fmt: skip
PIECES = [
    b"&a ", b"*a", b"!!int ", b"<<: ", b"---\n", b"...\n", b"%YAML 1.1\n", b"? ", b": ", b"- ",
    b"\t", b"\n", b"\r\n", b"\0", b"\xff", b"[", b"]", b"{", b"}", b",", b"'", b'"', b"|", b">",
    b"|9\n", b">-0\n", b'"\\U00110000"', b'"\\x"', b"~", b"0x", b"1e9", b"off", b"@", b"`", b"#",
    b"!", b"!<x>", b"!<", b"%", b"\xc2\x85", b"\xe2\x80\xa8", b"\xef\xbb\xbf", b"  ", b"a: 1\n",
]  # fmt: skip


def outcome(data: bytes) -> Document | DocumentError:
    try:
        return parse(data, "limits.yaml")
    except DocumentError as refused:
        return refused


def assert_total(data: bytes) -> None:
    found = outcome(data)
    if isinstance(found, DocumentError):
        name, line = found.subject.split(":")
        assert name == "limits.yaml"
        assert 1 <= int(line) <= data.count(b"\n") + 1
        assert found.message
    else:
        canonical(found.data)
        assert parse(dump(found.data), "again.yaml").data == found.data
    with contextlib.suppress(DocumentError):
        load(Limits, data, "limits.yaml")


@settings(max_examples=300, deadline=None)
@given(st.binary(max_size=200))
def test_any_bytes_are_read_or_refused(data: bytes) -> None:
    assert_total(data)


@settings(max_examples=300, deadline=None)
@given(st.lists(st.sampled_from(PIECES), max_size=12))
def test_any_row_of_yaml_signs_is_read_or_refused(pieces: list[bytes]) -> None:
    assert_total(b"".join(pieces))


@settings(max_examples=400, deadline=None)
@given(st.data())
def test_any_mutation_of_a_valid_file_is_read_or_refused(data: st.DataObject) -> None:
    text = VALID
    for _ in range(data.draw(st.integers(1, 3))):
        at = data.draw(st.integers(0, len(text)))
        gone = data.draw(st.integers(0, 6))
        put = data.draw(st.sampled_from(PIECES) | st.binary(max_size=3))
        text = text[:at] + put + text[at + gone :]
    assert_total(text)


@pytest.mark.slow
@pytest.mark.fuzz
@settings(max_examples=20_000, deadline=None)
@given(st.data())
def test_any_mutation_at_full_depth(data: st.DataObject) -> None:
    text = VALID
    for _ in range(data.draw(st.integers(1, 6))):
        at = data.draw(st.integers(0, len(text)))
        put = data.draw(st.sampled_from(PIECES) | st.binary(max_size=4))
        text = text[:at] + put + text[at + data.draw(st.integers(0, 20)) :]
    assert_total(text)
