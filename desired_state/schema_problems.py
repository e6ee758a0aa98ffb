"""What is wrong with a file's keys and values, in words, with the line where to mend it."""

import difflib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, TypeAlias

from pydantic import ValidationError

if TYPE_CHECKING:
    from pydantic_core import ErrorDetails

Path: TypeAlias = tuple[str | int, ...]


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing to mend in a file."""

    line: int
    path: Path
    words: str

    @property
    def text(self) -> str:
        """The dotted path, if any, and the words, as one sentence."""
        where = ".".join(_short(str(part), _LONGEST) for part in self.path)
        words = _short(self.words, _LONGEST_WORDS)
        return f"{where}: {words}." if where else f"{words}."


_LONGEST: Final = 60
_LONGEST_WORDS: Final = 300
"""Whoever writes the file decides what is found in it, so nothing of it is told at any length."""


def _short(text: str, longest: int) -> str:
    return text if len(text) <= longest else text[:longest] + "…"


_KINDS: Final = {
    "string_type": "a text",
    "int_type": "an integer",
    "bool_type": "true or false",
    "dict_type": "a map",
    "model_type": "a map",
    "model_attributes_type": "a map",
    "tuple_type": "a list",
    "list_type": "a list",
    "set_type": "a list",
    "frozen_set_type": "a list",
    "none_required": "no value",
}


def schema_problems(
    error: ValidationError, lines: Mapping[Path, int], top_keys: Sequence[str]
) -> list[Problem]:
    """The problems of one refused file, in the order of its lines.

    Args:
        error: what the model says.
        lines: line of each key and item, as the reader saw them.
        top_keys: the keys that the file may have, to propose the one that was meant.
    """
    found = {
        (problem.line, problem.text): problem
        for details in error.errors(include_url=False)
        for problem in [_problem(details, lines, top_keys)]
    }
    return sorted(found.values(), key=lambda problem: problem.line)


def _problem(
    details: "ErrorDetails", lines: Mapping[Path, int], top_keys: Sequence[str]
) -> Problem:
    at = _nearest(details["loc"], lines)
    if details["type"] == "missing":
        key = str(details["loc"][-1])
        return Problem(lines[at], (*at, key), "expected this key, found none; add it")
    if details["type"] == "extra_forbidden":
        meant = difflib.get_close_matches(str(at[-1]), top_keys, n=1) if len(at) == 1 else []
        advice = f"did you mean {meant[0]}?" if meant else "correct or remove it"
        return Problem(lines[at], at, f"expected a known key, found an unknown one; {advice}")
    return Problem(lines[at], at, _words(details))


def _nearest(loc: Path, lines: Mapping[Path, int]) -> Path:
    """The longest path of the file along ``loc``; names of union branches are no keys."""
    at: Path = ()
    for part in loc:
        if (*at, part) in lines:
            at = (*at, part)
    return at


def _words(details: "ErrorDetails") -> str:
    context: Mapping[str, Any] = details.get("ctx", {})
    if "error" in context:
        said = str(context["error"])
        return said if "expected" in said else f"{said}; correct it"
    expected = _KINDS.get(details["type"]) or _constraint(details["type"], context)
    if not expected:
        expected = details["msg"].removeprefix("Input should be ")
    return f"expected {expected}, found {_found(details['input'])}; correct it"


def _constraint(kind: str, context: Mapping[str, Any]) -> str:
    if kind in {"enum", "literal_error"}:
        expected = str(context["expected"])
        return _LITERALS.get(expected, expected)
    if kind == "string_pattern_mismatch":
        return f"a text of the form {context['pattern']}"
    for name, words in _BOUNDS.items():
        if name in context:
            return f"{words} {context[name]}"
    return ""


_LITERALS: Final = {"True": "true", "False": "false"}
_BOUNDS: Final = {
    "ge": "a number of at least",
    "gt": "a number above",
    "le": "a number of at most",
    "lt": "a number below",
    "max_length": "a length of at most",
    "min_length": "a length of at least",
}


def _found(value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        return f"the integer {value}"
    if isinstance(value, str):
        return f"the text {json.dumps(_short(value, _LONGEST), ensure_ascii=False)}"
    return "a map" if isinstance(value, Mapping) else "a list"
