"""An evidence repository read with git, bare or clone, at one commit, without a work tree."""

from collections.abc import Iterator, Mapping
from pathlib import Path

from desired_state.errors import Stalled
from desired_state.reasons import Reason
from desired_state.values import Commit
from evidence_repo.adapters.git_process import GitProcess
from evidence_repo.contents import MAX_FILE
from evidence_repo.reader import Change, Entry, Join


class GitReader:
    """One commit of a repository; a branch that moves later is not looked at again."""

    def __init__(self, repository: Path, revision: str = "HEAD") -> None:
        """``revision`` is anything git understands; an empty repository has no files.

        Raises:
            Stalled: ``FETCH`` if there is no repository or no such revision.
        """
        self._git = GitProcess(repository)
        if not (self._git.folder / "HEAD").is_file():
            raise Stalled(Reason.FETCH, str(repository), "expected a git repository")
        found = self._git.resolve(f"{revision}^{{commit}}")
        if found is None and revision != "HEAD":
            raise Stalled(Reason.FETCH, str(repository), f"no revision {revision}")
        self.commit: Commit | None = found[0] if found else None
        self._objects: dict[str, str] = {}
        self._files: dict[str, Entry] | None = None

    def files(self) -> Mapping[str, Entry]:
        """Every file by its path, in the order of the paths."""
        if self._files is None:
            self._files = {}
            for record in self._listing():
                about, _, name = record.partition(b"\t")
                mode, _, identity, size = about.decode().split()
                path = name.decode(errors="backslashreplace")
                self._objects[path] = identity
                self._files[path] = Entry(mode, int(size) if size != "-" else 0)
        return self._files

    def read(self, path: str) -> bytes:
        """The bytes of a file that is there; see the port."""
        if path not in self.files():
            raise Stalled(Reason.FETCH, path, "the file is not in the repository")
        return self._git.content(self._objects[path], MAX_FILE)

    def history(self) -> Iterator[Change | Join]:
        """Every change from the first commit on, oldest first."""
        if self.commit is None:
            return
        commit = self.commit
        command = ["log", "--reverse", "--no-renames", "--name-status", "-m", "--no-show-signature"]
        for raw in self._git.stream([*command, "--format=commit %H %P", self.commit], b"\n"):
            line = raw.decode(errors="backslashreplace")
            if line.startswith("commit "):
                _, commit, *parents = line.split()
                if len(parents) > 1:
                    yield Join(commit)
            elif line:
                status, _, path = line.partition("\t")
                yield Change(commit, status, path)

    def close(self) -> None:
        """End what was started to read objects."""
        self._git.close()

    def _listing(self) -> Iterator[bytes]:
        if self.commit is None:
            return iter(())
        return self._git.stream(["ls-tree", "-r", "-z", "-l", "--full-tree", self.commit], b"\x00")
