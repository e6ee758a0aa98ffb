"""``make mutation``: changes the code that decides, line by line, and sees a test fail each time.

A mutant that no test kills must stand in ``explained.toml`` with the reason why it changes nothing
that anybody could see. Runs in a copy of the tracked files, module by module.
"""

import argparse
import os
import subprocess
import sys
import tempfile
import tomllib
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

HERE: Final = Path(__file__).parent
TREE: Final = HERE.parents[1]
PACKAGES: Final = ("desired_state", "evidence_repo", "layers", "reconciler", "ci", "tests")
KILLED: Final = "killed"  # one that nothing tested, or that took too long, is alive

# Which tests judge which module: the fastest that together see all of it; survivors run them all.
JUDGED_BY: Final = {
    "authority": ("tests/authority",),
    "quorum": ("tests/quorum",),
    "ratchet": ("tests/ratchet", "tests/admission/test_heads_and_roots.py"),
    "memory": (
        "tests/admission/test_memory.py",
        "tests/admission/test_ledger.py",
        "tests/admission/test_proposals.py",
        "tests/gate/test_recurring_stops.py",
    ),
    "admission": (
        "tests/admission/test_judged_heads.py",
        "tests/admission/test_polling.py",
        "tests/admission/test_releases.py",
        "tests/admission/test_winding_down.py::test_it_lasts_an_hour_at_most_and_says_when_it_ends",
        "tests/trust_root/test_next_root.py",
        "tests/trust_root/test_revocation.py",
    ),
}
CONFIGURATION: Final = """
[tool.mutmut]
source_paths = ["desired_state/"]
only_mutate = ["desired_state/{module}.py"]
pytest_add_cli_args_test_selection = {tests}
pytest_add_cli_args = [
    "-m", "not slow and not system and not fuzz",
    "-p", "no:cacheprovider",
    "--hypothesis-profile=mutation",
    "--assert=plain", "--tb=no",
]
also_copy = {packages}
timeout_constant = 4.0
"""


@dataclass(frozen=True)
class Mutant:
    """One change that no test noticed, as the lines that it takes out and puts in."""

    name: str
    status: str
    diff: str

    def changes(self) -> tuple[str, ...]:
        lines = self.diff.splitlines()
        return tuple(
            line.replace(" ", "")
            for line in lines
            if line[:1] in {"-", "+"} and line[:3] not in {"---", "+++"}
        )


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("modules", nargs="*", default=list(JUDGED_BY), help=", ".join(JUDGED_BY))
    wanted = parser.parse_args(arguments).modules
    explained = tomllib.loads((HERE / "explained.toml").read_text())["mutant"]
    known = {
        (
            entry["module"],
            tuple(line.replace(" ", "") for line in entry["diff"].split("\n") if line),
        )
        for entry in explained
    }
    unexplained = 0
    for module in wanted:
        total, left = survivors(module)
        strange = [mutant for mutant in left if (module, mutant.changes()) not in known]
        unexplained += len(strange)
        tell(
            f"{module}: {total} mutants, {total - len(left)} killed,"
            f" {len(left) - len(strange)} explained, {len(strange)} unexplained"
        )
        for mutant in strange:
            tell(f"--- {mutant.status}: {mutant.name}\n{mutant.diff}")
        alive = {mutant.changes() for mutant in left}
        for _, changes in sorted(entry for entry in known if entry[0] == module):
            if changes not in alive:
                unexplained += 1
                tell("--- explained, and not alive any more:", *changes)
    return 1 if unexplained else 0


def tell(*lines: str) -> None:
    sys.stdout.write("\n".join(lines) + "\n")
    sys.stdout.flush()


def survivors(module: str) -> tuple[int, list[Mutant]]:
    """How many mutants of one module there are, and those that are still alive."""
    with tempfile.TemporaryDirectory(prefix="mutation-") as folder:
        copy = Path(folder)
        copied(copy)
        tests = [test for test in JUDGED_BY[module] if (copy / test.partition("::")[0]).exists()]
        with (copy / "pyproject.toml").open("a") as file:
            file.write(
                CONFIGURATION.format(
                    module=module,
                    tests=str(tests).replace("'", '"'),
                    packages=str(list(PACKAGES)).replace("'", '"'),
                )
            )
        mutmut(copy, "run", "--max-children", str(os.cpu_count() or 2))
        told = [line.split(": ") for line in mutmut(copy, "results", "--all", "true").splitlines()]
        found = {line[0].strip(): line[1].strip() for line in told if len(line) == 2}
        if not found:
            raise SystemExit(f"{module}: no mutant was made; read what mutmut says above")
        return len(found), [
            Mutant(name, status, mutmut(copy, "show", name))
            for name, status in found.items()
            if status != KILLED
        ]


def copied(copy: Path) -> None:
    names: Iterable[str] = git("ls-files").splitlines()
    for name in names:
        target = copy / name
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes((TREE / name).read_bytes())


def git(*arguments: str) -> str:
    return subprocess.run(
        ["git", *arguments], cwd=TREE, check=True, capture_output=True, text=True
    ).stdout


def mutmut(where: Path, *arguments: str) -> str:
    done = subprocess.run(
        [sys.executable, "-m", "mutmut", *arguments],
        cwd=where,
        check=False,
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONPATH": ""},
    )
    if done.returncode:
        sys.stderr.write(done.stdout[-3000:] + done.stderr[-3000:])
        raise SystemExit(f"mutmut {arguments[0]} ended with {done.returncode}")
    return done.stdout


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
