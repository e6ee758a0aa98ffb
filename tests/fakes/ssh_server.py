"""OpenSSH's own server on a high loopback port, run by whoever runs the tests."""

import contextlib
import getpass
import os
import socket
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

SSHD = Path("/usr/sbin/sshd")
CONFIG = """\
ListenAddress 127.0.0.1
Port {port}
HostKey {folder}/host
PidFile {folder}/pid
AuthorizedKeysFile {folder}/authorized_keys
StrictModes no
UsePAM no
PasswordAuthentication no
KbdInteractiveAuthentication no
AllowUsers {user}
PermitRootLogin prohibit-password
SetEnv "PATH={path}" "PYTHONPATH={pythonpath}"
LogLevel VERBOSE
"""


@dataclass(frozen=True)
class SshServer:
    folder: Path
    port: int

    def url(self, repository: Path) -> str:
        return f"ssh://{getpass.getuser()}@127.0.0.1:{self.port}{repository}"

    @property
    def command(self) -> str:
        """For ``GIT_SSH_COMMAND``: this server's key and nothing else of this machine."""
        known, key = self.folder / "known_hosts", self.folder / "client"
        options = ("BatchMode=yes", "IdentitiesOnly=yes", "StrictHostKeyChecking=yes")
        words = ["ssh", "-F", os.devnull, "-i", str(key), "-o", f"UserKnownHostsFile={known}"]
        return " ".join([*words, *(f"-o {option}" for option in options)])


def _key(path: Path) -> str:
    command = ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(path)]
    subprocess.run(command, check=True)
    return path.with_name(f"{path.name}.pub").read_text()


def _free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


def _answers(port: int) -> bool:
    with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
        return True
    return False


@contextlib.contextmanager
def ssh_server(folder: Path) -> Iterator[SshServer]:
    port = _free_port()
    host = _key(folder / "host").split(" ")
    (folder / "known_hosts").write_text(f"[127.0.0.1]:{port} {host[0]} {host[1]}\n")
    (folder / "authorized_keys").write_text(_key(folder / "client"))
    config = CONFIG.format(
        folder=folder,
        port=port,
        user=getpass.getuser(),
        path=os.environ["PATH"],
        pythonpath=os.environ.get("PYTHONPATH", ""),
    )
    (folder / "config").write_text(config)
    if os.geteuid() == 0:  # only a server that could change its user asks for this folder
        Path("/run/sshd").mkdir(mode=0o755, exist_ok=True)
    with (folder / "log").open("wb") as log:
        server = subprocess.Popen([SSHD, "-D", "-e", "-f", str(folder / "config")], stderr=log)
        try:
            for _ in range(100):
                if _answers(port):
                    break
                assert server.poll() is None, (folder / "log").read_text()
                time.sleep(0.1)
            yield SshServer(folder, port)
        finally:
            server.terminate()
            server.wait(timeout=10)
