"""A comment shows what others chose, and none of it is ever Markdown."""

from datetime import UTC, datetime

from hypothesis import example, given
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from ci.judgement import NOTHING, Judgement, Way
from ci.report import MARKER, MAX_SHOWN, comment, judgement_data, span, text_lines, told
from desired_state.errors import finding
from desired_state.memory import Stop
from desired_state.reasons import Reason
from desired_state.values import StopClass
from reconciler.proposing import Change
from tests.fakes.pull_requests import PullRequests

MARKDOWN = MarkdownIt("commonmark").enable("table")
HOSTILE = (
    "`` ` <!-- governor-ci check --> @everyone [x](javascript:1) <img src=x> | \n\n# Approved\n"
)
NOW = datetime(2026, 11, 22, tzinfo=UTC)


def judged(text: str) -> Judgement:
    stop = Stop(id="S-0123456789abcdef", kind=StopClass.PERSON, reason=text, by=text[:50],
                commit="a" * 40, seen_at=NOW)  # fmt: skip
    return Judgement(
        base=None,
        head="b" * 40,
        now=NOW,
        ways=(Way.MERGE, Way.SQUASH),
        before=NOTHING,
        after=NOTHING,
        asked=(Change(text, text, text, looser=True),),
        permitted=(),
        proposals=(),
        refusals=(finding(Reason.STATE_YAML, text, text),),
        notices=(),
        stops=(stop,),
    )


def shape(markdown: str) -> list[str]:
    """The kinds of everything in it, without the content of code spans and text."""
    return [
        kind
        for token in MARKDOWN.parse(markdown)
        for kind in [token.type, *(child.type for child in token.children or ())]
    ]


@given(st.text(alphabet=st.characters(codec="utf-8"), max_size=60) | st.text("`<>!-|*_[]\n\\ a"))
@example(HOSTILE)
@example("`")
@example("\u202eevil")
def test_whatever_stands_in_a_file_stays_in_its_code_span(text: str) -> None:
    (paragraph,) = [t for t in MARKDOWN.parse(f"- x {span(text)} y") if t.type == "inline"]
    kinds = [child.type for child in paragraph.children or ()]
    assert kinds == ["text", "code_inline", "text"]
    assert shape(comment(judged(text))) == shape(comment(judged("plain")))


def test_the_marker_stands_once_at_the_beginning() -> None:
    text = comment(judged(HOSTILE))
    assert text.startswith(f"{MARKER}\n")
    assert [t.content.strip() for t in MARKDOWN.parse(text) if t.type == "html_block"] == [MARKER]


def test_outside_text_is_one_short_line() -> None:
    assert told("a\nb\u202ec\x1b[31m") == "a b c [31m"
    assert len(told("x" * 10_000)) == MAX_SHOWN + 1
    assert not any("\n" in line or "\x1b" in line for line in text_lines(judged("\x1b[2J\nx")))


def test_a_long_list_is_cut_and_says_so() -> None:
    one = finding(Reason.STATE_YAML, "x", "y")
    many = tuple(one.model_copy(update={"subject": str(n)}) for n in range(500))
    text = comment(Judgement(**{**fields(judged("a")), "refusals": many}))
    assert "and 450 more" in text
    assert len(text) < 65_000


def fields(found: Judgement) -> dict[str, object]:
    return {name: getattr(found, name) for name in found.__slots__}


def test_a_real_comment_says_who_signed_who_is_missing_and_what_to_do(
    unasked: PullRequests,
) -> None:
    unasked.branch()
    unasked.replace("mode.yaml", "mode: halted", "mode: paper")
    unasked.propose_here("--mode", "paper")
    unasked.sign_here(1, "oscar")
    unasked.commit()
    code, text, _ = unasked.ci(
        *("check", "main", "HEAD", "--repository", str(unasked.state), "--root-of", "main"),
        "--markdown",
    )
    assert code == 1
    assert "signed by `oscar` as `operator`" in text
    assert "**missing** `1 x risk_officer or security_officer" in text
    assert "`petra`" in text or "`rita`" in text
    assert "**looser** `mode`: `-` → `paper`" in text
    assert "**NOT_APPROVED**" in text
    assert "Propose and sign it, or lower what is asked." in text


def test_the_data_keeps_its_keys() -> None:
    assert set(judgement_data(judged("x"))) == {
        *("result", "base", "head", "now", "ways", "adds_stop", "stops", "admitted", "desired"),
        *("permitted", "changes", "proposals", "refusals", "notices"),
    }
