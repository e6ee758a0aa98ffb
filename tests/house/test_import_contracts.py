"""Each import contract is seen to break by one bad import, planted in a copy of the tree."""

import ast
import importlib.util
import os
import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
LINTER = Path(sys.executable).parent / "lint-imports"
CONFIG = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"][
    "importlinter"
]
CONTRACTS = {contract["name"]: contract for contract in CONFIG["contracts"]}
CORE = "the pure core does no I/O, not even at one remove"
COUNTER = "nobody looks behind the local exchange's counter"
DOOR = "one module can place an order"

# Modules that meet the outside; every other module belongs to the pure core.
OUTSIDE = re.compile(
    r"\.(?:adapters|wiring|cli)(?:\.|$)"
    r"|^layers\.paper_venue\.(?:rows|store|venue)$"  # a venue outlives us: it has its own disk
    r"|^ci\.(?:render_docs|__main__)$"
    r"|^reconciler\.__main__$"
    r"|^reconciler\.host$"  # says where this host keeps things; what reads there is an adapter
)

# (contract, {file: line appended to it}); a file that is not there is made. The first file is the
# one that the report must name.
PLANTS: list[tuple[str, dict[str, str]]] = [
    ("the packages are layered", {"desired_state/limits.py": "import reconciler"}),
    ("the packages are layered", {"layers/market.py": "import evidence_repo"}),
    ("the packages are layered", {"evidence_repo/planted.py": "import layers.orders"}),
    ("the packages are layered", {"reconciler/planted.py": "import ci"}),
    (CORE, {"desired_state/ratchet.py": "import subprocess"}),
    (CORE, {"layers/l5_risk_gate/case.py": "from random import random"}),
    (
        CORE,
        {
            "desired_state/planted.py": "import socket",
            "evidence_repo/chain.py": "import desired_state.planted",
        },
    ),
    (
        "L0 to L6 know nothing of each other",
        {"layers/l2_market_outlook/planted.py": "import layers.l6_execution.door"},
    ),
    (
        "L0 to L6 know nothing of each other",
        {
            "layers/l5_risk_gate/planted.py": "import layers.planted",
            "layers/planted.py": "import layers.l2_market_outlook.triggers",
        },
    ),
    (
        "only wiring builds adapters",
        {"evidence_repo/packs.py": "import evidence_repo.adapters.file_journal"},
    ),
    (
        "only wiring builds adapters",
        {"reconciler/planted.py": "import layers.adapters.paper_queries"},
    ),
    ("one door to git for each repository", {"evidence_repo/adapters/log_key.py": "import git"}),
    ("one door to file events", {"layers/adapters/planted.py": "import watchfiles"}),
    ("one door to YAML", {"desired_state/limits.py": "from ruamel.yaml import YAML"}),
    (
        "one door to cryptography for checking, one for each key of this host",
        {"layers/permits.py": "from cryptography.fernet import Fernet"},
    ),
    (
        "a library that has no door yet is not imported",
        {"layers/adapters/planted.py": "import httpx"},
    ),
    ("one door to exchanges", {"layers/adapters/planted.py": "import ccxt"}),
    (
        "one door to exchanges",
        {"reconciler/planted.py": "def later():\n    import ccxt.pro"},
    ),
    ("one door to the wire that an order takes", {"layers/adapters/planted.py": "import requests"}),
    (
        "one door to the wire that an order takes",
        {"layers/adapters/ccxt_line.py": "from urllib3 import PoolManager"},
    ),
    (DOOR, {"reconciler/planted.py": "import layers.adapters.paper_entry"}),
    (DOOR, {"reconciler/wiring/session_calls.py": "import layers.adapters.paper_entry"}),
    (DOOR, {"layers/adapters/planted.py": "import layers.adapters.binance_entry"}),
    (DOOR, {"layers/l6_execution/execution.py": "import layers.paper_venue.venue"}),
    (COUNTER, {"reconciler/session.py": "import layers.local_exchange.exchange"}),
    (COUNTER, {"layers/adapters/planted.py": "from layers.local_exchange import rest"}),
    (
        "a session in shadow reaches nothing that can send",
        {
            "reconciler/shadowing.py": "import layers.planted",
            "layers/planted.py": "import layers.l6_execution.door",
        },
    ),
    (
        "a pull request check never runs the loop",
        {"ci/planted.py": "import reconciler.loop", "reconciler/loop.py": ""},
    ),
    (
        "a pull request check never runs the loop",
        {
            "ci/planted.py": "import reconciler.planted",
            "reconciler/planted.py": "import reconciler.wiring",
        },
    ),
    ("no cycles", {"desired_state/reasons.py": "import desired_state.errors"}),
]


