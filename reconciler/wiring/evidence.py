"""Reads packs and leaves for ``governor evidence``."""

from collections import deque
from contextlib import closing
from pathlib import Path

from desired_state.errors import Finding, Stalled
from desired_state.reasons import Reason
from evidence_repo.adapters.git_reader import GitReader
from evidence_repo.chain import Leaf, parse
from evidence_repo.contents import MAX_FILE
from evidence_repo.packs import verify
from evidence_repo.reader import lines, pack_files
from reconciler.host import Host

MAX_FILES = 256


def check_pack(pack: str, host: Host | None) -> tuple[Finding, ...]:
    """What is wrong with one pack: a folder, or an id in this host's evidence repository."""
    if host is None:
        return verify(_folder(Path(pack)))
    with closing(GitReader(Path(host.evidence_url))) as reader:
        files = pack_files(reader, pack)
    if not files:
        raise Stalled(Reason.PACK_INVALID, pack, "no pack with this id in the evidence repository")
    return verify(files)


def leaves(host: Host, kind: str | None, last: int) -> tuple[Leaf, ...]:
    """The newest leaves of a kind, oldest of them first."""
    found: deque[Leaf] = deque(maxlen=last)
    with closing(GitReader(Path(host.evidence_url))) as reader:
        for line in lines(reader):
            leaf = parse(line)
            if kind in {None, leaf.kind}:
                found.append(leaf)
    return tuple(found)


def _folder(folder: Path) -> dict[str, bytes]:
    found: dict[str, bytes] = {}
    for path in sorted(folder.rglob("*")):
        name = path.relative_to(folder).as_posix()
        if path.is_symlink() or not (path.is_file() or path.is_dir()):
            raise Stalled(Reason.PACK_INVALID, name, "expected plain files and folders")
        if path.is_file():
            if len(found) >= MAX_FILES or path.stat().st_size > MAX_FILE:
                raise Stalled(Reason.PACK_INVALID, name, "more than may be read")
            found[name] = path.read_bytes()
    return found
