"""Trust roots in the working clone beside ``governor.yaml``, and a first one anywhere."""

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from desired_state.adapters.ssh_keygen import command_line, sign_as_person
from desired_state.admission import Admission
from desired_state.canonical import digest_bytes
from desired_state.errors import Finding, Stalled
from desired_state.reasons import Reason
from desired_state.root_chain import root_path, root_signature_path
from desired_state.trust_root import Root, Use
from reconciler.founding import ROOT_FILE, Holder, host, read_root, root_file
from reconciler.host import Host
from reconciler.people_file import PeopleFile, PersonPlan, read_people
from reconciler.root_changes import RootChange, root_changes
from reconciler.root_signing import Taking, refuse_useless_signature, revocation_file
from reconciler.root_view import RootView, root_view
from reconciler.rooting import DraftRoot, RootEdit, draft_root, refuse_bad
from reconciler.wiring.paperwork import WORKING_CLONE, Paper, Paperwork, paperwork
from reconciler.wiring.reading import open_reading

MAX_FILE = 64 * 1024
HOST_NAME = "host"


@dataclass(frozen=True, slots=True)
class FirstRoot:
    """Version 1 as it was written, and what to do with it."""

    file: Path
    digest: str
    root: Root
    warnings: tuple[Finding, ...]

    def signing_line(self, key: str) -> str:
        """What a root holder types to sign it; the signature goes to ``1.sigs/PERSON.sig``."""
        return command_line(self.file, Path(key), Use.TRUST_ROOT.namespace)


@dataclass(frozen=True, slots=True)
class TrustDesk:
    """The working clone, what was admitted, and the chain of roots that follows."""

    papers: Paperwork
    admission: Admission
    view: RootView

    def draft(self, edit: RootEdit, word: str, now: datetime) -> tuple[str, DraftRoot]:
        """The next root, written to the working clone. Its path.

        Raises:
            Stalled: as for ``draft_root``; ``USAGE`` where the file is there already.
        """
        last = self.view.last
        path = root_path(last.root.version + 1, word)
        if self.papers.desk.read(path) is not None:
            told = "it is there already, and such files never change; --word WORD takes another"
            raise Stalled(Reason.USAGE, path, told)
        data = self.papers.desk.read(last.path)
        if data is None:
            raise Stalled(Reason.ROOT_ERASED, last.path)
        made = draft_root(last.root, data, edit, now)
        self.papers.desk.write({path: made.data})
        return path, made

    def changes(self, path: str) -> tuple[Root, bytes, tuple[RootChange, ...]]:
        """A root file of the working clone, and what differs from the one that judges now.

        Raises:
            Stalled: ``USAGE`` where there is none, or the code under which it is refused.
        """
        data = self.papers.desk.read(path)
        if data is None:
            raise Stalled(Reason.USAGE, path, "expected a root in the working clone, found none")
        root, findings = read_root(data, path)
        refuse_bad(findings)
        return root, data, root_changes(self.view.last.root, root)

    def sign(self, path: str, person: str, key: Path) -> Paper:
        """The person's signature stands beside the root.

        Raises:
            Stalled: where it would not count; ``SIGNING_FAILED``; ``USAGE`` where it is there.
        """
        root, data, _ = self.changes(path)
        roots = (self.view.last.root, root)
        refuse_useless_signature(person, self.papers.key_id(key), roots, self.view.taken)
        beside = root_signature_path(path, person)
        if self.papers.desk.read(beside) is not None:
            raise Stalled(Reason.USAGE, beside, "it is there already, and such files never change")
        self.papers.desk.write({beside: sign_as_person(data, key, Use.TRUST_ROOT.namespace)})
        made = self.papers.plain_line(path, key, Use.TRUST_ROOT)
        line = f"{made} && mv {WORKING_CLONE}/{path}.sig {WORKING_CLONE}/{beside}"
        message = f"Sign trust root {root.version} by {person}"
        return Paper(beside, (path, beside), digest_bytes(data), person, message, line)

    def revoke(self, taking: Taking, key: Path, now: datetime) -> Paper:
        """The key's revocation, signed, in the working clone.

        Raises:
            Stalled: where it would not count; ``SIGNING_FAILED``; ``USAGE`` where it is there.
        """
        path, data = revocation_file(taking, self.view.last.root, self.view.taken, now)
        signer = (taking.person, key, Use.REVOCATION)
        return self.papers.put(path, data, signer, f"Revoke {taking.key}: {taking.reason}")


