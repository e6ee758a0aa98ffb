import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
RULE = re.compile(r"\b[A-Z]{2,9}-[0-9]{1,2}\b")
NOT_RULES = re.compile(r"(RFC|SHA|UTF|ISO|SSHSIG|AES|FIPS)-[0-9]")


def rules(text: str) -> set[str]:
    return {rule for rule in RULE.findall(text) if not NOT_RULES.match(rule)}


@pytest.mark.parametrize("package", ["desired_state", "reconciler", "ci"])
def test_every_rule_that_the_code_cites_stands_in_a_package_readme(package: str) -> None:
    known = set()
    for readme in ("desired_state", "reconciler", "ci"):
        known |= rules((ROOT / readme / "README.md").read_text(encoding="utf-8"))
    cited = set()
    for path in (ROOT / package).rglob("*.py"):
        cited |= rules(path.read_text(encoding="utf-8"))
    assert cited
    assert cited <= known


@pytest.mark.parametrize("package", ["desired_state", "reconciler", "ci"])
def test_every_file_that_a_package_readme_lists_is_there(package: str) -> None:
    listing = (ROOT / package / "README.md").read_text(encoding="utf-8").split("```")[1]
    named = re.findall(r"\b([a-z_]+\.py)\b", listing)
    assert named
    assert [name for name in named if not (ROOT / package / name).exists()] == []
