"""One head judged on its own: what is said of it, in which words, and what is remembered after."""

from dataclasses import dataclass
from datetime import datetime, timedelta

import pytest

from desired_state.admission import Admission, Trust, admit
from desired_state.authority import Authority
from desired_state.canonical import digest_bytes
from desired_state.configuration import configuration_digest
from desired_state.errors import Finding, Severity, finding
from desired_state.memory import Memory, Stop
from desired_state.observation import LedgerFile, LineRevision, Observation
from desired_state.ratchet import Fall
from desired_state.reasons import Reason
from desired_state.values import Mode, StopClass, Trading, instant_text
from tests.fakes.trust_desk import (
    ARMED,
    DAY,
    ENGAGED,
    LIMITS_TEXT,
    MODE_TEXT,
    PEOPLE,
    ROOT,
    START,
    TrustDesk,
)
from tests.fakes.trust_papers import after, publish, revoke

MICROSECOND, SECOND, MINUTE = timedelta(microseconds=1), timedelta(seconds=1), timedelta(minutes=1)
ROOT_1, PROPOSAL_1 = "trust/root/1.yaml", "proposals/0001.yaml"
RITA_1 = "signoffs/0001/rita.GO.yaml"
OTHER = "2" * 40
ANOTHER = digest_bytes(b"other bytes")
A_STOP = Stop(
    id="S-0123456789abcdef",
    kind=StopClass.PERSON,
    reason="a drill",
    by="sam",
    commit="1" * 40,
    seen_at=START,
)


@dataclass
class Head:
    """The head of a desk as it was observed, to be judged again with something changed."""

    desk: TrustDesk
    observation: Observation
    memory: Memory
    now: datetime

    def judged(self, *, at: datetime | None = None, **changes: object) -> Admission:
        """``memory`` and ``trust`` instead of the host's; everything else is of the observation."""
        memory = changes.pop("memory", self.memory)
        trust = changes.pop("trust", self.desk.trust)
        assert isinstance(memory, Memory)
        assert isinstance(trust, Trust)
        seen = self.observation.model_copy(update=changes)
        return admit(seen, self.desk.contents, memory, trust, at or self.now)

    def keep(self, data: bytes) -> str:
        return self.desk.contents.keep(data)


@pytest.fixture
def head(paper: TrustDesk) -> Head:
    """A head that was admitted, with an approval that stands, seen again and unchanged."""
    paper.cycle(MINUTE)
    assert paper.memory.floor == paper.now
    seen = paper.survey.observe(paper.head, paper.memory, ())
    return Head(paper, seen, paper.memory, paper.now + SECOND)


def told(admission: Admission, code: Reason) -> Finding:
    (found,) = [found for found in admission.findings if found.code is code]
    return found


def news(admission: Admission) -> tuple[Finding, ...]:
    """What is said, but for what this root says of itself at every head."""
    return tuple(found for found in admission.findings if not found.code.startswith("GATE_"))


def said(admission: Admission) -> set[str]:
    return {found.code.value for found in admission.findings}


# --- a head as it should be --------------------------------------------------------------------
def test_an_unchanged_head_is_believed_whole_and_leaves_memory_as_it_is(head: Head) -> None:
    found = head.judged()
    configured = {p: d for p, d in head.desk.files.items() if p == "layers.yaml"}
    assert (found.admitted, found.revision, found.unreadable) == (True, head.desk.head, False)
    assert found.desired == head.desk.asked
    assert found.approval is not None
    assert found.approval.standing
    assert found.last_approved == found.approval.proposal.granted
    assert found.wind_down is None
    assert found.configuration == configuration_digest(configured)
    assert news(found) == ()
    assert found.memory == head.memory
    assert found.next_roots == ()
    assert found.revoked == frozenset()
    assert found.pending == ()
    assert {"GATE_FRAGILE", "GATE_TOUCH"} == said(found)  # what the root says of itself
    assert found.root is not None
    assert found.root.version == 1


