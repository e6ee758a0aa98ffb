"""The ready-made workflow files: their scripts are run here, against a real repository."""

import ast
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

from ci.codeowners import Forge
from ci.report import MARKER
from ci.workflows import workflow_text
from tests.fakes.pull_requests import PullRequests

FORGES = [forge.value for forge in Forge]


def loaded(forge: str) -> dict[str, Any]:
    return dict(YAML(typ="safe").load(workflow_text(forge)))


def scripts(forge: str) -> list[str]:
    data = loaded(forge)
    if forge == "gitlab":
        return [str(step) for step in data["governor"]["script"]]
    return [str(step["run"]) for step in data["jobs"]["governor"]["steps"]]


@pytest.mark.parametrize("forge", FORGES)
def test_the_command_prints_the_file(forge: str, unasked: PullRequests) -> None:
    code, out, _ = unasked.ci("workflow", forge)
    assert (code, out) == (0, workflow_text(forge))


@pytest.mark.parametrize("forge", FORGES)
def test_every_script_is_one_and_runs_nothing_of_the_pull_request(forge: str) -> None:
    for text in scripts(forge):
        subprocess.run(["sh", "-n"], input=text, text=True, check=True)
        assert "${{" not in text  # what others choose comes in as environment, never as script
    whole = workflow_text(forge)
    assert "uses:" not in whole
    assert "set -x" not in whole
    assert "--require-hashes" in whole
    assert MARKER in whole
    for program in re.findall(r"<<'END'.*?\n(.*?)\nEND\n", "\n".join(scripts(forge)), re.DOTALL):
        ast.parse(program)


@pytest.mark.parametrize("forge", ["github", "forgejo"])
def test_the_file_of_the_base_branch_runs_with_the_least_permissions(forge: str) -> None:
    data = loaded(forge)
    assert list(data["on"]) == ["pull_request_target"]
    assert data["permissions"] == {"contents": "read", "pull-requests": "write"}
    assert "token" not in str(data["jobs"]["governor"]["env"]).lower()
    env = data["jobs"]["governor"]["env"]
    assert env["GOVERNOR_PIN"] == "${{ vars.GOVERNOR_PIN }}"


def test_gitlab_checks_nothing_out_and_says_why_its_file_stands_in_another_project() -> None:
    data = loaded("gitlab")
    assert data["governor"]["variables"]["GIT_STRATEGY"] == "none"
    assert "ANOTHER project" in workflow_text("gitlab")


@pytest.mark.parametrize("forge", FORGES)
@pytest.mark.parametrize(("asked", "code"), [("loosening", 1), ("stop", 0)])
def test_the_scripts_fetch_and_judge(
    requests: PullRequests, tmp_path: Path, forge: str, asked: str, code: int
) -> None:
    requests.branch()
    requests.raise_limit()
    if asked == "stop":
        requests.write("kill_switch.yaml", "state: engaged\n")
    head = requests.commit()
    requests.git("push", "-q", "origin", "HEAD:refs/pull/7/head")
    bare = f"file://{requests.folder / 'state.git'}"
    place = tmp_path / "runner"
    (place / "bin").mkdir(parents=True)
    program = place / "bin" / "governor-ci"
    program.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m ci "$@"\n')
    program.chmod(0o755)
    env = {
        **os.environ,
        "PATH": f"{place / 'bin'}:{os.environ['PATH']}",
        "ORIGIN": bare.removesuffix(".git") if forge == "gitlab" else bare,
        "BASE_REF": "main",
        "HEAD_REF": "refs/pull/7/head",
        "HEAD_SHA": head,
        "GOVERNOR_PIN": requests.pin,
        "TOKEN": "none",
        "GITHUB_STEP_SUMMARY": str(place / "summary"),
    }
    wanted = [text for text in scripts(forge) if "state.git" in text] + ['exit "$(cat code)"']
    assert len(wanted) == 3
    done = [
        subprocess.run(["sh", "-c", text], cwd=place, env=env, capture_output=True, check=False)
        for text in wanted
    ]

    assert [one.returncode for one in done] == [0, 0, code], done
    assert (place / "comment.md").read_text().startswith(MARKER)
