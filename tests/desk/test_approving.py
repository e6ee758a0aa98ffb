"""From a proposal to what is permitted, over real git and ssh-keygen."""

import subprocess
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from desired_state.canonical import digest_bytes
from reconciler.reading import Reader
from reconciler.wiring.host import open_host
from reconciler.wiring.reading import open_reading
from tests.fakes.people_desk import Desk

PROPOSAL = """\
sequence: 1
repository: peak/state
environment: rehearsal
requester: olivia
gate: paper
base: "{base}"                 # the revision of main that this starts from
authority:                  # in plain values: what is signed is what is read
  mode: paper
  trading: active
  symbols: {{BTC/USDT: {{venue: paper, access: trade}}}}
  limits:
{limits}
  layers: [L0, L1, L2, L3, L4, L5, L6]
  budgets: {{models_per_day: "50", models_per_month: "1000"}}
configuration: {configuration}
evidence: []
clears: []
not_before: "{now}"
expires: "{end}"
reason: "first paper week"
"""
SIGNOFF = """\
proposal: {proposal}
sequence: 1
person: {person}
role: {role}
key: {key}
decision: GO
clears: []
issued: "{now}"
expires: "{end}"
statement: "I have read the authority in this proposal and answer for it in this role."
reason: ""
"""


def test_a_mandate_signed_by_operator_and_risk_officer_permits_paper(paper_desk: Desk) -> None:
    code, told = paper_desk.verify()
    assert code == 0
    assert told["permitted"]["mode"] == "paper"
    assert told["permitted"]["limits"]["max_order_notional"] == "50"
    assert (told["sequence"], told["people"]) == (1, ["oscar", "rita"])
    code, out, _ = paper_desk.run("approvals")
    assert code == 0
    assert "standing, gate paper, by olivia" in out


def test_what_mode_yaml_asks_for_permits_nothing_until_it_is_signed(desk: Desk) -> None:
    desk.edit("mode.yaml", "mode: halted", "mode: paper")
    code, told = desk.verify()
    assert (code, told["desired"]["mode"], told["permitted"]["mode"]) == (1, "paper", "halted")


def test_one_signature_is_not_a_quorum(desk: Desk) -> None:
    desk.edit("mode.yaml", "mode: halted", "mode: paper")
    made = desk.propose()
    assert (made["gate"], made["sequence"]) == ("paper", 1)
    [change] = [c for c in made["changes"] if c["path"] == "mode"]
    assert (change["now"], change["then"], change["looser"]) == ("-", "paper", True)
    desk.sign(1, "oscar")
    assert desk.mode() == "halted"
    assert "QUORUM_NOT_MET" in desk.codes()
    code, out, _ = desk.run("approvals")
    assert code == 1
    assert "petra, rita, simon, walter" in out


def test_the_requester_is_refused_as_signer_and_does_not_count(desk: Desk) -> None:
    desk.edit("mode.yaml", "mode: halted", "mode: paper")
    desk.propose()
    desk.sign(1, "rita")
    code, _, err = desk.run("sign", "1", "--as", "olivia", "--yes")
    assert code == 2
    assert "SIGNOFF_REQUESTER" in err
    by_hand(desk, "olivia", "operator")
    desk.push()
    assert desk.mode() == "halted"
    assert {"SIGNOFF_REQUESTER", "QUORUM_NOT_MET"} <= desk.codes()


def test_an_answer_of_no_voids_the_number_for_ever(desk: Desk) -> None:
    desk.edit("mode.yaml", "mode: halted", "mode: paper")
    desk.propose()
    desk.sign(1, "simon", "--decision", "NO_GO", "--reason", "not yet")
    desk.sign(1, "oscar")
    desk.sign(1, "rita")
    assert desk.mode() == "halted"
    assert "VETO" in desk.codes()
    assert desk.propose()["sequence"] == 2


