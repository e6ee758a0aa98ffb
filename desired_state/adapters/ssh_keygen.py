"""Keys and signatures made by the real ``ssh-keygen``, as a person would make them by hand.

The program never asks: it runs without a terminal and without an agent. A key with a passphrase,
in an agent or in hardware is used by the person, with the line that :func:`command_line` gives.
"""

import os
import shlex
import subprocess
from pathlib import Path
from typing import Final

from desired_state.errors import Stalled
from desired_state.reasons import Reason

TIMEOUT_SECONDS: Final = 20
MAX_OUTPUT_BYTES: Final = 16 * 1024
_PROGRAM: Final = "ssh-keygen"
_TOLD: Final = 300


def generate(path: Path, comment: str) -> str:
    """Make an Ed25519 key without passphrase at ``path`` and return its public line.

    Raises:
        Stalled: ``TOOL_MISSING``, or ``SIGNING_FAILED`` also where ``path`` exists already.
    """
    if path.exists():
        raise Stalled(Reason.SIGNING_FAILED, str(path), "expected no file here, found one.")
    _run(["-q", "-t", "ed25519", "-N", "", "-C", comment, "-f", str(path)], b"", str(path))
    try:
        with Path(f"{path}.pub").open("rb") as file:
            return file.read(MAX_OUTPUT_BYTES).decode("utf-8").removesuffix("\n")
    except (OSError, UnicodeDecodeError) as error:
        raise Stalled(Reason.SIGNING_FAILED, f"{path}.pub", str(error)) from error


def sign(message: bytes, key: Path, namespace: str) -> bytes:
    """The armoured signature of ``message`` by the key file ``key``.

    Raises:
        Stalled: ``TOOL_MISSING`` or ``SIGNING_FAILED``.
    """
    signature = _run(["-Y", "sign", "-f", str(key), "-n", namespace], message, str(key))
    if not signature or len(signature) > MAX_OUTPUT_BYTES:
        raise Stalled(
            Reason.SIGNING_FAILED, str(key), f"expected a signature, found {len(signature)} bytes."
        )
    return signature


def command_line(file: Path, key: Path, namespace: str) -> str:
    """The plain line that signs ``file`` into ``file.sig`` beside it, for a person to type."""
    return shlex.join([_PROGRAM, "-Y", "sign", "-f", str(key), "-n", namespace, str(file)])


def _run(arguments: list[str], given: bytes, subject: str) -> bytes:
    """Standard output of one run, with nothing of the caller's environment but the path."""
    try:
        done = subprocess.run(  # noqa: S603  (a list, no shell)
            [_PROGRAM, *arguments],
            input=given,
            capture_output=True,
            timeout=TIMEOUT_SECONDS,
            check=False,
            env={"PATH": os.environ.get("PATH", os.defpath), "LC_ALL": "C"},
            start_new_session=True,
        )
    except FileNotFoundError as error:
        raise Stalled(Reason.TOOL_MISSING, _PROGRAM) from error
    except (OSError, ValueError, subprocess.TimeoutExpired) as error:
        raise Stalled(Reason.SIGNING_FAILED, subject, f"{_PROGRAM}: {error}.") from error
    if done.returncode:
        told = done.stderr[:_TOLD].decode("utf-8", "replace").strip()
        raise Stalled(Reason.SIGNING_FAILED, subject, f"{_PROGRAM} said: {told}.")
    return done.stdout
