"""An authority in one line that a stranger reads. Pure."""

from desired_state.authority import Authority
from desired_state.values import instant_text


def authority_words(authority: Authority | None) -> str:
    """One line: mode, trading state, symbols, and the bounds that people ask for first."""
    if authority is None:
        return "nothing"
    found = [f"mode {authority.mode}", f"trading {authority.trading}"]
    found += [f"{s} {e.access} at {e.venue}" for s, e in authority.symbols.items()]
    found += [f"account {name} at {venue}" for venue, name in authority.accounts.items()]
    if authority.build:
        found.append(f"build {authority.build}")
    limits = authority.limits
    for name in ("max_order_notional", "max_total_exposure", "max_daily_loss"):
        value = getattr(limits, name)
        if value is not None:
            found.append(f"{name} {value.normalize():f} {limits.currency}")
    if authority.expires:
        found.append(f"until {instant_text(authority.expires)}")
    return ", ".join(found)