def test_a_limit_raised_without_signatures_changes_nothing_permitted(paper_desk: Desk) -> None:
    before = paper_desk.verify()[1]["permitted"]
    paper_desk.edit("limits.yaml", 'max_order_notional: "50"', 'max_order_notional: "5000"')
    code, told = paper_desk.verify()
    assert code == 1
    assert told["permitted"] == before
    [said] = [f for f in told["findings"] if f["code"] == "NOT_APPROVED"]
    assert said["subject"] == "limits.USD.max_order_notional"
    assert "asked 5000, approved 50" in said["message"]


def test_a_reverted_tightening_stays_until_a_restore(paper_desk: Desk) -> None:
    paper_desk.edit("limits.yaml", 'max_order_notional: "50"', 'max_order_notional: "20"')
    paper_desk.edit("limits.yaml", 'max_order_notional: "20"', 'max_order_notional: "50"')
    code, told = paper_desk.verify()
    assert code == 1
    assert told["permitted"]["limits"]["max_order_notional"] == "20"
    assert "FALLEN" in {f["code"] for f in told["findings"]}
    made = paper_desk.propose()
    assert made["gate"] == "restore"
    paper_desk.sign(2, "oscar")
    assert paper_desk.verify()[1]["permitted"]["limits"]["max_order_notional"] == "20"
    paper_desk.sign(2, "simon")
    code, told = paper_desk.verify()
    assert code == 0
    assert told["permitted"]["limits"]["max_order_notional"] == "50"


def test_more_than_the_ceiling_is_refused_before_anybody_signs(desk: Desk) -> None:
    desk.edit("mode.yaml", "mode: halted", "mode: paper")
    desk.edit("limits.yaml", 'max_total_exposure: "500"', 'max_total_exposure: "500000"')
    code, _, err = desk.run("propose", "--reason", "more", "--as", "olivia")
    assert code == 2
    assert "PROPOSAL_CEILING" in err
    assert not (desk.state / "proposals").exists()


def test_nothing_above_paper_is_proposed_in_a_rehearsal(desk: Desk) -> None:
    code, _, err = desk.run("propose", "--reason", "more", "--as", "olivia", "--mode", "testnet")
    assert code == 2
    assert "nothing above paper" in err


def test_without_push_the_commands_are_told_and_do_the_same(desk: Desk) -> None:
    code, _, err = desk.run("propose", "--reason", "r", "--as", "olivia", "--mode", "paper")
    assert code == 0
    assert "git add proposals/0001.yaml proposals/0001.yaml.sig" in err
    assert "ssh-keygen -Y sign -f people/olivia/id_ed25519 -n proposal@governor" in err
    desk.push()
    desk.sign(1, "oscar")
    desk.sign(1, "rita")
    assert desk.verify()[1]["approved"]["mode"] == "paper"


def test_a_proposal_changed_after_its_signature_is_not_signed(desk: Desk) -> None:
    desk.edit("mode.yaml", "mode: halted", "mode: paper")
    desk.propose()
    desk.edit("proposals/0001.yaml", 'max_order_notional: "50"', 'max_order_notional: "51"')
    code, _, err = desk.run("sign", "1", "--as", "oscar", "--yes")
    assert code == 2
    assert "PROPOSAL_SIGNATURE" in err
    assert not (desk.state / "signoffs").exists()


def test_files_written_by_hand_as_in_the_contract_verify(desk: Desk) -> None:
    now = datetime.now(UTC).replace(microsecond=0)  # noqa: TID251
    base = desk.edit("mode.yaml", "mode: halted", "mode: paper")
    lines = [x for x in (desk.state / "limits.yaml").read_text().splitlines() if x[:1].isalpha()]
    text = PROPOSAL.format(
        base=base,
        limits="\n".join(f"    {line}" for line in lines),
        configuration=desk.verify()[1]["configuration"] or configuration(desk),
        now=f"{now:%Y-%m-%dT%H:%M:%SZ}",
        end=f"{now + timedelta(days=30):%Y-%m-%dT%H:%M:%SZ}",
    )
    proposal = desk.state / "proposals/0001.yaml"
    proposal.parent.mkdir()
    proposal.write_text(text)
    sign_by_hand(desk, "olivia", "proposal@governor", proposal)
    by_hand(desk, "oscar", "operator")
    by_hand(desk, "rita", "risk_officer")
    desk.push()
    code, told = desk.verify()
    assert [f for f in told["findings"] if f["severity"] == "error"] == []
    assert (code, told["permitted"]["mode"]) == (0, "paper")


