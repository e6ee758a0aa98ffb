"""What governor init leaves, and what it refuses."""

import json
import stat
import subprocess
from datetime import UTC, datetime
from pathlib import Path

import pytest

from desired_state.canonical import digest_bytes
from desired_state.errors import Stalled
from desired_state.reasons import Reason
from reconciler.cli import main
from reconciler.founding import person
from reconciler.wiring.founding import init
from tests.fakes.people_desk import Desk
from tests.fakes.software_token import SoftwareToken

NOW = datetime(2026, 11, 22, 10, 0, 30, tzinfo=UTC)


def test_a_new_desk_asks_for_nothing_and_is_as_asked(desk: Desk) -> None:
    code, told = desk.verify()
    assert code == 0
    assert told["admitted"]
    assert told["desired"]["mode"] == told["permitted"]["mode"] == "halted"
    assert told["approved"] is None
    assert told["kill_switch"] == {"state": "armed", "stops": []}
    assert told["revision"].startswith("main@sha1:")
    assert {f["severity"] for f in told["findings"]} <= {"warning", "info"}


def test_the_pin_is_the_digest_of_the_root_and_three_holders_signed_it(desk: Desk) -> None:
    root = (desk.state / "trust/root/1.yaml").read_bytes()
    assert digest_bytes(root) in (desk.folder / "governor.yaml").read_text()
    signatures = sorted((desk.state / "trust/root/1.sigs").iterdir())
    assert len(signatures) == 3
    for signature in signatures:
        person = signature.name.removesuffix(".sig")
        public = (desk.folder / "people" / person / "id_ed25519.pub").read_text()
        allowed = desk.folder / "allowed_signers"
        allowed.write_text(f"{person} {public}")
        subprocess.run(
            [
                *("ssh-keygen", "-Y", "verify", "-f", str(allowed), "-I", person),
                *("-n", "trust-root@governor", "-s", str(signature)),
            ],
            input=root,
            check=True,
            capture_output=True,
        )


def test_private_keys_and_var_are_for_their_owner_alone(desk: Desk) -> None:
    private = [*desk.folder.glob("people/*/id_ed25519"), *desk.folder.glob("var/keys/evidence")]
    assert len(private) == 7
    assert {stat.S_IMODE(p.stat().st_mode) for p in private} == {0o600}
    assert stat.S_IMODE((desk.folder / "var").stat().st_mode) == 0o700
    assert "rehearsal" in (desk.folder / "people/README.md").read_text()


def test_every_file_for_people_names_the_schema_that_stands_there(desk: Desk) -> None:
    for path in (desk.state / n for n in ("mode.yaml", "limits.yaml", "trust/root/1.yaml")):
        first = path.read_text().splitlines()[0]
        schema = (path.parent / first.partition("$schema=")[2]).resolve()
        assert json.loads(schema.read_text())["type"] == "object"


def test_a_folder_that_is_not_empty_is_refused_and_left_alone(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "desk").mkdir()
    (tmp_path / "desk" / "mine").write_text("mine")
    assert main(["init", str(tmp_path / "desk"), "--demo-keys"]) == 2
    assert "TARGET_NOT_EMPTY" in capsys.readouterr().err
    assert [p.name for p in tmp_path.rglob("*")] == ["desk", "mine"]


def test_people_who_cannot_complete_a_gate_are_refused_and_nothing_is_left(
    tmp_path: Path, founded: Path
) -> None:
    alone = person("oscar", ["operator"], (founded / "people/oscar/id_ed25519.pub").read_text())
    with pytest.raises(Stalled) as refused:
        init(tmp_path / "desk", now=NOW, people=[alone])
    assert refused.value.code is Reason.GATE_UNSATISFIABLE
    assert list(tmp_path.iterdir()) == []


ROLES = {
    "olivia": "operator,root",
    "oscar": "operator,root",
    "rita": "risk_officer,root",
    "simon": "security_officer",
    "petra": "operations",
    "walter": "system_owner",
}


def named(folder: Path, *in_hardware: str) -> list[str]:
    """Options that name these people, some of them with a key in hardware."""
    words: list[str] = []
    for name, role in ROLES.items():
        token = SoftwareToken(name)
        file = folder / f"{name}.pub"
        file.write_text(f"{token.public if name in in_hardware else token.plain} {name}\n")
        words += ["--person", f"{name}:{role}:{file}"]
    return words


def test_named_people_fill_the_root(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    people = named(tmp_path, "rita", "simon", "petra", "walter")
    assert main(["init", str(tmp_path / "desk"), *people, "--environment", "production"]) == 0
    assert "pinned but not signed" in capsys.readouterr().err
    config = str(tmp_path / "desk/governor.yaml")
    assert main(["verify", "--json", "--config", config]) == 0
    assert "GATE_TOUCH" not in capsys.readouterr().out


def test_a_production_root_without_hardware_keys_enough_is_refused_and_nothing_is_left(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    people = named(tmp_path, "rita", "simon", "petra", "olivia")
    assert main(["init", str(tmp_path / "desk"), *people, "--environment", "production"]) == 2
    told = capsys.readouterr().err
    assert "GATE_UNSATISFIABLE" in told
    assert "bounded_live" in told
    assert not (tmp_path / "desk").exists()


def test_a_rehearsal_without_hardware_keys_is_warned_and_works(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["init", str(tmp_path / "desk"), *named(tmp_path)]) == 0
    config = str(tmp_path / "desk/governor.yaml")
    capsys.readouterr()
    assert main(["verify", "--json", "--config", config]) == 0
    found = json.loads(capsys.readouterr().out)["findings"]
    assert {(f["severity"], f["subject"]) for f in found if f["code"] == "GATE_TOUCH"} == {
        ("warning", "gate bounded_live")
    }


def test_without_people_nothing_can_be_approved_and_the_stop_works(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["init", str(tmp_path / "desk")]) == 0
    assert "names nobody" in capsys.readouterr().err
    config = str(tmp_path / "desk/governor.yaml")
    assert main(["verify", "--json", "--config", config]) == 1
    told = json.loads(capsys.readouterr().out)
    assert told["permitted"]["mode"] == "halted"
    assert "GATE_UNSATISFIABLE" in {f["code"] for f in told["findings"]}


def test_a_code_is_explained_and_an_unknown_one_is_not(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["explain", "QUORUM_NOT_MET"]) == 0
    assert "Not enough of the right people" in capsys.readouterr().out
    assert main(["explain", "NO_SUCH"]) == 2
