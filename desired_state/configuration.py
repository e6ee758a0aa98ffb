"""How it is done: the configuration, identified by a digest over explicit data (trust.md, 4)."""

from collections.abc import Mapping
from functools import lru_cache

from desired_state.canonical import digest, digest_bytes
from desired_state.document import parse
from desired_state.errors import Finding, Stalled
from desired_state.state_files import is_configuration


def configuration_digest(files: Mapping[str, bytes]) -> str:
    """Digest of every configuration file: YAML by its data, so comments do not count, else bytes.

    Raises:
        Stalled: ``STATE_YAML`` where a file is not strict YAML.
    """
    return _digest(tuple((p, d) for p, d in sorted(files.items()) if is_configuration(p)))


@lru_cache(maxsize=16)
def _digest(files: tuple[tuple[str, bytes], ...]) -> str:
    """Judged anew every cycle, computed once for the same bytes."""
    return digest(
        {
            path: dict(parse(data, path).data) if path.endswith(".yaml") else digest_bytes(data)
            for path, data in files
        }
    )


def configuration_findings(files: Mapping[str, bytes]) -> tuple[Finding, ...]:
    """Which configuration files do not read."""
    found = []
    for path, data in sorted(files.items()):
        if is_configuration(path) and path.endswith(".yaml"):
            try:
                parse(data, path)
            except Stalled as error:
                found.append(error.finding)
    return tuple(found)
