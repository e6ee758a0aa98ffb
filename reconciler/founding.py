"""The first files of a desk: trust root, schemas and host file, from who is there. Pure."""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final

from pydantic import BaseModel

from desired_state.canonical import digest_bytes
from desired_state.document import dump, load
from desired_state.errors import Finding
from desired_state.proposals import Proposal, SignOff
from desired_state.revocations import Revocation
from desired_state.signatures import public_key
from desired_state.state_files import KillSwitchFile, LimitsFile, ModeFile
from desired_state.trust_root import Root, Use, root_findings
from desired_state.values import Environment, instant_text

ROOT_FILE: Final = "trust/root/1.yaml"
LIFE: Final = timedelta(days=90)  # trust.md, section 3
THE_FOUR: Final = ("risk_officer", "security_officer", "operations", "system_owner")
PERSONAL_USES: Final = (Use.SIGN_OFF, Use.PROPOSAL, Use.TRUST_ROOT, Use.REVOCATION)
ROOT_SIGNERS: Final = 3
# phases.md, P11: the review with its checklist, the risk assessment, the operator's decision
READINESS: Final = ("live_readiness", "risk_assessment", "operator_decision")
SCHEMAS: Final[Mapping[str, type[BaseModel]]] = {
    "mode": ModeFile,
    "limits": LimitsFile,
    "kill_switch": KillSwitchFile,
    "proposal": Proposal,
    "signoff": SignOff,
    "root": Root,
    "revocation": Revocation,
}


@dataclass(frozen=True, slots=True)
class Holder:
    """Somebody, or this host, with roles and one public key a set of uses."""

    name: str
    roles: tuple[str, ...]
    keys: tuple[tuple[str, tuple[Use, ...]], ...]  # line as in a .pub file, and what it is for
    forge: Mapping[str, int] = field(default_factory=dict)


def person(name: str, roles: Iterable[str], public: str) -> Holder:
    """A person with one key for everything that people sign."""
    return Holder(name, tuple(roles), ((public.strip(), PERSONAL_USES),))


def host(name: str, evidence: str, watcher: str) -> Holder:
    """This host's own two keys; it holds no role of any gate."""
    keys = ((evidence, (Use.EVIDENCE,)), (watcher, (Use.HEARTBEAT,)))
    return Holder(name, ("log", "watcher"), keys)


def root_file(
    holders: Sequence[Holder],
    repository: str,
    environment: Environment,
    now: datetime,
    *,
    rehearses: bool = False,
) -> bytes:
    """``trust/root/1.yaml`` in the written form, issued at the full minute before ``now``.

    ``rehearses`` marks it for modes above paper on a local exchange (REHEARSAL-1).

    Raises:
        Stalled: ``STATE_SCHEMA`` or ``SIGNATURE`` where a name, role or key cannot stand there.
    """
    issued = now.replace(second=0, microsecond=0)
    span = {"valid_from": instant_text(issued), "valid_until": instant_text(issued + LIFE)}
    data = {
        "version": 1,
        "prev": "",
        "repository": repository,
        "environment": environment.value,
        "issued": instant_text(issued),
        "expires": instant_text(issued + LIFE),
        "persons": {
            who.name: {"roles": list(who.roles)} | ({"forge": dict(who.forge)} if who.forge else {})
            for who in holders
        },
        "keys": {
            public_key(line).key_id: {
                "public": public_key(line).line,
                "person": who.name,
                "uses": [use.value for use in uses],
                **span,
                "hardware": public_key(line).hardware,
            }
            for who in holders
            for line, uses in who.keys
        },
        "thresholds": {"root": ROOT_SIGNERS},
        "gates": _gates(touch=not rehearses),
        "bounds": {
            "source_stale_after": "60s",
            "halted_after": "300s",
            "permit": "5s",
            "heartbeat": "2s",
            "end_of_approval_reducing": "60m",
        },
        "incompatible": [["risk_officer", "system_owner"]],
    }
    if rehearses:
        data["rehearses"] = "local_exchange"
    header = (
        "yaml-language-server: $schema=../../schema/root.json\n"
        "Who may sign what, for how long and how much. Its sha256 is pinned in governor.yaml;\n"
        "it never changes. The next one is signed by the threshold of this one and of itself."
    )
    return dump(data, header=header, name=ROOT_FILE)


