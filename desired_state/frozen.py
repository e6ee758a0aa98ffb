"""The one base of every value that crosses a boundary."""

from pydantic import BaseModel, ConfigDict


class Frozen(BaseModel):
    """An immutable, strict value: unknown keys, NaN and loose types are refused.

    Build it from outside bytes with ``model_validate_json`` only (strict JSON reads arrays as
    tuples and strings as enums); from code with keyword arguments of the exact types.
    """

    model_config = ConfigDict(
        frozen=True,
        extra="forbid",
        strict=True,
        allow_inf_nan=False,
        ser_json_inf_nan="strings",
        validate_default=False,
    )
