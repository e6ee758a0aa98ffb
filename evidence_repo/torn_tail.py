"""What of a file of lines is whole, and what a crash may have left behind it (JRN-2). Pure.

One write at a time is not on disk yet, and it is one line. What a crash leaves of it has no newline
at its end, or stands in whole sectors of zeros for bytes that never arrived. Zeros anywhere else
are damage to what was told to be on disk: nothing is cut off then, for what follows them is whole.
"""

import re
from typing import Final

from desired_state.errors import Stalled
from desired_state.reasons import Reason
from evidence_repo.chain import MAX_LINE

SECTOR: Final = 512
"""The least that a disk writes or does not write."""
_ZEROS: Final = re.compile(rb"\x00+")


def whole_part(data: bytes, name: str) -> bytes:
    """The bytes up to the end of the last whole line.

    Raises:
        Stalled: ``CHAIN_BROKEN`` where more than one unfinished line would be cut off.
    """
    end = data.rfind(b"\n") + 1
    torn = data[end:].replace(b"\x00", b"")
    if len(torn) > MAX_LINE:
        raise _damaged(name, end, f"{len(torn)} bytes without a newline are more than one line")
    if torn.endswith(b"}") and len(torn) < len(data) - end and not _lost(data, end):
        raise _damaged(name, end, "zeros stand where a line ends")
    zero = data.find(b"\x00", 0, end)
    if zero < 0:
        return data[:end]
    start = data.rfind(b"\n", 0, zero) + 1
    if data.find(b"\n", start) + 1 != end or not _lost(data, start):
        raise _damaged(name, zero, "zeros stand within whole lines")
    return data[:start]


def _lost(data: bytes, start: int) -> bool:
    """Whether all zeros from here on are sectors that never arrived, and not single bytes."""
    return all(
        (run.start() == start or run.start() % SECTOR == 0)
        and (run.end() == len(data) or run.end() % SECTOR == 0)
        for run in _ZEROS.finditer(data, start)
    )


def _damaged(name: str, at: int, text: str) -> Stalled:
    remedy = "nothing was cut off; put this file back from a copy, or set it aside"
    return Stalled(Reason.CHAIN_BROKEN, f"{name}: byte {at}", f"{text}: {remedy}")
