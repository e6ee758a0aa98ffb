"""Many signed proposals in commits of the server's repository, made without a process for each."""

import shutil
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from cryptography.hazmat.primitives.serialization import load_ssh_private_key

from desired_state.canonical import digest_bytes
from desired_state.proposals import Decision, proposal_path, signoff_path
from desired_state.signatures import public_key
from desired_state.trust_root import Use
from tests.bench.desks import Desk
from tests.fakes.trust_desk import Signer

REQUESTER, SIGNERS = "olivia", ("oscar", "rita", "petra", "simon")
NEXT = "refs/heads/bench-next"  # nobody looks at it


@dataclass(frozen=True, slots=True)
class Papers:
    """One proposal and its sign-offs as the command line wrote them, to be written again."""

    desk: Desk
    proposal: bytes
    signoffs: dict[str, bytes]
    people: dict[str, Signer]

    def push(self, numbers: Sequence[int], a_commit: int) -> list[str]:
        """Commits with so many proposals each, one on the other and on main; none is main yet."""
        stream: list[bytes] = []
        for at in range(0, len(numbers), a_commit):
            stream.append(f"commit {NEXT}\nmark :{at // a_commit + 1}\n".encode())
            stream.append(b"committer b <b@example.invalid> 1700000000 +0000\ndata 1\n.\n")
            if not at:
                stream.append(b"from refs/heads/main\n")
            for number in numbers[at : at + a_commit]:
                for path, data in self.files(number):
                    stream.append(f"M 100644 inline {path}\ndata {len(data)}\n".encode() + data)
        marks = self.desk.folder / "marks"
        self.desk.git(
            *("fast-import", "--quiet", "--force", f"--export-marks={marks}"),
            into=b"".join(stream),
            at="state.git",
        )
        found = dict(line.split() for line in marks.read_text().splitlines())
        return [found[f":{n}"] for n in range(1, len(found) + 1)]

    def files(self, number: int) -> Iterator[tuple[str, bytes]]:
        """Proposal, four sign-offs, and their signatures."""
        path, old = proposal_path(number), digest_bytes(self.proposal).encode()
        data = self.proposal.replace(b"sequence: 1\n", b"sequence: %d\n" % number)
        yield path, data
        yield path + ".sig", self.people[REQUESTER].sign(data, Use.PROPOSAL)
        new = digest_bytes(data).encode()
        for name, text in self.signoffs.items():
            said = text.replace(b"sequence: 1\n", b"sequence: %d\n" % number).replace(old, new)
            path = signoff_path(number, name, Decision.GO)
            yield path, said
            yield path + ".sig", self.people[name].sign(said, Use.SIGN_OFF)


def papers(desk: Desk) -> Papers:
    """What people would write at the head, and their keys; the working clone stays as it is."""
    desk.governor("propose", "--reason", "bench", "--as", REQUESTER)
    for name in SIGNERS:
        desk.governor("sign", "1", "--as", name, "--yes")
    state = desk.folder / "state"
    made = Papers(
        desk,
        (state / proposal_path(1)).read_bytes(),
        {n: (state / signoff_path(1, n, Decision.GO)).read_bytes() for n in SIGNERS},
        {name: _signer(desk.folder / "people" / name) for name in (REQUESTER, *SIGNERS)},
    )
    for folder in ("proposals", "signoffs"):
        shutil.rmtree(state / folder)
    desk.git("checkout", "-q", "--", ".")
    return made


def _signer(folder: Path) -> Signer:
    made = Signer(folder.name)
    secret = load_ssh_private_key((folder / "id_ed25519").read_bytes(), None)
    made.secret = secret  # type: ignore[assignment]
    made.public = (folder / "id_ed25519.pub").read_text().strip()
    made.key = public_key(made.public)
    return made
