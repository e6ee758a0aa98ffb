"""A desk attacked from outside: plain git, plain ssh-keygen, files written by hand.

Nothing of ours writes what is judged here; the answers come through the command line alone. Files
are written as JSON, which is YAML that everybody can produce.
"""

import hashlib
import json
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from desired_state.configuration import configuration_digest
from desired_state.document import dump, parse
from desired_state.state_files import is_configuration
from reconciler.cli import main
from reconciler.wiring.founding import init

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
ROOT_1 = "trust/root/1.yaml"
STATEMENT = "I have read the authority in this proposal and answer for it in this role."
ENGAGED = 'state: engaged\nreason: "attack drill"\nby: anyone\n'
ARMED = 'state: armed\nreason: ""\nby: ""\n'
ROLES = {
    "olivia": "operator",
    "oscar": "operator",
    "rita": "risk_officer",
    "simon": "security_officer",
    "petra": "operations",
    "walter": "system_owner",
}
THE_FOUR = ("rita", "simon", "petra", "walter")


def instant(at: datetime) -> str:
    return at.strftime("%Y-%m-%dT%H:%M:%SZ")


def sha256(data: bytes) -> str:
    return "sha256:" + hashlib.sha256(data).hexdigest()


def root_entry(public: str, person: str, now: datetime, **changes: object) -> dict[str, Any]:
    """One key of a trust root."""
    return {
        "public": " ".join(public.split()[:2]),
        "person": person,
        "uses": ["sign-off", "proposal", "trust-root", "revocation"],
        "valid_from": instant(now - DAY),
        "valid_until": instant(now + 80 * DAY),
        "hardware": False,
        **changes,
    }


