"""Bars from a CSV file, plain or gzip, read as a stream with every read bounded."""

import gzip
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Final, cast

from desired_state.errors import Stalled
from desired_state.reasons import Reason
from layers.feed import COLUMNS, FeedItem, Row, Series, Window, in_order

MAX_LINE_BYTES: Final = 512
MAX_ROWS: Final = 10_000_000  # 19 years of minutes; bounds a gzip file that unpacks without end

_CARRIED: Final = Path(__file__).parent.parent / "data" / "btcusdt-1h-2020-crash.csv"


@dataclass(frozen=True, slots=True)
class CsvBars:
    """A bar feed over one file. Errors name the file by its name and the line."""

    path: Path

    def bars(self, series: Series, window: Window) -> Iterator[FeedItem]:
        """Bars and gaps in order, see ``layers.feed``."""
        return in_order(self._rows(), series, window)

    def _rows(self) -> Iterator[Row]:
        name = self.path.name
        lines = self._lines()
        header = next(lines, None)
        if header is None:
            raise Stalled(Reason.FEED_INVALID, f"{name}:1", "the file is empty")
        columns = tuple(header.split(","))
        if columns not in {COLUMNS, COLUMNS[:-1]}:
            raise Stalled(
                Reason.FEED_INVALID,
                f"{name}:1",
                f"expected the columns {','.join(COLUMNS)} (trades may be left out), "
                f"found {header[:80]!r}",
            )
        for number, line in enumerate(lines, start=2):
            place = f"{name}:{number}"
            fields = line.split(",")
            if len(fields) != len(columns):
                raise Stalled(
                    Reason.FEED_INVALID,
                    place,
                    f"expected {len(columns)} fields, found {len(fields)}",
                )
            yield Row(place, dict(zip(columns, fields, strict=True)))

    def _lines(self) -> Iterator[str]:
        name = self.path.name
        number = 0
        try:
            with self._open() as stream:
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

    def _open(self) -> BinaryIO:
        if self.path.suffix == ".gz":
            return cast("BinaryIO", gzip.open(self.path, "rb"))
        return self.path.open("rb")


def carried_prices() -> CsvBars:
    """The real BTC/USDT hours of February and March 2020 that ship with the package."""
    return CsvBars(_CARRIED)