def open_trust(host_: Host, now: datetime, *, refresh: bool) -> TrustDesk:
    """The trust roots of this desk.

    Raises:
        Waiting: ``FETCH``. Stalled: ``CONFIG_INVALID``, ``ROOT_PIN`` and what else keeps the first
            root from counting.
    """
    papers = paperwork(host_)
    if refresh:
        papers.refresh()
    with open_reading(host_) as reading:
        admission, _ = reading.reader.verify(None, now)
    files = _files(papers)
    view = root_view(files, admission.memory, host_.file.trust_root, host_.file.state.repository)
    return TrustDesk(papers, admission, view)


def first_root(
    people: PeopleFile, beside: Path, host_keys: tuple[Path, Path] | None, out: Path, now: datetime
) -> FirstRoot:
    """``trust/root/1.yaml`` under ``out``, for these people.

    Args:
        people: who, and the names of their public key files.
        beside: where relative names of key files start.
        host_keys: public keys of a host, for evidence and heartbeat; none if not known yet.
        out: where the file is to stand; it must not be there.
        now: its time of issue.

    Raises:
        Stalled: ``USAGE``, ``STATE_SCHEMA``, ``SIGNATURE``, ``GATE_UNSATISFIABLE``,
            ``ROOT_DUPLICATE_KEY`` and what else makes a root invalid. Then nothing is written.
    """
    holders = [_holder(name, plan, beside) for name, plan in people.persons.items()]
    if host_keys:
        holders.append(host(HOST_NAME, read_line(host_keys[0]), read_line(host_keys[1])))
    data = root_file(holders, people.repository, people.environment, now)
    root, findings = read_root(data)
    warnings = refuse_bad(findings)
    file = out / ROOT_FILE
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        with file.open("xb") as opened:
            opened.write(data)
    except FileExistsError as error:
        told = "it is there already, and such files never change"
        raise Stalled(Reason.USAGE, str(file), told) from error
    except OSError as error:
        raise Stalled(Reason.USAGE, str(file), str(error)) from error
    return FirstRoot(file, digest_bytes(data), root, warnings)


def people_from(file: Path) -> PeopleFile:
    """The people of ``people.yaml``. Raises ``Stalled`` (``USAGE``, ``STATE_*``)."""
    return read_people(_bytes(file), file.name)


def read_line(file: Path) -> str:
    """The public key in a ``.pub`` file. Raises ``Stalled(USAGE)``."""
    try:
        return _bytes(file).decode("utf-8").strip()
    except UnicodeDecodeError as error:
        raise Stalled(Reason.USAGE, str(file), "expected a public key file") from error


def edited(file: Path) -> bytes:
    """A root that somebody edited. Raises ``Stalled(USAGE)``."""
    return _bytes(file)


def _bytes(file: Path) -> bytes:
    try:
        with file.open("rb") as opened:
            return opened.read(MAX_FILE + 1)
    except OSError as error:
        raise Stalled(Reason.USAGE, str(file), str(error)) from error


def _holder(name: str, plan: PersonPlan, beside: Path) -> Holder:
    keys = tuple((read_line(beside / key), plan.uses) for key in plan.keys)
    return Holder(name, plan.roles, keys, plan.forge)


def _files(papers: Paperwork) -> dict[str, bytes]:
    """Every file under ``trust/root`` in the working clone."""
    found: dict[str, bytes] = {}
    for name in papers.desk.names("trust/root"):
        inside = papers.desk.names(f"trust/root/{name}")
        paths = [f"trust/root/{name}/{file}" for file in inside] or [f"trust/root/{name}"]
        for path in paths:
            if (papers.desk.folder / path).is_file():
                found[path] = papers.desk.read(path) or b""
    return found