@pytest.mark.parametrize("person", ["oscar", "rita"])
def test_plain_ssh_keygen_accepts_our_sign_off(paper_desk: Desk, person: str) -> None:
    public = (paper_desk.folder / f"people/{person}/id_ed25519.pub").read_text()
    allowed = paper_desk.folder / "allowed_signers"
    allowed.write_text(f"{person} {public}")
    file = paper_desk.state / f"signoffs/0001/{person}.GO.yaml"
    done = subprocess.run(
        [
            *("ssh-keygen", "-Y", "verify", "-f", str(allowed), "-I", person),
            *("-n", "sign-off@governor", "-s", f"{file}.sig"),
        ],
        input=file.read_bytes(),
        check=True,
        capture_output=True,
    )
    assert b"Good" in done.stdout


def test_a_revision_and_a_time_can_be_asked_for(paper_desk: Desk) -> None:
    before = paper_desk.git("rev-parse", "HEAD~1")
    assert paper_desk.verify("--rev", f"main@sha1:{before}")[1]["permitted"]["mode"] == "halted"
    code, told = paper_desk.verify("--now", "2099-01-01T00:00:00Z")
    assert code == 1
    assert told["permitted"]["mode"] == "halted"
    assert paper_desk.run("verify", "--rev", "nonsense")[0] == 2


def test_verify_writes_no_memory(paper_desk: Desk) -> None:
    paper_desk.verify()
    assert not (paper_desk.folder / "var/trusted").exists()


def test_a_repository_that_is_gone_cannot_be_judged(desk: Desk) -> None:
    (desk.folder / "state.git").rename(desk.folder / "elsewhere")
    code, out, err = desk.run("verify", "--json")
    assert (code, out) == (2, "")
    assert "FETCH" in err


def configuration(desk: Desk) -> str | None:
    with open_reading(open_host(desk.folder / "governor.yaml")) as reading:
        reader: Reader = reading.reader
        return reader.verify(None, datetime.now(UTC))[0].configuration  # noqa: TID251


def by_hand(desk: Desk, person: str, role: str) -> None:
    """A sign-off as a person without our program would write it."""
    now = datetime.now(UTC).replace(microsecond=0)  # noqa: TID251
    key = desk.folder / f"people/{person}/id_ed25519.pub"
    listed = subprocess.run(
        ["ssh-keygen", "-l", "-f", str(key)], check=True, capture_output=True, text=True
    )
    file = desk.state / f"signoffs/0001/{person}.GO.yaml"
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(
        SIGNOFF.format(
            proposal=digest_bytes((desk.state / "proposals/0001.yaml").read_bytes()),
            person=person,
            role=role,
            key=listed.stdout.split()[1],
            now=f"{now:%Y-%m-%dT%H:%M:%SZ}",
            end=f"{now + timedelta(days=7):%Y-%m-%dT%H:%M:%SZ}",
        )
    )
    sign_by_hand(desk, person, "sign-off@governor", file)


def sign_by_hand(desk: Desk, person: str, namespace: str, file: Path) -> None:
    key = desk.folder / f"people/{person}/id_ed25519"
    subprocess.run(
        ["ssh-keygen", "-q", "-Y", "sign", "-f", str(key), "-n", namespace, str(file)],
        check=True,
        capture_output=True,
    )