def test_later_instants_are_told_in_their_order_and_none_that_has_come(head: Head) -> None:
    changes = head.judged().changes
    assert list(changes) == sorted(changes)
    assert all(instant > head.now for instant in changes)
    for instant in changes:
        left = head.judged(at=instant).changes
        assert all(later > instant for later in left)
        assert set(left) >= {later for later in changes if later > instant}
        assert left == tuple(sorted(left))


def test_a_proposal_that_waits_for_votes_is_pending_and_says_so(head: Head) -> None:
    head.desk.propose(2)
    head.desk.cycle()
    assert head.desk.admission is not None
    (pending,) = head.desk.admission.pending
    assert pending.signed.proposal.sequence == 2
    assert told(head.desk.admission, Reason.QUORUM_NOT_MET).subject == "proposals/0002.yaml"


def test_a_revoked_key_and_the_root_that_would_be_next_are_shown(head: Head) -> None:
    desk, sam = head.desk, PEOPLE["sam"]
    revoke(desk, sam, PEOPLE["otto"])
    publish(desk, after(ROOT), PEOPLE["rita"])
    assert desk.cycle().admitted
    assert desk.admission is not None
    assert desk.admission.revoked == {sam.key.key_id}
    (candidate,) = desk.admission.next_roots
    assert candidate.path == "trust/root/2.yaml"


# --- the clock ---------------------------------------------------------------------------------
def test_a_clock_five_seconds_behind_is_in_order_and_more_is_not(head: Head) -> None:
    floor = head.memory.floor
    assert floor is not None
    found = head.judged(at=floor - 5 * SECOND)
    assert (found.admitted, news(found)) == (True, ())
    now = floor - 5 * SECOND - MICROSECOND
    found = head.judged(at=now)
    assert not found.admitted
    assert news(found) == (
        finding(
            Reason.CLOCK_UNSURE,
            "wall clock",
            f"expected {instant_text(floor)} or later, found {instant_text(now)}",
        ),
    )


def test_the_floor_moves_once_a_minute_and_never_back(head: Head) -> None:
    floor = head.memory.floor
    assert floor is not None
    for ahead in (timedelta(), SECOND, MINUTE - MICROSECOND, -SECOND):
        assert head.judged(at=floor + ahead).memory.floor == floor
    for ahead in (MINUTE, DAY):
        assert head.judged(at=floor + ahead).memory.floor == floor + ahead


def test_the_floor_moves_with_whatever_else_is_remembered(head: Head) -> None:
    floor = head.memory.floor
    assert floor is not None
    assert head.judged(at=floor + SECOND, stops=(A_STOP,)).memory.floor == floor + SECOND
    assert head.judged(at=floor - SECOND, stops=(A_STOP,)).memory.floor == floor
    without = head.memory.model_copy(update={"floor": None})
    assert head.judged(memory=without).memory.floor == head.now


def test_votes_are_judged_no_earlier_than_the_floor(head: Head) -> None:
    approval = head.judged().approval
    assert approval is not None
    late = head.memory.model_copy(update={"floor": approval.until})
    found = head.judged(memory=late, at=approval.until - SECOND)
    assert found.admitted
    assert "PROPOSAL_EXPIRED" in said(found)


def test_the_root_ends_at_its_instant_and_says_which(head: Head) -> None:
    root = head.judged().root
    assert root is not None
    assert "ROOT_EXPIRED" not in said(head.judged(at=root.expires - MICROSECOND))
    found = head.judged(at=root.expires)
    assert told(found, Reason.ROOT_EXPIRED).subject == ROOT_1
    assert found.admitted  # it ends what stands, and not what is read


def test_what_ends_soon_is_told_of_the_root_and_of_what_stands(head: Head) -> None:
    found = head.judged()
    assert found.root is not None
    assert found.approval is not None
    late = head.judged(at=found.root.expires - DAY)
    assert "trust root" in {f.subject for f in late.findings if f.code is Reason.EXPIRES_SOON}
    soon = head.judged(at=found.approval.until - DAY)
    assert told(soon, Reason.EXPIRES_SOON).subject == PROPOSAL_1


