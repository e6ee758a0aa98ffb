"""Trust roots as people make, change, sign and read them."""

import hashlib
import json
import subprocess
from pathlib import Path
from typing import Any

import pytest

from reconciler.cli import main
from tests.fakes.people_desk import Desk

HOLDERS = ("olivia", "oscar", "rita")


def new_key(folder: Path, name: str) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    make = ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(folder / "id_ed25519")]
    subprocess.run([*make, "-C", name], check=True, capture_output=True)
    return folder / "id_ed25519.pub"


def trust(desk: Desk, *words: str) -> dict[str, Any]:
    code, out, err = desk.run("trust", *words, "--json")
    assert code in {0, 1}, err
    return dict(json.loads(out))


def refused(desk: Desk, *words: str) -> str:
    before = desk.git("status", "--porcelain")
    code, _, err = desk.run("trust", *words)
    assert code == 2
    assert desk.git("status", "--porcelain") == before
    return err


def with_nina(desk: Desk) -> dict[str, Any]:
    public = new_key(desk.folder / "people/nina", "nina")
    words = ("--add-person", "nina:operations", "--key", str(public), "--push")
    return trust(desk, "propose", "--as", "olivia", *words)


def sign(desk: Desk, number: int, person: str) -> None:
    code, _, err = desk.run("trust", "sign", str(number), "--as", person, "--yes", "--push")
    assert code == 0, err


def test_a_person_is_added_by_the_next_root_once_old_and_new_holders_signed(desk: Desk) -> None:
    made = with_nina(desk)
    told = {change["path"] for change in made["changes"] if change["looser"]}
    assert {"person nina", "person nina role operations"} <= told
    for person in HOLDERS:
        shown = trust(desk, "show")
        assert [a["version"] for a in shown["accepted"]] == [1]
        assert not shown["candidates"][0]["complete"]
        sign(desk, 2, person)
    shown = trust(desk, "show")
    assert [a["version"] for a in shown["accepted"]] == [1, 2]
    assert shown["accepted"][0]["pinned"]
    assert shown["accepted"][1]["signed_old"] == list(HOLDERS)
    assert (shown["candidates"], shown["persons"]["nina"]) == ([], ["operations"])
    desk.edit("mode.yaml", "mode: halted", "mode: paper")
    desk.propose()
    desk.sign(1, "oscar")
    desk.sign(1, "nina")
    assert desk.mode() == "paper"


def test_what_is_signed_is_shown_before_and_the_plain_line_does_the_same(desk: Desk) -> None:
    with_nina(desk)
    code, _, err = desk.run("trust", "sign", "2", "--as", "rita", "--yes")
    assert code == 0
    assert "+ person nina role operations: added (looser)" in err
    [line] = [x.partition(": ")[2] for x in err.splitlines() if x.startswith("Signed as by")]
    made = desk.state / "trust/root/2.sigs/rita.sig"
    first = made.read_bytes()
    made.unlink()
    subprocess.run(line, shell=True, cwd=desk.folder, check=True, capture_output=True)  # noqa: S602
    assert made.read_bytes() == first
    code, out, _ = desk.run("trust", "show")
    assert code == 1
    assert "old root: 1 of 3, by rita" in out


def test_a_signature_that_would_not_count_is_not_made(desk: Desk) -> None:
    with_nina(desk)
    assert "SIGNOFF_ROLE" in refused(desk, "sign", "2", "--as", "petra", "--yes")
    key = str(desk.folder / "people/petra/id_ed25519")
    assert "SIGNOFF_KEY_UNKNOWN" in refused(
        desk, "sign", "2", "--as", "rita", "--yes", "--key", key
    )
    assert not (desk.state / "trust/root/2.sigs").exists()


def test_a_root_that_could_not_work_is_not_written(desk: Desk) -> None:
    own = str(desk.folder / "people/rita/id_ed25519.pub")
    twice = ("--add-person", "nina:operations", "--key", own)
    assert "ROOT_DUPLICATE_KEY" in refused(desk, "propose", "--as", "olivia", *twice)
    gone = ("--remove-person", "walter")
    assert "GATE_UNSATISFIABLE" in refused(desk, "propose", "--as", "olivia", *gone)
    assert "USAGE" in refused(desk, "propose", "--as", "olivia")
    assert "USAGE" in refused(desk, "propose", "--as", "olivia", "--remove-person", "nobody")
    assert not (desk.state / "trust/root/2.yaml").exists()


