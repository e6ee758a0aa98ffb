"""``governor init``: a desk with both repositories, built beside its place and moved there."""

import shutil
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Final

from desired_state.adapters.ssh_keygen import generate, sign
from desired_state.errors import Finding, Severity, Stalled
from desired_state.reasons import Reason
from desired_state.trust_root import Use
from desired_state.values import Environment
from evidence_repo.adapters.git_evidence import GitEvidence
from reconciler.adapters.git_desk import GitDesk
from reconciler.adapters.opened_venues import OpenedVenues
from reconciler.founding import (
    ROOT_FILE,
    ROOT_SIGNERS,
    Holder,
    demonstration_note,
    host,
    host_file,
    person,
    read_root,
    root_file,
    schemas,
)
from reconciler.host import CONFIG_NAME
from reconciler.wiring.host import open_host

TEMPLATES: Final = Path(__file__).parents[2] / "desired_state" / "templates"
REPOSITORY: Final = "peak/state"
FOUNDER: Final = "governor"
DEMO_PEOPLE: Final = {
    "olivia": ("operator", "root"),
    "oscar": ("operator", "root"),
    "rita": ("risk_officer", "root"),
    "simon": ("security_officer",),
    "petra": ("operations",),
    "walter": ("system_owner",),
}


@dataclass(frozen=True, slots=True)
class Site:
    """What the desk is for; ``rehearses`` marks its root for a local exchange (REHEARSAL-1)."""

    environment: Environment = Environment.REHEARSAL
    repository: str = REPOSITORY
    rehearses: bool = False


REHEARSAL: Final = Site()


@dataclass(frozen=True, slots=True)
class Founded:
    """What now stands, and what its root warns of."""

    folder: Path
    revision: str
    people: tuple[str, ...]
    signed: bool  # by the threshold of root holders; the pin holds without it
    findings: tuple[Finding, ...]


def init(
    folder: Path,
    *,
    now: datetime,
    demo_keys: bool = False,
    site: Site = REHEARSAL,
    people: Sequence[Holder] = (),
) -> Founded:
    """Make the desk at ``folder``: nothing is left of it where anything fails.

    Raises:
        Stalled: ``TARGET_NOT_EMPTY``, ``TOOL_MISSING``, ``DESK_GIT``, ``SIGNING_FAILED``,
            ``STATE_SCHEMA``, or ``GATE_UNSATISFIABLE`` where named people cannot complete a gate.
    """
    if demo_keys and (people or site.environment is not Environment.REHEARSAL):
        text = "demonstration keys stand alone, and only in a rehearsal"
        raise Stalled(Reason.USAGE, "--demo-keys", text)
    if site.rehearses and site.environment is not Environment.REHEARSAL:
        raise Stalled(Reason.USAGE, "--rehearse", "a production never rehearses")
    with _beside(folder) as draft:
        desk = GitDesk.found(draft / "state", draft / "state.git")
        GitEvidence.create(draft / "evidence", draft / "evidence.git").close()
        GitDesk(draft / "evidence").set_origin("../evidence.git")
        machine = _host_keys(draft / "var")
        holders = _demo_people(draft / "people") if demo_keys else tuple(people)
        root = root_file(
            (*holders, machine), site.repository, site.environment, now, rehearses=site.rehearses
        )
        _, findings = read_root(root)
        _refuse_bad(findings, holders)
        signatures = _root_signatures(root, holders, draft / "people") if demo_keys else {}
        files = {**templates(), **schemas(), ROOT_FILE: root, **signatures}
        desk.write(files)
        revision = desk.commit(sorted(files), "Found the desired state", FOUNDER, now)
        desk.push("main")
        (draft / CONFIG_NAME).write_bytes(host_file(root, site.repository))
        # STOP-12: the chain that this host goes on from was made here, and is empty
        named = open_host(draft / CONFIG_NAME).evidence_name
        OpenedVenues(draft / "var").mark_known(named, 0)
    return Founded(
        folder, revision, tuple(h.name for h in holders), bool(signatures), tuple(findings)
    )


def templates() -> dict[str, bytes]:
    """Every file of the state repository as shipped, by its path there."""
    return {
        path.relative_to(TEMPLATES).as_posix(): path.read_bytes()
        for path in sorted(TEMPLATES.rglob("*"))
        if path.is_file()
    }


def named_person(text: str) -> Holder:
    """A person from ``NAME:ROLE[,ROLE]:PUBKEYFILE``.

    Raises:
        Stalled: ``USAGE``.
    """
    name, _, rest = text.partition(":")
    roles, _, file = rest.partition(":")
    try:
        with Path(file).open(encoding="utf-8") as opened:
            public = opened.read(4096).strip()
    except (OSError, ValueError) as error:
        told = f"expected NAME:ROLE[,ROLE]:PUBKEYFILE, found {text!r} ({error})"
        raise Stalled(Reason.USAGE, "--person", told) from error
    return person(name, roles.split(","), public)


@contextmanager
def _beside(folder: Path) -> Iterator[Path]:
    """A folder next to the target that takes its place when the block ends well."""
    target = folder.resolve()
    try:
        if target.exists() and (not target.is_dir() or any(target.iterdir())):
            raise Stalled(Reason.TARGET_NOT_EMPTY, str(folder))
        target.parent.mkdir(parents=True, exist_ok=True)
        draft = Path(tempfile.mkdtemp(prefix=f".{target.name}.", dir=target.parent))
    except OSError as error:
        raise Stalled(Reason.USAGE, str(folder), str(error)) from error
    try:
        yield draft
        draft.chmod(0o755)
        if target.exists():  # it may be where somebody stands, so it stays and is filled
            for path in sorted(draft.iterdir(), key=lambda p: p.name == CONFIG_NAME):
                path.rename(target / path.name)
        else:
            draft.rename(target)
    except OSError as error:
        raise Stalled(Reason.USAGE, str(folder), str(error)) from error
    finally:
        shutil.rmtree(draft, ignore_errors=True)


def _host_keys(var: Path) -> Holder:
    keys = var / "keys"
    keys.mkdir(parents=True)
    for made in (var, keys):
        made.chmod(0o700)
    public = {use: generate(keys / use, f"{use} of this host") for use in ("evidence", "watcher")}
    return host("host", public["evidence"], public["watcher"])


def _demo_people(people: Path) -> tuple[Holder, ...]:
    found = []
    for name, roles in DEMO_PEOPLE.items():
        (people / name).mkdir(parents=True, mode=0o700)
        public = generate(people / name / "id_ed25519", f"{name}, a demonstration key")
        found.append(person(name, roles, public))
    (people / "README.md").write_bytes(demonstration_note(DEMO_PEOPLE))
    return tuple(found)


def _root_signatures(root: bytes, holders: Sequence[Holder], people: Path) -> dict[str, bytes]:
    signers = [h.name for h in holders if "root" in h.roles][:ROOT_SIGNERS]
    return {
        f"trust/root/1.sigs/{name}.sig": sign(
            root, people / name / "id_ed25519", Use.TRUST_ROOT.namespace
        )
        for name in signers
    }


def _refuse_bad(findings: Sequence[Finding], holders: Sequence[Holder]) -> None:
    """A root with people must work; one without grants nothing and says so."""
    for wrong in findings:
        known_empty = wrong.code is Reason.GATE_UNSATISFIABLE and not holders
        if wrong.severity is Severity.ERROR and not known_empty:
            raise Stalled(wrong.code, wrong.subject, wrong.message)
