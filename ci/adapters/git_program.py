"""Git as a program, for what is asked of the repository at hand and written beside it.

Nothing is ever written into the repository that is judged: a merge that is tried goes into a clone
of our own.
"""

import os
import subprocess
from pathlib import Path
from typing import Final

from desired_state.errors import Stalled
from desired_state.reasons import Reason

TIMEOUT_S: Final = 30
MAX_OUTPUT: Final = 64 * 1024
CONFLICT: Final = 1  # exit code of git merge-tree
_SHUT_OUT: Final = {
    "GIT_NO_REPLACE_OBJECTS": "1",
    "GIT_CONFIG_NOSYSTEM": "1",
    "GIT_CONFIG_GLOBAL": os.devnull,
    "GIT_TERMINAL_PROMPT": "0",
    "LC_ALL": "C",
    # a tried merge needs an author; it is thrown away with its clone
    "GIT_AUTHOR_NAME": "governor-ci",
    "GIT_AUTHOR_EMAIL": "governor-ci@localhost",
    "GIT_AUTHOR_DATE": "1700000000 +0000",
    "GIT_COMMITTER_NAME": "governor-ci",
    "GIT_COMMITTER_EMAIL": "governor-ci@localhost",
    "GIT_COMMITTER_DATE": "1700000000 +0000",
}


def git(folder: Path, *arguments: str) -> tuple[int, str]:
    """Exit code and standard output of one git command, bounded in time.

    Raises:
        Stalled: ``TOOL_MISSING``, or ``FETCH`` where git does not end.
    """
    inherited = {k: v for k, v in os.environ.items() if not k.startswith("GIT_")}
    try:
        done = subprocess.run(  # noqa: S603  (no shell, and the words are ours)
            ["git", *arguments],  # noqa: S607  (whichever git this machine has)
            cwd=folder,
            env={**inherited, **_SHUT_OUT},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=TIMEOUT_S,
            check=False,
        )
    except FileNotFoundError as error:
        raise Stalled(Reason.TOOL_MISSING, "git", str(error)) from error
    except (OSError, subprocess.SubprocessError) as error:
        raise Stalled(Reason.FETCH, " ".join(arguments[:1]), str(error)) from error
    return done.returncode, done.stdout[:MAX_OUTPUT].decode("utf-8", "replace").strip()


def git_directory(folder: Path) -> Path:
    """Where the objects and refs of the repository at ``folder`` are, also for a linked work tree.

    Raises:
        Stalled: ``USAGE`` where there is none.
    """
    if not folder.is_dir():
        raise Stalled(Reason.USAGE, "--repository", f"expected a folder, found {folder}")
    status, out = git(folder, "rev-parse", "--path-format=absolute", "--git-common-dir")
    if status != 0:
        raise Stalled(Reason.USAGE, "--repository", f"expected a git repository, found {folder}")
    return Path(out)


def resolve(repository: Path, name: str) -> str:
    """The commit that a name means here.

    Raises:
        Stalled: ``FETCH`` where there is no such commit.
    """
    asked = ("rev-parse", "--verify", "--quiet", "--end-of-options", f"{name}^{{commit}}")
    status, out = git(repository, *asked)
    if status != 0 or not out:
        text = f"expected a commit of this clone, found no {name}; fetch the whole history"
        raise Stalled(Reason.FETCH, name, text)
    return out


def merged(clone: Path, base: str, head: str) -> tuple[str, str]:
    """Commits that a merge and a squash of ``head`` onto ``base`` would give, made in ``clone``.

    Raises:
        Stalled: ``MERGE_CONFLICT``, or ``FETCH`` where the two have no history in common.
    """
    status, out = git(clone, "merge-tree", "--write-tree", "--no-messages", base, head)
    if status == CONFLICT:
        paths = sorted({line.split("\t")[-1] for line in out.splitlines()[1:] if "\t" in line})
        raise Stalled(Reason.MERGE_CONFLICT, head, f"in {', '.join(paths)[:500] or 'some file'}")
    if status != 0:
        raise Stalled(Reason.FETCH, head, "git cannot merge it: no history in common, or no object")
    tree = out.split("\n", 1)[0]
    found = []
    for parents in ((base, head), (base,)):
        named = [word for parent in parents for word in ("-p", parent)]
        status, commit = git(clone, "commit-tree", tree, *named, "-m", "tried")
        if status != 0:
            raise Stalled(Reason.FETCH, head, "git cannot write the merge that was tried")
        found.append(commit)
    return found[0], found[1]


def setting(repository: Path, key: str) -> str | None:
    """One value of the repository's own configuration, or none."""
    status, out = git(repository, "config", "--local", "--get", key)
    return out if status == 0 and out else None


def set_setting(repository: Path, key: str, value: str) -> None:
    """The value stands in the repository's own configuration.

    Raises:
        Stalled: ``USAGE`` where git cannot write it.
    """
    status, _ = git(repository, "config", "--local", key, value)
    if status != 0:
        raise Stalled(Reason.USAGE, key, "git cannot write this repository's configuration")
