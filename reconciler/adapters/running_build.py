"""Which build runs here: a digest over our files and over every distribution beside them."""

from functools import lru_cache
from importlib.metadata import distributions
from pathlib import Path
from typing import Final

from desired_state.canonical import digest, digest_bytes

PACKAGES: Final = ("desired_state", "evidence_repo", "layers", "reconciler", "ci")
_HOME: Final = Path(__file__).parents[2]
_NOT_SHIPPED: Final = frozenset({"__pycache__"})


@lru_cache(maxsize=1)
def running_build() -> str | None:
    """As installed when first asked: our files by their bytes, the lock by name and version.

    None where they cannot be read, which is no approved build. The same wheel in the same locked
    environment has the same digest on every machine; a changed file, or another version of
    anything importable, has another one.
    """
    try:
        return build_of(_HOME)
    except OSError:
        return None


def build_of(home: Path) -> str:
    """The digest over the packages that stand in ``home`` and this environment's distributions."""
    files = {
        path.relative_to(home).as_posix(): digest_bytes(path.read_bytes())
        for package in PACKAGES
        for path in sorted((home / package).rglob("*"))
        if path.is_file() and not _NOT_SHIPPED & set(path.parts)
    }
    installed = {d.name.lower(): d.version for d in distributions()}
    return digest({"files": files, "lock": installed})
