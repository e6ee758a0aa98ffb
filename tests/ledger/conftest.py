"""A desk with a journal and two evidence repositories, on real files, git and keys."""

import subprocess
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest

from desired_state.canonical import digest_bytes
from evidence_repo.adapters.file_journal import FileJournal
from evidence_repo.adapters.git_evidence import GitEvidence
from evidence_repo.adapters.git_reader import GitReader
from evidence_repo.adapters.log_key import LogKey
from evidence_repo.adapters.position_file import PositionFile
from evidence_repo.audit import audit_chain
from evidence_repo.audit_report import ChainAudit, Replay
from evidence_repo.ledger import Ledger
from evidence_repo.manifest import Context, PackKind
from evidence_repo.packs import Pack, build

AT = datetime(2020, 3, 12, 10, tzinfo=UTC)


class Desk:
    """One host with its journal, its clone and the server's repository."""

    def __init__(self, folder: Path, key: LogKey) -> None:
        self.folder, self.key = folder, key
        self.bare, self.clone = folder / "evidence.git", folder / "evidence"
        self.store = GitEvidence.create(self.clone, self.bare)
        self.journal = FileJournal(folder / "journal")
        self.cache = PositionFile(folder / "shipped.json")
        self.ledger = Ledger(self.journal, self.store, key, self.cache)

    def note(self, count: int = 1, objects: tuple[str, ...] = ()) -> None:
        for _ in range(count):
            size = self.journal.head.size
            at = AT + timedelta(seconds=size)
            self.journal.append("note", {"n": size}, at, "main@sha1:" + "a" * 40, objects)

    def pack(self, text: str = "fills", context: Context | None = None) -> Pack:
        pack = build(
            PackKind.SESSION,
            date(2020, 3, 12),
            {"bars.csv": digest_bytes(b"bars")},
            {"fills.jsonl": text.encode(), "report/summary.json": b'{"orders":"3"}'},
            context or Context(),
        )
        self.ledger.record_pack(pack, AT)
        return pack

    def reopen(self) -> None:
        """What a new process finds."""
        self.journal.close()
        self.store.close()
        self.journal = FileJournal(self.folder / "journal")
        self.store = GitEvidence(self.clone, str(self.bare))
        self.ledger = Ledger(self.journal, self.store, self.key, self.cache)

    def audit(self, replay: Mapping[str, Replay] | None = None) -> ChainAudit:
        reader = GitReader(self.bare)
        try:
            return audit_chain(reader, self.key.verifier, replay)
        finally:
            reader.close()

    def git(self, *args: str, at: Path | None = None) -> str:
        done = subprocess.run(
            ["git", "-C", at or self.bare, *args], check=True, capture_output=True, text=True
        )
        return done.stdout.strip()

    def lines(self) -> list[bytes]:
        """What the server's repository holds, read with plain git."""
        names = self.git("ls-tree", "-r", "--name-only", "main", "log/leaves").splitlines()
        return [
            line.encode()
            for name in names
            for line in self.git("show", f"main:{name}").splitlines()
        ]

    def tamper(self, change: Callable[[Path], object]) -> None:
        """A person with write access changes files of the server's branch in a new commit."""
        work = self.folder / f"tamper{len(list(self.folder.iterdir()))}"
        self.git("clone", "-q", str(self.bare), str(work), at=self.folder)
        change(work)
        self.git("add", "-A", at=work)
        self.git("commit", "-q", "-m", "tidy up", at=work)
        self.git("push", "-q", at=work)


@pytest.fixture(scope="session")
def key(tmp_path_factory: pytest.TempPathFactory) -> LogKey:
    path = tmp_path_factory.mktemp("key") / "evidence"
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", path], check=True)
    return LogKey(path, "localhost/evidence")


@pytest.fixture
def desk(tmp_path: Path, key: LogKey) -> Iterator[Desk]:
    made = Desk(tmp_path, key)
    yield made
    made.journal.close()
    made.store.close()


@pytest.fixture(scope="session")
def desk_class() -> type[Desk]:
    return Desk