def test_a_suspension_is_told_until_its_end_and_then_as_over(head: Head) -> None:
    end = head.now + MINUTE
    text = f'suspension: {{reason: "a drill", by: oscar, until: "{instant_text(end)}"}}\n'
    files = {**head.observation.files, "mode.yaml": head.keep(REDUCING + text.encode())}
    before, after = head.judged(files=files), head.judged(files=files, at=end)
    assert "a drill" in told(before, Reason.SUSPENDED).message
    assert end in before.changes
    assert "SUSPENDED" not in said(after)
    assert told(after, Reason.SUSPENSION_OVERDUE).severity is Severity.WARNING


# --- where it comes from -----------------------------------------------------------------------
def test_a_head_beside_the_line_is_refused_by_both_revisions(head: Head) -> None:
    found = head.judged(revision=OTHER, descends=False)
    assert not found.admitted
    assert told(found, Reason.HEAD_REWRITE) == finding(
        Reason.HEAD_REWRITE,
        "main",
        f"expected a descendant of {head.desk.head}, found {OTHER}",
    )
    assert found.memory == head.memory


def test_what_was_wrong_with_the_way_here_refuses_the_head_and_is_said_once(head: Head) -> None:
    problem = finding(Reason.TREE_SIZE, "prompts/x", "expected at most 1 byte")
    found = head.judged(problems=(problem,), files={}, stops=(A_STOP,))
    assert news(found) == (problem,)
    assert (found.admitted, found.unreadable, found.configuration) == (False, True, None)
    assert found.memory.head == head.memory.head
    assert found.memory.stops == {A_STOP.id: A_STOP}  # stops count from everywhere
    assert found.approval is not None  # what stands is judged all the same
    assert found.root is not None


def test_a_silent_source_changes_nothing_and_is_not_unreadable(head: Head) -> None:
    silence = {"revision": None, "descends": False, "files": {}, "standing": {}, "bases": ()}
    found = head.judged(**silence)
    assert (found.admitted, found.unreadable, found.revision) == (False, False, None)
    assert news(found) == ()
    assert found.configuration is None
    assert found.memory == head.memory
    assert found.desired == head.memory.desired
    assert found.approval is not None


def test_nobody_who_is_not_trusted_is_asked_for_votes(head: Head) -> None:
    found = head.judged(trust=Trust(ANOTHER))
    assert not found.admitted
    assert told(found, Reason.ROOT_PIN).subject == ROOT_1
    assert (found.root, found.approval, found.pending) == (None, None, ())
    assert (found.wind_down, found.last_approved) == (None, None)
    assert (found.revoked, found.next_roots) == (frozenset(), ())
    assert found.memory == head.memory
    assert found.changes == ()


def test_a_host_may_pin_which_repository_it_is(head: Head) -> None:
    assert head.judged(trust=Trust(head.desk.trust.pin)).admitted
    found = head.judged(trust=Trust(head.desk.trust.pin, "peak/other"))
    assert not found.admitted
    assert "expected peak/other" in told(found, Reason.ROOT_REPOSITORY).message


# --- governed files ----------------------------------------------------------------------------
@pytest.mark.parametrize("path", ["mode.yaml", "limits.yaml"])
def test_a_governed_file_that_is_gone_or_does_not_read_is_named(head: Head, path: str) -> None:
    files = {name: digest for name, digest in head.observation.files.items() if name != path}
    gone = head.judged(files=files)
    assert news(gone) == (finding(Reason.STATE_MISSING, path),)
    broken = head.judged(files={**files, path: head.keep(b"mode: [\n")})
    assert told(broken, Reason.STATE_YAML).subject.startswith(path)
    loose = head.judged(files={**files, path: head.keep(b"surprise: 1\n")})
    assert told(loose, Reason.STATE_SCHEMA).subject.startswith(path)
    for found in (gone, broken, loose):
        assert (found.admitted, found.unreadable) == (False, True)
        assert found.memory == head.memory


def test_a_configuration_that_does_not_read_has_no_digest_and_is_no_suspicion_of_the_state(
    head: Head,
) -> None:
    files = {**head.observation.files, "layers.yaml": head.keep(b"a: [\n")}
    found = head.judged(files=files)
    assert told(found, Reason.STATE_YAML).subject.startswith("layers.yaml")
    assert (found.admitted, found.configuration, found.unreadable) == (False, None, False)


