"""L2, L3 and L4 in order: outlook, plan, verdict on it, each with its evidence pack.

What a layer hands on is a typed artifact under the id of its pack; a plan whose report does not
say exactly APPROVE is handed on as well, and approves nothing.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from hashlib import sha256

from desired_state.build import __version__
from desired_state.canonical import canonical, digest
from evidence_repo.manifest import (
    Claim,
    Code,
    Context,
    EvidenceLevel,
    LayerUse,
    PackKind,
    ScopeUse,
)
from evidence_repo.packs import Pack, build
from layers.artifacts import EvidenceRef, MarketOutlook, TradePlan
from layers.configuration import CriticScope, OutlookScope, PlanScope
from layers.feed import FeedItem, Series
from layers.l2_market_outlook.outlook import Tape
from layers.l3_trade_plan import ladder
from layers.l4_critic.critic import review
from layers.market import Book
from layers.planner.desk import ApprovedPlan

NAMES: Mapping[str, tuple[str, str]] = {
    "L2": ("Market Outlook", "PROP"),
    "L3": ("Trade Plan Advisory", "REC/PROP"),
    "L4": ("Governance Critic", "RO/REC"),
}


@dataclass(frozen=True)
class Scopes:
    """The approved configuration of the layers that think."""

    outlook: OutlookScope
    plan: PlanScope
    critic: CriticScope


@dataclass
class Thinking:
    """The thinking layers of one session and symbol. ``keep`` records a pack."""

    series: Series
    scopes: Scopes
    layers: frozenset[str]  # permitted; a layer that is off hands on nothing
    keep: Callable[[Pack, datetime], None]
    revision: str
    packs: dict[str, str] = field(default_factory=dict)  # id to digest of its content
    outlook: MarketOutlook | None = None
    approved: ApprovedPlan | None = None
    _plan: TradePlan | None = None

    def __post_init__(self) -> None:
        """A tape of its own, and a running digest of every bar that it took."""
        self._tape = Tape(self.series, self.scopes.outlook.parameters, None)
        self._seen = sha256()

    def add(self, item: FeedItem) -> None:
        """One more bar or gap."""
        self._tape.add(item)
        self._seen.update(repr(item).encode())

    def think(self, book: Book | None, as_of: datetime) -> None:
        """A fresh outlook, and a new plan with its verdict where one is due."""
        if "L2" not in self.layers:
            self.outlook, self.approved = None, None
            return
        self.outlook = self._tape.observe(book, as_of)
        if self.layers >= {"L3", "L4"} and ladder.is_due(self._plan, self.outlook, as_of):
            self._replan(self.outlook, as_of)
        elif not self.layers >= {"L3", "L4"}:
            self.approved = None

    def _replan(self, outlook: MarketOutlook, as_of: datetime) -> None:
        use = self.scopes.plan.parameters.ladder
        seen = {"bars": f"sha256:{self._seen.hexdigest()}"}
        first = self._pack("L2", as_of, seen, {"outlook.json": canonical(outlook)})
        evidence = (EvidenceRef(id=first, sha256=self.packs[first]),)
        plan = ladder.plan(self.series, outlook, use, as_of, evidence)
        cites = {"outlook": digest(outlook), "parameters": digest(use)}
        second = self._pack("L3", as_of, cites, {"plan.json": canonical(plan)})
        policy = self.scopes.critic.parameters
        report = review(plan, outlook, self.packs, policy, as_of)
        cites = {"plan": digest(plan), "outlook": digest(outlook), "policy": digest(policy)}
        self._pack("L4", as_of, cites, {"report.json": canonical(report)}, report.decision.value)
        self._plan = plan
        self.approved = ApprovedPlan(second, plan, report)

    def _pack(
        self,
        layer: str,
        as_of: datetime,
        inputs: Mapping[str, str],
        artifacts: Mapping[str, bytes],
        decision: str = "",
    ) -> str:
        scope = {"L2": self.scopes.outlook, "L3": self.scopes.plan, "L4": self.scopes.critic}[layer]
        name, autonomy = NAMES[layer]
        context = Context(
            run_id=f"{layer}-{self.series.number(as_of)}",
            layer=LayerUse(id=layer, name=name, autonomy=autonomy),
            scope=ScopeUse(id=layer, digest=digest(scope)),
            separation_of_duties="held" if layer == "L4" else "",
            decision=decision,
            revision=self.revision,
            code=Code(version=__version__),
            claim=Claim(text=f"{layer} ran over recorded bars", level=EvidenceLevel.E2),
        )
        pack = build(PackKind.LAYER_RUN, as_of.date(), inputs, artifacts, context)
        self.packs[pack.id] = pack.content
        self.keep(pack, as_of)
        return pack.id