@dataclass
class PlainDesk:
    """One host, its remote, and whoever has keys or can push."""

    folder: Path
    capture: pytest.CaptureFixture[str]
    now: datetime

    # --- plain git ---------------------------------------------------------------------------
    @property
    def clone(self) -> Path:
        return self.folder / "state"

    @property
    def remote(self) -> Path:
        return self.folder / "state.git"

    def git(self, *arguments: str, where: Path | None = None) -> str:
        done = subprocess.run(
            ["git", *arguments],
            cwd=where or self.clone,
            check=True,
            capture_output=True,
            text=True,
        )
        return done.stdout.strip()

    @property
    def head(self) -> str:
        return self.git("rev-parse", "refs/heads/main", where=self.remote)

    def write(self, files: Mapping[str, str | bytes | None]) -> None:
        for name, content in files.items():
            path = self.clone / name
            if content is None:
                path.unlink()
                continue
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content.encode() if isinstance(content, str) else content)

    def commit(self, files: Mapping[str, str | bytes | None] | None = None) -> str:
        self.write(files or {})
        self.git("add", "-A")
        self.git("commit", "-q", "--allow-empty", "-m", "by hand")
        return self.git("rev-parse", "HEAD")

    def push(
        self, files: Mapping[str, str | bytes | None] | None = None, *, to: str = "main"
    ) -> str:
        made = self.commit(files)
        self.git("push", "-q", "--force", "origin", f"HEAD:refs/heads/{to}")
        return made

    def read(self, name: str) -> str:
        return (self.clone / name).read_text()

    def edit(self, name: str, old: str, new: str) -> str:
        text = self.read(name)
        assert old in text
        return self.push({name: text.replace(old, new)})

    # --- plain ssh-keygen --------------------------------------------------------------------
    def key(self, person: str) -> Path:
        return self.folder / "people" / person / "id_ed25519"

    def new_key(self, person: str, *kind: str) -> Path:
        """A key that nobody has heard of."""
        path = self.folder / "people" / person / "id_ed25519"
        path.parent.mkdir(parents=True, exist_ok=True)
        kind = kind or ("-t", "ed25519")
        subprocess.run(
            ["ssh-keygen", "-q", *kind, "-N", "", "-C", person, "-f", str(path)], check=True
        )
        return path

    def key_id(self, key: Path) -> str:
        line = subprocess.run(
            ["ssh-keygen", "-l", "-f", f"{key}.pub"], check=True, capture_output=True, text=True
        )
        return line.stdout.split()[1]

    def signature(self, data: bytes, key: Path, use: str) -> bytes:
        done = subprocess.run(
            ["ssh-keygen", "-q", "-Y", "sign", "-f", str(key), "-n", f"{use}@governor"],
            input=data,
            check=True,
            capture_output=True,
        )
        return done.stdout

    # --- the papers --------------------------------------------------------------------------
    def proposal(self, sequence: int, **changes: object) -> dict[str, Any]:
        """What asks for exactly what mode.yaml and limits.yaml ask, from the present head."""
        mode = parse((self.clone / "mode.yaml").read_bytes(), "mode").data
        limits = parse((self.clone / "limits.yaml").read_bytes(), "limits").data
        return {
            "sequence": sequence,
            "repository": "peak/state",
            "environment": "rehearsal",
            "requester": "olivia",
            "gate": "paper",
            "base": self.head,
            "authority": {**mode, "limits": limits},
            "configuration": self.configuration(),
            "evidence": [],
            "clears": [],
            "not_before": instant(self.now - HOUR),
            "expires": instant(self.now + 7 * DAY),
            "reason": "an attack",
            **changes,
        }

    def configuration(self) -> str:
        names = self.git("ls-files").splitlines()
        return configuration_digest(
            {name: (self.clone / name).read_bytes() for name in names if is_configuration(name)}
        )

    def propose(
        self, sequence: int, *, by: str | None = None, use: str = "proposal", **changes: object
    ) -> dict[str, Any]:
        made = self.proposal(sequence, **changes)
        data = json.dumps(made, indent=1).encode()
        path = f"proposals/{sequence:04d}.yaml"
        signature = self.signature(data, self.key(by or str(made["requester"])), use)
        self.push({path: data, f"{path}.sig": signature})
        return made

    def first_proposal(self) -> dict[str, Any]:
        return dict(parse((self.clone / "proposals/0001.yaml").read_bytes(), "proposal").data)

    def signoff(self, sequence: int, person: str, **changes: object) -> dict[str, Any]:
        data = (self.clone / f"proposals/{sequence:04d}.yaml").read_bytes()
        clears = parse(data, "proposal").data["clears"]
        return {
            "proposal": sha256(data),
            "sequence": sequence,
            "person": person,
            "role": ROLES.get(person, "operator"),
            "key": self.key_id(self.key(person)),
            "decision": "GO",
            "clears": clears,
            "issued": instant(self.now - HOUR),
            "expires": instant(self.now + 7 * DAY),
            "statement": STATEMENT,
            "reason": "",
            **changes,
        }

    def sign(
        self,
        sequence: int,
        person: str,
        *,
        key: Path | None = None,
        use: str = "sign-off",
        **changes: object,
    ) -> str:
        """One sign-off, pushed. Its path."""
        made = self.signoff(sequence, person, **changes)
        return self.write_signoff(sequence, made, key or self.key(person), use)

    def write_signoff(
        self, sequence: int, made: Mapping[str, Any], key: Path, use: str = "sign-off"
    ) -> str:
        data = json.dumps(made, indent=1).encode()
        path = f"signoffs/{sequence:04d}/{made['person']}.{made['decision']}.yaml"
        signature = self.signature(data, key, use)
        self.push({path: data, f"{path}.sig": signature})
        return path

    # --- what the machine says ---------------------------------------------------------------
    def governor(self, *arguments: str) -> tuple[int, dict[str, Any], str]:
        self.capture.readouterr()
        code = main([*arguments, "--json", "--config", str(self.folder / "governor.yaml")])
        told = self.capture.readouterr()
        return code, json.loads(told.out) if told.out else {}, told.err

    def verify(self, at: datetime | None = None) -> tuple[int, dict[str, Any]]:
        """By somebody who remembers what this host remembers, and writes nothing."""
        code, told, err = self.governor("verify", *(["--now", instant(at)] if at else []))
        assert told, err
        return code, told

    def reconcile(self) -> tuple[int, dict[str, Any]]:
        """One cycle of this host, which remembers."""
        code, told, err = self.governor("reconcile")
        assert told, err
        return code, told


def permitted(told: Mapping[str, Any]) -> str:
    return str(told["permitted"]["mode"])


def codes(told: Mapping[str, Any]) -> set[str]:
    return {found["code"] for found in told["findings"]}


def found(folder: Path, now: datetime, change: Mapping[str, Any] | None = None) -> None:
    """A desk whose root has these top-level values in place of the shipped ones."""
    init(folder, now=now, demo_keys=True)
    clone = folder / "state"
    for key, value in (("user.name", "anyone"), ("user.email", "anyone@example.invalid")):
        subprocess.run(["git", "config", key, value], cwd=clone, check=True)
    if not change:
        return
    before = (clone / ROOT_1).read_bytes()
    after = dump({**parse(before, ROOT_1).data, **change}, name=ROOT_1)
    (clone / ROOT_1).write_bytes(after)
    host = folder / "governor.yaml"
    host.write_text(host.read_text().replace(sha256(before), sha256(after)))
    for arguments in (
        ["commit", "-qa", "--amend", "-m", "Found the desired state"],
        ["push", "-q", "--force", "origin", "HEAD:main"],
    ):
        subprocess.run(["git", *arguments], cwd=clone, check=True, capture_output=True)