def test_the_configuration_that_runs_must_be_found_at_its_base(head: Head) -> None:
    approval = head.judged().approval
    assert approval is not None
    asked, at = approval.proposal.configuration, approval.proposal.base
    (base,) = head.observation.bases
    changed = base.model_copy(update={"configuration": ANOTHER})
    for bases, text in (((), "none"), ((changed,), ANOTHER)):
        found = head.judged(bases=bases)
        assert told(found, Reason.CONFIGURATION_LOST) == finding(
            Reason.CONFIGURATION_LOST, PROPOSAL_1, f"expected {asked} at {at}, found {text}"
        )
        silent = head.judged(bases=bases, revision=None)
        aside = head.judged(bases=bases, descends=False)
        assert "CONFIGURATION_LOST" not in said(silent) | said(aside)


# --- what was fallen to ------------------------------------------------------------------------
def step(head: Head, revision: str, mode: bytes | None, limits: bytes | None) -> LineRevision:
    return LineRevision(
        revision=revision * 40,
        mode=head.keep(mode) if mode is not None else None,
        limits=head.keep(limits) if limits is not None else None,
    )


LOWER = LIMITS_TEXT.replace(b'"50"', b'"10"')
HIGHER = LIMITS_TEXT.replace(b'"50"', b'"90"')
REDUCING = MODE_TEXT.replace(b"trading: active", b"trading: reducing")


def test_each_revision_on_the_way_is_judged_and_what_it_lowered_stays_down(head: Head) -> None:
    line = (
        step(head, "a", REDUCING, LIMITS_TEXT),
        step(head, "b", MODE_TEXT, LOWER),
        step(head, "c", MODE_TEXT, LIMITS_TEXT),
    )
    found = head.judged(line=line)
    assert found.memory.falls == (
        Fall(path="limits.USD.max_order_notional", value="10", revision="b" * 40),
        Fall(path="trading", value="reducing", revision="a" * 40),
    )
    assert found.desired == found.memory.desired == head.desk.asked


def test_the_first_head_of_all_falls_from_nothing(head: Head) -> None:
    new = head.memory.model_copy(update={"desired": None, "head": None})
    found = head.judged(memory=new, line=(step(head, "a", REDUCING, LOWER),))
    assert found.memory.falls == ()
    assert found.desired is not None
    assert (found.desired.trading, found.desired.mode) == (Trading.REDUCING, Mode.PAPER)


@pytest.mark.parametrize("broken", [b"[", None])
def test_a_part_that_does_not_read_stays_as_it_was_and_the_other_moves(
    head: Head, broken: bytes | None
) -> None:
    before = head.memory.desired
    assert before is not None
    asked = head.judged(line=(step(head, "a", REDUCING, broken),)).desired
    assert asked == before.model_copy(update={"trading": Trading.REDUCING})
    limits = before.limits.model_copy(update={"max_order_notional": 10})
    asked = head.judged(line=(step(head, "a", broken, LOWER),)).desired
    assert asked == before.model_copy(update={"limits": limits})
    nothing = head.memory.model_copy(update={"desired": None})
    asked = head.judged(memory=nothing, line=(step(head, "a", broken, LOWER),)).desired
    assert asked is not None
    assert (asked.mode, asked.symbols, asked.limits) == (Mode.HALTED, {}, limits)


def test_a_refused_head_lowers_what_is_asked_and_raises_nothing(head: Head) -> None:
    refused = (finding(Reason.TREE_SIZE, "prompts/x"),)
    line = (step(head, "a", REDUCING, HIGHER),)
    before = head.memory.desired
    assert before is not None
    found = head.judged(problems=refused, line=line)
    assert found.desired == before.model_copy(update={"trading": Trading.REDUCING})
    assert found.memory.desired == before  # not taken over, only fallen from
    assert [fall.path for fall in found.memory.falls] == ["trading"]
    assert head.judged(line=line).desired == _asked(before, HIGHER)
    first = head.memory.model_copy(update={"desired": None})
    assert head.judged(memory=first, problems=refused, line=line).desired == _asked(before, HIGHER)
    assert head.judged(memory=first, problems=refused).desired is None


