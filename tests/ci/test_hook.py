"""The pre-receive hook of a plain git server: what is taken, and what main then is."""

import subprocess
from pathlib import Path

import pytest

from ci.hooks import script
from ci.receiving import updates
from desired_state.errors import Stalled
from tests.fakes.hooked_server import HookedServer
from tests.fakes.pull_requests import ENGAGED, PullRequests


@pytest.fixture
def server(requests: PullRequests) -> HookedServer:
    return HookedServer(requests)


def test_an_unapproved_loosening_is_refused_by_name_and_main_stays(server: HookedServer) -> None:
    server.requests.raise_limit()
    server.requests.commit()
    said = server.refuses("HEAD:main")
    assert "NOT_APPROVED limits.USD.max_order_notional" in said
    assert "Propose and sign it" in said


def test_a_loosening_with_its_signatures_in_the_same_push_is_taken(unasked: PullRequests) -> None:
    server = HookedServer(unasked)
    unasked.replace("mode.yaml", "mode: halted", "mode: paper")
    unasked.propose_here("--mode", "paper")
    unasked.sign_here(1, "oscar")
    unasked.commit()
    assert "NOT_APPROVED" in server.refuses("HEAD:main")

    unasked.sign_here(1, "rita")
    commit = unasked.commit()
    server.takes("HEAD:main")

    assert server.tip() == commit
    assert unasked.mode() == "paper"


def test_a_tightening_and_an_unsigned_proposal_are_taken(server: HookedServer) -> None:
    server.requests.replace("limits.yaml", 'max_order_notional: "50"', 'max_order_notional: "40"')
    server.requests.commit()
    assert "1 tighter" in server.takes("HEAD:main")


@pytest.mark.parametrize("switch", [ENGAGED, "", "state: off\n"], ids=["engaged", "empty", "off"])
def test_a_push_that_adds_a_stop_is_taken_with_whatever_else_is_in_it(
    server: HookedServer, switch: str
) -> None:
    server.requests.write("kill_switch.yaml", switch)
    server.requests.raise_limit()
    server.requests.git("rm", "-q", "signoffs/0001/oscar.GO.yaml", "mode.yaml")
    commit = server.requests.commit()
    server.takes("HEAD:main")
    assert server.tip() == commit
    told = server.requests.verify()[1]
    assert told["kill_switch"]["state"] in {"engaged", "unreadable"}
    assert told["permitted"]["mode"] == "halted"


def test_a_stop_on_a_rewritten_main_is_taken(server: HookedServer) -> None:
    server.requests.git("reset", "-q", "--hard", "HEAD~2")
    server.requests.write("kill_switch.yaml", ENGAGED)
    server.requests.commit()
    server.takes("HEAD:main", force=True)
    assert "engaged" in server.requests.verify()[1]["kill_switch"]["state"]


def test_a_stop_that_is_taken_back_in_the_same_push_lets_the_push_in(server: HookedServer) -> None:
    server.requests.write("kill_switch.yaml", ENGAGED)
    server.requests.commit()
    server.requests.git("revert", "--no-edit", "HEAD")
    server.takes("HEAD:main")
    assert server.requests.verify()[1]["kill_switch"]["state"] == "engaged"


def test_a_stop_on_the_stop_branch_takes_a_loosening_on_main_with_it(server: HookedServer) -> None:
    server.requests.raise_limit()
    server.requests.commit()
    server.requests.branch("halt", "main~1")
    server.requests.write("kill_switch.yaml", ENGAGED)
    server.requests.commit()
    server.takes("main:main", "halt:stop")
    assert server.requests.verify()[1]["permitted"]["mode"] == "halted"


def test_an_old_stop_under_a_new_stop_branch_opens_no_way_in(server: HookedServer) -> None:
    server.requests.write("kill_switch.yaml", ENGAGED)
    server.requests.commit()
    server.requests.git("revert", "--no-edit", "HEAD")
    server.takes("HEAD:main")
    server.requests.raise_limit()
    server.requests.commit()
    assert "NOT_APPROVED" in server.refuses("main:main", "main~2:refs/heads/stop/old")


@pytest.mark.parametrize("drop", [1, 2])
def test_a_rewritten_main_that_drops_a_vote_is_refused(server: HookedServer, drop: int) -> None:
    server.requests.git("reset", "-q", "--hard", f"HEAD~{drop}")
    server.requests.git("commit", "-q", "--allow-empty", "-m", "instead")
    assert "HEAD_REWRITE" in server.refuses("HEAD:main", force=True)


