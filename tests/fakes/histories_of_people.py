"""What people write: proposals, votes, vetoes, next trust roots and revocations."""

from collections.abc import Sequence
from datetime import timedelta
from decimal import Decimal

from hypothesis import strategies as st
from hypothesis.stateful import initialize, precondition, rule

from desired_state.authority import Authority, SymbolAccess
from desired_state.proposals import Decision
from desired_state.root_chain import root_path
from desired_state.values import Access, Mode
from tests.fakes.authority_model import ROOT_HOLDERS, THRESHOLD, Asked, Rooted, Vector, Voted
from tests.fakes.branching_desk import EVERYBODY, root_that_lists
from tests.fakes.histories import FIRST_VOTERS, START, TRADING, Histories, granted
from tests.fakes.trust_desk import DAY, LIMITS_TEXT, MINUTE, PEOPLE
from tests.fakes.trust_papers import publish, revoke, signed

VOTERS = ("oscar", "rita", "sam", "dora", "otto", "nora", "nils")
LISTS = (
    FIRST_VOTERS,
    FIRST_VOTERS - {"sam"} | {"nils"},
    FIRST_VOTERS - {"rita"} | {"nora"},
    FIRST_VOTERS - {"oscar"},
    FIRST_VOTERS | {"nora", "nils"},
)


