"""The pages about reason codes say what the codes say."""

import re
from pathlib import Path

import pytest

from ci.render_docs import main, pages, people_codes
from desired_state.reasons import Reason

DOCS = Path(__file__).parents[2] / "docs"


def test_the_committed_pages_are_the_rendered_ones() -> None:
    on_disk = {"reasons.md": (DOCS / "reasons.md").read_text(encoding="utf-8")}
    for page in (DOCS / "runbooks").glob("*.md"):
        on_disk[f"runbooks/{page.name}"] = page.read_text(encoding="utf-8")
    rendered = pages()

    assert sorted(on_disk) == sorted(rendered), "run `make docs`"
    assert [name for name in rendered if on_disk[name] != rendered[name]] == [], "run `make docs`"


def test_every_code_that_waits_for_a_person_has_a_runbook_with_its_remedy() -> None:
    rendered = pages()
    for code in people_codes():
        page = rendered[f"runbooks/{code}.md"]
        assert code.explanation.sentence in page
        assert code.explanation.remedy.rstrip(".")[1:] in page
        assert page.endswith("\n")


def test_every_code_stands_once_in_the_table() -> None:
    rows = re.findall(r"^\| \[?`([A-Za-z_0-9]+)`", pages()["reasons.md"], flags=re.MULTILINE)
    assert rows == [str(code) for code in Reason]


@pytest.mark.parametrize("code", list(Reason), ids=str)
def test_a_code_can_be_a_file_name_and_its_texts_are_sentences(code: Reason) -> None:
    assert re.fullmatch(r"[A-Za-z_0-9]+", code)
    assert code.explanation.sentence.endswith(".")
    assert code.explanation.remedy.endswith(".")
    assert code.explanation.afterwards


def test_rendering_drops_the_page_of_a_code_that_is_gone(tmp_path: Path) -> None:
    (tmp_path / "runbooks").mkdir()
    gone = tmp_path / "runbooks" / "GONE.md"
    gone.write_text("old", encoding="utf-8")

    assert main([str(tmp_path)]) == 0

    assert not gone.exists()
    assert (tmp_path / "reasons.md").read_text(encoding="utf-8") == pages()["reasons.md"]
