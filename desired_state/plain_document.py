"""Reading the plainest files by line: what the tools write, and what most people do. Pure.

Only a part of strict YAML is known here, and anything else whatever is left to the parser: a tab,
a character beyond ASCII, an escape, a comment behind a value, several lines of text, a key twice.
So this accepts nothing that the parser refuses and says the same of what both accept (DOC-1); it
only takes less time.
"""

import re
from dataclasses import dataclass
from typing import Final

from desired_state.plain_scalars import Plain, Unclear, read_plain
from desired_state.schema_problems import Path

DEPTH: Final = 12
_BLANK: Final = re.compile(r" *(?:#.*)?\Z")
_WORD: Final = r"[A-Za-z0-9](?:[A-Za-z0-9_./@+:-]*[A-Za-z0-9_./@+-])?"
_QUOTED: Final = r'"[^"\\]*"'
_LINE: Final = re.compile(
    r"(?P<indent> *)(?P<dash>- )?"
    rf"(?:(?P<key>{_WORD}|{_QUOTED}):(?: (?P<value>\S.*))?|(?P<item>\S.*))\Z"
)
_TEXT: Final = re.compile(
    r"[A-Za-z0-9](?:[A-Za-z0-9_./@+,;()-]|:(?=[A-Za-z0-9_./@+-])| (?=[A-Za-z0-9(]))*\Z"
)
_INSIDE: Final = r"[A-Za-z0-9](?:[A-Za-z0-9_./@+-]| (?=[A-Za-z0-9]))*"
_PART: Final = re.compile(rf"(?:({_INSIDE}|{_QUOTED}): )?({_INSIDE}|{_QUOTED})(, |\Z)")
_MOST_KEY: Final = 200  # characters; a parser gives up looking for the colon somewhere


class _Other(Exception):  # noqa: N818
    """Not as plain as that."""


@dataclass(frozen=True, slots=True)
class _Line:
    number: int
    indent: int
    dash: bool
    key: str | None
    value: str | None


def read_plainly(text: str) -> tuple[dict[str, Plain], dict[Path, int]] | None:
    """Data and lines as the parser would give them; none where this is for the parser."""
    if "\t" in text or not text.isascii():  # the parser refuses some characters beyond
        return None
    try:
        lines = [_line(n, line) for n, line in enumerate(text.split("\n"), 1) if not _blank(line)]
        reading = _Reading(lines)
        found = reading.map(0, ())
    except (_Other, Unclear):
        return None
    if reading.at < len(lines):
        return None
    return found, reading.lines


def _blank(line: str) -> bool:
    return _BLANK.match(line) is not None


def _line(number: int, text: str) -> _Line:
    match = _LINE.match(text)
    if not match:
        raise _Other
    indent, dash = len(match["indent"]), match["dash"] is not None
    if match["key"] is None:
        if not dash:
            raise _Other
        return _Line(number, indent, dash, None, match["item"])
    return _Line(number, indent, dash, _key(match["key"]), match["value"])


def _key(text: str) -> str:
    key = text[1:-1] if text[0] == '"' else read_plain(text)
    if not isinstance(key, str) or len(text) > _MOST_KEY:
        raise _Other
    return key


class _Reading:
    """One pass over the lines that hold something."""

    def __init__(self, rows: list[_Line]) -> None:
        self.rows, self.at = rows, 0
        self.lines: dict[Path, int] = {(): 1}

    def map(self, indent: int, path: Path, *, in_item: bool = False) -> dict[str, Plain]:
        """Keys at this indent; the first of an item stands behind its dash."""
        if len(path) > DEPTH:
            raise _Other
        found: dict[str, Plain] = {}
        while self.at < len(self.rows):
            row = self.rows[self.at]
            first = in_item and not found
            if not first and row.indent < indent:
                break
            if row.dash is not first or row.indent + 2 * first != indent or row.key is None:
                raise _Other
            inner = (*path, row.key)
            if row.key in found:
                raise _Other
            self.lines[inner] = row.number
            self.at += 1
            found[row.key] = self._value(row, indent, inner)
        if not found:
            raise _Other
        return found

    def _value(self, row: _Line, indent: int, path: Path) -> Plain:
        if row.value is not None:
            return self._scalar(row.value, row.number, path)
        if self.at == len(self.rows) or self.rows[self.at].indent <= indent:
            raise _Other  # nothing below the key
        below = self.rows[self.at]
        if below.dash:
            return self._list(below.indent, path)
        return self.map(below.indent, path)

    def _list(self, indent: int, path: Path) -> list[Plain]:
        if len(path) > DEPTH:
            raise _Other
        found: list[Plain] = []
        while self.at < len(self.rows) and self.rows[self.at].indent >= indent:
            row, inner = self.rows[self.at], (*path, len(found))
            if row.indent != indent or not row.dash:
                raise _Other
            self.lines[inner] = row.number
            if row.key is not None:
                found.append(self.map(indent + 2, inner, in_item=True))
            else:
                self.at += 1
                found.append(self._scalar(str(row.value), row.number, inner))
        return found

    def _scalar(self, text: str, line: int, path: Path) -> Plain:
        if text[0] == '"':
            return _unquoted(text)
        if text[0] in "[{":
            return self._inline(text, line, path)
        if not _TEXT.match(text):
            raise _Other
        return read_plain(text)

    def _inline(self, text: str, line: int, path: Path) -> Plain:
        """A map or list of scalars on one line."""
        pair, inside = text[0] + text[-1], text[1:-1]
        if pair not in {"[]", "{}"} or len(text) < len(pair):
            raise _Other
        items: list[Plain] = []
        keys: dict[str, Plain] = {}
        at = 0
        while at < len(inside):
            part = _PART.match(inside, at)
            if (
                not part
                or (part[1] is None) is (pair == "{}")
                or (part[3] and part.end() == len(inside))
            ):
                raise _Other
            value = _word(part[2])
            if part[1] is None:
                self.lines[*path, len(items)] = line
                items.append(value)
            else:
                key = _key(part[1])
                if key in keys:
                    raise _Other
                self.lines[*path, key] = line
                keys[key] = value
            at = part.end()
        return keys if pair == "{}" else items


def _word(text: str) -> Plain:
    return _unquoted(text) if text[0] == '"' else read_plain(text)


def _unquoted(text: str) -> str:
    if len(text) < 2 or text[-1] != '"' or '"' in text[1:-1] or "\\" in text:  # noqa: PLR2004
        raise _Other
    return text[1:-1]
