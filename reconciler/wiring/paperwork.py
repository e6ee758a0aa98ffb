"""A person's desk: the working clone beside ``governor.yaml``, and a key to sign with."""

from dataclasses import dataclass
from pathlib import Path
from typing import Final

from desired_state.adapters.ssh_keygen import command_line, sign
from desired_state.errors import Stalled
from desired_state.proposals import proposal_path
from desired_state.reasons import Reason
from desired_state.signatures import public_key
from desired_state.trust_root import Use
from reconciler.adapters.git_desk import GitDesk
from reconciler.host import Host
from reconciler.wiring.host import present

WORKING_CLONE: Final = "state"


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
        """The key file given, else the person's demonstration key.

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
        try:
            line = Path(f"{key}.pub").read_text(encoding="utf-8")
        except (OSError, ValueError) as error:
            told = f"expected the public half at {key.name}.pub, found none"
            raise Stalled(Reason.USAGE, "--key", told) from error
        return public_key(line.strip()).key_id

    def put(self, path: str, data: bytes, key: Path, use: Use) -> tuple[str, ...]:
        """The file and its signature stand in the working clone. Their paths.

        Raises:
            Stalled: ``SIGNING_FAILED``, ``DESK_GIT``; or ``USAGE`` where the file is there already.
        """
        if self.desk.read(path) is not None:
            raise Stalled(Reason.USAGE, path, "it is there already, and such files never change")
        signature = sign(data, key, use.namespace)
        self.desk.write({path: data, f"{path}.sig": signature})
        return path, f"{path}.sig"

    def plain_line(self, path: str, key: Path, use: Use) -> str:
        """What a person would type to sign the same, beside ``governor.yaml``."""
        shown = key.relative_to(self.folder) if key.is_relative_to(self.folder) else key
        return command_line(Path(WORKING_CLONE) / path, shown, use.namespace)

    def publish(self, paths: tuple[str, ...], message: str, person: str) -> str:
        """Committed in the person's name and pushed. The commit."""
        commit = self.desk.commit(paths, message, person, present())
        self.desk.push(self.branch)
        return commit


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
