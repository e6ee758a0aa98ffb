"""A state repository in real git, people with real keys, and a host that judges it cycle by cycle.

Signatures are made in-process in the form ssh-keygen writes (tests/admission checks that form
against ssh-keygen once), because the properties need thousands of them.
"""

import base64
import hashlib
import subprocess
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from desired_state.adapters.git_state import GitState
from desired_state.admission import Admission, Trust, admit
from desired_state.authority import Authority
from desired_state.canonical import canonical, digest_bytes, plain
from desired_state.configuration import configuration_digest
from desired_state.document import dump, load, parse
from desired_state.memory import EMPTY, Memory, Stop
from desired_state.proposals import (
    STATEMENT,
    Decision,
    Proposal,
    SignOff,
    proposal_path,
    signoff_path,
)
from desired_state.signatures import public_key
from desired_state.state_files import LimitsFile, ModeFile, asked, is_configuration
from desired_state.survey import Survey
from desired_state.trust_root import Use
from desired_state.values import Environment
from reconciler.contents import Cached, InMemory
from reconciler.facts import Facts
from reconciler.founding import person, root_file
from reconciler.gate import Verdict, judge
from reconciler.stop_lane import stops_at
from tests.fakes.software_token import SoftwareToken

START = datetime(2026, 11, 22, 10, tzinfo=UTC)
DAY = timedelta(days=1)
MINUTE = timedelta(minutes=1)
REPOSITORY = "peak/state"
MAIN = "refs/heads/main"
LAYERS = ("L0", "L1", "L2", "L3", "L4", "L5", "L6")

MODE_TEXT = b"""mode: paper
trading: active
symbols:
  BTC/USDT: {venue: paper, access: trade}
layers: [L2, L5, L6]
budgets: {models_per_day: "50"}
"""
LIMITS_TEXT = b"""currency: USD
max_order_notional: "50"
max_total_exposure: "500"
max_daily_loss: "100"
max_open_positions: 3
duplicate_window: "10s"
"""
ARMED = b'state: armed\nreason: ""\nby: ""\n'
ENGAGED = b"state: engaged\nreason: a drill\nby: sam\n"


def wire(*parts: bytes) -> bytes:
    return b"".join(len(part).to_bytes(4, "big") + part for part in parts)


class Signer:
    """One person and one key, always the same for the same name; with a token it is in hardware."""

    def __init__(
        self,
        name: str,
        *roles: str,
        seed: str | None = None,
        token: SoftwareToken | None = None,
    ) -> None:
        self.name, self.roles = name, roles
        secret = hashlib.sha256((seed or name).encode()).digest()
        self.secret = Ed25519PrivateKey.from_private_bytes(secret)
        openssh = self.secret.public_key().public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH)
        self.token = token
        self.public = token.public if token else openssh.decode()
        self.key = public_key(self.public)

    def sign(self, message: bytes, use: Use) -> bytes:
        if self.token:
            return self.token.sign(message, use.namespace)
        namespace, digest = use.namespace.encode(), hashlib.sha512(message).digest()
        signed = self.secret.sign(b"SSHSIG" + wire(namespace, b"", b"sha512", digest))
        inner = wire(b"ssh-ed25519", signed)
        head = b"SSHSIG" + (1).to_bytes(4, "big")
        blob = head + wire(self.key.blob, namespace, b"", b"sha512", inner)
        text = base64.b64encode(blob)
        lines = [text[at : at + 70] for at in range(0, len(text), 70)]
        begin, end = b"-----BEGIN SSH SIGNATURE-----", b"-----END SSH SIGNATURE-----"
        return b"\n".join([begin, *lines, end]) + b"\n"


PEOPLE = {
    who.name: who
    for who in (
        Signer("olivia", "operator"),
        Signer("oscar", "operator"),
        Signer("rita", "risk_officer", "root"),
        Signer("sam", "security_officer", "root"),
        Signer("otto", "operations", "root"),
        Signer("sybil", "system_owner", "root"),
        Signer("dora", "operator", "operations"),
    )
}
STRANGER = Signer("stranger", "operator")
ROOT = root_file(
    [person(who.name, who.roles, who.public) for who in PEOPLE.values()],
    REPOSITORY,
    Environment.REHEARSAL,
    START,
)


def root_with(change: Mapping[str, Any]) -> bytes:
    """The root with top-level values replaced; these people have no hardware keys to touch."""
    data = {**parse(ROOT, "root").data, **change}
    if data["environment"] == "production" and "gates" not in change:
        gates = data["gates"]
        data["gates"] = {**gates, "bounded_live": {**gates["bounded_live"], "touch": False}}
    return dump(data, name="root")


