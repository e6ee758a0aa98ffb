"""What is written is the strict form, looks hand-written, and reads back as the same data."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from desired_state.document import DocumentError, dump, parse
from desired_state.plain_scalars import MAX_INTEGER, UNSEEN

texts = st.text(max_size=20).filter(
    lambda text: not UNSEEN.search(text) and not any(ord(c) & 0xFFFE == 0xFFFE for c in text)
) | st.sampled_from(
    ["", "off", "No", "~", "null", "1", "-1", "0x1", "1e3", "12:30:45", "2026-11-22", "60s", "<<",
     "=", "true", "- a", "a: b", "a #b", "#a", "a:", ":a", "[a", "*a", "&a", "!a", "%a", "|", ">",
     "a\nb", "\n", " a ", "sha256:" + "0" * 64, "BTC/USDT", "x" * 300, "a:b", "a,b", "?", "-", "@a"]
)  # fmt: skip
plain = st.recursive(
    st.booleans() | st.integers(-MAX_INTEGER, MAX_INTEGER) | texts,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(texts, inner, max_size=4),
    max_leaves=12,
)


@settings(max_examples=300, deadline=None)
@given(st.dictionaries(texts, plain, max_size=5), st.text(max_size=30))
def test_what_is_written_reads_back_as_the_same_data(data: dict[str, object], note: str) -> None:
    header = UNSEEN.sub("", note)
    if any(ord(c) & 0xFFFE == 0xFFFE for c in header):
        header = ""
    written = dump(data, header=header)
    found = parse(written, "x.yaml").data
    assert found == data
    assert repr(found) == repr(data)
    assert written.endswith(b"\n")
    assert b"\r" not in written


def test_a_file_is_written_as_a_person_would() -> None:
    data = {
        "mode": "paper",
        "symbols": {"BTC/USDT": {"venue": "paper", "access": "trade"}},
        "layers": ("L0", "L1"),
        "budgets": {"models_per_day": "50"},
        "max_open_orders": 6,
        "enforce_limits": True,
        "poll": "60s",
        "expires": "2026-12-22T00:00:00Z",
        "reason": "first paper week",
        "by": "",
        "clears": [],
        "gates": [{"role": "operator", "any_of": ["a", "b"]}, {"role": "root"}],
    }
    assert dump(data, header="What is asked for.\n# Only signatures grant.\n").decode() == (
        "# What is asked for.\n"
        "# Only signatures grant.\n"
        "mode: paper\n"
        "symbols:\n"
        "  BTC/USDT: {venue: paper, access: trade}\n"
        "layers: [L0, L1]\n"
        'budgets: {models_per_day: "50"}\n'
        "max_open_orders: 6\n"
        "enforce_limits: true\n"
        'poll: "60s"\n'
        'expires: "2026-12-22T00:00:00Z"\n'
        'reason: "first paper week"\n'
        'by: ""\n'
        "clears: []\n"
        "gates:\n"
        "  - role: operator\n"
        "    any_of: [a, b]\n"
        "  - {role: root}\n"
    )


@pytest.mark.parametrize("value", [1.5, None, b"x", {1: "a"}, {"a": {None: 1}}, {1, 2}])
def test_a_value_without_strict_form_is_a_bug_of_the_caller(value: object) -> None:
    with pytest.raises(TypeError):
        dump({"key": value})


@pytest.mark.parametrize(
    "value",
    [
        "\x1b",
        "\u202e",
        "\ud800",
        "\ufffe",
        2**53,
        [[[[[[[[[[[[[[[["x"]]]]]]]]]]]]]]]],
        "x" * 70_000,
    ],
)
def test_what_could_not_be_read_back_is_not_written(value: object) -> None:
    with pytest.raises(DocumentError) as refused:
        dump({"reason": value}, name="0001.yaml")
    assert refused.value.subject.startswith("0001.yaml:")


def test_a_header_cannot_smuggle_a_key_or_a_directive() -> None:
    written = dump({"a": 1}, header="x\nmode: bounded_live\n%YAML 1.1\u2028mode: x")
    assert parse(written, "x.yaml").data == {"a": 1}
