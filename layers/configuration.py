"""How the layers work, as people write it: ``layers.yaml`` and ``scopes/L0.yaml`` to ``L6.yaml``.

All of it is configuration (spec: trust, section 4): no direction, identified by its digest, and
only an approved one runs. Windows and holds count in bars, so they scale with the feed.
"""

from decimal import Decimal
from typing import Annotated, Final, Literal, Self

from pydantic import AfterValidator, Field, StringConstraints, model_validator

from desired_state.frozen import Frozen
from desired_state.limits import Currency
from desired_state.values import Amount, LayerId, Name, Span, Symbol
from layers.orders import TimeInForce

Model = Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9.:_-]{0,63}$")]  # or "none"
Tool = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_-]{0,31}$")]
ArtifactName = Annotated[str, StringConstraints(pattern=r"^[A-Z][A-Za-z]{0,47}$")]
Sentence = Annotated[str, StringConstraints(min_length=1, max_length=400)]
Bars = Annotated[int, Field(ge=1, le=10_000)]
Positive = Annotated[Amount, Field(gt=0)]
Share = Annotated[Amount, Field(gt=0, le=1)]

LAYERS: Final[tuple[LayerId, ...]] = ("L0", "L1", "L2", "L3", "L4", "L5", "L6")


class LayerRow(Frozen):
    """One row of the map. ``none`` stands where no model may ever answer."""

    id: LayerId
    name: Annotated[str, StringConstraints(min_length=1, max_length=40)]
    autonomy: Annotated[tuple[Literal["RO", "REC", "PROP", "EXEC"], ...], Field(min_length=1)]
    primary: Model
    fallback: tuple[Model, ...]
    critic: Model
    tools: tuple[Tool, ...]
    optional_tools: tuple[Tool, ...] = ()
    constraint: Sentence

    @model_validator(mode="after")
    def _separate(self) -> Self:
        if self.primary != "none" and self.critic in {self.primary, *self.fallback}:
            raise ValueError(f"{self.id}: the critic may not be one of the layer's own models")
        if self.primary == "none" and (self.fallback or self.critic != "none"):
            raise ValueError(f"{self.id}: a layer without a model has no fallback and no critic")
        return self


class LayerMap(Frozen):
    """``layers.yaml``: all seven layers, in order."""

    layers: tuple[LayerRow, ...]

    @model_validator(mode="after")
    def _seven(self) -> Self:
        found = tuple(row.id for row in self.layers)
        if found != LAYERS:
            raise ValueError(f"expected the layers {', '.join(LAYERS)}, found {', '.join(found)}")
        for row in self.layers[-2:]:
            if row.primary != "none" or row.tools or row.optional_tools:
                raise ValueError(f"{row.id} is code: it has no model and no tools")
        return self


def _pattern(text: str) -> str:
    parts = text.split("/")
    if not all(parts) or {".", ".."} & set(parts) or "\\" in text:
        raise ValueError(f"expected a relative path pattern without .., found {text!r}")
    if any("**" in part and part != "**" for part in parts):
        raise ValueError(f"expected ** as a whole part of the path, found {text!r}")
    return text


PathPattern = Annotated[str, StringConstraints(max_length=200), AfterValidator(_pattern)]


class Inputs(Frozen):
    """Globs on normalised paths. What is not allowed is forbidden, and forbidden wins."""

    allowed: tuple[PathPattern, ...]
    forbidden: tuple[PathPattern, ...]


class Artifacts(Frozen):
    """Types that a layer may return, and types that it may never return."""

    allowed: tuple[ArtifactName, ...]
    forbidden: tuple[ArtifactName, ...]

    @model_validator(mode="after")
    def _apart(self) -> Self:
        if both := set(self.allowed) & set(self.forbidden):
            raise ValueError(f"allowed and forbidden at once: {', '.join(sorted(both))}")
        return self


class Tools(Frozen):
    """Tools by name. What is not allowed is forbidden, and forbidden wins."""

    allowed: tuple[Tool, ...]
    forbidden: tuple[Tool, ...]


class Web(Frozen):
    """Domains that may be read, and how often. None and zero mean no web."""

    domains: tuple[Annotated[str, StringConstraints(pattern=r"^[a-z0-9.-]{1,120}$")], ...]
    requests_per_hour: Annotated[int, Field(ge=0, le=10_000)]


class Scope(Frozen):
    """``scopes/L*.yaml``: what one layer may see, use and return. Deny first."""

    layer: LayerId
    inputs: Inputs
    artifacts: Artifacts
    tools: Tools
    web: Web
    constraints: tuple[Sentence, ...]
    log_fields: tuple[Name, ...]


# --- parameters ----------------------------------------------------------------------------------


class Bound(Frozen):
    """A trigger fires above ``bound`` and stands ``hold_bars`` after it last fired."""

    bound: Positive
    hold_bars: Bars


class WindowBound(Bound):
    """The same for a measure over a window of bars."""

    window_bars: Bars