def production_root() -> bytes:
    """The root of a production in which no gate wants a touch, for people with plain keys."""
    gates = parse(ROOT, "root").data["gates"]
    plainly = {name: {**rule, "touch": False} for name, rule in gates.items()}
    return root_with({"environment": "production", "gates": plainly})


def root_data() -> dict[str, Any]:
    return dict(parse(ROOT, "root").data)


Change = bytes | tuple[str, bytes] | None  # content, or mode and content, or gone


@dataclass
class Remote:
    """A bare repository that is written by plain ``git fast-import``."""

    folder: Path
    _ticks: int = 0

    def __post_init__(self) -> None:
        self.git("init", "-q", "--bare", "-b", "main", ".", make=True)

    def git(self, *arguments: str, make: bool = False, given: bytes | None = None) -> str:
        if make:
            self.folder.mkdir(parents=True)
        done = subprocess.run(
            ["git", *arguments], cwd=self.folder, check=True, capture_output=True, input=given
        )
        return done.stdout.decode().strip()

    def tip(self, ref: str = MAIN) -> str | None:
        path = self.folder / ref
        return path.read_text().strip() if path.exists() else None

    def push(
        self,
        *commits: Mapping[str, Change],
        ref: str = MAIN,
        onto: str | None = None,
        merge: str | None = None,
    ) -> list[str]:
        """These commits on top of each other, then of ``onto`` or of the ref, in one push."""
        parent = onto or self.tip(ref)
        marks = self.folder / "marks"
        stream: list[bytes] = []
        for number, files in enumerate(commits, 1):
            self._ticks += 1
            before = f":{number - 1}" if number > 1 else parent
            head = f"commit {ref}\nmark :{number}\ncommitter a <a@example.invalid> "
            stream.append(f"{head}{1_700_000_000 + self._ticks} +0000\ndata 1\n.\n".encode())
            if before:
                stream.append(f"from {before}\n".encode())
            if merge and number == 1:
                stream.append(f"merge {merge}\n".encode())
            stream += [_change(path, change) for path, change in files.items()]
            stream.append(b"\n")
        if onto is not None:
            self.git("update-ref", ref, onto)
        self.git(
            "fast-import", "--quiet", "--force", "--export-marks=marks", given=b"".join(stream)
        )
        found = dict(line.split() for line in marks.read_text().splitlines())
        return [found[f":{n}"] for n in range(1, len(commits) + 1)]


def _change(path: str, change: Change) -> bytes:
    if change is None:
        return f"D {path}\n".encode()
    mode, data = change if isinstance(change, tuple) else ("100644", change)
    if mode == "160000":
        return f"M {mode} {data.decode()} {path}\n".encode()
    return f"M {mode} inline {path}\ndata {len(data)}\n".encode() + data + b"\n"


