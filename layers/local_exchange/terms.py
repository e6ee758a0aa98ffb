"""Words and terms of the exchange: order kinds and states, filters, fees, limits, deposits.

Instants are whole milliseconds since 1970 (``_ms``), as in the protocol. Prices are in the quote
asset, sizes in the base asset.
"""

from decimal import Decimal
from enum import StrEnum
from typing import Annotated, Final

from pydantic import Field

from desired_state.frozen import Frozen
from desired_state.values import Amount

NOTHING: Final = Decimal(0)
GRAIN: Final = Decimal("0.00000001")  # eight decimals: what a balance or fee is kept in
DESK: Final = "desk"  # the account whose keys are handed out
CROWD: Final = "crowd"  # everybody else; it may owe what it does not have
FEES: Final = "fees"  # where commissions go, so that every currency adds up


class Kind(StrEnum):
    """Order types of the protocol that are traded here."""

    LIMIT = "LIMIT"
    LIMIT_MAKER = "LIMIT_MAKER"
    MARKET = "MARKET"


class Force(StrEnum):
    """``timeInForce`` of the protocol."""

    GTC = "GTC"
    IOC = "IOC"
    FOK = "FOK"


class Status(StrEnum):
    """``status`` of the protocol."""

    NEW = "NEW"
    PARTIALLY_FILLED = "PARTIALLY_FILLED"
    FILLED = "FILLED"
    CANCELED = "CANCELED"
    REJECTED = "REJECTED"
    EXPIRED = "EXPIRED"
    EXPIRED_IN_MATCH = "EXPIRED_IN_MATCH"


LIVE: Final = frozenset({Status.NEW, Status.PARTIALLY_FILLED})


class SelfTrade(StrEnum):
    """``selfTradePreventionMode``: who gives way when an account would meet itself."""

    EXPIRE_TAKER = "EXPIRE_TAKER"
    EXPIRE_MAKER = "EXPIRE_MAKER"
    EXPIRE_BOTH = "EXPIRE_BOTH"
    NONE = "NONE"  # the crowd may trade with itself; nobody else can ask for it


class SymbolTerms(Frozen):
    """One market and its filters; the defaults are those of BTCUSDT at Binance."""

    symbol: str = "BTCUSDT"
    base: str = "BTC"
    quote: str = "USDT"
    tick: Amount = Decimal("0.01")
    min_price: Amount = Decimal("0.01")
    max_price: Amount = Decimal(1_000_000)
    step: Amount = Decimal("0.00001")
    min_quantity: Amount = Decimal("0.00001")
    max_quantity: Amount = Decimal(9000)
    min_notional: Amount = Decimal(5)
    max_notional: Amount = Decimal(9_000_000)
    farthest_up: Amount = Decimal(5)  # PERCENT_PRICE_BY_SIDE, times the average price
    farthest_down: Amount = Decimal("0.2")
    max_open_orders: Annotated[int, Field(ge=1)] = 200
    still: Amount | None = None  # the price of a market that no recording moves


# where the price of USDT is watched (L5's F9): Binance has no market of it against the dollar
DOLLARS: Final = SymbolTerms(
    symbol="USDCUSDT",
    base="USDC",
    quote="USDT",
    tick=Decimal("0.0001"),
    min_price=Decimal("0.0001"),
    max_price=Decimal(1000),
    step=Decimal(1),
    min_quantity=Decimal(1),
    max_quantity=Decimal(6_000_000),
    still=Decimal(1),
)


class CrowdTerms(Frozen):
    """How the crowd quotes around the recorded price (README.md, X-11 to X-14)."""

    half_spread_floor_bps: Amount = Decimal(1)
    half_spread_range_share: Amount = Decimal("0.01")  # of the bar's high-low range
    levels: Annotated[int, Field(ge=1, le=50)] = 10
    depth_share: Amount = Decimal("0.0005")  # size of one level, of the bar's volume
    size_spread: Annotated[Amount, Field(le=1)] = Decimal("0.5")  # a level's size, more or less
    steps_per_leg: Annotated[int, Field(ge=1, le=60)] = 4


class RateTerms(Frozen):
    """Rate limits as ``exchangeInfo`` announces them."""

    weight_per_minute: Annotated[int, Field(ge=1)] = 6000
    orders_per_ten_seconds: Annotated[int, Field(ge=1)] = 100
    orders_per_day: Annotated[int, Field(ge=1)] = 200_000
    ban_s: Annotated[int, Field(ge=1)] = 120  # the shortest ban of the protocol
    refusals_before_ban: Annotated[int, Field(ge=1)] = 10


class Deposit(Frozen):
    """What an account holds when the exchange is made or wiped."""

    account: str
    asset: str
    amount: Amount


class ExchangeTerms(Frozen):
    """Everything that is fixed when an exchange is made; kept in its store."""

    seed: int = 7
    symbols: tuple[SymbolTerms, ...] = (SymbolTerms(),)
    maker_fee: Amount = Decimal("0.001")
    taker_fee: Amount = Decimal("0.001")
    deposits: tuple[Deposit, ...] = (
        Deposit(account=DESK, asset="USDT", amount=Decimal(10_000)),
        Deposit(account=DESK, asset="BTC", amount=Decimal(1)),
    )
    crowd: CrowdTerms = CrowdTerms()
    rates: RateTerms = RateTerms()
    # closed ones; half of them go when there are more
    kept_orders: Annotated[int, Field(ge=2)] = 20_000
    key_checks: bool = True  # whether /sapi is there; Binance's testnet has none


class Key(Frozen):
    """An API key: whose it is and what it may do. The secret never leaves by ``repr``."""

    name: str
    secret: Annotated[str, Field(repr=False)]
    account: str = DESK
    may_trade: bool = True
    may_withdraw: bool = False
    from_anywhere: bool = False  # it listens on loopback, so its keys work from there alone