class Quality(Frozen):
    """When data is not good enough to trade on."""

    warm_up_bars: Annotated[int, Field(ge=2, le=10_000)]
    max_age_bars: Bars  # since the last bar closed, and of the book
    outlier_return: Positive  # absolute log return of one bar
    hold_bars: Bars


class News(Frozen):
    """How long before and after an event of the calendar nothing new is opened."""

    before: Span
    after: Span


class OutlookParameters(Frozen):
    """L2: windows and bounds of the NO-TRADE triggers, per symbol."""

    inputs: tuple[Literal["bars", "book", "calendar"], ...]
    valid_bars: Bars
    volatility: WindowBound  # realised volatility of the window, not annualised
    trend: WindowBound  # absolute log return over the window
    spread: Bound  # (ask - bid) / mid
    quality: Quality
    news: News
    drawdown_bars: Bars
    volume_bars: Bars
    range_bars: Annotated[int, Field(ge=2, le=10_000)]

    @model_validator(mode="after")
    def _bars_are_needed(self) -> Self:
        if "bars" not in self.inputs:
            raise ValueError("expected bars among the inputs; every outlook needs them")
        return self

    @property
    def memory_bars(self) -> int:
        """How many bars an outlook can depend on."""
        windows = (self.volatility.window_bars, self.trend.window_bars, self.range_bars)
        others = (self.drawdown_bars, self.volume_bars, self.quality.warm_up_bars)
        return max(*windows, *others) + 1


class LadderParameters(Frozen):
    """L3's setup ``ladder``. Distances in multiples of the average true range (ATR)."""

    rungs: Annotated[int, Field(ge=1, le=20)]
    spacing: Positive  # between rungs, and from the reference to the first
    take_profit: Positive  # above average cost
    stop: Positive  # below average cost
    min_stop_fraction: Share  # a calm market does not make the stop tighter than this
    rung_fraction: Share  # of the symbol's permitted exposure, one rung
    size_fraction: Share  # of the same, all held and working together
    range_bars: Annotated[int, Field(ge=2, le=10_000)]
    valid_bars: Bars
    exit_orders: Annotated[int, Field(ge=1, le=20)]  # of the open orders, kept free for exits
    exits_per_day: Annotated[int, Field(ge=0, le=10_000)]  # of the day's orders, kept for exits


class Setups(Frozen):
    """L3: the setup templates by name."""

    ladder: LadderParameters


class Policy(Frozen):
    """L4: the policy pack of the rule-only critic."""

    setups: tuple[Name, ...]
    max_hypotheses: Annotated[int, Field(ge=0, le=20)]
    min_stop_fraction: Share  # tighter asks for changes: noise would trigger it
    max_stop_fraction: Share
    max_size_fraction: Share
    max_loss_fraction: Share
    max_plan_validity: Span


class OutlookScope(Scope):
    """``scopes/L2.yaml``."""

    layer: Literal["L2"]
    parameters: OutlookParameters


class PlanScope(Scope):
    """``scopes/L3.yaml``."""

    layer: Literal["L3"]
    parameters: Setups


class CriticScope(Scope):
    """``scopes/L4.yaml``."""

    layer: Literal["L4"]
    parameters: Policy


SCOPES: Final[dict[LayerId, type[Scope]]] = {
    "L0": Scope,
    "L1": Scope,
    "L2": OutlookScope,
    "L3": PlanScope,
    "L4": CriticScope,
    "L5": Scope,
    "L6": Scope,
}


ASSUMED: Final = "assumed"


class PegRow(Frozen):
    """What a quote currency is held worth, and which pair of the venue's shows its price.

    The pair's other side stands for ``currency``, such as USDC for USD. ``assumed``: nobody
    watches, which L5 takes for yes where money is made up and for no from testnet up (F9).
    """

    currency: Currency  # of limits.yaml
    rate: Annotated[Amount, Field(ge=Decimal("0.0001"), le=10_000)]
    watched: Literal["assumed"] | Symbol


class VenueRow(Frozen):
    """One row of ``venues.yaml``; ``class`` says which mode the venue serves."""

    kind: Literal["simulator", "sandbox", "live"] = Field(alias="class")
    symbols: tuple[Symbol, ...]
    types: tuple[Literal["limit"], ...]
    time_in_force: tuple[TimeInForce, ...]
    leverage: Literal["none"]
    dead_man_switch: bool
    opening_balances: dict[str, Amount] = Field(default_factory=dict)  # of a simulator
    # by quote currency; one that is neither here nor the limits' own is not bought with
    pegs: dict[Currency, PegRow] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _shows_the_pegged(self) -> Self:
        for name, row in self.pegs.items():
            if row.watched != ASSUMED and row.watched.split("/").count(name) != 1:
                raise ValueError(f"expected a pair with {name} on one side, found {row.watched}")
        return self


class VenueMap(Frozen):
    """``venues.yaml``."""

    venues: dict[Name, VenueRow]