def linted(tree: Path) -> str:
    """What import-linter says of a tree, in a fresh process that sees no other copy of it."""
    done = subprocess.run(
        [LINTER, "--no-logo", "--no-cache"],
        cwd=tree,
        env={**os.environ, "NO_COLOR": "1", "COLUMNS": "200"},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    return done.stdout + done.stderr


def verdicts(report: str) -> dict[str, str]:
    """Contract name to KEPT or BROKEN; empty where the linter could not judge."""
    return dict(re.findall(r"^(.+?) (KEPT|BROKEN)\b", report, flags=re.MULTILINE))


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    for package in CONFIG["root_packages"]:
        shutil.copytree(
            ROOT / package, tmp_path / package, ignore=shutil.ignore_patterns("__pycache__")
        )
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    return tmp_path


def test_the_tree_as_it_stands_keeps_every_contract(tree: Path) -> None:
    report = linted(tree)
    assert verdicts(report) == dict.fromkeys(CONTRACTS, "KEPT"), report


def test_every_contract_has_a_plant() -> None:
    assert {name for name, _ in PLANTS} == set(CONTRACTS)


@pytest.mark.parametrize(
    ("name", "plant"),
    PLANTS,
    ids=[f"{name}: {' + '.join(plant)}" for name, plant in PLANTS],
)
def test_a_planted_import_breaks_its_contract(tree: Path, name: str, plant: dict[str, str]) -> None:
    for file, line in plant.items():
        target = tree / file
        target.parent.mkdir(parents=True, exist_ok=True)
        with target.open("a", encoding="utf-8") as source:
            source.write(f"\n{line}\n")

    report = linted(tree)

    assert verdicts(report).get(name) == "BROKEN", report
    # It broke on the plant, and not on something that stood in the tree before.
    planted = next(iter(plant)).removesuffix(".py").rpartition("/")[2]
    assert planted in report.partition("Broken contracts")[2], report


def modules() -> set[str]:
    """Dotted names of all modules below the packages; the packages' own files are left out."""
    files = (
        file.relative_to(ROOT).with_suffix("")
        for package in CONFIG["root_packages"]
        for file in (ROOT / package).rglob("*.py")
    )
    return {".".join(file.parts) for file in files if file.name != "__init__"}


def test_every_module_is_pure_or_named_as_meeting_the_outside() -> None:
    core = tuple(CONTRACTS[CORE]["source_modules"])
    unnamed = {
        module
        for module in modules()
        if not OUTSIDE.search(module)
        and not any(module == pure or module.startswith(f"{pure}.") for pure in core)
    }
    assert unnamed == set(), "name it in the pure core's contract, or move its I/O to an adapter"


def test_every_layer_is_under_the_contract_that_separates_them() -> None:
    stated = CONTRACTS["L0 to L6 know nothing of each other"]["layers"][0]
    present = {init.parent.name for init in ROOT.glob("layers/l[0-9]_*/__init__.py")}
    assert present <= set(re.findall(r"\w+", stated))


# Who may name what an order leaves by: the venue's own side of the wire, the entry at each venue,
# the door that calls it, and the wiring that hands it to the door. Nobody is exempt by folder.
SENDERS = {
    "submit": {
        "layers.adapters.paper_entry",
        "layers.l6_execution.door",
        "layers.paper_venue.matching",
        "layers.paper_venue.venue",
    },
    "send_order": {"layers.adapters.binance_entry"},
    "armed_with": {"layers.adapters.ccxt_line"},
    "OrderEntry": {
        "layers.l6_execution.door",
        "reconciler.wiring.counter_paper",
        "reconciler.wiring.doors",
    },
}
# (file, what is appended to it); a file that is not there is made.
DODGES = [
    ("reconciler/wiring/session_calls.py", "opened.entry._line.send_order(asked, Yes())"),
    ("reconciler/wiring/session_calls.py", "entry.submit(request, Yes())"),
    ("reconciler/wiring/counter_binance.py", "send = opened.entry.submit"),
    ("reconciler/wiring/__init__.py", "getattr(opened.entry, 'submit')(request, Yes())"),
    ("reconciler/planted.py", "with line._last_word.armed_with(Yes()):\n    pass"),
    ("ci/planted.py", "from layers.ports import OrderEntry as Anything"),
    (
        "layers/adapters/binance_venue.py",
        "match venue:\n    case Venue(submit=send):\n        send()",
    ),
]


def naming(root: Path, name: str) -> set[str]:
    """Modules of a tree that take this name: of an object, of a module, or in quotes."""
    files = (file for package in CONFIG["root_packages"] for file in (root / package).rglob("*.py"))
    return {
        ".".join(file.relative_to(root).with_suffix("").parts)
        for file in files
        if name in (text := file.read_text(encoding="utf-8"))
        and any(name in _names(node) for node in ast.walk(ast.parse(text)))
    }


def _names(node: ast.AST) -> tuple[object, ...]:
    match node:
        case ast.Attribute(attr=name) | ast.Constant(value=name) | ast.alias(name=name):
            return (name,)
        case ast.MatchClass(kwd_attrs=names):
            return tuple(names)
        case _:
            return ()


@pytest.mark.parametrize("name", SENDERS)
def test_only_the_door_and_its_entries_name_what_an_order_leaves_by(name: str) -> None:
    assert naming(ROOT, name) == SENDERS[name]


@pytest.mark.parametrize(("file", "planted"), DODGES, ids=[planted for _, planted in DODGES])
def test_a_planted_way_around_the_door_is_found(tree: Path, file: str, planted: str) -> None:
    with (tree / file).open("a", encoding="utf-8") as source:
        source.write(f"\n{planted}\n")
    module = file.removesuffix(".py").replace("/", ".")
    found = {name: naming(tree, name) - SENDERS[name] for name in SENDERS}
    assert [modules for modules in found.values() if modules] == [{module}]


def test_no_contract_names_a_module_that_does_not_exist() -> None:
    optional = {"ccxt", "httpx", "requests", "urllib3"}  # not part of every installation
    named = {
        module
        for contract in CONTRACTS.values()
        for key in ("forbidden_modules", "protected_modules")
        for module in contract.get(key, ())
        if "*" not in module
    }
    missing = {name for name in named - optional if importlib.util.find_spec(name) is None}
    assert missing == set()


def test_every_top_level_package_is_under_contract() -> None:
    packages = {init.parent.name for init in ROOT.glob("*/__init__.py")}
    assert packages == set(CONFIG["root_packages"])
