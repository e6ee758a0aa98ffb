"""CODEOWNERS from the trust root, in each forge's dialect."""

import re

import pytest

from tests.fakes.pull_requests import PullRequests

PEOPLE = ("olivia", "oscar", "rita", "simon", "petra", "walter")


def rendered(requests: PullRequests, forge: str, *people: str) -> tuple[int, list[str], str]:
    handles = [word for name in people for word in ("--handle", f"{name}=@the-{name}")]
    code, out, err = requests.ci(
        *("codeowners", "--repository", str(requests.state), "--forge", forge), *handles
    )
    return code, [line for line in out.splitlines() if not line.startswith("#")], err


def owners_of(path: str, lines: list[str], forge: str) -> list[str]:
    """Owners by the forge's own rule: the last pattern that fits."""
    found: list[str] = []
    for line in lines:
        pattern, *owners = line.split(" ")
        if forge == "forgejo":
            fits = re.fullmatch(pattern, path)
        else:
            glob = re.escape(pattern.removeprefix("/")).replace(r"\*", "[^/]*")
            fits = re.fullmatch(glob + ("" if not pattern.endswith("/") else ".*"), path)
        if fits:
            found = owners
    return found


@pytest.mark.parametrize("forge", ["github", "gitlab", "forgejo"])
def test_everybody_is_asked_about_what_is_theirs_and_nobody_about_a_stop(
    unasked: PullRequests, forge: str
) -> None:
    code, lines, _ = rendered(unasked, forge, *PEOPLE)
    assert code == 0
    assert owners_of("signoffs/0001/rita.GO.yaml", lines, forge) == ["@the-rita"]
    assert owners_of("signoffs/0001/rita.GO.yaml.sig", lines, forge) == ["@the-rita"]
    assert owners_of("kill_switch.yaml", lines, forge) == []
    for path in ("mode.yaml", "scopes/a/b.yaml", "trust/root/2.yaml", "proposals/0002.yaml"):
        assert "@the-rita" in owners_of(path, lines, forge)
    assert owners_of("modexyaml", lines, forge) == []


def test_a_person_without_a_handle_is_named_and_the_answer_is_no(unasked: PullRequests) -> None:
    code, lines, err = rendered(unasked, "github", *PEOPLE[:-1])
    assert code == 1
    assert "walter" in err
    assert not any("walter" in line for line in lines)


@pytest.mark.parametrize("word", ["nobody=@x", "rita=x", "rita=@x y", "rita", "rita=@x\n* @evil"])
def test_what_is_no_person_and_handle_is_refused(unasked: PullRequests, word: str) -> None:
    place = ("--repository", str(unasked.state))
    assert unasked.ci("codeowners", *place, "--handle", word)[0] == 2