class PeoplesHistories(Histories):
    """People, some of whom lose their keys."""

    def __init__(self) -> None:
        super().__init__()
        self.asked: dict[int, Asked] = {}  # as it was written
        self.drafts: list[tuple[Rooted, str]] = []  # next roots that were published, with the path
        self.count = 0

    @initialize(signed=st.booleans())
    def begin(self, signed: bool) -> None:  # noqa: FBT001
        if signed:
            self.write_proposal({**START, "eth": 2}, self.bases[0], timedelta(), 7 * DAY)
            self.write_vote(1, "oscar", 30 * DAY)
            self.write_vote(1, "rita", 30 * DAY)
        self.look()

    # --- writing -------------------------------------------------------------------------------
    def write_proposal(
        self,
        authority: Vector,
        base: str,
        start: timedelta,
        life: timedelta,
        clears: Sequence[str] = (),
    ) -> None:
        number = max(self.asked, default=0) + 1
        begins = self.desk.now + start
        made = self.desk.proposal(
            number,
            authority=self._authority(authority),
            base=base,
            not_before=begins,
            expires=begins + life,
            clears=tuple(clears),
        )
        fields = {name: getattr(made, name) for name in type(made).model_fields}
        self.desk.propose(fields.pop("sequence"), **fields)
        stops = {str(s.id): str(s.commit) for s in self.desk.memory.stops.values()}
        self._say(
            "asked",
            number,
            Asked(
                authority,
                self.bases.index(base),
                begins,
                begins + life,
                frozenset(stops[name] for name in made.clears),
            ),
        )

    def _say(self, word: str, number: int, said: object) -> None:
        if isinstance(said, Asked):
            self.asked[number] = said
        self.model.unread.append((word, number, said))

    def write_vote(self, number: int, name: str, life: timedelta) -> None:
        now = self.desk.now
        end = min(self.asked[number].expires, now + life)
        self._signoff(number, name, issued=now, expires=end)
        self._say("vote", number, Voted(name, now, end))

    def write_veto(self, number: int, name: str) -> None:
        self._signoff(number, name, decision=Decision.WITHDRAW)
        self._say("veto", number, name)

    def _signoff(self, number: int, name: str, **changes: object) -> None:
        who = EVERYBODY[name]
        self.desk.sign(
            number, name, by=who, role=who.roles[0], key=who.key.key_id, **changes
        )  # a newcomer as well

    def _authority(self, granted: Vector) -> Authority:
        eth = SymbolAccess(venue="paper", access=list(Access)[granted["eth"]])
        btc = SymbolAccess(venue="paper", access=Access.TRADE)
        limits = self.desk.files["limits.yaml"]
        self.desk.files["limits.yaml"] = LIMITS_TEXT
        asked = self.desk.asked
        self.desk.files["limits.yaml"] = limits
        notional = {"max_order_notional": Decimal(granted["notional"])}
        return asked.model_copy(
            update={
                "mode": Mode.PAPER,
                "trading": TRADING[granted["trading"]],
                "symbols": {"BTC/USDT": btc, "ETH/USDT": eth},
                "limits": asked.limits.model_copy(update=notional),
            }
        )

    # --- proposals and votes -------------------------------------------------------------------
    @rule(
        authority=granted,
        back=st.integers(0, 5),
        start=st.sampled_from([timedelta(), timedelta(), 10 * MINUTE, DAY]),
        life=st.sampled_from([5 * MINUTE, 2 * DAY, 7 * DAY]),
        names=st.sampled_from([("oscar", "rita"), ("dora", "otto"), ("oscar",), ()]),
        clear=st.booleans(),
    )
    def propose(
        self,
        authority: Vector,
        back: int,
        start: timedelta,
        life: timedelta,
        names: tuple[str, ...],
        clear: bool,  # noqa: FBT001
    ) -> None:
        base = self.bases[max(0, len(self.bases) - 1 - back)]
        self.write_proposal(authority, base, start, life, self.known if clear else ())
        for name in names:
            self.write_vote(max(self.asked), name, 30 * DAY)
        self.look()

    @precondition(lambda self: self.asked)
    @rule(
        back=st.integers(0, 2),
        name=st.sampled_from(VOTERS),
        life=st.sampled_from([5 * MINUTE, 30 * DAY]),
        look=st.booleans(),
    )
    def sign(self, back: int, name: str, life: timedelta, look: bool) -> None:  # noqa: FBT001
        self.write_vote(max(1, max(self.asked) - back), name, life)
        self.then(look)

    @precondition(lambda self: self.asked)
    @rule(back=st.integers(0, 2), name=st.sampled_from(VOTERS), delete=st.booleans())
    def withdraw(self, back: int, name: str, delete: bool) -> None:  # noqa: FBT001
        number = max(1, max(self.asked) - back)
        self.write_veto(number, name)
        if delete:
            path = f"signoffs/{number:04d}/{name}.WITHDRAW.yaml"
            self.desk.push({path: None, path + ".sig": None})
        self.look()

    @precondition(lambda self: self.asked)
    @rule(back=st.integers(0, 1), look=st.booleans())
    def sign_another_form(self, back: int, look: bool) -> None:  # noqa: FBT001
        """The requester, or who stole the requester's key: the number is void for ever."""
        number = max(1, max(self.asked) - back)
        self.count += 1
        granted = self._authority(START)
        self.desk.propose(number, authority=granted, reason=f"another reason, {self.count}")
        self._say("changed", number, None)
        self.then(look)

    @rule(signed=st.booleans(), named=st.booleans())
    def wind_down(self, signed: bool, named: bool) -> None:  # noqa: FBT001
        """People's own exits: to the model of what the machine may do, nothing at all."""
        number = max(self.asked, default=0) + 1
        now, granted = self.desk.now, self._authority({**START, "trading": 1, "eth": 0})
        btc = {"BTC/USDT": SymbolAccess(venue="paper", access=Access.REDUCE)}
        self.desk.propose(
            number,
            gate="wind_down",
            authority=granted.model_copy(update={"symbols": btc}),
            expires=now + 60 * MINUTE,
            under=tuple(self.known) if named else (),
        )
        base, end = len(self.bases) - 1, now + 60 * MINUTE
        self._say("asked", number, Asked(START, base, now, end, frozenset(), exits=True))
        for name in ("oscar", "rita") if signed else ():
            self.write_vote(number, name, 30 * DAY)
        self.look()

    # --- trust ---------------------------------------------------------------------------------
    @rule(
        listed=st.sampled_from(LISTS),
        life=st.sampled_from([61 * MINUTE, 2 * DAY, 100 * DAY, 100 * DAY]),
        by=st.sampled_from(["all", "all", "old", "new", "few"]),
        look=st.booleans(),
    )
    def rotate(
        self,
        listed: frozenset[str],
        life: timedelta,
        by: str,
        look: bool,  # noqa: FBT001
    ) -> None:
        """The next trust root, signed by both thresholds, by one of the two or by too few."""
        last = self.model.roots[-1]
        old, new = last.listed & ROOT_HOLDERS, listed & ROOT_HOLDERS
        signers = {
            "all": sorted(old | new),
            "old": [*sorted(old - new), *sorted(old & new)][:THRESHOLD],
            "new": [*sorted(new - old), *sorted(new & old)][:THRESHOLD],
            "few": sorted(old & new)[: THRESHOLD - 1],
        }[by]
        before = self.desk.contents.kept(self.desk.memory.roots[str(last.number)])
        end = (self.desk.now + life).replace(microsecond=0)
        root = Rooted(last.number + 1, listed, end, frozenset(signers))
        word = f"w{len(self.drafts)}"
        data = root_that_lists(before, listed, end)
        who = [EVERYBODY[name] for name in signers]
        publish(self.desk, data, *who, number=root.number, word=word)
        self.drafts.append((root, root_path(root.number, word)))
        self._say("root", root.number, root)
        self.then(look)

    @precondition(lambda self: self.drafts)
    @rule(back=st.integers(0, 1), look=st.booleans())
    def countersign(self, back: int, look: bool) -> None:  # noqa: FBT001
        """Everybody signs a root that may have been short of signatures until now."""
        root, path = self.drafts[max(0, len(self.drafts) - 1 - back)]
        names = ROOT_HOLDERS
        signers = [EVERYBODY[name] for name in sorted(names)]
        self.desk.push(signed(self.desk.files[path], path, signers))
        self._say("root", root.number, Rooted(root.number, root.listed, root.end, names))
        self.then(look)

    @rule(name=st.sampled_from(["oscar", "rita", "sam", "nora"]), own=st.booleans())
    def revoke(self, name: str, own: bool) -> None:  # noqa: FBT001
        """For ever; whoever lists the key again lists a dead one."""
        who = EVERYBODY[name]
        if who.key.key_id in self.desk.memory.revoked:
            return
        if name in FIRST_VOTERS or not own:  # a newcomer no root lists yet revokes nothing
            revoke(self.desk, who, who if own else PEOPLE["sybil"])
            self._say("revoke", 0, name)
        self.look()

    @rule(
        name=st.sampled_from(["rita", "sam"]),
        way=st.sampled_from(["revoked", "dropped", "back"]),
    )
    def lose_a_voter(self, name: str, way: str) -> None:
        """Somebody signs what stands then, and loses the key or the place; or gets it back."""
        self.propose({**START, "eth": 1}, 0, timedelta(), 7 * DAY, ("dora", name), clear=False)
        if way == "revoked":
            self.revoke(name, own=False)
            return
        self.rotate(LISTS[1 if name == "sam" else 2], 100 * DAY, "all", look=True)
        if way == "back":
            self.rotate(LISTS[0], 100 * DAY, "all", look=True)
