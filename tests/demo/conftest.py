import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest


@pytest.fixture(scope="session")
def played(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, Any]]:
    """The demonstration, played once in a process of its own; tests read it and copy it."""
    folder = tmp_path_factory.mktemp("demonstration") / "desk"
    barred = tmp_path_factory.mktemp("barred")  # what only a real exchange needs
    for name in ("ccxt", "requests", "urllib3"):
        (barred / f"{name}.py").write_text("raise SystemExit('paper loads no exchange')\n")
    path = os.pathsep.join([str(barred), os.environ.get("PYTHONPATH", "")])
    command = [sys.executable, "-m", "reconciler", "demo", str(folder), "--json"]
    done = subprocess.run(
        command,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
        env={**os.environ, "PYTHONPATH": path},
    )
    assert done.returncode == 0, done.stderr[-3000:]
    return folder, json.loads(done.stdout)
