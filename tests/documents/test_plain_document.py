"""The quick reader says what the parser says, of everything that it reads at all."""

import string
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from desired_state.document import _by_parser, _text, dump
from desired_state.errors import Stalled
from desired_state.plain_document import read_plainly
from desired_state.proposals import Decision, SignOff
from tests.fakes import trust_desk

MORE = settings(max_examples=settings.default.max_examples * 3, deadline=None)
WORDS = st.sampled_from(
    ["a", "b1", "paper", "BTC/USDT", "sha256:ab", "true", "off", "12", "-1", "1.5", "12:30", "x y",
     "a, b", "a: b", "a #b", "~", "null", "#c", "&x", "*x", "!t", "<<", "?", "- a", "\\n", "'q'",
     '"q"', "(x)", "é", "", " ", "0x1", "[", "}", "|", ">", "%", "@", "`", "a:", ":a", "a ", "---"]
)  # fmt: skip
SCALARS = WORDS | st.text(string.ascii_letters + string.digits + " _./@+:-,#\"'{}[]é", max_size=8)


def same(text: str) -> bool:
    """Whether the quick reader read it; it must not differ from the parser."""
    found = read_plainly(text)
    if found is None:
        return False
    document = _by_parser(_text(text.encode(), "f"), "f")
    assert document.data == found[0]
    assert str(document.data) == str(found[0])  # true is not 1, and keys keep their order
    assert dict(document.lines) == found[1]
    return True


def values() -> st.SearchStrategy[Any]:
    simple = st.text(max_size=12) | st.integers(-(10**6), 10**6) | st.booleans() | WORDS
    return st.recursive(
        simple,
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(SCALARS, inner, max_size=3),
        max_leaves=8,
    )


@MORE
@given(st.dictionaries(SCALARS, values(), max_size=4))
def test_it_agrees_on_what_the_tools_write(data: dict[str, Any]) -> None:
    try:
        text = dump(data).decode()
    except Stalled:
        return
    same(text)


LINES = st.builds(
    lambda indent, dash, key, value, end: " " * indent + dash + key + value + end,
    st.integers(0, 5),
    st.sampled_from(["", "", "- ", "-", "-  ", "- - "]),
    st.sampled_from(["", "a: ", "b: ", "a:", "b:", "c:  ", '"a": ', "x y: ", "sha256:a: ", "1: "]),
    SCALARS | st.sampled_from(["[]", "{}", "[a, b]", "{a: b}", '{"a": "b", c: 1}', "[a,b]",
                               "{a: b, a: c}", "[a, ]", "[[a]]", "{a: [b]}", "[a: b]", "{a}",
                               "[a b, c]", "[sha256:a]", "{a:b}", '"a', 'a"', '"a" b', '""']),
    st.sampled_from(["", "", "", " ", " # c", ":"]),
)  # fmt: skip


@MORE
@given(st.lists(LINES, min_size=1, max_size=6))
def test_it_agrees_on_lines_put_together_at_random(lines: list[str]) -> None:
    text = "\n".join(lines)
    try:
        _text(text.encode(), "f")
    except Stalled:
        return
    same(text)


NEARLY = st.builds(
    lambda indent, dash, key, value: " " * indent + dash + key + value,
    st.sampled_from([0, 0, 0, 2, 2, 4]),
    st.sampled_from(["", "", "", "- "]),
    st.sampled_from(["a: ", "b: ", '"a": ', "a:", "b:", "", "true: ", "12: ", "b:c: "]),
    st.sampled_from(["", "x", "x y", '"x"', "12", "true", "[a, b]", "{a: b, b: c}", "{a: b, a: c}",
                     "[]", "x, y", "x: y", "x #y", "off", "[off]", "{off: a}", '"x" y', "[12, a]",
                     "x ", "a:b", '{"a": b, a: c}', "[a b]", "[a:b]", "[a, b", "a]"]),
)  # fmt: skip


@MORE
@given(st.lists(NEARLY, min_size=1, max_size=5))
def test_it_agrees_on_lines_that_are_nearly_plain(lines: list[str]) -> None:
    same("\n".join(lines))


@MORE
@given(st.data())
def test_it_agrees_on_real_files_that_were_changed(data: st.DataObject) -> None:
    text = data.draw(st.sampled_from(REAL)).decode()
    for _ in range(data.draw(st.integers(1, 3))):
        at = data.draw(st.integers(0, len(text)))
        put = data.draw(st.text(" \n:-#\"'[]{},ab1&*!|>%\\", max_size=3))
        text = text[:at] + put + text[at + data.draw(st.integers(0, 3)) :]
    try:
        _text(text.encode(), "f")
    except Stalled:
        return
    same(text)


def _signoff() -> bytes:
    made = SignOff(
        proposal="sha256:" + "a" * 64,
        sequence=1,
        person="ann",
        role="operator",
        key=trust_desk.PEOPLE["rita"].key.key_id,
        decision=Decision.GO,
        issued=trust_desk.START,
        expires=trust_desk.START + trust_desk.DAY,
        statement="I have read it.",
    )
    return dump(trust_desk.plain(made), header="a header", name="f")


REAL = [trust_desk.MODE_TEXT, trust_desk.LIMITS_TEXT, trust_desk.ARMED, trust_desk.ROOT, _signoff()]


@pytest.mark.parametrize("data", REAL)
def test_what_the_tools_write_is_read_quickly(data: bytes) -> None:
    assert same(data.decode())


def test_templates_agree() -> None:
    folder = Path(trust_desk.dump.__code__.co_filename).parent / "templates"
    files = sorted(folder.rglob("*.yaml"))
    assert files
    for path in files:
        same(path.read_text(encoding="utf-8"))
