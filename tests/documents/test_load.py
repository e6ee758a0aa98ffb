"""A file that does not fit its model is refused in words, with the line to mend."""

from typing import Annotated, Literal

import pytest
from pydantic import Field, StringConstraints, model_validator

from desired_state.document import DocumentError, load
from desired_state.frozen import Frozen
from desired_state.limits import Limits
from desired_state.reasons import Reason
from desired_state.values import Access, Amount, Instant, Mode, Name, Span, Symbol


class Place(Frozen):
    venue: Name
    access: Access


class Wanted(Frozen):
    mode: Mode
    symbols: dict[Symbol, Place] = Field(default_factory=dict)
    layers: tuple[str, ...] = ()
    count: Annotated[int, Field(ge=1, le=9)] = 1
    since: Instant | None = None
    poll: Span | None = None
    loud: bool = True
    kind: Literal["a", "b"] | int = "a"
    tag: Annotated[str, StringConstraints(max_length=3)] = ""

    @model_validator(mode="after")
    def _paper_needs_symbols(self) -> "Wanted":
        if self.mode is Mode.TESTNET and not self.symbols:
            raise ValueError("expected symbols for testnet, found none")
        return self


def refusal(data: bytes) -> DocumentError:
    with pytest.raises(DocumentError) as refused:
        load(Wanted, data, "mode.yaml")
    assert refused.value.code is Reason.STATE_SCHEMA
    return refused.value


def test_a_file_becomes_its_model_with_exact_types() -> None:
    found = load(
        Limits, b'currency: USD\nmax_order_notional: "50"\nduplicate_window: "60s"\n', "limits.yaml"
    )
    assert found == Limits.model_validate_json(
        b'{"currency":"USD","max_order_notional":"50","duplicate_window":"60s"}'
    )


def test_a_list_of_the_file_becomes_a_tuple_of_the_model() -> None:
    found = load(Wanted, b"mode: paper\nlayers: [L0, L1]\n", "mode.yaml")
    assert found.layers == ("L0", "L1")
    assert found.mode is Mode.PAPER


REFUSED = {
    "boolean for integer": (b"mode: paper\ncount: true\n", 2, "count: expected an integer"),
    "text for integer": (b'mode: paper\ncount: "3"\n', 2, 'an integer, found the text "3"'),
    "integer for boolean": (b"mode: paper\nloud: 1\n", 2, "true or false, found the integer 1"),
    "integer for text": (b"mode: paper\ntag: 1\n", 2, "expected a text, found the integer 1"),
    "integer for amount": (b"mode: paper\nsince: 5\n", 2, "expected a quoted UTC time"),
    "text for list": (b"mode: paper\nlayers: L0\n", 2, 'expected a list, found the text "L0"'),
    "list for map": (b"mode: paper\nsymbols: [a]\n", 2, "expected a map, found a list"),
    "text for inner map": (b"mode: paper\nsymbols:\n  A/B: x\n", 3, "symbols.A/B: expected a map"),
    "unknown word": (b"mode: fast\n", 1, "'halted', 'advisory'"),
    "unknown word further in": (
        b"mode: paper\nsymbols:\n  A/B:\n    venue: x\n    access: all\n", 5,
        "symbols.A/B.access: expected 'none', 'reduce' or 'trade', found the text \"all\"",
    ),
    "missing key": (b"symbols: {}\n", 1, "mode: expected this key, found none"),
    "missing inner key": (
        b"mode: paper\nsymbols:\n  A/B:\n    venue: x\n", 3, "A/B.access: expected this key",
    ),
    "misspelt key": (b"mode: paper\nlayer: [L0]\n", 2, "did you mean layers?"),
    "unknown inner key": (
        b"mode: paper\nsymbols:\n  A/B: {venue: x, access: none,\n    more: 1}\n", 4, "unknown one",
    ),
    "form of a key": (b"mode: paper\nsymbols: {b: {venue: x, access: none}}\n", 2, "of the form"),
    "too much": (b"mode: paper\ncount: 10\n", 2, "at most 9, found the integer 10"),
    "too little": (b"mode: paper\ncount: 0\n", 2, "expected a number of at least 1"),
    "too long": (b"mode: paper\ntag: abcd\n", 2, "a length of at most 3"),
    "bad duration": (b'mode: paper\npoll: "1 hour"\n', 2, "expected a quoted duration"),
    "no such day": (b'mode: paper\nsince: "2026-02-30T00:00:00Z"\n', 2, "day is out of range"),
    "wrong item": (b"mode: paper\nlayers:\n  - L0\n  - 1\n", 4, "layers.1: expected a text"),
    "the whole": (b"# x\nmode: testnet\n", 1, "expected symbols for testnet, found none"),
}  # fmt: skip


@pytest.mark.parametrize("case", REFUSED)
def test_a_wrong_key_or_value_is_told_in_words_with_its_line(case: str) -> None:
    data, line, told = REFUSED[case]
    refused = refusal(data)
    assert refused.subject == f"mode.yaml:{line}"
    assert told in refused.message
    assert "pydantic" not in str(refused).lower()
    assert "Input should" not in str(refused)


def test_all_problems_are_told_in_the_order_of_the_file() -> None:
    refused = refusal(b"loud: 1\nmode: fast\ncount: 10\nnonsense: 1\n")
    assert [problem.line for problem in refused.problems] == [1, 2, 3, 4]


def test_an_amount_must_be_quoted_and_the_error_says_so() -> None:
    with pytest.raises(DocumentError) as refused:
        load(Limits, b"currency: USD\nmax_order_notional: 50\n", "limits.yaml")
    assert refused.value.subject == "limits.yaml:2"
    assert 'expected a quoted decimal such as "50"' in refused.value.message


def test_a_constant_of_the_schema_cannot_be_turned() -> None:
    with pytest.raises(DocumentError) as refused:
        load(Limits, b"currency: USD\nallow_override: true\n", "limits.yaml")
    assert "allow_override: expected false, found true" in refused.value.message


def test_a_long_wrong_value_does_not_make_a_long_message() -> None:
    with pytest.raises(DocumentError) as refused:
        load(Limits, b'max_order_notional: "' + b"x" * 60_000 + b'"\n', "limits.yaml")
    assert len(str(refused.value)) < 600


class Priced(Frozen):
    amount: Amount


def test_the_finding_of_a_refusal_names_file_line_and_remedy() -> None:
    with pytest.raises(DocumentError) as refused:
        load(Priced, b'amount: "-1"\n', "a.yaml")
    found = refused.value.finding
    assert (found.code, found.subject) == (Reason.STATE_SCHEMA, "a.yaml:1")
    assert found.remedy == Reason.STATE_SCHEMA.explanation.remedy
