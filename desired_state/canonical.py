"""Canonical bytes (RFC 8785) and the digests that name them."""

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final, TypeAlias

import rfc8785
from pydantic import BaseModel

Json: TypeAlias = "bool | int | str | Sequence[Json] | Mapping[str, Json] | None"


def plain(value: BaseModel) -> dict[str, Any]:
    """The JSON form of a model: strings, integers, booleans, lists and maps only."""
    return value.model_dump(mode="json", by_alias=True)


def canonical(value: "BaseModel | Json") -> bytes:
    """RFC 8785 bytes of a model or of plain JSON data. Floats are refused with ``TypeError``."""
    data = plain(value) if isinstance(value, BaseModel) else value
    _exact(data)
    text = _FAST.encode(data)
    # ASCII sorts alike by code point and by UTF-16 unit: then the fast way gives the same bytes
    return text.encode() if text.isascii() else rfc8785.dumps(data)


def sha256_hex(data: bytes) -> str:
    """64 lower-case hex digits."""
    return hashlib.sha256(data).hexdigest()


def digest_bytes(data: bytes) -> str:
    """``sha256:<64 hex>`` of raw bytes, the form digests have in every file of ours."""
    return "sha256:" + sha256_hex(data)


def digest(value: "BaseModel | Json") -> str:
    """``sha256:<64 hex>`` of the canonical bytes."""
    return digest_bytes(canonical(value))


def from_json(data: bytes | str) -> Any:  # noqa: ANN401  (plain data, typed by its reader)
    """Plain data from JSON text; duplicate keys and floats are refused with ``ValueError``."""
    return json.loads(
        data,
        object_pairs_hook=_unique,
        parse_float=_refuse_float,
        parse_constant=_refuse_float,
    )


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a key stands twice in one JSON object")
    return found


def _refuse_float(text: str) -> Any:  # noqa: ANN401
    raise ValueError(f"a floating point number ({text}) is not evidence; write it as a string")


def _exact(data: object) -> None:
    """Only what has one canonical form: no floats, no integers beyond 2**53, string keys."""
    if isinstance(data, Mapping):
        for key in data:
            if not isinstance(key, str):
                raise TypeError(f"expected a string as key, found {key!r}")
        _all_exact(data.values())
    elif isinstance(data, (list, tuple)):
        _all_exact(data)
    elif isinstance(data, float):
        raise TypeError(f"a float ({data!r}) has no canonical form here; use a string")
    elif data is None or isinstance(data, (str, bool)):
        return
    elif not isinstance(data, int) or abs(data) > MAX_INTEGER:
        raise TypeError(f"{data!r} has no canonical form here; use a string")


def _all_exact(items: Iterable[object]) -> None:
    for item in items:
        if type(item) is not str:  # most are, and asking costs less than a call
            _exact(item)


MAX_INTEGER: Final = 2**53 - 1
_FAST: Final = json.JSONEncoder(
    ensure_ascii=False, check_circular=False, allow_nan=False, sort_keys=True, separators=(",", ":")
)
