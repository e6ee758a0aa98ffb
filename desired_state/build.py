"""Which build this is; the one place of the version number."""

from typing import Final

__version__: Final = "0.1.0"
