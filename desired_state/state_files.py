"""The files of the state repository that people change by hand (spec: state-files)."""

from typing import Final, Self

from pydantic import model_validator

from desired_state.authority import Authority, SymbolAccess
from desired_state.frozen import Frozen
from desired_state.limits import NO_LIMITS, Limits
from desired_state.suspension import Suspension
from desired_state.values import (
    Account,
    Amount,
    Digest,
    LayerId,
    Mode,
    Name,
    Switch,
    Symbol,
    Text,
    Trading,
)

MODE: Final = "mode.yaml"
LIMITS: Final = "limits.yaml"
KILL_SWITCH: Final = "kill_switch.yaml"
CONFIGURATION: Final = ("layers.yaml", "venues.yaml", "phases.yaml", "schedule.yaml")
CONFIGURATION_FOLDERS: Final = ("scopes/", "prompts/")
PAPER_FOLDERS: Final = ("proposals/", "signoffs/")
LEDGER_FOLDERS: Final = (*PAPER_FOLDERS, "revocations/", "trust/root/")
MAX_FILE_BYTES: Final = 64 * 1024  # trust.md, section 2


class ModeFile(Frozen):
    """``mode.yaml``: what the machine is asked to do. It asks; only signatures grant."""

    mode: Mode
    trading: Trading
    symbols: dict[Symbol, SymbolAccess]
    layers: tuple[LayerId, ...]
    budgets: dict[Name, Amount]
    build: Digest | None = None  # from testnet up: which build may run
    accounts: dict[Name, Account] = {}  # noqa: RUF012  (from testnet up: on which account a venue)
    suspension: Suspension | None = None  # why trading was taken down, where somebody did

    @model_validator(mode="after")
    def _suspended_is_not_active(self) -> Self:
        if self.suspension and self.trading is Trading.ACTIVE:  # SUSPEND-1: `trading` narrows
            raise ValueError(
                "expected trading reducing or halted beside a suspension, found active"
            )
        return self


class LimitsFile(Limits):
    """``limits.yaml``: one flat set for the mode asked for, amounts in its currency."""

    @model_validator(mode="after")
    def _with_currency(self) -> Self:
        if self.currency is None:
            raise ValueError("expected a currency such as USD, found none")
        return self


class KillSwitchFile(Frozen):
    """``kill_switch.yaml``: the one line that anyone with push access may change."""

    state: Switch
    reason: Text = ""
    by: Text = ""

    @model_validator(mode="after")
    def _written_states(self) -> Self:
        if self.state is Switch.UNREADABLE:
            raise ValueError("expected armed or engaged, found unreadable")
        return self


def asked(mode: ModeFile | None, limits: Limits | None) -> Authority:
    """The authority that the two files ask for; a missing one asks for nothing on its paths."""
    return Authority(
        mode=mode.mode if mode else Mode.HALTED,
        trading=mode.trading if mode else Trading.HALTED,
        symbols=mode.symbols if mode else {},
        limits=Limits(**dict(limits)) if limits else NO_LIMITS,
        layers=mode.layers if mode else (),
        budgets=mode.budgets if mode else {},
        build=mode.build if mode else None,
        accounts=mode.accounts if mode else {},
    )


def is_configuration(path: str) -> bool:
    """Whether the path belongs to the configuration digest (trust.md, section 4)."""
    return path in CONFIGURATION or path.startswith(CONFIGURATION_FOLDERS)


def is_ledger(path: str) -> bool:
    """Whether bytes under this path never change and never disappear."""
    return path.startswith(LEDGER_FOLDERS)


def is_governed(path: str) -> bool:
    """Whether the reconciler reads this path at all."""
    return path in {MODE, LIMITS, KILL_SWITCH} or is_configuration(path) or is_ledger(path)