def test_a_renewal_moves_the_end_of_root_and_keys(desk: Desk) -> None:
    made = trust(desk, "propose", "--as", "olivia", "--renew", "120")
    paths = {change["path"].split(" ")[-1] for change in made["changes"]}
    assert paths == {"expires", "valid_until"}
    assert all(change["looser"] for change in made["changes"])
    again = refused(desk, "propose", "--as", "olivia", "--renew", "120")
    assert "--word WORD" in again


def test_an_edited_root_gets_number_prev_and_words(desk: Desk, tmp_path: Path) -> None:
    text = (desk.state / "trust/root/1.yaml").read_text()
    (tmp_path / "mine.yaml").write_text(text.replace("root: 3", "root: 2"))
    made = trust(desk, "propose", "--as", "olivia", "--edit", str(tmp_path / "mine.yaml"))
    change = {"path": "threshold root", "now": "3", "then": "2", "looser": True}
    assert (made["version"], made["changes"]) == (2, [change])
    assert made["prev"] == "sha256:" + hashlib.sha256(text.encode()).hexdigest()


def test_a_revoked_key_counts_no_more_and_says_so(desk: Desk) -> None:
    desk.edit("mode.yaml", "mode: halted", "mode: paper")
    desk.propose()
    desk.sign(1, "oscar")
    desk.sign(1, "rita")
    assert desk.mode() == "paper"
    key = str(desk.folder / "people/rita/id_ed25519.pub")
    words = ("revoke", key, "--as", "petra", "--reason", "lost", "--yes", "--push")
    made = trust(desk, *words)
    assert made["gates_lost"] == ["testnet"]  # and bounded_live, had they hardware keys for it
    assert desk.mode() != "paper"
    states = {k["person"]: k["revoked"] for k in trust(desk, "show")["keys"]}
    assert [name for name, gone in states.items() if gone] == ["rita"]
    approvals = json.loads(desk.run("approvals", "--json")[1])
    assert {g["gate"] for g in approvals["gates"] if not g["satisfiable"]} >= {"testnet"}
    assert "USAGE" in refused(desk, *words[:-1])


def test_a_first_root_is_made_from_a_list_of_people(
    desk: Desk, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = people_file(desk, tmp_path, "walter: {roles: [system_owner], keys: [walter.pub]}")
    words = ("trust", "init", "--from", str(file), "--out", str(tmp_path / "out"), "--json")
    capsys.readouterr()
    assert main(words) == 0
    told = json.loads(capsys.readouterr().out)
    data = (tmp_path / "out/trust/root/1.yaml").read_bytes()
    assert told["sha256"] == "sha256:" + hashlib.sha256(data).hexdigest()
    assert told["root_holders"] == list(HOLDERS)
    assert main(words) == 2  # it never changes
    assert (tmp_path / "out/trust/root/1.yaml").read_bytes() == data


def test_people_who_could_complete_no_gate_make_no_root(
    desk: Desk, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = people_file(desk, tmp_path, "")
    assert main(("trust", "init", "--from", str(file), "--out", str(tmp_path / "out"))) == 2
    assert "GATE_UNSATISFIABLE" in capsys.readouterr().err
    assert not (tmp_path / "out/trust/root/1.yaml").exists()


def people_file(desk: Desk, folder: Path, last: str) -> Path:
    roles = {
        "olivia": "[operator, root]",
        "oscar": "[operator, root]",
        "rita": "[risk_officer, root]",
        "simon": "[security_officer]",
        "petra": "[operations]",
    }
    for name in (*roles, "walter"):
        public = (desk.folder / "people" / name / "id_ed25519.pub").read_text()
        (folder / f"{name}.pub").write_text(public)
    lines = [f"  {n}: {{roles: {r}, keys: [{n}.pub]}}" for n, r in roles.items()]
    head = "repository: peak/state\nenvironment: rehearsal\npersons:\n"
    file = folder / "people.yaml"
    file.write_text(head + "\n".join([*lines, f"  {last}" if last else ""]) + "\n")
    return file
