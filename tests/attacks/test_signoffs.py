"""Attacks on sign-offs (trust.md, section 8): what does not count, by name, and what stayed."""

import pytest

from tests.attacks.plain_desk import DAY, HOUR, PlainDesk, codes, instant, permitted, sha256


def raise_the_limit(desk: PlainDesk) -> None:
    """Asks for ten times the order, which nobody has signed yet."""
    desk.edit("limits.yaml", 'max_order_notional: "50"', 'max_order_notional: "500"')


def order_size(told: dict[str, dict[str, dict[str, str]]]) -> str:
    return told["permitted"]["limits"]["max_order_notional"]


def assert_stays(desk: PlainDesk, *expected: str) -> None:
    """Permitted is what it was, for a reader and for the host, and the refusal has its name."""
    for _, told in (desk.verify(), desk.reconcile(), desk.verify()):
        assert (permitted(told), order_size(told)) == ("paper", "50"), told["findings"]
        assert set(expected) <= codes(told), told["findings"]


def test_three_of_four_signoffs(four: PlainDesk) -> None:
    raise_the_limit(four)
    four.propose(2)
    for person in ("rita", "simon", "petra"):
        four.sign(2, person)
    assert_stays(four, "QUORUM_NOT_MET")
    four.sign(2, "walter")
    assert order_size(four.reconcile()[1]) == "500"


def test_three_of_four_and_one_by_an_unknown_key(four: PlainDesk) -> None:
    raise_the_limit(four)
    four.propose(2)
    for person in ("rita", "simon", "petra"):
        four.sign(2, person)
    eve = four.new_key("eve")
    made = four.signoff(2, "walter")
    made["key"] = four.key_id(eve)
    four.write_signoff(2, made, eve)
    assert_stays(four, "QUORUM_NOT_MET", "SIGNOFF_KEY_UNKNOWN")
    four.git("rm", "-q", "-r", "signoffs/0002/walter.GO.yaml", "signoffs/0002/walter.GO.yaml.sig")
    four.push()
    assert_stays(four, "QUORUM_NOT_MET", "SIGNOFF_KEY_UNKNOWN", "VOTE_ERASED")


def test_three_of_four_and_one_that_claims_the_right_key_id_but_has_another(
    four: PlainDesk,
) -> None:
    raise_the_limit(four)
    four.propose(2)
    for person in ("rita", "simon", "petra"):
        four.sign(2, person)
    four.write_signoff(2, four.signoff(2, "walter"), four.new_key("eve"))
    assert_stays(four, "QUORUM_NOT_MET", "SIGNOFF_SIGNATURE")


def test_three_of_four_and_one_that_has_expired(four: PlainDesk) -> None:
    raise_the_limit(four)
    four.propose(2)
    for person in ("rita", "simon", "petra"):
        four.sign(2, person)
    four.sign(2, "walter", issued=instant(four.now - 2 * DAY), expires=instant(four.now - HOUR))
    assert_stays(four, "QUORUM_NOT_MET", "SIGNOFF_EXPIRED")


def test_a_signoff_that_begins_tomorrow(desk: PlainDesk) -> None:
    raise_the_limit(desk)
    desk.propose(2)
    desk.sign(2, "oscar")
    desk.sign(2, "rita", issued=instant(desk.now + DAY))
    assert_stays(desk, "QUORUM_NOT_MET", "SIGNOFF_NOT_YET")
    assert order_size(desk.verify(desk.now + DAY + HOUR)[1]) == "500"


def test_a_signoff_that_runs_longer_than_its_gate_lets_it(desk: PlainDesk) -> None:
    raise_the_limit(desk)
    desk.propose(2)
    desk.sign(2, "oscar")
    desk.sign(2, "rita", expires=instant(desk.now + 40 * DAY))
    assert_stays(desk, "QUORUM_NOT_MET", "SIGNOFF_TOO_LONG")


def test_old_valid_signoffs_copied_to_a_new_proposal(desk: PlainDesk) -> None:
    raise_the_limit(desk)
    desk.propose(2)
    old, new = desk.clone / "signoffs" / "0001", desk.clone / "signoffs" / "0002"
    new.mkdir()
    for path in old.iterdir():
        (new / path.name).write_bytes(path.read_bytes())
    desk.push()
    assert_stays(desk, "QUORUM_NOT_MET", "SIGNOFF_REPLAY")


def test_a_signoff_moved_to_the_name_of_another_person(desk: PlainDesk) -> None:
    raise_the_limit(desk)
    desk.propose(2)
    desk.sign(2, "oscar")
    folder = desk.clone / "signoffs" / "0002"
    for suffix in ("", ".sig"):
        (folder / f"rita.GO.yaml{suffix}").write_bytes(
            (folder / f"oscar.GO.yaml{suffix}").read_bytes()
        )
    desk.push()
    assert_stays(desk, "QUORUM_NOT_MET", "SIGNOFF_PERSON")


def test_one_person_signs_in_two_roles(desk: PlainDesk) -> None:
    raise_the_limit(desk)
    desk.propose(2)
    desk.sign(2, "oscar")
    data = (desk.clone / "signoffs/0002/oscar.GO.yaml").read_bytes()
    desk.sign(2, "oscar", role="risk_officer", reason="and once more")
    assert data != (desk.clone / "signoffs/0002/oscar.GO.yaml").read_bytes()
    assert_stays(desk, "QUORUM_NOT_MET", "SIGNOFF_ROLE")


