"""What no committed file may hold, and what the requirements must be."""

import re
import subprocess
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
REQUIREMENTS = sorted((ROOT / "requirements").glob("*.*"))
LOCKED = re.compile(r"^([a-z0-9.-]+)==\S+.*\\\n +--hash=sha256:\w{64}", re.MULTILINE)
LARGEST_SOURCE_BYTES = 2_000_000

# Written in pieces, so that this file does not hold what it forbids.
MACHINE_PATH = re.compile(r"(?<![\w.~})-])/(?:work|home|root|tmp|opt|Users)" + r"/\w")
REGISTRY = re.compile(r"(?:pypi|pythonhosted|npmjs|crates|anaconda)" + r"\.(?:org|io|com)\b")
TICKET = re.compile(r"\bissue" + r" #?\d", re.IGNORECASE)
HISTORY_IN_NAME = re.compile(
    r"(?:^|[-_.])v\d+(?:[-_.]|$)|phase[-_]?\d|ticket[-_]?\d|(?:19|20)\d\d[-_]?[01]\d[-_]?[0-3]\d",
    re.IGNORECASE,
)


def committed() -> list[Path]:
    """Files that git tracks or would add."""
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"],
        cwd=ROOT,
        capture_output=True,
        check=True,
    ).stdout.decode()
    return [ROOT / name for name in listed.split("\0") if name and (ROOT / name).is_file()]


@pytest.mark.parametrize("file", REQUIREMENTS, ids=lambda file: file.name)
def test_requirements_hold_no_address(file: Path) -> None:
    text = file.read_text(encoding="utf-8")
    for forbidden in ("://", "--index-url", "--extra-index-url", "--find-links", " @ "):
        assert forbidden not in text


@pytest.mark.parametrize("file", sorted((ROOT / "requirements").glob("*.in")), ids=lambda f: f.name)
def test_every_requirement_is_locked_by_version_and_digest(file: Path) -> None:
    lock = file.with_suffix(".txt").read_text(encoding="utf-8")
    pinned = set(LOCKED.findall(lock))

    assert pinned == set(re.findall(r"^([A-Za-z0-9._-]+)", lock, re.MULTILINE))
    for line in file.read_text(encoding="utf-8").splitlines():
        name = re.match(r"[a-z][a-z0-9._-]*", line)
        if name is not None:
            assert name[0].replace(".", "-").replace("_", "-") in pinned


def test_the_runtime_requirements_are_those_of_the_distribution() -> None:
    declared = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    lines = (ROOT / "requirements" / "runtime.in").read_text(encoding="utf-8").splitlines()
    assert [line for line in lines if line[0] not in "#-"] == declared["dependencies"]


def test_no_committed_file_names_a_machine_a_registry_or_a_ticket() -> None:
    found = []
    for file in committed():
        if file.stat().st_size > LARGEST_SOURCE_BYTES:
            continue
        text = file.read_bytes().decode("utf-8", errors="replace")
        for pattern in (MACHINE_PATH, REGISTRY, TICKET):
            found += [f"{file.relative_to(ROOT)}: {hit[0]}" for hit in pattern.finditer(text)]
    assert found == []


def test_no_name_carries_a_version_a_phase_or_a_date() -> None:
    names = [file.relative_to(ROOT) for file in committed()]
    assert [str(name) for name in names if HISTORY_IN_NAME.search(name.as_posix())] == []
