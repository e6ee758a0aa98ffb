import pytest

from desired_state.document import load
from desired_state.errors import Stalled
from layers.configuration import SCOPES, Inputs, LayerMap
from layers.scopes import may_read, may_return
from tests.layers.desk_of_prices import TEMPLATES, template

MAP = (TEMPLATES / "layers.yaml").read_text(encoding="utf-8")


@pytest.mark.parametrize("layer", SCOPES)
def test_every_scope_template_reads(layer: str) -> None:
    scope = template(SCOPES[layer], f"scopes/{layer}.yaml")
    assert scope.layer == layer
    assert scope.artifacts.allowed
    assert scope.artifacts.forbidden
    for name in scope.artifacts.forbidden:
        assert not may_return(scope.artifacts, name)
    assert not may_return(scope.artifacts, "SomethingElse")
    assert may_return(scope.artifacts, scope.artifacts.allowed[0])
    for path in ("trust/root/1.yaml", "signoffs/0001/A.GO.yaml", "var/secrets/key", "secrets/key"):
        assert not may_read(scope.inputs, path)


def test_the_map_template_reads_and_code_layers_have_no_model() -> None:
    rows = template(LayerMap, "layers.yaml").layers
    assert [row.primary for row in rows[5:]] == ["none", "none"]
    assert rows[3].autonomy == ("REC", "PROP")


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("primary: none", "primary: gpt-5.2"),
        ("critic: o3\n", "critic: gpt-5.2\n"),
        ("- id: L6", "- id: L5"),
        ("- id: L1", "- id: L0"),
        ("autonomy: [EXEC]", "autonomy: [ALL]"),
        ("autonomy: [EXEC]", "autonomy: []"),
        ("constraint:", "constrain:"),
        ("critic: none", "critic: null"),
    ],
)
def test_a_map_that_says_something_else_is_refused(old: str, new: str) -> None:
    assert old in MAP
    with pytest.raises(Stalled):
        load(LayerMap, MAP.replace(old, new).encode(), "layers.yaml")


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ('"0.045"', "0.045"),
        ('"0.045"', '"0"'),
        ('"0.045"', '"-1"'),
        ("window_bars: 24", "window_bars: 0"),
        ("window_bars: 24", "window: 24"),
        ("inputs: [bars, book]", "inputs: [book]"),
        ("hold_bars: 6", "hold_bars: true"),
        ('"market/**"', '"../market/**"'),
        ('"market/**"', '"/market/**"'),
        ('"market/**"', '"market/**x"'),
        ("layer: L2", "layer: L3"),
    ],
)
def test_parameters_that_bound_nothing_are_refused(old: str, new: str) -> None:
    text = (TEMPLATES / "scopes" / "L2.yaml").read_text(encoding="utf-8")
    assert old in text
    with pytest.raises(Stalled):
        load(SCOPES["L2"], text.replace(old, new).encode(), "scopes/L2.yaml")


SEEN = Inputs(allowed=("docs/**", "*.md", "a/**/b.txt"), forbidden=("**/secrets/**", "docs/x?.md"))


@pytest.mark.parametrize(
    "path", ["docs/a.md", "docs/a/b/c.md", "README.md", "a/b.txt", "a/x/b.txt", "a/x/y/b.txt"]
)
def test_a_pattern_matches_real_paths(path: str) -> None:
    assert may_read(SEEN, path)


@pytest.mark.parametrize(
    "path",
    [
        "docs",
        "docs/",
        "docsx/a.md",
        "docs/secrets/a.md",
        "docs/a/secrets/b/c",
        "docs/x1.md",
        "docs/../trust/1.yaml",
        "docs/./a.md",
        "docs//a.md",
        "/docs/a.md",
        "docs\\a.md",
        "docs/a\n.md",
        "sub/README.md",
        "a/xb.txt",
        "",
    ],
)
def test_what_is_not_allowed_is_forbidden(path: str) -> None:
    assert not may_read(SEEN, path)
