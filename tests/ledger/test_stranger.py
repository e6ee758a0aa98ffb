"""The README's way of checking without our program, run as it stands there."""

import os
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from evidence_repo import layout

README = Path(__file__).parents[2] / "evidence_repo" / "README.md"
TOOLS = ("bash", "git", "jq", "openssl", "sha256sum")
Desk = Any

pytestmark = pytest.mark.skipif(
    not all(map(shutil.which, TOOLS)), reason="a stranger needs " + ", ".join(TOOLS)
)


def stranger(desk: Desk) -> str:
    """Everything the README's blocks print."""
    blocks = re.findall(r"```sh\n(.*?)```", README.read_text(), re.DOTALL)
    assert len(blocks) == 6
    work = desk.folder / "stranger"
    shutil.rmtree(work, ignore_errors=True)
    work.mkdir()
    public = Ed25519PublicKey.from_public_bytes(desk.key.public)
    line = public.public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH)
    (work / "log.pub").write_bytes(line + b" evidence\n")
    done = subprocess.run(
        ["bash", "-c", "\n".join(blocks)],
        cwd=work,
        env={**os.environ, "EVIDENCE": str(desk.bare), "LOG_KEY": str(work / "log.pub")},
        capture_output=True,
        text=True,
        check=False,
    )
    return done.stdout + done.stderr


def filled(desk: Desk) -> None:
    digest = desk.journal.keep(b"kept")
    desk.note(5, (digest,))
    desk.pack("one")
    desk.pack("two")
    desk.ledger.ship()
    desk.note(2)
    desk.ledger.ship()


def test_a_stranger_finds_an_untouched_repository_sound(desk: Desk) -> None:
    filled(desk)
    assert stranger(desk) == "OK\n"


def test_a_stranger_sees_an_edited_leaf(desk: Desk) -> None:
    filled(desk)
    path = layout.shard_path(0)
    desk.tamper(lambda work: _edit(work / path, '"n":2}', '"n":3}'))
    told = stranger(desk)
    assert "broken at leaf 3" in told
    assert "another root" in told
    assert path in told


def test_a_stranger_sees_a_checkpoint_that_was_not_signed(desk: Desk) -> None:
    filled(desk)
    desk.tamper(lambda work: _edit(work / layout.CHECKPOINT, "\n9\n", "\n8\n"))
    told = stranger(desk)
    assert "another size" in told
    assert "OK" not in told


def test_a_stranger_sees_what_was_done_to_a_pack(desk: Desk) -> None:
    filled(desk)

    def change(work: Path) -> None:
        one, two = sorted(work.glob("packs/*/*/*"))
        (one / "fills.jsonl").write_text("better fills")
        (two / "more.txt").write_text("more")

    desk.tamper(change)
    told = stranger(desk)
    assert "fills.jsonl: FAILED" in told
    assert "./more.txt" in told


def _edit(path: Path, old: str, new: str) -> None:
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new, 1))
