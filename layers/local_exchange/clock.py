"""Time that only a hand moves."""


class VirtualClock:
    """Milliseconds since 1970; it stands still until it is told otherwise."""

    __slots__ = ("now_ms",)

    def __init__(self, now_ms: int) -> None:
        self.now_ms = now_ms

    def __call__(self) -> int:
        """Now."""
        return self.now_ms

    def advance(self, by_ms: int) -> None:
        """Go on by ``by_ms``; never back."""
        self.now_ms += max(0, by_ms)