def read_root(data: bytes, path: str = ROOT_FILE) -> tuple[Root, tuple[Finding, ...]]:
    """The root as the reconciler will read it, with what is wrong or fragile in it.

    Raises:
        Stalled: ``STATE_SCHEMA``.
    """
    root = load(Root, data, path)
    return root, root_findings(root)


def host_file(root: bytes, repository: str) -> bytes:
    """``governor.yaml`` for a desk whose repositories stand beside it."""
    data = {
        "state": {"url": "./state.git", "branch": "main", "poll": "1s", "repository": repository},
        "evidence": {"url": "./evidence.git", "branch": "main", "clone": "./evidence"},
        "trust_root": digest_bytes(root),
        "var": "./var",
        "keys": {"evidence": "./var/keys/evidence", "watcher": "./var/keys/watcher"},
    }
    header = (
        "This host's own configuration; it never stands in a repository.\n"
        "trust_root pins the first root of trust: sha256sum state/trust/root/1.yaml"
    )
    return dump(data, header=header, name="governor.yaml")


def schemas() -> dict[str, bytes]:
    """JSON Schemas of the files that people write, for their editors."""
    found = {}
    for name, model in SCHEMAS.items():
        schema = {"$schema": "https://json-schema.org/draft/2020-12/schema"}
        schema |= model.model_json_schema()
        found[f"schema/{name}.json"] = (json.dumps(schema, indent=2) + "\n").encode()
    return found


def demonstration_note(names: Iterable[str]) -> bytes:
    """What ``people/README.md`` says."""
    return (
        "# Demonstration keys\n\n"
        f"The keys of {', '.join(names)} were made by `governor init --demo-keys`, without a\n"
        "passphrase, in one folder. They show how signing works and serve a rehearsal alone:\n"
        "whoever can read this folder is everybody in it. Real people make their own keys, keep\n"
        "them to themselves, and are named with `governor init --person NAME:ROLE:FILE.pub`.\n"
    ).encode()


def _gates(*, touch: bool) -> dict[str, Any]:
    """The gates as shipped (trust.md, section 5); amounts in USD."""
    pair: list[dict[str, Any]] = [
        {"role": "operator", "at_least": 1},
        {"any_of": list(THE_FOUR), "at_least": 1},
    ]
    two: dict[str, Any] = {"all_of": pair, "distinct": 2}
    four: dict[str, Any] = {
        "all_of": [{"role": role, "at_least": 1} for role in THE_FOUR],
        "distinct": 4,
    }
    one: dict[str, Any] = {"all_of": pair[:1], "distinct": 1}
    return {
        "advisory": {**two, "at_most_days": 30},
        "shadow": {**two, "at_most_days": 30},
        "paper": {**two, "at_most_days": 30, "ceilings": _PAPER},
        "testnet": {**four, "at_most_days": 30, "ceilings": _TESTNET},
        "bounded_live": {
            **four,
            "at_most_days": 14,
            "ceilings": _BOUNDED_LIVE,
            "evidence": list(READINESS),
            "touch": touch,  # a rehearsal that reaches no venue is played with keys made for it
        },
        "restore": two,
        "release": two,
        "release_technical": one,
        "wind_down": {**two, "at_most_minutes": 60},
    }


# Paper money, but sizes that still look like this desk: ten to a hundred times bounded live.
_PAPER: Final = {
    "currency": "USD",
    "max_order_notional": "5000",
    "max_total_exposure": "50000",
    "max_daily_loss": "5000",
    "max_open_positions": 20,
}
_TESTNET: Final = {"currency": "USD", "max_order_notional": "100", "max_total_exposure": "500"}
_BOUNDED_LIVE: Final = {
    "currency": "USD",
    "max_order_notional": "50",
    "max_total_exposure": "500",
    "max_daily_loss": "100",
    "max_open_positions": 3,
}
