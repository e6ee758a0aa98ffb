"""What the kernel says of its own clock: whether something keeps it synchronised."""

import ctypes
from pathlib import Path
from typing import Final

STA_UNSYNC: Final = 0x40  # adjtimex(2); the kernel sets it whenever somebody sets the clock
TIME_ERROR: Final = 5
BOOT_ID: Final = Path("/proc/sys/kernel/random/boot_id")


class _Timex(ctypes.Structure):
    _fields_ = (
        ("modes", ctypes.c_uint),
        ("offset", ctypes.c_long),
        ("freq", ctypes.c_long),
        ("maxerror", ctypes.c_long),
        ("esterror", ctypes.c_long),
        ("status", ctypes.c_int),
        ("rest", ctypes.c_byte * 512),
    )


class KernelTime:
    """Implements ``TimeSource``."""

    name = "kernel"

    def agrees(self) -> bool:
        """Whether the wall clock is synchronised. False where the kernel does not tell."""
        timex = _Timex()  # modes 0: reads and sets nothing
        try:
            state = ctypes.CDLL(None, use_errno=True).adjtimex(ctypes.byref(timex))
        except (OSError, AttributeError):
            return False
        return 0 <= state < TIME_ERROR and not timex.status & STA_UNSYNC


def boot_id() -> str:
    """Another one after each boot; empty where the kernel does not tell, which is one boot."""
    try:
        return BOOT_ID.read_text(encoding="ascii").strip()[:64]
    except (OSError, UnicodeDecodeError):
        return ""