def test_main_cannot_be_deleted_or_lose_a_paper(server: HookedServer) -> None:
    server.requests.git("--git-dir", str(server.bare), "config", "receive.denyDeletes", "false")
    server.requests.git("--git-dir", str(server.bare), "config", "receive.denyDeleteCurrent", "no")
    assert "HEAD_REWRITE" in server.refuses(":main")
    server.requests.git("rm", "-q", "signoffs/0001/rita.GO.yaml")
    server.requests.commit()
    assert "VOTE_ERASED" in server.refuses("HEAD:main")


def test_a_stop_branch_is_free_but_does_not_lose_the_only_trace_of_a_stop(
    server: HookedServer,
) -> None:
    server.requests.branch("halt")
    server.requests.raise_limit()
    server.requests.commit()
    server.takes("HEAD:stop")  # it can stop and do nothing else, so it may hold anything
    server.requests.branch("halt")
    server.requests.write("kill_switch.yaml", ENGAGED)
    server.requests.commit()
    server.takes("HEAD:stop", force=True)
    assert "HEAD_REWRITE" in server.refuses(":stop")
    server.takes(":stop", "halt:stop/kept")


def test_other_branches_and_tags_are_free(server: HookedServer) -> None:
    server.requests.write("mode.yaml", "mode: off\n")
    server.requests.commit()
    server.takes("HEAD:refs/heads/anything", "HEAD:refs/tags/anything")


def test_a_broken_program_keeps_no_stop_out_and_a_crash_in_judging_keeps_the_push_out(
    server: HookedServer,
) -> None:
    config = ("--git-dir", str(server.bare), "config")
    server.requests.raise_limit()
    server.requests.commit()
    server.requests.git(*config, "--unset", "governor.pin")  # judging fails, finding stops does not
    assert "ROOT_PIN" in server.refuses("HEAD:main")
    server.requests.write("kill_switch.yaml", ENGAGED)
    server.requests.commit()
    server.takes("HEAD:main")

    server.requests.raise_limit_again()
    commit = server.requests.commit()
    server.requests.git(*config, "governor.python", "/nonexistent/python")
    assert "could not look for a stop" in server.takes("HEAD:main")
    assert server.tip() == commit
    assert server.requests.mode() == "halted"


@pytest.mark.parametrize(
    ("said", "ends", "status"),
    [
        ("ACCEPT", "exit 0", 0),
        ("NO-STOP", "kill -9 $$", 1),  # out of time or crashed while judging
        ("NO-STOP", "exit 1", 1),
        ("NO-STOP\\nACCEPT", "exit 0", 0),
        ("", "kill -9 $$", 0),  # out of time or crashed before a stop could be ruled out
        ("", "exit 1", 0),
    ],
)
def test_the_hook_refuses_only_after_a_stop_is_ruled_out(
    tmp_path: Path, said: str, ends: str, status: int
) -> None:
    subprocess.run(["git", "init", "-q", "--bare", str(tmp_path / "bare")], check=True)
    program = tmp_path / "python"
    program.write_text(f"#!/bin/sh\nprintf '{said}\\n'\n{ends}\n")
    program.chmod(0o755)
    subprocess.run(
        ["git", "config", "governor.python", str(program)], cwd=tmp_path / "bare", check=True
    )
    hook = tmp_path / "hook"
    hook.write_text(script())
    done = subprocess.run(
        ["sh", str(hook)], cwd=tmp_path / "bare", capture_output=True, check=False, input=b""
    )
    assert done.returncode == status


def test_installing_twice_changes_nothing_and_another_hook_is_left_alone(
    server: HookedServer,
) -> None:
    requests, bare = server.requests, str(server.bare)
    install = ("hook", "--install", bare, "--pin", requests.pin)
    assert requests.ci(*install)[0] == 0
    assert server.hook.stat().st_mode & 0o111
    server.hook.write_text("#!/bin/sh\nexit 0\n")
    assert requests.ci(*install)[0] == 2
    assert server.hook.read_text() == "#!/bin/sh\nexit 0\n"
    assert requests.ci("hook")[1] == script()
    assert requests.ci("hook", "--install", bare)[0] == 2


def test_lines_that_git_would_not_write_are_not_read() -> None:
    with pytest.raises(Stalled):
        updates("abc def refs/heads/main\n")
    (update,) = updates(f"{'0' * 40} {'a' * 40} refs/heads/a name\n")
    assert (update.old, update.new, update.ref) == (None, "a" * 40, "refs/heads/a name")
