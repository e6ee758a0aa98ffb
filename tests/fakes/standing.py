"""The verdict that stands, for tests of the door alone."""

from dataclasses import dataclass

from desired_state.errors import Finding, finding
from desired_state.reasons import Reason
from layers.orders import Permit


@dataclass
class Standing:
    """One verdict by its digest; every other one fell."""

    verdict: str

    def overtaken(self, permit: Permit) -> Finding | None:
        if permit.verdict == self.verdict:
            return None
        return finding(Reason.VERDICT_FELL, f"permit {permit.nonce}")
