"""Each attack of the list has its tests, and each test it names is there."""

import re
from pathlib import Path

TESTS = Path(__file__).parents[1]
LIST = TESTS / "attacks" / "README.md"


def test_every_attack_names_tests_that_exist() -> None:
    rows = [line for line in LIST.read_text().splitlines() if line.startswith("| ")][1:]
    assert len(rows) > 20
    for row in rows:
        named = re.findall(r"([a-z_]+/test_[a-z_]+\.py)::(test_[a-z0-9_]+)", row)
        assert named, row
        for file, name in named:
            assert f"def {name}(" in (TESTS / file).read_text(), f"{file}::{name}"


def test_every_attack_in_the_folder_is_on_the_list() -> None:
    told = LIST.read_text()
    for path in sorted((TESTS / "attacks").glob("test_*.py")):
        assert path.name in told
