"""A venue that this host once opened: enough to find the way out of it again. Pure."""

from desired_state.frozen import Frozen
from desired_state.values import Account, Name, Symbol
from layers.risk_snapshot import VenueClass


class OpenedVenue(Frozen):
    """Written before the first order could leave, and never taken away (STOP-11)."""

    venue: Name
    venue_class: VenueClass
    account: Account
    rehearsed: bool  # a local exchange stood in its place
    symbols: tuple[Symbol, ...]  # every one that was ever traded there

    def goes_on(self, now: "OpenedVenue") -> "OpenedVenue | None":
        """Both in one, or none where they are not the same account at the same place."""
        if self.model_copy(update={"symbols": now.symbols}) != now:
            return None
        symbols = tuple(sorted({*self.symbols, *now.symbols}))
        return now.model_copy(update={"symbols": symbols})
