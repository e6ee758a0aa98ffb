"""What the verbs that write papers have in common: who, with which key, and where to."""

import re
from datetime import datetime
from pathlib import Path
from typing import Annotated, Final, NamedTuple

import typer

from desired_state.admission import Admission
from desired_state.errors import Stalled
from desired_state.proposals import EvidenceReference
from desired_state.reasons import Reason
from desired_state.values import parse_instant
from reconciler.cli.shared import host_of, note
from reconciler.gate import Verdict
from reconciler.wiring.host import present
from reconciler.wiring.paperwork import Paper, Paperwork, paperwork
from reconciler.wiring.reading import open_reading

Who = Annotated[str, typer.Option("--as", metavar="PERSON", help="A person of the trust root.")]
Key = Annotated[
    Path | None,
    typer.Option(
        "--key",
        metavar="FILE",
        help="Private key, or FILE.pub of one in ssh-agent; else the demonstration key.",
    ),
]
Push = Annotated[bool, typer.Option("--push", help="Commit and push, else print the commands.")]
Yes = Annotated[bool, typer.Option("--yes", help="Do not ask.")]
Time = Annotated[
    str | None, typer.Option(metavar="TIME", help='UTC, such as "2026-11-22T10:00:00Z".')
]
_EVIDENCE: Final = re.compile(r"([^=\s]+)=(?:sha256:)?([0-9a-f]{64})(?::(.*))?\Z", re.DOTALL)


class AtDesk(NamedTuple):
    """Somebody with a key before the working clone, and how things stand at the head of main."""

    papers: Paperwork
    key: Path
    admission: Admission
    verdict: Verdict
    now: datetime


def at_desk(config: Path | None, person: str, key: Path | None, *, push: bool) -> AtDesk:
    """Whose key it is, the clone as the remote has it where we push, and the head as it is judged.

    Raises:
        Waiting: ``FETCH``. Stalled: what the key, the clone or the host's memory says.
    """
    host, now = host_of(config), present()
    papers = paperwork(host)
    key_file = papers.key_of(person, key)
    if push:
        papers.refresh()
    with open_reading(host) as reading:
        admission, verdict = reading.reader.verify(None, now)
    return AtDesk(papers, key_file, admission, verdict, now)


def time_of(text: str | None, option: str) -> datetime | None:
    """The instant that an option names, or none. Raises ``Stalled(USAGE)``."""
    try:
        return parse_instant(text) if text else None
    except ValueError as error:
        raise Stalled(Reason.USAGE, option, str(error)) from error


def evidence_of(text: str) -> EvidenceReference:
    """A pack relied on, from ``ID=SHA256[:claim]``. Raises ``Stalled(USAGE)``."""
    match = _EVIDENCE.match(text)
    if match is None:
        raise Stalled(Reason.USAGE, "--evidence", f"expected ID=SHA256[:claim], found {text!r}")
    return EvidenceReference(id=match[1], sha256=f"sha256:{match[2]}", claim=match[3] or "")


def finish(papers: Paperwork, paper: Paper, *, push: bool) -> str | None:
    """Pushed where that was asked for; else how to do it by hand."""
    note(f"Signed as by: {paper.plain_line}")
    if push:
        return papers.publish_paper(paper)
    by_hand(papers, paper.paths, paper.message)
    return None


def by_hand(papers: Paperwork, paths: tuple[str, ...], message: str) -> None:
    """The commands that commit and push what stands in the working clone."""
    note("Not pushed yet. In the working clone:")
    note(f"  git add {' '.join(paths)}")
    note(f"  git commit -m {message!r} && git push origin HEAD:{papers.branch}")
