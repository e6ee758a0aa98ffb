"""End to end over SSH: a bare repository with the hook, the ways to merge, and the reconciler."""

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.fakes.hooked_server import HookedServer
from tests.fakes.pull_requests import ENGAGED, PullRequests
from tests.fakes.ssh_server import SshServer, ssh_server

pytestmark = pytest.mark.system
SAME = ("admitted", "desired", "approved", "permitted", "findings", "sequence", "people")
WAYS: dict[str, tuple[tuple[str, ...], ...]] = {
    "merge": (("checkout", "-q", "main"), ("merge", "-q", "--no-ff", "-m", "merged", "change")),
    "squash": (
        ("checkout", "-q", "main"),
        ("merge", "-q", "--squash", "change"),
        ("commit", "-q", "-m", "squashed"),
    ),
    "rebase": (("rebase", "-q", "main", "change"), ("checkout", "-q", "-B", "main", "change")),
}
Opened = Callable[[PullRequests], HookedServer]


@pytest.fixture(scope="module")
def sshd(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SshServer]:
    with ssh_server(tmp_path_factory.mktemp("sshd")) as server:
        yield server


@pytest.fixture
def opened(sshd: SshServer, monkeypatch: pytest.MonkeyPatch) -> Opened:
    """Puts a desk's state repository behind SSH, for its people and for its reconciler."""
    monkeypatch.setenv("GIT_SSH_COMMAND", sshd.command)

    def behind_ssh(requests: PullRequests) -> HookedServer:
        url = sshd.url(requests.folder / "state.git")
        config = requests.folder / "governor.yaml"
        text = config.read_text()
        assert "./state.git" in text
        config.write_text(text.replace("./state.git", url))
        requests.git("remote", "set-url", "origin", url)
        return HookedServer(requests, url)

    return behind_ssh


def asked_and_signed(requests: PullRequests) -> None:
    """A branch of three commits that asks for paper; main moves on meanwhile."""
    requests.branch()
    requests.propose_here("--mode", "paper")
    requests.commit("propose")
    requests.sign_here(1, "oscar", "rita")
    requests.commit("sign")
    requests.replace("mode.yaml", "mode: halted", "mode: paper")
    requests.commit("ask")
    requests.git("checkout", "-q", "main")
    requests.push(notes__md="main has moved\n")


def test_merge_squash_and_rebase_land_and_come_to_the_same_verdict(
    unasked: PullRequests, tmp_path: Path, opened: Opened
) -> None:
    asked_and_signed(unasked)
    now = unasked.check(head="change")["now"]
    verdicts: dict[str, dict[str, Any]] = {}
    commits = set()
    for way, steps in WAYS.items():
        shutil.copytree(unasked.folder, tmp_path / way)
        shutil.rmtree(tmp_path / way / "var" / "read.git", ignore_errors=True)
        requests = PullRequests(tmp_path / way, unasked.capture)
        server = opened(requests)
        assert requests.check(head="change")["exit"] == 0
        for step in steps:
            requests.git(*step)
        server.takes("HEAD:main")
        commits.add(server.tip())
        code, told = requests.verify("--now", now)
        assert (code, told["revision"]) == (0, f"main@sha1:{server.tip()}")
        verdicts[way] = {key: told[key] for key in SAME}

    assert len(commits) == len(WAYS)
    assert verdicts["merge"]["permitted"]["mode"] == "paper"
    assert verdicts["merge"] == verdicts["squash"] == verdicts["rebase"]


@pytest.mark.parametrize("way", WAYS)
def test_an_unapproved_loosening_is_refused_however_it_is_merged(
    requests: PullRequests, opened: Opened, way: str
) -> None:
    server = opened(requests)
    requests.branch()
    requests.write("notes.md", "nothing governed\n")
    requests.commit()
    requests.raise_limit()
    requests.commit()
    for step in WAYS[way]:
        requests.git(*step)

    assert "NOT_APPROVED limits.USD.max_order_notional" in server.refuses("HEAD:main")

    assert requests.verify()[1]["permitted"]["limits"]["max_order_notional"] == "50"


def test_a_stop_is_taken_together_with_an_unapproved_loosening(
    requests: PullRequests, opened: Opened
) -> None:
    server = opened(requests)
    requests.raise_limit()
    requests.commit()
    server.refuses("HEAD:main")
    requests.write("kill_switch.yaml", ENGAGED)
    commit = requests.commit()

    server.takes("HEAD:main")

    assert server.tip() == commit
    told = requests.verify()[1]
    assert (told["kill_switch"]["state"], told["permitted"]["mode"]) == ("engaged", "halted")


def test_a_stop_is_taken_on_the_stop_branch_and_the_reconciler_sees_it(
    requests: PullRequests, opened: Opened
) -> None:
    server = opened(requests)
    requests.write("kill_switch.yaml", ENGAGED)
    requests.commit()
    server.takes("HEAD:refs/heads/stop/drill")
    assert requests.verify()[1]["kill_switch"]["state"] == "engaged"


def test_a_forced_push_that_drops_a_vote_is_refused(requests: PullRequests, opened: Opened) -> None:
    server = opened(requests)
    requests.sign_here(1, "rita", decision="NO_GO")
    requests.commit()
    server.takes("HEAD:main")
    assert requests.mode() == "halted"
    requests.git("reset", "-q", "--hard", "HEAD~1")
    requests.git("commit", "-q", "--allow-empty", "-m", "instead")

    assert "HEAD_REWRITE" in server.refuses("HEAD:main", force=True)

    assert requests.mode() == "halted"
