"""The attack rows of YAML, and everything else that another reader could understand otherwise."""

import pytest

from desired_state.document import MAX_BYTES, MAX_DEPTH, DocumentError, parse
from desired_state.reasons import Reason

REFUSED = {
    "duplicate key": (b"a: 1\nb: 1\na: 2\n", 3, "again after line 1"),
    "duplicate key, once quoted": (b'a: 1\n"a": 2\n', 2, "again after line 1"),
    "duplicate key further in": (b"x:\n  a: 1\n  a: 2\n", 3, "again after line 2"),
    "anchor": (b"a: &x 1\n", 1, "anchor &x"),
    "alias": (b"a: 1\nb: *x\n", 2, "alias *x"),
    "tag": (b"a: !!str 1\n", 1, "tag tag:yaml.org,2002:str"),
    "tag on a map": (b"a: !!python/object:os.system {b: 1}\n", 1, "the tag"),
    "tag on a list": (b"a: !x [b]\n", 1, "the tag"),
    "lone tag mark": (b"a: ! b\n", 1, "the tag"),
    "anchor on the root": (b"&r\na: 1\n", 1, "anchor &r"),
    "merge key": (b"<<: {a: 1}\n", 1, "merge key"),
    "mode off": (b"mode: off\n", 1, "found off; quote it"),
    "capital true": (b"a: True\n", 1, "found True"),
    "loud true": (b"a: TRUE\n", 1, "found TRUE"),
    "yes": (b"a: Yes\n", 1, "found Yes"),
    "letter y": (b"a: y\n", 1, "found y"),
    "letter N": (b"a: N\n", 1, "found N"),
    "off in a list": (b"a:\n  - x\n  - oN\n", 3, "found oN"),
    "float": (b"a: 0.005\n", 1, "quote decimals"),
    "exponent": (b"a: 1e3\n", 1, "quote decimals"),
    "float without digits before": (b"a: .5\n", 1, "quote decimals"),
    "leading zero": (b"a: 017\n", 1, "quote decimals"),
    "minus zero": (b"a: -0\n", 1, "quote decimals"),
    "plus": (b"a: +1\n", 1, "quote decimals"),
    "hex": (b"a: 0x1F\n", 1, "quote decimals"),
    "octal": (b"a: 0o17\n", 1, "quote decimals"),
    "binary": (b"a: 0b11\n", 1, "quote decimals"),
    "underscore": (b"a: 1_000\n", 1, "quote decimals"),
    "thousands": (b"a: 1,000\n", 1, "quote decimals"),
    "sexagesimal": (b"a: 12:30:45\n", 1, "quote decimals"),
    "date": (b"a: 2026-11-22\n", 1, "times and dates"),
    "instant": (b"a: 2026-11-22T10:00:00Z\n", 1, "times and dates"),
    "instant with a space": (b"a: 2026-11-22 10:00:00 +1\n", 1, "times and dates"),
    "infinity": (b"a: -.INF\n", 1, "finite"),
    "not a number": (b"a: .nan\n", 1, "finite"),
    "integer beyond canonical form": (b"a: 9007199254740992\n", 1, "at most 9007199254740991"),
    "endless integer": (b"a: " + b"9" * 9000, 1, "at most 9007199254740991"),
    "null": (b"a: null\n", 1, "found null"),
    "tilde": (b"a: ~\n", 1, "found ~"),
    "empty value": (b"a:\nb: 1\n", 1, "found none"),
    "empty value inside": (b"a: {b: , c: 1}\n", 1, "found none"),
    "empty item": (b"a:\n  - x\n  -\n", 3, "found none"),
    "integer key": (b"1: a\n", 1, "quote the key"),
    "boolean key": (b"true: a\n", 1, "quote the key"),
    "switch as key": (b"on: a\n", 1, "found on"),
    "null as key": (b"a: 1\n~: a\n", 2, "found ~"),
    "list as key": (b"? [a]\n: b\n", 1, "expected a key"),
    "map as key": (b"{a: 1}: b\n", 1, "expected a key"),
    "block as key": (b"? |\n  a\n: b\n", 1, "a block of text"),
    "second document": (b"a: 1\n---\nb: 2\n", 2, "found a second"),
    "version directive": (b"%YAML 1.1\n---\na: 1\n", 1, "begins with %"),
    "tag directive": (b"%TAG ! tag:x\n---\na: 1\n", 1, "begins with %"),
    "unknown directive": (b"# x\n%X\n---\na: 1\n", 2, "begins with %"),
    "list at the top": (b"- a\n", 1, "found a list"),
    "text at the top": (b"a\n", 1, "found a single value"),
    "empty file": (b"", 1, "an empty file"),
    "comments only": (b"# a\n", 1, "an empty file"),
    "byte order mark": (b"\xef\xbb\xbfa: 1\n", 1, "byte order mark"),
    "utf-16": ("a: 1\n".encode("utf-16"), 1, "expected UTF-8"),
    "latin-1": (b"a: 1\nb: \xe9\n", 2, "byte 0xe9"),
    "surrogate in UTF-8": (b"a: \xed\xa0\x80\n", 1, "expected UTF-8"),
    "carriage returns": (b"a: 1\r\nb: 2\r\n", 1, "LF line ends"),
    "return in a comment hides a line": (b"a: 1 # x\rb: 2\n", 1, "LF line ends"),
    "control character": (b"a: 1\nb: x\x1b[2K\n", 2, "U+001B"),
    "nul": (b"a: 1\0", 1, "U+0000"),
    "next line": (b"a: \xc2\x85x\n", 1, "U+0085"),
    "line separator": ("a: x\u2028b: y\n".encode(), 1, "U+2028"),
    "right-to-left override": ("a: x\nb: \u202ey\n".encode(), 2, "U+202E"),
    "escaped control character": (b'a: "\\x1b"\n', 1, "U+001B"),
    "escaped surrogate": (b'a: "\\ud800"\n', 1, "U+D800"),
    "escaped nul in a key": (b'"a\\0": 1\n', 1, "U+0000"),
    "escape beyond Unicode": (b'b: 1\na: "\\UFFFFFFFF"\n', 2, "cannot be read"),
    "plain text over two lines": (b"a: b\n  c\n", 1, "quote the text"),
    "tab as indent": (b"a:\n\tb: 1\n", 2, "well-formed"),
    "unclosed list": (b"a: [1", 1, "well-formed"),
    "unclosed text": (b'a: "x\n', 2, "well-formed"),
    "too deep": (b"a: " + b"[" * MAX_DEPTH, 1, "at most 16 levels"),
    "far too deep": (b"a: " + b"[" * 60_000, 1, "at most 16 levels"),
    "too large": (b"a: 1\n#" + b"x" * MAX_BYTES, 1, "at most 65536 bytes"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_yaml_that_two_readers_could_read_differently_is_refused_with_its_line(case: str) -> None:
    data, line, told = REFUSED[case]
    with pytest.raises(DocumentError) as refused:
        parse(data, "limits.yaml")
    assert refused.value.code is Reason.STATE_YAML
    assert refused.value.subject == f"limits.yaml:{line}"
    assert told in refused.value.message
    assert "expected" in refused.value.message
    assert "found" in refused.value.message


ACCEPTED = {
    "decimal integers": (b"a: 0\nb: -5\nc: 9007199254740991\n", {"a": 0, "b": -5, "c": 2**53 - 1}),
    "booleans": (b"a: true\nb: false\n", {"a": True, "b": False}),
    "quoted words stay texts": (
        b"a: \"off\"\nb: '1'\nc: \"\"\nd: 'null'\n\"1\": x\n",
        {"a": "off", "b": "1", "c": "", "d": "null", "1": "x"},
    ),
    "flow": (b"s: {BTC/USDT: {venue: paper}}\nl: [L0, L1]\n",
             {"s": {"BTC/USDT": {"venue": "paper"}}, "l": ["L0", "L1"]}),
    "digests, key ids and commits": (
        b"a: sha256:0af\nb: SHA256:ab/+9\nc: " + b"0a" * 20 + b"\n",
        {"a": "sha256:0af", "b": "SHA256:ab/+9", "c": "0a" * 20},
    ),
    "block texts": (b"a: |\n  x\n  y\nb: >-\n  x\n  y\n", {"a": "x\ny\n", "b": "x y"}),
    "comments and a document mark": (b"# c\n---\na: 1 # c\n", {"a": 1}),
    "empty containers": (b"a: {}\nb: []\n", {"a": {}, "b": []}),
    "words of other languages": ("a: Zürich 東京\n".encode(), {"a": "Zürich 東京"}),
    "a dash and a range": (b"a: x-1\nb: L0-L6\n", {"a": "x-1", "b": "L0-L6"}),
    "the deepest": (b"a: " + b"[" * 15 + b"]" * 15, None),
}  # fmt: skip


@pytest.mark.parametrize("case", ACCEPTED)
def test_plain_yaml_is_read_as_it_looks(case: str) -> None:
    data, expected = ACCEPTED[case]
    found = parse(data, "mode.yaml").data
    if expected is not None:
        assert found == expected
        assert repr(found) == repr(expected)


def test_each_key_and_item_has_its_line() -> None:
    found = parse(b"# first\na: 1\nb:\n  c: [x,\n    z]\n  d:\n    - e: 1\n", "mode.yaml")
    assert found.lines == {
        (): 1,
        ("a",): 2,
        ("b",): 3,
        ("b", "c"): 4,
        ("b", "c", 0): 4,
        ("b", "c", 1): 5,
        ("b", "d"): 6,
        ("b", "d", 0): 7,
        ("b", "d", 0, "e"): 7,
    }


def test_all_problems_are_gathered_and_the_first_five_are_told() -> None:
    data = b"a: off\nb: 1.5\nc: ~\nd:\ne: 0x1\nf: 12:30\ng: [\n"
    with pytest.raises(DocumentError) as refused:
        parse(data, "mode.yaml")
    assert [problem.line for problem in refused.value.problems] == [1, 2, 3, 4, 5, 6, 8]
    first, *others, more = refused.value.message.split("\n")
    assert first.startswith("a: expected")
    assert [line.split(": ")[0] for line in others] == [f"mode.yaml:{n}" for n in (2, 3, 4, 5)]
    assert more == "and 2 more"


def test_a_message_does_not_grow_with_the_file() -> None:
    for data in (b"a: &" + b"x" * 60_000, b'"' + b"k" * 900 + b'": off', b"a: *" + b"x" * 60_000):
        with pytest.raises(DocumentError) as refused:
            parse(data, "mode.yaml")
        assert len(str(refused.value)) < 1000
