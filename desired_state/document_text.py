"""Plain data back to the strict form of YAML, as a person would write it."""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from desired_state.plain_scalars import is_text

_WIDTH: Final = 100
_INDENT: Final = "  "
_WORD: Final = re.compile(r"[A-Za-z]([A-Za-z0-9_./@+:-]*[A-Za-z0-9_./@+-])?\Z")


def write(data: Mapping[str, Any], header: str = "") -> str:
    """The text of a file: header as comments, keys in the order given, LF line ends.

    A map or list of scalars stands on one line where it fits, everything else is a block.

    Raises:
        TypeError: something in ``data`` is neither map, list, string, integer nor boolean.
    """
    lines = [_comment(line) for line in header.splitlines()]
    lines += _map(data, "") if data else ["{}"]
    return "\n".join(lines) + "\n"


def _comment(line: str) -> str:
    return line if line.startswith("#") else f"# {line}".rstrip()


def _map(data: Mapping[str, Any], indent: str) -> Iterator[str]:
    for key, value in data.items():
        start = f"{indent}{_scalar(_key(key))}:"
        if (inline := _inline(value, len(start))) is not None:
            yield f"{start} {inline}"
        else:
            yield start
            yield from _block(value, indent + _INDENT)


def _list(data: Sequence[Any], indent: str) -> Iterator[str]:
    for value in data:
        if (inline := _inline(value, len(indent) + 2)) is not None:
            yield f"{indent}- {inline}"
        else:
            first, *others = _block(value, indent + _INDENT)
            yield f"{indent}- {first.removeprefix(indent + _INDENT)}"
            yield from others


def _block(value: Mapping[str, Any] | Sequence[Any], indent: str) -> Iterator[str]:
    return _map(value, indent) if isinstance(value, Mapping) else _list(value, indent)


def _inline(value: object, used: int) -> str | None:
    """The value on the rest of its line, or nothing where it needs a block."""
    if isinstance(value, Mapping):
        items, pair = [_key(key) for key in value], "{}"
        inner = list(value.values())
    elif isinstance(value, (list, tuple)):
        items, pair = [], "[]"
        inner = list(value)
    else:
        return _scalar(value)
    if any(isinstance(item, (Mapping, list, tuple)) and item for item in inner):
        return None
    texts = [_inline(item, 0) or "" for item in inner]
    if items:
        texts = [f"{_scalar(key)}: {text}" for key, text in zip(items, texts, strict=True)]
    text = ", ".join(texts)
    fits = used + len(text) + 3 <= _WIDTH
    return f"{pair[0]}{text}{pair[1]}" if fits or not inner else None


def _key(key: object) -> str:
    if not isinstance(key, str):
        raise TypeError(f"a key must be a string, not {key!r}")
    return key


def _scalar(value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        return str(value)
    if not isinstance(value, str):
        raise TypeError(f"{value!r} has no strict form; amounts and times are strings here")
    if _WORD.match(value) and is_text(value):
        return value
    return json.dumps(value, ensure_ascii=False)
