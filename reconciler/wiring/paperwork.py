"""A person's desk: the working clone beside ``governor.yaml``, and a key to sign with."""

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Final

from desired_state.adapters.ssh_keygen import PUBLIC, command_line, sign_as_person
from desired_state.admission import Admission
from desired_state.authority import Authority
from desired_state.canonical import digest_bytes
from desired_state.errors import Finding, Stalled
from desired_state.proposals import Proposal, SignOff, proposal_path, signoff_path
from desired_state.reasons import Reason
from desired_state.signatures import MAX_KEY_LINE, public_key
from desired_state.trust_root import Use
from reconciler.adapters.git_desk import GitDesk
from reconciler.host import Host
from reconciler.proposal_checks import VENUES, foreseen
from reconciler.proposal_terms import Request
from reconciler.proposing import Composed, compose, proposal_file
from reconciler.signing import signoff_file
from reconciler.wiring.host import present

WORKING_CLONE: Final = "state"


@dataclass(frozen=True, slots=True)
class Paper:
    """A file and its signature, standing in the working clone and not yet committed."""

    path: str
    paths: tuple[str, ...]
    digest: str
    person: str
    message: str  # of the commit that carries it
    plain_line: str  # what a person would type to sign the same


@dataclass(frozen=True, slots=True)
class Paperwork:
    """Where proposals and sign-offs are written, signed and pushed."""

    folder: Path
    branch: str
    desk: GitDesk

    def refresh(self) -> None:
        """The newest of the remote, where nothing here stands in its way."""
        if self.desk.clean():
            self.desk.pull(self.branch)

    def proposals(self) -> tuple[str, ...]:
        """Paths of the proposals in the working clone, pushed or not."""
        return tuple(f"proposals/{name}" for name in self.desk.names("proposals"))

    def proposal(self, sequence: int) -> tuple[bytes, bytes | None]:
        """A proposal as it stands here, and the signature beside it.

        Raises:
            Stalled: ``USAGE`` where there is no such file.
        """
        path = proposal_path(sequence)
        data = self.desk.read(path)
        if data is None:
            raise Stalled(
                Reason.USAGE, path, "expected a proposal in the working clone, found none"
            )
        return data, self.desk.read(f"{path}.sig")

    def key_of(self, person: str, key: Path | None) -> Path:
        """The key file given (private, or the public half of one in an agent), else the demo's.

        Raises:
            Stalled: ``USAGE``.
        """
        found = key or self.folder / "people" / person / "id_ed25519"
        if not found.is_file():
            told = f"expected --key FILE, or a demonstration key of {person}, found neither"
            raise Stalled(Reason.USAGE, "--key", told)
        return found

    def key_id(self, key: Path) -> str:
        """As ``ssh-keygen -l`` prints it, from the public half beside the key.

        Raises:
            Stalled: ``USAGE``, ``SIGNATURE``.
        """
        beside = key if key.suffix == PUBLIC else Path(f"{key}{PUBLIC}")
        try:
            with beside.open(encoding="utf-8") as file:
                line = file.read(MAX_KEY_LINE + 1)
        except (OSError, ValueError) as error:
            told = f"expected the public half at {beside.name}, found none"
            raise Stalled(Reason.USAGE, "--key", told) from error
        return public_key(line.strip()).key_id

    def propose(
        self, request: Request, admission: Admission, permitted: Authority, key: Path, now: datetime
    ) -> tuple[Composed, Paper]:
        """The proposal that the request makes at the head, signed by its requester.

        Raises:
            Stalled: the code under which it would be refused; or as for ``put``.
        """
        made = compose(request, admission, permitted, self.proposals(), now)
        message = f"Propose {made.proposal.sequence}: {request.reason}"
        data = proposal_file(made.proposal)
        return made, self.put(made.path, data, (request.requester, key, Use.PROPOSAL), message)

    def foreseen(self, proposal: Proposal) -> tuple[Finding, ...]:
        """What L5 will refuse under it, as far as the clone has its base."""
        return foreseen(proposal, self.desk.committed(proposal.base, VENUES))

    def answer(self, signoff: SignOff, key: Path) -> Paper:
        """The sign-off, signed by its person. Raises as for ``put``."""
        path = signoff_path(signoff.sequence, signoff.person, signoff.decision)
        message = f"{signoff.decision} to {signoff.sequence} by {signoff.person}"
        signer = (signoff.person, key, Use.SIGN_OFF)
        return self.put(path, signoff_file(signoff), signer, message)

    def put(self, path: str, data: bytes, signer: tuple[str, Path, Use], message: str) -> Paper:
        """The file and its signature stand in the working clone.

        Raises:
            Stalled: ``SIGNING_FAILED``, ``DESK_GIT``; or ``USAGE`` where the file is there already.
        """
        person, key, use = signer
        if self.desk.read(path) is not None:
            raise Stalled(Reason.USAGE, path, "it is there already, and such files never change")
        beside = f"{path}.sig"
        self.desk.write({path: data, beside: sign_as_person(data, key, use.namespace)})
        line = self.plain_line(path, key, use)
        return Paper(path, (path, beside), digest_bytes(data), person, message, line)

    def plain_line(self, path: str, key: Path, use: Use) -> str:
        """What a person would type to sign the same, beside ``governor.yaml``."""
        shown = key.relative_to(self.folder) if key.is_relative_to(self.folder) else key
        return command_line(Path(WORKING_CLONE) / path, shown, use.namespace)

    def publish(self, paths: tuple[str, ...], message: str, person: str) -> str:
        """Committed in the person's name and pushed. The commit."""
        commit = self.desk.commit(paths, message, person, present())
        self.desk.push(self.branch)
        return commit

    def publish_paper(self, paper: Paper) -> str:
        """A paper, committed in its signer's name and pushed. The commit."""
        return self.publish(paper.paths, paper.message, paper.person)


def paperwork(host: Host) -> Paperwork:
    """The working clone beside ``governor.yaml``.

    Raises:
        Stalled: ``CONFIG_INVALID`` where there is none.
    """
    clone = host.folder / WORKING_CLONE
    if not (clone / ".git").exists():
        told = f"expected a working clone of the state repository at {WORKING_CLONE}, found none"
        raise Stalled(Reason.CONFIG_INVALID, WORKING_CLONE, told, "git clone it there")
    return Paperwork(host.folder, host.file.state.branch, GitDesk(clone))
