"""The venues that this host must find out of, one file each beside the embedded venue's store."""

from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Final

from pydantic import Field, ValidationError

from desired_state.adapters.memory_store import write_whole
from desired_state.canonical import canonical
from desired_state.errors import Stalled
from desired_state.frozen import Frozen
from desired_state.reasons import Reason
from reconciler.opened_venue import OpenedVenue

MAX_BYTES: Final = 64 * 1024
SUFFIX: Final = ".venue.json"
KNOWN: Final = "known.json"


class Known(Frozen):
    """Whatever a chain told of venues up to here is on record on this host (STOP-12)."""

    evidence: str  # the repository that holds the chain, as governor.yaml names it
    leaves: Annotated[int, Field(ge=0)]


class OpenedVenues:
    """``<var>/venues/<name>.venue.json``; what does not read is a venue that cannot tell."""

    def __init__(self, var: Path) -> None:
        """Nothing is made before something is written."""
        self._folder, self._journal = var / "venues", var / "journal"

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
        self._write(f"{opened.venue}{SUFFIX}", opened)

    def all_known(self, evidence: str) -> bool:
        """Whether every venue is here that the chain tells which this host goes on from (STOP-12).

        What its own journal tells stands here since it was written; what led there must have been
        read, and from that very repository.
        """
        try:
            with (self._folder / KNOWN).open("rb") as file:
                known = Known.model_validate_json(file.read(MAX_BYTES + 1))
        except (OSError, ValidationError):
            return False
        return known.evidence == evidence and known.leaves >= self._begin

    def mark_known(self, evidence: str, leaves: int) -> None:
        """The records hold what the first so many leaves there tell. As ``write``."""
        self._write(KNOWN, Known(evidence=evidence, leaves=leaves))

    @property
    def _begin(self) -> int:
        """The first leaf of this host's own journal; there may be no journal yet."""
        return min((int(path.stem) for path in self._journal.glob("[0-9]*.jsonl")), default=0)

    def _write(self, name: str, value: Frozen) -> None:
        try:
            write_whole(self._folder / name, canonical(value))
        except Stalled as error:
            raise Stalled(Reason.JOURNAL, error.subject, error.message) from error