def test_a_role_is_claimed_that_is_not_held(desk: PlainDesk) -> None:
    raise_the_limit(desk)
    desk.propose(2)
    desk.sign(2, "oscar", role="risk_officer")
    desk.sign(2, "rita")
    assert_stays(desk, "QUORUM_NOT_MET", "SIGNOFF_ROLE")


def test_the_requester_approves_the_own_proposal(desk: PlainDesk) -> None:
    raise_the_limit(desk)
    desk.propose(2)
    desk.sign(2, "olivia")
    desk.sign(2, "rita")
    assert_stays(desk, "QUORUM_NOT_MET", "SIGNOFF_REQUESTER")


def test_the_requester_is_forged(desk: PlainDesk) -> None:
    """Rita asks in olivia's name, to sign it herself as well."""
    raise_the_limit(desk)
    desk.propose(2, by="rita")
    desk.sign(2, "oscar")
    desk.sign(2, "rita")
    assert_stays(desk, "PROPOSAL_SIGNATURE")


@pytest.mark.parametrize("use", ["proposal", "trust-root", "revocation", "heartbeat"])
def test_a_signature_from_another_namespace(desk: PlainDesk, use: str) -> None:
    raise_the_limit(desk)
    desk.propose(2)
    desk.sign(2, "oscar")
    desk.sign(2, "rita", use=use)
    assert_stays(desk, "QUORUM_NOT_MET", "SIGNOFF_SIGNATURE")


@pytest.mark.parametrize(
    ("key", "value"), [("repository", "peak/other"), ("environment", "production")]
)
def test_a_proposal_for_another_repository_or_environment(
    desk: PlainDesk, key: str, value: str
) -> None:
    raise_the_limit(desk)
    desk.propose(2, **{key: value})
    for person in ("oscar", "rita"):
        desk.sign(2, person)
    assert_stays(desk, "PROPOSAL_FOREIGN")


@pytest.mark.parametrize("decision", ["NO_GO", "WITHDRAW"])
@pytest.mark.parametrize("how", ["deleted", "overwritten", "reverted"])
def test_a_veto_is_erased(desk: PlainDesk, decision: str, how: str) -> None:
    raise_the_limit(desk)
    desk.propose(2)
    path = desk.sign(2, "simon", decision=decision)
    if how == "deleted":
        desk.push({path: None, f"{path}.sig": None})
    elif how == "overwritten":
        desk.push({path: "decision: GO\n", f"{path}.sig": "nothing\n"})
    else:
        desk.git("revert", "--no-edit", "HEAD")
        desk.push()
    for person in ("oscar", "rita"):
        desk.sign(2, person)
    assert_stays(desk, "VOTE_ERASED")
    assert order_size(desk.verify(desk.now + DAY)[1]) == "50"


def test_a_veto_after_completion_voids_for_ever_and_nothing_older_returns(
    desk: PlainDesk,
) -> None:
    raise_the_limit(desk)
    desk.propose(2)
    for person in ("oscar", "rita"):
        desk.sign(2, person)
    assert order_size(desk.reconcile()[1]) == "500"
    desk.sign(2, "rita", decision="WITHDRAW")
    assert permitted(desk.reconcile()[1]) == "halted"
    desk.git("revert", "--no-edit", "HEAD")
    desk.push()
    for _, told in (desk.verify(), desk.reconcile(), desk.verify(desk.now + DAY)):
        assert permitted(told) == "halted"


def test_a_newer_smaller_authority_expires(desk: PlainDesk) -> None:
    """The first mandate runs for a week; what follows it for a day, and nothing older returns."""
    desk.edit("limits.yaml", 'max_order_notional: "50"', 'max_order_notional: "20"')
    desk.propose(2, expires=instant(desk.now + DAY))
    for person in ("oscar", "rita"):
        desk.sign(2, person)
    assert order_size(desk.reconcile()[1]) == "20"
    reducing = desk.verify(desk.now + DAY + HOUR / 2)[1]
    assert (order_size(reducing), reducing["permitted"]["trading"]) == ("20", "reducing")
    after = desk.verify(desk.now + DAY + 2 * HOUR)[1]
    assert permitted(after) == "halted"
    assert "PROPOSAL_EXPIRED" in codes(after)


def test_the_proposal_is_changed_after_it_was_signed(desk: PlainDesk) -> None:
    raise_the_limit(desk)
    desk.propose(2, authority={**desk.proposal(2)["authority"]})
    for person in ("oscar", "rita"):
        desk.sign(2, person)
    path = desk.clone / "proposals/0002.yaml"
    assert order_size(desk.reconcile()[1]) == "500"
    digest = sha256(path.read_bytes())
    desk.edit("limits.yaml", 'max_order_notional: "500"', 'max_order_notional: "5000"')
    desk.edit("proposals/0002.yaml", '"500"', '"5000"')
    assert sha256(path.read_bytes()) != digest
    for _, told in (desk.verify(), desk.reconcile()):
        assert order_size(told) == "500"
        assert "PROPOSAL_CHANGED" in codes(told)


def test_the_approved_configuration_is_what_runs_not_the_heads(desk: PlainDesk) -> None:
    approved = desk.verify()[1]["configuration"]
    name = next(iter(sorted((desk.clone / "scopes").rglob("*.yaml"))))
    relative = name.relative_to(desk.clone).as_posix()
    desk.push({relative: name.read_text() + '\nsmuggled: "other model"\n'})
    for _, told in (desk.verify(), desk.reconcile()):
        assert "CONFIGURATION_UNAPPROVED" in codes(told) or not told["admitted"]
    assert desk.verify()[1]["configuration"] == approved
