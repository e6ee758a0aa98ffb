"""``governor.yaml``: what this host is told. It pins the trust root and can only tighten it."""

from datetime import timedelta
from pathlib import Path  # pure: nothing here touches a disk
from typing import Annotated, Final, Self

from pydantic import Field, StringConstraints, model_validator

from desired_state.canonical import digest_bytes
from desired_state.document import load
from desired_state.errors import Stalled
from desired_state.frozen import Frozen
from desired_state.reasons import Reason
from desired_state.trust_root import RepositoryId
from desired_state.values import Digest, Name, Span
from evidence_repo.pinned import Pinned

CONFIG_NAME: Final = "governor.yaml"
RefName = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9._/-]{0,99}$")]
Path_ = Annotated[str, StringConstraints(min_length=1, max_length=1000)]
Variable = Annotated[str, StringConstraints(pattern=r"^[A-Za-z_][A-Za-z0-9_]{0,99}$")]
# an address and no name: a name could be resolved to anywhere
Loopback = Annotated[str, StringConstraints(pattern=r"^http://127\.0\.0\.1:[0-9]{1,5}$")]


class StateSource(Frozen):
    """Where the desired state is read, and how often it is asked for."""

    url: Path_
    branch: RefName = "main"
    poll: Span = timedelta(seconds=1)
    repository: RepositoryId | None = None  # named in stop ids; else read from the pinned root


class EvidenceTarget(Frozen):
    """Where evidence is pushed, and the reconciler's own clone of it."""

    url: Path_
    branch: RefName = "main"
    clone: Path_ = "./evidence"
    checkpoint: Pinned | None = None  # SIZE:ROOT, as the audit prints it: judged from there on


class HostKeys(Frozen):
    """Private keys of this host; persons' keys never stand here."""

    evidence: Path_ = "./var/keys/evidence"
    watcher: Path_ = "./var/keys/watcher"


class ClockSources(Frozen):
    """Second sources of the time that this host believes; leaving one out can only tighten."""

    kernel: bool = True  # its word that something keeps the wall clock synchronised


class VenueAccess(Frozen):
    """How this host comes to a venue: where key and secret stand, never what they are."""

    key_env: Variable | None = None
    secret_env: Variable | None = None
    credentials: Path_ | None = None  # a file with key and secret, mode 0600, beside this one
    rehearsal: Loopback | None = None  # a local exchange that takes the venue's place

    @model_validator(mode="after")
    def _one_way(self) -> Self:
        named = self.key_env is not None and self.secret_env is not None
        part = (self.key_env is None) != (self.secret_env is None)
        if part or named == (self.credentials is not None):
            raise ValueError("expected key_env and secret_env, or credentials, and not both")
        return self


class HostFile(Frozen):
    """The file as written."""

    state: StateSource
    evidence: EvidenceTarget
    trust_root: Digest
    var: Path_ = "./var"
    keys: HostKeys = HostKeys()
    clock: ClockSources = ClockSources()
    heartbeats: tuple[Path_, ...] = ()  # files of watchers on other hosts
    venues: dict[Name, VenueAccess] = Field(default_factory=dict)
    host: Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9.-]{1,40}$")] = "local"


class Host:
    """The file with its paths resolved beside it."""

    def __init__(self, folder: Path, file: HostFile, digest: str) -> None:
        """``folder`` holds ``governor.yaml``; relative paths start there."""
        self.folder = folder
        self.file = file
        self.digest = digest

    def path(self, text: str) -> Path:
        """A path of the file, absolute."""
        return self.folder / text

    @property
    def var(self) -> Path:
        """This host's own folder: journal, latch, trusted state, venues."""
        return self.path(self.file.var)

    @property
    def rehearsed(self) -> tuple[str, ...]:
        """Venues whose place a local exchange takes on this host (REHEARSAL-2)."""
        return tuple(sorted(name for name, way in self.file.venues.items() if way.rehearsal))

    @property
    def state_url(self) -> str:
        """The remote; a relative path becomes absolute, an address stays as it is."""
        return self._url(self.file.state.url)

    @property
    def evidence_url(self) -> str:
        """As ``state_url``, for the evidence repository."""
        return self._url(self.file.evidence.url)

    @property
    def evidence_name(self) -> str:
        """The evidence repository as the file names it: the same wherever the folder lies."""
        return f"{self.file.evidence.url} {self.file.evidence.branch}"

    def _url(self, text: str) -> str:
        local = text.startswith(("./", "../", "/")) or ("://" not in text and ":" not in text)
        return str(self.path(text)) if local else text


def parse_host(data: bytes, path: Path) -> Host:
    """The host that the bytes of ``path`` describe.

    Raises:
        Stalled: ``CONFIG_INVALID`` if they are not valid.
    """
    try:
        file = load(HostFile, data, path.name)
    except Stalled as error:
        raise Stalled(Reason.CONFIG_INVALID, error.subject, error.message) from error
    return Host(path.parent, file, digest_bytes(data))


def bare_host(folder: Path) -> Host:
    """A host with every default, for stopping one whose ``governor.yaml`` does not read."""
    nothing = "sha256:" + "0" * 64
    file = HostFile(
        state=StateSource(url="./state.git"),
        evidence=EvidenceTarget(url="./evidence.git"),
        trust_root=nothing,
    )
    return Host(folder, file, nothing)
