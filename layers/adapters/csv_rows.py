"""Rows of a CSV file, plain or gzip, read as a stream with every read bounded."""

import gzip
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO, Final, cast

from desired_state.errors import Stalled
from desired_state.reasons import Reason
from layers.feed import Row

MAX_LINE_BYTES: Final = 512
MAX_ROWS: Final = 10_000_000  # 19 years of minutes; bounds a gzip file that unpacks without end


def rows(path: Path, columns: tuple[str, ...], optional: int = 0) -> Iterator[Row]:
    """Every row with its place as ``file:line``; the last ``optional`` columns may be left out.

    Raises:
        Stalled: ``FEED_INVALID`` for other columns, a row with too few or too many fields, bytes
            that are not ASCII, a line or file beyond the bounds, or a file that cannot be read.
    """
    name = path.name
    lines = _lines(path)
    header = next(lines, None)
    if header is None:
        raise Stalled(Reason.FEED_INVALID, f"{name}:1", "the file is empty")
    found = tuple(header.split(","))
    if found not in {columns, columns[: len(columns) - optional]}:
        left_out = f" ({', '.join(columns[-optional:])} may be left out)" if optional else ""
        raise Stalled(
            Reason.FEED_INVALID,
            f"{name}:1",
            f"expected the columns {','.join(columns)}{left_out}, found {header[:80]!r}",
        )
    for number, line in enumerate(lines, start=2):
        place = f"{name}:{number}"
        fields = line.split(",")
        if len(fields) != len(found):
            text = f"expected {len(found)} fields, found {len(fields)}"
            raise Stalled(Reason.FEED_INVALID, place, text)
        yield Row(place, dict(zip(found, fields, strict=True)))


def _lines(path: Path) -> Iterator[str]:
    name = path.name
    number = 0
    try:
        with _open(path) as stream:
            while raw := stream.readline(MAX_LINE_BYTES + 1):
                number += 1
                if len(raw) > MAX_LINE_BYTES or number > MAX_ROWS:
                    raise Stalled(
                        Reason.FEED_INVALID,
                        f"{name}:{number}",
                        f"expected at most {MAX_ROWS} lines of {MAX_LINE_BYTES} bytes",
                    )
                yield raw.decode("ascii").removesuffix("\n").removesuffix("\r")
    except UnicodeDecodeError as error:
        place = f"{name}:{number}"
        raise Stalled(Reason.FEED_INVALID, place, "expected plain ASCII") from error
    except (OSError, EOFError, zlib.error) as error:
        # a missing file, a folder, a cut or damaged archive
        place = f"{name}:{number + 1}"
        raise Stalled(Reason.FEED_INVALID, place, f"cannot be read: {error}") from error


def _open(path: Path) -> BinaryIO:
    if path.suffix == ".gz":
        return cast("BinaryIO", gzip.open(path, "rb"))
    return path.open("rb")