def _asked(before: Authority, limits: bytes) -> Authority:
    assert limits == HIGHER
    raised = before.limits.model_copy(update={"max_order_notional": 90})
    return before.model_copy(update={"trading": Trading.REDUCING, "limits": raised})


# --- stops and papers --------------------------------------------------------------------------
def test_a_stop_is_remembered_as_it_was_seen_first(head: Head) -> None:
    once = head.judged(stops=(A_STOP,)).memory
    again = A_STOP.model_copy(update={"reason": "told otherwise"})
    twice = head.judged(memory=once, stops=(again,)).memory
    assert once.stops == twice.stops == {A_STOP.id: A_STOP}


def erased(head: Head, path: str, *, now: str | None, **changes: object) -> Admission:
    return head.judged(standing={path: now}, **changes)


@pytest.mark.parametrize("now", [None, ANOTHER])
@pytest.mark.parametrize(
    ("path", "code"),
    [(PROPOSAL_1, Reason.PROPOSAL_CHANGED), (RITA_1, Reason.VOTE_ERASED)],
)
def test_a_paper_that_is_gone_or_changed_is_said_as_a_warning_and_counts_as_before(
    head: Head, path: str, code: Reason, now: str | None
) -> None:
    found = erased(head, path, now=now)
    assert found.memory.erased == (path,)
    assert news(found) == (finding(code, path, severity=Severity.WARNING),)
    assert found.admitted
    assert found.approval == head.judged().approval
    assert news(head.judged(memory=found.memory)) == news(found)  # as long as it is gone
    back = erased(head, path, now=head.memory.ledger[path][0], memory=found.memory)
    assert (back.memory.erased, news(back)) == ((), ())


def test_what_is_erased_stands_in_its_order_and_only_votes_do(head: Head) -> None:
    standing = dict.fromkeys((RITA_1, PROPOSAL_1, "signoffs/0002/new.GO.yaml", "odd"))
    assert head.judged(standing=standing).memory.erased == (PROPOSAL_1, RITA_1)
    root = head.judged(
        ledger=(LedgerFile(path="trust/root/9.yaml", digest=ANOTHER),),
        standing={"trust/root/9.yaml": None},
    )
    assert root.memory.erased == ()


def test_the_first_version_of_a_paper_is_the_one_that_must_stand(head: Head) -> None:
    second = head.keep(b"x: 1\n")
    found = head.judged(ledger=(LedgerFile(path=RITA_1, digest=second),), standing={RITA_1: second})
    assert found.memory.ledger[RITA_1] == (head.memory.ledger[RITA_1][0], second)
    assert found.memory.erased == (RITA_1,)


def test_a_refused_head_brings_no_papers_and_forgives_no_erased_ones(head: Head) -> None:
    gone = erased(head, RITA_1, now=None).memory
    found = head.judged(
        memory=gone,
        problems=(finding(Reason.TREE_SIZE, "x"),),
        ledger=(LedgerFile(path="signoffs/0001/x.GO.yaml", digest=ANOTHER),),
        standing={RITA_1: gone.ledger[RITA_1][0]},
        revision=OTHER,
    )
    assert found.memory == gone


def test_a_refused_head_releases_nothing_though_its_switch_is_armed(head: Head) -> None:
    desk = head.desk
    desk.push({"kill_switch.yaml": ENGAGED})
    (stop,) = desk.cycle().stops
    desk.approve(2, clears=(stop.id,), gate="release", expires=START + 7 * DAY)
    assert [found.id for found in desk.cycle().stops] == [stop.id]  # engaged: it waits
    assert desk.memory.high is not None
    assert desk.memory.high.sequence == 2
    desk.push({"kill_switch.yaml": ARMED, "limits.yaml": b"[\n"})
    assert [found.id for found in desk.cycle().stops] == [stop.id]
    assert desk.memory.releases == {}
    desk.push({"limits.yaml": LIMITS_TEXT})
    assert list(desk.cycle().stops) == []
    assert list(desk.memory.releases) == [stop.id]
