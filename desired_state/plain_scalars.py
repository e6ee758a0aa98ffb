"""What an unquoted word in a file means: text, a decimal integer, true or false, or a refusal.

Whatever another reader of YAML would take for something else must be quoted (spec: trust, 1.8).
"""

import re
from typing import Final, TypeAlias

Plain: TypeAlias = "bool | int | str | list[Plain] | dict[str, Plain]"

MAX_INTEGER: Final = 2**53 - 1
"""The largest that RFC 8785 can write without loss, so every document has canonical bytes."""

UNSEEN: Final = re.compile(
    r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff\ufeff]"
)
"""Characters that a person who signs would not see: controls, other line ends, direction marks."""

_INTEGER: Final = re.compile(r"(0|-?[1-9][0-9]*)\Z")
_NUMBERISH: Final = re.compile(r"[-+.]*[0-9][-0-9_.,:eE+TtZz ]*\Z")
_RADIX: Final = re.compile(r"[-+]?0([xX][0-9a-fA-F_]*|[oO][0-7_]*|[bB][01_]*)\Z")
_NOT_FINITE: Final = re.compile(r"[-+]?\.(inf|nan)\Z", re.IGNORECASE)
_SWITCHES: Final = frozenset({"yes", "no", "on", "off", "y", "n", "true", "false"})
_NOTHINGS: Final = frozenset({"", "~", "null"})
_DIGITS: Final = len(str(MAX_INTEGER))


class Unclear(ValueError):  # noqa: N818  (named by what was found)
    """A plain word that two readers could understand differently."""


def read_plain(text: str) -> bool | int | str:
    """The value of an unquoted scalar.

    Raises:
        Unclear: with what was expected and found, and what to do.
    """
    if text in {"true", "false"}:
        return text == "true"
    if _INTEGER.match(text):
        if len(text) > _DIGITS + 1 or abs(int(text)) > MAX_INTEGER:
            raise Unclear(
                f"expected an integer of at most {MAX_INTEGER}, found {text[:40]}; quote it"
            )
        return int(text)
    if found := _looks_like(text):
        raise Unclear(found)
    return text


def is_text(text: str) -> bool:
    """Whether ``text`` stands for itself when it is not quoted."""
    try:
        return read_plain(text) == text
    except Unclear:
        return False


def _looks_like(text: str) -> str:
    folded = text.lower()
    if folded in _NOTHINGS:
        return f'expected a value, found {text or "none"}; write "" for an empty text'
    if folded in _SWITCHES:
        return f"expected true, false or a quoted text, found {text}; quote it or write true/false"
    if _NOT_FINITE.match(text):
        return f"expected a finite value, found {text}; remove it"
    if _RADIX.match(text) or _NUMBERISH.match(text):
        return (
            f"expected a decimal integer or a quoted text, found {text[:40]};"
            " quote decimals, times and dates"
        )
    if text in {"=", "<<"}:
        return f"expected a text, found the YAML sign {text}; quote it"
    return ""
