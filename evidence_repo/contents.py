"""What may stand in a pack: names that stay inside it, and bytes that hold no secret."""

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from typing import Final

from desired_state.canonical import from_json
from desired_state.errors import Finding, finding
from desired_state.reasons import Reason
from evidence_repo.layout import MAX_ENTRIES

MAX_FILE: Final = 16 * 1024 * 1024
"""Bytes of one file in a pack or of one object."""
MAX_DEPTH: Final = 4
MAX_NAME: Final = 200

_SEGMENT: Final = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._=-]{0,99}\Z")
_SECRETS: Final = (
    ("a private key", re.compile(rb"-----BEGIN [A-Z ]{0,40}PRIVATE KEY")),
    ("an access key", re.compile(rb"\b(AKIA|ASIA)[0-9A-Z]{16}\b")),
    ("a provider's token", re.compile(rb"\b(sk-|ghp_|gho_|github_pat_|xox[abp]-)[\w-]{20,}")),
    (
        "a value that looks like a credential",
        re.compile(
            rb"(?i)(api[_-]?key|api[_-]?secret|secret[_-]?key|client[_-]?secret|password|passphrase)"
            rb"\"?\s{0,3}[=:]\s{0,3}\"?(?!sha256:|SHA256:)[A-Za-z0-9+/_=-]{12,}"
        ),
    ),
    ("credentials in an address", re.compile(rb"\w://[^/\s:@\"]{1,100}:[^/\s@\"*]{1,100}@")),
)


def check_names(files: Iterable[str]) -> Iterator[Finding]:
    """Names that leave the pack, collide, or are too many (PACK-4)."""
    names = list(files)
    for name in names:
        segments = name.split("/")
        plain = all(_SEGMENT.match(segment) for segment in segments)
        if not plain or len(segments) > MAX_DEPTH or len(name) > MAX_NAME:
            yield _wrong(name, "PACK-4: expected a plain relative path inside the pack")
    paths = Counter(path.casefold() for path in {p for n in names for p in _with_folders(n)})
    for name in names:
        if any(paths[path.casefold()] > 1 for path in _with_folders(name)):
            yield _wrong(name, "PACK-4: two names differ in case alone")
        if name in {folder for other in names for folder in _folders(other)}:
            yield _wrong(name, "PACK-4: a file and a folder have one name")
    within = Counter(p.rpartition("/")[0] for p in {p for n in names for p in _with_folders(n)})
    for folder, count in within.items():
        if count > MAX_ENTRIES:
            yield _wrong(folder or "pack", f"PACK-4: {count} names in one folder")


def check_content(files: Mapping[str, bytes]) -> Iterator[Finding]:
    """Secrets (PACK-6), bytes without bound, and JSON that is not exact (PACK-1)."""
    for name, data in files.items():
        if len(data) > MAX_FILE:
            yield _wrong(name, f"PACK-4: expected at most {MAX_FILE} bytes, found {len(data)}")
            continue
        for what, pattern in _SECRETS:
            if pattern.search(data):
                yield _wrong(name, f"PACK-6: the file holds {what}")
        if name.endswith(".json"):
            yield from _exact_json(name, data)


def _exact_json(name: str, data: bytes) -> Iterator[Finding]:
    try:
        from_json(data)
    except (ValueError, RecursionError) as error:
        yield _wrong(name, f"PACK-1: {error}")


def _folders(name: str) -> Iterator[str]:
    folder = name.rpartition("/")[0]
    while folder:
        yield folder
        folder = folder.rpartition("/")[0]


def _with_folders(name: str) -> Iterator[str]:
    yield name
    yield from _folders(name)


def _wrong(subject: str, message: str) -> Finding:
    return finding(Reason.PACK_INVALID, subject[:200], message)
