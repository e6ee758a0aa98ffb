"""Hypothesis strategies for authorities: small alphabets, so that two of them often meet."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

from hypothesis import strategies as st

from desired_state.authority import Authority, SymbolAccess
from desired_state.limits import DIRECTIONS, Limits
from desired_state.values import Access, Mode, Trading

EPOCH = datetime(2026, 11, 22, tzinfo=UTC)
amounts = st.sampled_from([Decimal(text) for text in ("0", "0.005", "1", "50", "500.25")])
counts = st.integers(0, 3)
spans = st.sampled_from([timedelta(seconds=n) for n in (0, 1, 10, 90)])
instants = st.sampled_from([None, *(EPOCH + timedelta(days=n) for n in (0, 1, 2))])


def values_of(name: str) -> st.SearchStrategy[object]:
    kind = str(Limits.model_fields[name].annotation)
    return spans if "timedelta" in kind else amounts if "Decimal" in kind else counts


BUILDS = ("sha256:" + "a" * 64, "sha256:" + "b" * 64)
account_names = st.sampled_from(["desk.1", "desk-2"])
SHOWN = (
    "max_order_notional",
    "max_total_exposure",
    "max_open_positions",
    "duplicate_window",
    "jump_good_ticks",
    "intent_ttl",
)


@st.composite
def limits(draw: st.DrawFn, names: tuple[str, ...] = SHOWN) -> Limits:
    currency = draw(st.sampled_from(["USD", "USD", "USD", "EUR", None]))
    found = {name: draw(st.none() | values_of(name)) for name in names}
    return Limits(currency=currency, **found)  # type: ignore[arg-type]


@st.composite
def authorities(draw: st.DrawFn, names: tuple[str, ...] = SHOWN) -> Authority:
    entries = st.builds(
        SymbolAccess, venue=st.sampled_from(["paper", "binance"]), access=st.sampled_from(Access)
    )
    return Authority(
        mode=draw(st.sampled_from(Mode)),
        trading=draw(st.sampled_from(Trading)),
        symbols=draw(st.dictionaries(st.sampled_from(["BTC/USDT", "ETH/USDT"]), entries)),
        limits=draw(limits(names)),
        layers=tuple(draw(st.lists(st.sampled_from(["L2", "L5", "L6"]), unique=True))),
        budgets=draw(st.dictionaries(st.sampled_from(["models_per_day", "gpu"]), amounts)),
        build=draw(st.sampled_from([None, *BUILDS])),
        accounts=draw(st.dictionaries(st.sampled_from(["paper", "binance"]), account_names)),
        not_before=draw(instants),
        expires=draw(instants),
    )


whole = authorities(tuple(DIRECTIONS))