@dataclass
class TrustDesk:
    """People, their repository, and one host that remembers."""

    folder: Path
    root: bytes = ROOT
    url: str = ""
    pin: str = ""
    now: datetime = START
    memory: Memory = EMPTY
    files: dict[str, bytes] = field(default_factory=dict)  # of the head, as pushed through here
    latched: dict[str, Stop] = field(default_factory=dict)
    admission: Admission | None = None
    clean: set[str] = field(default_factory=set)  # stops whose venues were proven clean
    build: str | None = None  # of what runs on the host
    accounts: dict[str, str] = field(default_factory=dict)  # as venues report them
    rehearsed: tuple[str, ...] = ()  # venues whose place a local exchange takes
    _tips: set[str] = field(default_factory=set)
    _unreadable_since: datetime | None = None

    def __post_init__(self) -> None:
        self.remote = Remote(self.folder / "state.git")
        self.contents = Cached(InMemory())
        self.trust = Trust(self.pin or digest_bytes(self.root), REPOSITORY)
        self.push(
            {
                "mode.yaml": MODE_TEXT,
                "limits.yaml": LIMITS_TEXT,
                "kill_switch.yaml": ARMED,
                "layers.yaml": b"note: first\n",
                "trust/root/1.yaml": self.root,
            }
        )
        self.restart()

    def close(self) -> None:
        self.state.close()

    def restart(self) -> None:
        """A new process on the same host."""
        if self.admission:
            self.state.close()
        self.state = GitState(self.folder / "read.git", self.url or str(self.remote.folder), "main")
        self.survey = Survey(self.state, self.contents)

    # --- writing -----------------------------------------------------------------------------
    def push(self, *commits: Mapping[str, Change], merge: str | None = None) -> list[str]:
        made = self.remote.push(*commits, merge=merge)
        for files in commits:
            self._note(files)
        return made

    def _note(self, files: Mapping[str, Change]) -> None:
        for path, change in files.items():
            if isinstance(change, bytes):
                self.files[path] = change
            else:
                self.files.pop(path, None)

    def edit(self, path: str, old: str, new: str) -> str:
        text = self.files[path].decode()
        assert old in text
        return self.push({path: text.replace(old, new).encode()})[0]

    @property
    def head(self) -> str:
        return str(self.remote.tip())

    @property
    def asked(self) -> Authority:
        mode = load(ModeFile, self.files["mode.yaml"], "mode.yaml")
        return asked(mode, load(LimitsFile, self.files["limits.yaml"], "limits.yaml"))

    def proposal(self, sequence: int, **changes: object) -> Proposal:
        """What ``governor propose`` would write: what is asked now, from the present head."""
        configured = {p: d for p, d in self.files.items() if is_configuration(p)}
        fields: dict[str, Any] = {
            "sequence": sequence,
            "repository": REPOSITORY,
            "environment": Environment.REHEARSAL,
            "requester": "olivia",
            "gate": "paper",
            "base": self.head,
            "authority": changes.get("authority") or self.asked,
            "configuration": configuration_digest(configured),
            "not_before": self.now,
            "expires": self.now + 7 * DAY,
            "reason": "a reason",
        }
        return Proposal(**{**fields, **changes})

    def propose(self, sequence: int, *, by: Signer | None = None, **changes: object) -> Proposal:
        """Written, signed by its requester and pushed."""
        made = self.proposal(sequence, **changes)
        data = dump(written(plain(made)), name="proposal")
        signer = by or PEOPLE[made.requester]
        path = proposal_path(sequence)
        self.push({path: data, path + ".sig": signer.sign(data, Use.PROPOSAL)})
        return made

    def signoff(self, sequence: int, name: str, /, **changes: object) -> SignOff:
        path = proposal_path(sequence)
        made = load(Proposal, self.files[path], path)
        who = PEOPLE.get(name, STRANGER)
        fields: dict[str, Any] = {
            "proposal": digest_bytes(self.files[path]),
            "sequence": sequence,
            "person": name,
            "role": who.roles[0],
            "key": who.key.key_id,
            "decision": Decision.GO,
            "clears": made.clears,
            "issued": self.now,
            "expires": min(made.expires, self.now + 30 * DAY),
            "statement": STATEMENT,
        }
        return SignOff(**{**fields, **changes})

    def sign(
        self,
        sequence: int,
        *names: str,
        by: Signer | None = None,
        use: Use = Use.SIGN_OFF,
        **changes: object,
    ) -> None:
        """Sign-offs of these people, one push each."""
        for name in names:
            made = self.signoff(sequence, name, **changes)
            data = dump(plain(made), name="sign-off")
            signature = (by or PEOPLE.get(name, STRANGER)).sign(data, use)
            path = signoff_path(sequence, name, made.decision)
            self.push({path: data, path + ".sig": signature})

    def approve(self, sequence: int, *names: str, **changes: object) -> Proposal:
        """Proposed by olivia and signed by oscar and rita, or by those named."""
        made = self.propose(sequence, **changes)
        self.sign(sequence, *(names or ("oscar", "rita")))
        return made

    # --- judging -----------------------------------------------------------------------------
    def cycle(self, after: timedelta = timedelta(seconds=1)) -> Verdict:
        """One cycle of the host; what it remembers goes through its written form."""
        self.now += after
        tips = dict(self.state.tips())
        found = stops_at(self.state, REPOSITORY, tips.values(), (self._tips, self.now))
        self._tips |= set(tips.values())
        self.latched.update({s.id: s for s in found if s.id not in self.latched})
        seen = self.survey.observe(tips.get(MAIN), self.memory, self.latched.values())
        seen = seen.model_copy(update={"clean": tuple(sorted(self.clean))})
        admission = admit(seen, self.contents, self.memory, self.trust, self.now)
        if not admission.unreadable:
            self._unreadable_since = None
        elif self._unreadable_since is None:
            self._unreadable_since = self.now
        facts = Facts(
            answered_at=self.now,
            unreadable_since=self._unreadable_since,
            build=self.build,
            accounts=self.accounts,
            rehearsed=self.rehearsed,
        )
        self.admission = admission
        self.memory = Memory.model_validate_json(canonical(admission.memory))
        return judge(admission, facts, self.now)


def written(data: dict[str, Any]) -> dict[str, Any]:
    """Plain data without what is not set."""
    return {
        key: written(item) if isinstance(item, dict) else item
        for key, item in data.items()
        if item is not None
    }


def codes(verdict: Verdict) -> set[str]:
    return {found.code.value for found in verdict.findings}


def stops_of(verdict: Verdict) -> Iterable[str]:
    return [stop.id for stop in verdict.stops]
