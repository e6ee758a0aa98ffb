"""The six orders that NautilusTrader 1.221's RiskEngine forwards (spec/risk.md), put to L5."""

from collections.abc import Callable

from desired_state.values import Trading
from layers.l5_risk_gate.finding import RiskVerdict
from layers.orders import TimeInForce
from tests.risk.judged_order import AT, NO_ACCOUNT, RULES, D, judge

COPIES = 51


def without_account() -> list[RiskVerdict]:
    huge = {"quantity": "9000", "price": "100"}
    return [judge(order=huge, limits={"max_order_notional": D(1)}, **NO_ACCOUNT)]


def without_price() -> list[RiskVerdict]:
    market = {"kind": "market", "price": "", "quantity": "9"}
    return [judge(order=market, symbol__quote=None)]


def nine_times() -> list[RiskVerdict]:
    return [judge(order={"price": "900.9", "quantity": "0.05"})]


def copies() -> list[RiskVerdict]:
    """Each after the one before it, which was sent if it was allowed."""
    found: list[RiskVerdict] = []
    for _ in range(COPIES):
        last = {"flow__same_order_at": AT} if found else {}
        found.append(judge(order={"time_in_force": TimeInForce.GTC}, **last))
    return found


def while_reducing() -> list[RiskVerdict]:
    return [judge(trading=Trading.REDUCING)]


def under_minimum() -> list[RiskVerdict]:
    return [judge(order={"quantity": "0.04"}, symbol__rules=RULES)]


# what it is, how L5 is asked, and the controls that it is for to refuse it
FORWARDED: dict[str, tuple[Callable[[], list[RiskVerdict]], tuple[str, ...]]] = {
    "900,000 USDT, maximum 1, no account registered": (without_account, ("A6", "B4", "C5")),
    "market order over the maximum, no price cached": (without_price, ("A6", "B4")),
    "BUY limit at nine times the ask": (nine_times, ("B7",)),
    f"{COPIES} identical orders": (copies, ("E5",)),
    "opening BUY while reducing and flat": (while_reducing, ("A4", "C7")),
    "under the venue's minimum": (under_minimum, ("B3",)),
}
