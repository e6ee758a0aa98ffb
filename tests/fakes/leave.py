"""The door's last word, for tests of what stands behind the door."""

from dataclasses import dataclass, field

from desired_state.errors import Finding, finding
from desired_state.reasons import Reason
from layers.orders import OrderRequest


@dataclass
class Leave:
    """Says yes, or no with ``code``; keeps every order that it was asked about."""

    code: Reason | None = None
    asked: list[OrderRequest] = field(default_factory=list)

    def refuses(self, wire: OrderRequest) -> Finding | None:
        self.asked.append(wire)
        return None if self.code is None else finding(self.code, wire.client_order_id)
