"""Each rule that the code cites is told in a README, and each file a README lists is there."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PACKAGES = sorted(path.parent.name for path in ROOT.glob("*/__init__.py"))
READMES = sorted(p for name in PACKAGES for p in (ROOT / name).rglob("README.md"))
LISTING = [path for path in READMES if "```" in path.read_text(encoding="utf-8")]
# MEM-1, but also X-1 and P-1 of one letter, and L6-1; nothing inside a longer word
RULE = re.compile(r"(?<![\w-])(?:[A-Z]{1,9}|L[0-6])-[0-9]{1,2}\b(?!-)")
NOT_RULES = re.compile(r"(RFC|SHA|UTF|ISO|SSHSIG|AES|FIPS)-[0-9]")


def rules(text: str) -> set[str]:
    return {rule for rule in RULE.findall(text) if not NOT_RULES.match(rule)}


def told() -> set[str]:
    """The first cells of the tables in the packages' READMEs."""
    rows = (line for path in READMES for line in path.read_text(encoding="utf-8").splitlines())
    return {rule for row in rows if row.startswith("| ") for rule in rules(row.split("|")[1])}


def cited(package: str) -> Iterator[tuple[str, str]]:
    for path in sorted((ROOT / package).rglob("*.py")):
        for rule in rules(path.read_text(encoding="utf-8")):
            yield rule, str(path.relative_to(ROOT))


def test_every_family_of_rules_is_looked_for() -> None:
    families = {rule.rpartition("-")[0] for rule in told()}
    assert {"MEM", "STOP", "BIN", "DATA", "L6", "X", "P"} <= families
    assert "STOP-11" in told()


@pytest.mark.parametrize("package", PACKAGES)
def test_every_rule_that_the_code_cites_stands_in_a_table_of_a_readme(package: str) -> None:
    known = told()
    assert [where for where in cited(package) if where[0] not in known] == []


@pytest.mark.parametrize("readme", LISTING, ids=lambda path: str(path.parent.relative_to(ROOT)))
def test_every_file_that_a_package_readme_lists_is_there(readme: Path) -> None:
    blocks = readme.read_text(encoding="utf-8").split("```")[1::2]
    named = {name for block in blocks for name in re.findall(r"[a-z0-9_./]+\.py\b", block)}
    folders = [readme.parent, *readme.parent.parents]
    folders = folders[: folders.index(ROOT)]
    assert [n for n in named if not any((folder / n).exists() for folder in folders)] == []
