"""The pages people read about reason codes, rendered from the codes themselves.

``pages`` is text from the enumeration alone. A committed page that differs from it is a lie, so a
test compares them.
"""

import sys
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from desired_state.reasons import HALTED, NARROWED, STOPPED, UNCHANGED, Reason

RENDERED: Final = "<!-- Rendered by `make docs` from desired_state/reasons.py; do not edit. -->"
INDEX: Final = "reasons.md"
RUNBOOKS: Final = "runbooks"

_OPERATOR_REPAIRS: Final = (
    "An **operator** repairs the cause; repairing needs no signature.",
    "A file in the state repository is mended by a pull request from anyone. A mended file can make"
    " the machine do less at once; more only within what was approved.",
)


@dataclass(frozen=True, slots=True)
class Standing:
    """Who acts, and what ends it, for all codes that leave the same permitted afterwards."""

    who: tuple[str, ...]
    lifts: str


# trust.md sections 4, 5 and 7: what lifts by itself, and whose signatures the rest needs.
_STANDINGS: Final = {
    STOPPED: Standing(
        (
            "An **operator** finds the cause and writes the proposal of the release.",
            "Releasing a stop of class person, loss or integrity: an **operator** and **one of the"
            " four** (risk_officer, security_officer, operations, system_owner); **all four** where"
            " testnet or live trading resumes. The requester does not count.",
            "Releasing a stop of class technical: one **operator**, and a clean reconciliation.",
        ),
        "Only by a release: a signed proposal whose counted sign-offs name the stop, with"
        " `kill_switch.yaml` at `armed` in that revision. Time, a restart, a revert or a new"
        " commit with `armed` alone do not lift it.",
    ),
    HALTED: Standing(
        _OPERATOR_REPAIRS,
        "With the first cycle that no longer finds the cause and admits the head in full. Fields"
        " that were tightened meanwhile stay tight until a signed `restore`.",
    ),
    NARROWED: Standing(
        _OPERATOR_REPAIRS,
        "With the first cycles that read everything again and admit the head in full. Fields that"
        " were tightened meanwhile stay tight until a signed `restore`.",
    ),
    UNCHANGED: Standing(
        _OPERATOR_REPAIRS,
        "Nothing was taken away, so there is nothing to lift. The finding goes when its cause is"
        " gone.",
    ),
}
_FACT: Final = Standing(
    _OPERATOR_REPAIRS,
    "When the cause is gone and has stayed away for the cycles that the gate asks for. If a stop"
    " was raised as well, it stays until it is released by name: see `governor status`.",
)


def people_codes() -> tuple[Reason, ...]:
    """The codes that stay until somebody acts, in the order of the list."""
    return tuple(code for code in Reason if code.explanation.person)


def runbook(code: Reason) -> str:
    """One page: meaning, what is permitted now, how to see it, what to do, who, how it lifts."""
    text = code.explanation
    standing = _STANDINGS.get(text.afterwards, _FACT)
    return _document(
        RENDERED,
        f"# {code}",
        text.sentence,
        "## Permitted now",
        _sentence(text.afterwards),
        "## How to see it",
        "```\n"
        "governor status      # conditions, findings, stops in force, what is permitted\n"
        "governor verify      # admission and verdict of the head, finding by finding\n"
        "```",
        "Both print the subject the finding is about and its message; `--json` gives the same as"
        f" data, with `{code}` as the finding's code.",
        "## What to do",
        _sentence(text.remedy),
        "If in doubt, do less: `governor halt --reason TEXT` needs no signature, no network and no"
        " valid state.",
        "## Who",
        "\n".join(f"- {line}" for line in standing.who),
        "The quorums are those a trust root ships with; the newest file under `trust/root/` of your"
        " state repository decides.",
        "## How it lifts",
        standing.lifts,
        f"[All reason codes](../{INDEX})",
    )


def index() -> str:
    """The table of all codes; those that need a person link to their runbook."""
    rows = (
        f"| {_linked(code)} | {_cell(code.explanation.sentence)} | {_cell(code.explanation.remedy)}"
        f" | {_cell(code.explanation.afterwards)} |"
        for code in Reason
    )
    return _document(
        RENDERED,
        "# Reason codes",
        "Findings, conditions, events, exit messages and runbooks share these codes. A linked code"
        " stays until somebody acts; the link is its runbook.",
        "\n".join(
            ("| code | means | what to do | permitted afterwards |", "|---|---|---|---|", *rows)
        ),
    )


def pages() -> dict[str, str]:
    """Every rendered page: its path below the documentation folder, and its text."""
    books = {f"{RUNBOOKS}/{code}.md": runbook(code) for code in people_codes()}
    return {INDEX: index(), **books}


def _document(*blocks: str) -> str:
    return "\n\n".join(blocks) + "\n"


def _sentence(text: str) -> str:
    """The text as a sentence: a capital in front, a full stop behind; codes keep their case."""
    first, _, rest = text.partition(" ")
    head = first.capitalize() if first.islower() and first.isalpha() else first
    return f"{head} {rest}".strip().rstrip(".") + "."


def _cell(text: str) -> str:
    return text.replace("|", r"\|")


def _linked(code: Reason) -> str:
    return f"[`{code}`]({RUNBOOKS}/{code}.md)" if code.explanation.person else f"`{code}`"


def write(folder: Path) -> None:
    """Make ``folder`` hold exactly the rendered pages; runbooks of codes that are gone go too."""
    rendered = pages()
    (folder / RUNBOOKS).mkdir(parents=True, exist_ok=True)
    for stale in _stale(folder, rendered):
        stale.unlink()
    for name, text in rendered.items():
        (folder / name).write_text(text, encoding="utf-8")


def _stale(folder: Path, rendered: dict[str, str]) -> Iterable[Path]:
    kept = {folder / name for name in rendered}
    return [page for page in sorted((folder / RUNBOOKS).glob("*.md")) if page not in kept]


def main(arguments: list[str] | None = None) -> int:
    """Write the pages below the one folder named, ``docs`` where none is."""
    named = sys.argv[1:] if arguments is None else arguments
    write(Path(named[0] if named else "docs"))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
