"""Side by side: the six orders that the peer forwards, and which of our controls refuse them."""

from dataclasses import dataclass

from rich.table import Table

from layers.l5_risk_gate.finding import Outcome
from tests.bench.measurement import NOT_INSTALLED
from tests.bench.peer_forwarding import forwarded
from tests.risk.forwarded_orders import FORWARDED


@dataclass(frozen=True, slots=True)
class Answer:
    """One order, what each of the two said, and whether ours is what the specification asks."""

    order: str
    peer: str
    ours: str
    ok: bool


def answers() -> list[Answer]:
    """Both asked now, in this process; nothing is quoted."""
    theirs = forwarded()
    found = []
    for name, (ask, controls) in FORWARDED.items():
        verdicts = ask()
        refused = [v for v in verdicts if v.outcome is not Outcome.ALLOW]
        # of many equal orders the first is a good one
        ok = len(refused) == max(1, len(verdicts) - 1)
        against = [{f.control: f.code.value for f in v.refusals} for v in refused]
        ok = ok and all(set(controls) <= set(codes) for codes in against)
        told = ", ".join(f"{c} {against[-1][c]}" for c in controls) if ok else "NOT REFUSED"
        if len(verdicts) > 1:
            told = f"{len(refused)} of {len(verdicts)}: {told}"
        found.append(Answer(name, theirs[name] if theirs else NOT_INSTALLED, told, ok))
    return found


def table(found: list[Answer]) -> Table:
    """One row an order."""
    made = Table(title="Orders that NautilusTrader's RiskEngine forwards", title_justify="left")
    for name in ("order", "NautilusTrader 1.221", "ours refuses", "ok"):
        made.add_column(name)
    for answer in found:
        mark = "[green]yes[/]" if answer.ok else "[bold red]NO[/]"
        made.add_row(answer.order, answer.peer, answer.ours, mark)
    return made
