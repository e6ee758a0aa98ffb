"""The venues that this host ever opened, one file each beside the embedded venue's store."""

from collections.abc import Iterator
from pathlib import Path
from typing import Final

from pydantic import ValidationError

from desired_state.adapters.memory_store import write_whole
from desired_state.canonical import canonical
from desired_state.errors import Stalled
from desired_state.reasons import Reason
from reconciler.opened_venue import OpenedVenue

MAX_BYTES: Final = 64 * 1024
SUFFIX: Final = ".venue.json"


class OpenedVenues:
    """``<var>/venues/<name>.venue.json``; what does not read is a venue that cannot tell."""

    def __init__(self, var: Path) -> None:
        """Nothing is made before something is written."""
        self._folder = var / "venues"

    def names(self) -> Iterator[str]:
        """Of every venue, in order."""
        for path in sorted(self._folder.glob(f"*{SUFFIX}")):
            yield path.name.removesuffix(SUFFIX)

    def read(self, name: str) -> OpenedVenue | None:
        """None where there is none. Raises ``Stalled(VENUE_UNPROVEN)`` where it does not read."""
        try:
            with (self._folder / f"{name}{SUFFIX}").open("rb") as file:
                return OpenedVenue.model_validate_json(file.read(MAX_BYTES + 1))
        except FileNotFoundError:
            return None
        except (OSError, ValidationError) as error:
            text = "the record of its opening does not read"
            raise Stalled(Reason.VENUE_UNPROVEN, name, text) from error

    def write(self, opened: OpenedVenue) -> None:
        """On disk when this returns. Raises ``Stalled(JOURNAL)``."""
        try:
            write_whole(self._folder / f"{opened.venue}{SUFFIX}", canonical(opened))
        except Stalled as error:
            raise Stalled(Reason.JOURNAL, error.subject, error.message) from error
