"""Sessions as the evidence repository holds them."""

from contextlib import closing
from pathlib import Path
from typing import Any

from desired_state.canonical import from_json
from evidence_repo.adapters.git_reader import GitReader
from evidence_repo.reader import pack_files, pack_folders
from reconciler.host import Host


def read_sessions(host: Host) -> list[tuple[str, dict[str, Any]]]:
    """Pack id and record of every session, oldest first. Raises ``Stalled(FETCH)``."""
    with closing(GitReader(Path(host.evidence_url))) as reader:
        names = [name for name in pack_folders(reader.files()) if "-SESSION-" in name]
        found = [(name, from_json(pack_files(reader, name)["session.json"])) for name in names]
    return sorted(found, key=lambda pair: (str(pair[1]["first"]), pair[0]))
