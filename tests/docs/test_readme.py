import re
from pathlib import Path

import typer.main

from reconciler.cli.main import app, load

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")


def verbs() -> set[str]:
    load([])
    command = typer.main.get_command(app)
    return set(command.commands)  # type: ignore[attr-defined]


def test_every_verb_of_the_program_stands_in_the_readme() -> None:
    table = README.split("## The verbs")[1].split("Exit codes")[0]
    missing = {verb for verb in verbs() if not re.search(rf"\b{verb}\b", table)}
    assert missing == set()


def test_every_verb_of_the_readme_is_one_of_the_program() -> None:
    named = set(re.findall(r"`governor ([a-z]+)", README)) | set(
        re.findall(r"^governor ([a-z]+)", README, flags=re.MULTILINE)
    )
    assert named <= verbs()


def test_every_folder_of_the_map_is_there_and_every_package_is_on_the_map() -> None:
    table = README.split("## The map")[1].split("The arrows")[0]
    named = set(re.findall(r"^\| \[?([a-z_]+)/", table, flags=re.MULTILINE))
    assert all((ROOT / name).is_dir() for name in named)
    packages = {path.parent.name for path in ROOT.glob("*/__init__.py")}
    assert packages <= named


def test_every_file_that_the_readme_links_to_is_there() -> None:
    links = re.findall(r"\]\(([^)#]+)\)", README)
    assert links
    assert [link for link in links if not (ROOT / link).exists()] == []


def test_the_readme_shows_the_headings_that_the_demonstration_prints() -> None:
    source = (ROOT / "reconciler" / "demonstration.py").read_text(encoding="utf-8")
    headings = re.findall(r'yield "([A-Z][A-Z ,]+[A-Z])', source)
    assert headings
    assert [heading for heading in headings if heading not in README] == []
