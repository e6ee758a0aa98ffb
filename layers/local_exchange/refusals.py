"""What the exchange says no with: HTTP status, code and words as in Binance's ``errors.md``."""

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class Refusal:
    """One refusal: the protocol's code and text, and the HTTP status it travels with."""

    code: int
    text: str
    status: int = 400
    retry_after_s: int | None = None


class RefusedError(Exception):
    """A request that cannot be carried out; it ends where the answer is made."""

    def __init__(self, refusal: Refusal) -> None:
        """``refusal`` is the answer."""
        self.refusal = refusal
        super().__init__(refusal.text)


UNKNOWN_PATH: Final = Refusal(-1, "Path not found.", 404)
DISCONNECTED: Final = Refusal(-1001, "Internal error; unable to process your request.")
BAD_TIMESTAMP: Final = Refusal(-1021, "Timestamp for this request is outside of the recvWindow.")
EARLY_TIMESTAMP: Final = Refusal(
    -1021, "Timestamp for this request was 1000ms ahead of the server's time."
)
BAD_SIGNATURE: Final = Refusal(-1022, "Signature for this request is not valid.")
WIDE_WINDOW: Final = Refusal(-1131, "recvWindow must be less than 60000")
DOUBLED_PARAMETER: Final = Refusal(-1101, "Duplicate values for a parameter detected.")
BAD_FORCE: Final = Refusal(-1115, "Invalid timeInForce.")
BAD_KIND: Final = Refusal(-1116, "Invalid orderType.")
BAD_SIDE: Final = Refusal(-1117, "Invalid side.")
BAD_INTERVAL: Final = Refusal(-1120, "Invalid interval.")
BAD_SYMBOL: Final = Refusal(-1121, "Invalid symbol.")
WIDE_SPAN: Final = Refusal(
    -1127, "Lookup interval is too big. More than 24 hours between startTime and endTime."
)
BAD_KEY_FORM: Final = Refusal(-2014, "API-key format invalid.", 401)
BAD_KEY: Final = Refusal(-2015, "Invalid API-key, IP, or permissions for action.", 401)
NO_SUCH_ORDER: Final = Refusal(-2013, "Order does not exist.")
ARCHIVED: Final = Refusal(
    -2026,
    "Order was canceled or expired with no executed qty over 90 days ago and has been archived.",
)
NOT_CANCELLED: Final = Refusal(-2011, "Unknown order sent.")
NO_FUNDS: Final = Refusal(-2010, "Account has insufficient balance for requested action.")
DUPLICATE: Final = Refusal(-2010, "Duplicate order sent.")
WOULD_TAKE: Final = Refusal(-2010, "Order would immediately match and take.")
NO_LIQUIDITY: Final = Refusal(
    -2010, "Order book liquidity is less than `MARKET_LOT_SIZE` filter minimum quantity."
)
NO_ORDER_NAMED: Final = Refusal(
    -1102, "Param 'origClientOrderId' or 'orderId' must be sent, but both were empty/null!"
)


def filter_failure(name: str) -> Refusal:
    """-1013 with the name of the filter."""
    return Refusal(-1013, f"Filter failure: {name}")


def missing(name: str) -> Refusal:
    """-1102: a mandatory parameter is not there or not readable."""
    return Refusal(
        -1102, f"Mandatory parameter '{name}' was not sent, was empty/null, or malformed."
    )


def illegal(name: str, pattern: str) -> Refusal:
    """-1100: characters outside the parameter's legal range."""
    return Refusal(
        -1100, f"Illegal characters found in parameter '{name}'; legal range is '{pattern}'."
    )


def too_precise(name: str) -> Refusal:
    """-1111: more decimals than the asset has."""
    return Refusal(-1111, f"Parameter '{name}' has too much precision.")


def not_required(name: str) -> Refusal:
    """-1106: a parameter that does not go with the others."""
    return Refusal(-1106, f"Parameter '{name}' sent when not required.")


def unread(read: int, sent: int) -> Refusal:
    """-1104: parameters that the endpoint does not know."""
    return Refusal(
        -1104,
        f"Not all sent parameters were read; read '{read}' parameter(s) but was sent '{sent}'.",
    )
