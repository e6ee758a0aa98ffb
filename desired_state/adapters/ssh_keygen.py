"""Keys and signatures made by the real ``ssh-keygen``, as a person would make them by hand.

The host's own keys are used without asking anybody: no terminal, no agent. A person's key may
have a passphrase, live in an agent (named by its public half) or in hardware: then ssh-keygen
itself talks to the person, on the terminal that they see.
"""

import os
import shlex
import subprocess
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from desired_state.errors import Stalled
from desired_state.reasons import Reason

TIMEOUT_SECONDS: Final = 20
MAX_OUTPUT_BYTES: Final = 16 * 1024
PATIENCE_SECONDS: Final = 180  # for a passphrase, a PIN or a touch
PUBLIC: Final = ".pub"
_PROGRAM: Final = "ssh-keygen"
_STDERR: Final = 2
# what ssh-keygen needs to reach an agent, a hardware key, or somebody who knows the passphrase
_PERSONAL: Final = (
    "SSH_AUTH_SOCK",
    "SSH_SK_PROVIDER",
    "SSH_ASKPASS",
    "SSH_ASKPASS_REQUIRE",
    "DISPLAY",
    "WAYLAND_DISPLAY",
    "XDG_RUNTIME_DIR",
    "TERM",
    "HOME",
)
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


def sign_as_person(message: bytes, key: Path, namespace: str) -> bytes:
    """As ``sign``, with whatever the person's key asks of them.

    ``key`` is a private key file, or a public one whose private half an agent or a hardware key
    holds. ssh-keygen keeps standard input, terminal and standard error, so its questions reach the
    person and their answers reach it.

    Raises:
        Stalled: ``TOOL_MISSING`` or ``SIGNING_FAILED``.
    """
    with tempfile.TemporaryDirectory(prefix="governor-") as folder:
        file = Path(folder) / "message"
        file.write_bytes(message)
        arguments = ["-Y", "sign", "-f", str(key), "-n", namespace, str(file)]
        if not _in_hardware(key):
            arguments.insert(0, "-q")  # it has nothing to say unless something is asked or wrong
        _run_for_person(arguments, str(key))
        try:
            with Path(f"{file}.sig").open("rb") as signed:
                signature = signed.read(MAX_OUTPUT_BYTES + 1)
        except OSError as error:
            raise Stalled(Reason.SIGNING_FAILED, str(key), str(error)) from error
    if not signature or len(signature) > MAX_OUTPUT_BYTES:
        told = f"expected a signature, found {len(signature)} bytes."
        raise Stalled(Reason.SIGNING_FAILED, str(key), told)
    return signature


def command_line(file: Path, key: Path, namespace: str) -> str:
    """The plain line that signs ``file`` into ``file.sig`` beside it, for a person to type."""
    return shlex.join([_PROGRAM, "-Y", "sign", "-f", str(key), "-n", namespace, str(file)])


def _in_hardware(key: Path) -> bool:
    public = key if key.suffix == PUBLIC else Path(f"{key}{PUBLIC}")
    try:
        with public.open("rb") as file:
            return file.read(MAX_OUTPUT_BYTES).startswith(b"sk-")
    except OSError:
        return False


def _environment(names: tuple[str, ...] = ()) -> Mapping[str, str]:
    """Nothing of the caller's environment but the path, and what is named."""
    kept = {name: os.environ[name] for name in names if name in os.environ}
    return {**kept, "PATH": os.environ.get("PATH", os.defpath), "LC_ALL": "C"}


def _run_for_person(arguments: list[str], subject: str) -> None:
    """One run that may ask on the terminal; what it says, it says to the person."""
    try:
        done = subprocess.run(  # noqa: S603  (a list, no shell)
            [_PROGRAM, *arguments],
            stdout=_STDERR,  # our own standard output is for data alone
            timeout=PATIENCE_SECONDS,
            check=False,
            env=_environment(_PERSONAL),
        )
    except FileNotFoundError as error:
        raise Stalled(Reason.TOOL_MISSING, _PROGRAM) from error
    except (OSError, ValueError, subprocess.TimeoutExpired) as error:
        raise Stalled(Reason.SIGNING_FAILED, subject, f"{_PROGRAM}: {error}.") from error
    if done.returncode:
        told = f"{_PROGRAM} ended with {done.returncode}; it has said why."
        raise Stalled(Reason.SIGNING_FAILED, subject, told)


def _run(arguments: list[str], given: bytes, subject: str) -> bytes:
    """Standard output of one run, with nothing of the caller's environment but the path."""
    try:
        done = subprocess.run(  # noqa: S603  (a list, no shell)
            [_PROGRAM, *arguments],
            input=given,
            capture_output=True,
            timeout=TIMEOUT_SECONDS,
            check=False,
            env=_environment(),
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
