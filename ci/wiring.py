"""Builds what the checks read with: a throw-away clone beside the repository, never inside it."""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from ci.adapters.git_program import git_directory, merged, resolve, set_setting, setting
from ci.adapters.surroundings import end_within, given, interpreter, take_quarantine, wall_clock
from ci.hooks import script
from ci.judgement import Bench, Candidate, Way
from ci.papers import ROOT, host_stops, repository_id, tree_of
from desired_state.adapters.git_state import GitState
from desired_state.admission import Trust
from desired_state.canonical import digest_bytes
from desired_state.errors import Stalled
from desired_state.memory import Stop
from desired_state.reasons import Reason
from reconciler.stop_lane import stops_at


@dataclass(frozen=True, slots=True)
class Opened:
    """A repository whose objects can be read, and a clone in which a merge can be tried."""

    state: GitState
    repository: Path
    clone: Path

    def commit(self, name: str) -> str:
        """The commit that a name means. Raises ``Stalled(FETCH)`` where there is none."""
        return resolve(self.repository, name)

    def pin_of(self, commit: str) -> str:
        """Digest of the first trust root as it stands in a commit.

        Raises:
            Stalled: ``ROOT_PIN`` where there is none.
        """
        entry = tree_of(self.state, commit).get(ROOT)
        if entry is None:
            raise Stalled(Reason.ROOT_PIN, ROOT, f"{commit} holds no trust root")
        return digest_bytes(self.state.blob(entry.oid))

    def root_bytes(self, commit: str) -> bytes:
        """The newest trust root's bytes in a commit.

        Raises:
            Stalled: ``ROOT_PIN`` where there is none.
        """
        roots = {
            int(name): entry
            for path, entry in tree_of(self.state, commit).items()
            if path.startswith("trust/root/") and path.endswith(".yaml")
            if (name := path.removeprefix("trust/root/").removesuffix(".yaml")).isdecimal()
        }
        if not roots:
            raise Stalled(Reason.ROOT_PIN, ROOT, f"{commit} holds no trust root")
        return self.state.blob(roots[max(roots)].oid)

    def bench(self, pin: str, base: str | None, head: str | None, now: datetime) -> Bench:
        """What a change from ``base`` to ``head`` is judged with."""
        return Bench(
            state=self.state,
            trust=Trust(pin=pin),
            repository=repository_id(self.state, base or head),
            now=now,
            host_stops=host_stops(self.state, head, now),
        )

    def stops(self, known: str | None, tip: str, now: datetime) -> tuple[Stop, ...]:
        """Stops that come with ``tip`` and are not in the history of ``known``: CI-1.

        Before and independent of everything else, and in the stop lane's own words.
        """
        seen = [known] if known else []
        return stops_at(self.state, repository_id(self.state, tip), [tip], (seen, now))

    def candidates(self, base: str, head: str) -> tuple[Candidate, ...]:
        """What main would be after a merge and after a squash.

        Raises:
            Stalled: ``MERGE_CONFLICT``, ``FETCH``.
        """
        merge, squash = merged(self.clone, base, head)
        return Candidate(Way.MERGE, merge), Candidate(Way.SQUASH, squash)


@contextmanager
def opened(folder: Path, branch: str, quarantine: Path | None = None) -> Iterator[Opened]:
    """Read the repository at ``folder``, and the objects of a push that it has not taken yet.

    Raises:
        Stalled: ``USAGE``, ``SHALLOW``. Waiting: ``FETCH``.
    """
    repository = git_directory(folder)
    with tempfile.TemporaryDirectory(prefix="governor-ci-") as spare:
        clone = Path(spare) / "read.git"
        state = GitState(clone, str(repository), branch)
        if quarantine is not None:
            # HOOK-4: read where git holds them back; git itself would show them to no other clone
            alternates = clone / "objects" / "info" / "alternates"
            alternates.write_text(f"{alternates.read_text()}{quarantine}\n")
        try:
            yield Opened(state, repository, clone)
        finally:
            state.close()


def pin_setting(repository: Path) -> str:
    """The digest that this server's own configuration pins.

    Raises:
        Stalled: ``ROOT_PIN`` where it pins none.
    """
    found = setting(repository, "governor.pin")
    if found is None:
        raise Stalled(Reason.ROOT_PIN, "governor.pin", "git config governor.pin sha256:…")
    return found


def install(folder: Path, pin: str, branch: str) -> Path:
    """The hook stands in the repository, with the settings that it reads there.

    Raises:
        Stalled: ``USAGE``, or ``TARGET_NOT_EMPTY`` where another hook stands there.
    """
    repository = git_directory(folder)
    target = repository / "hooks" / "pre-receive"
    text = script()
    try:
        if target.exists() and target.read_text(encoding="utf-8") != text:
            raise Stalled(Reason.TARGET_NOT_EMPTY, str(target), "another hook stands there")
        target.parent.mkdir(exist_ok=True)
        target.write_text(text, encoding="utf-8")
        target.chmod(0o755)
    except (OSError, UnicodeDecodeError) as error:
        raise Stalled(Reason.USAGE, str(target), str(error)) from error
    set_setting(repository, "governor.python", interpreter())
    set_setting(repository, "governor.pin", pin)
    set_setting(repository, "governor.branch", branch)
    return target


__all__ = [
    "Opened",
    "end_within",
    "given",
    "install",
    "opened",
    "pin_setting",
    "take_quarantine",
    "wall_clock",
]
