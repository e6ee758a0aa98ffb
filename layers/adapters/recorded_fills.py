"""Recorded fills from a file: one JSON object a line, as ``RecordedFill`` writes itself."""

from collections.abc import Iterator
from pathlib import Path
from typing import Final

from pydantic import ValidationError

from desired_state.errors import Stalled
from desired_state.reasons import Reason
from layers.paper_venue.calibration import RecordedFill

MAX_LINE_BYTES: Final = 4096
MAX_LINES: Final = 1_000_000


def recorded_fills(path: Path) -> Iterator[RecordedFill]:
    """Every fill of the file.

    Raises:
        Stalled: ``FEED_INVALID`` with file and line.
    """
    number = 0
    try:
        with path.open("rb") as stream:
            while raw := stream.readline(MAX_LINE_BYTES + 1):
                number += 1
                if len(raw) > MAX_LINE_BYTES or number > MAX_LINES:
                    text = f"expected at most {MAX_LINES} lines of {MAX_LINE_BYTES} bytes"
                    raise Stalled(Reason.FEED_INVALID, f"{path.name}:{number}", text)
                yield RecordedFill.model_validate_json(raw)
    except ValidationError as error:
        text = f"expected a recorded fill: {error.errors()[0]['msg']}"
        raise Stalled(Reason.FEED_INVALID, f"{path.name}:{number}", text) from error
    except OSError as error:
        text = f"cannot be read: {error.strerror}"
        raise Stalled(Reason.FEED_INVALID, f"{path.name}:{number + 1}", text) from error
