import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
PACKAGE = ROOT / "layers" / "local_exchange"
README = (PACKAGE / "README.md").read_text(encoding="utf-8")


def cited(text: str) -> set[str]:
    return set(re.findall(r"\bX-[0-9]+\b", text))


def test_the_code_cites_every_rule_of_the_readme_and_no_other() -> None:
    files = [*PACKAGE.glob("*.py"), *(ROOT / "layers" / "adapters").glob("exchange_*.py")]
    assert cited("".join(path.read_text(encoding="utf-8") for path in files)) == cited(README)


def test_the_readme_lists_the_files_that_are_there() -> None:
    listed = set(re.findall(r"^([a-z_]+\.py) ", README.split("```")[1], flags=re.MULTILINE))
    assert listed == {path.name for path in PACKAGE.glob("*.py")} - {"__init__.py"}


def test_the_readme_names_every_fault() -> None:
    source = (PACKAGE / "faults.py").read_text(encoding="utf-8")
    kinds = re.findall(r'^    [A-Z_]+ = "([a-z_]+)"', source, flags=re.MULTILINE)
    table = README.split("## Faults")[1].split("## Decisions")[0]
    assert kinds
    assert [kind for kind in kinds if f"`{kind}`" not in table] == []
