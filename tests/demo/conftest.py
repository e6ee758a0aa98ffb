import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest


@pytest.fixture(scope="session")
def played(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, Any]]:
    """The demonstration, played once in a process of its own; tests read it and copy it."""
    folder = tmp_path_factory.mktemp("demonstration") / "desk"
    command = [sys.executable, "-m", "reconciler", "demo", str(folder), "--json"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stderr[-3000:]
    return folder, json.loads(done.stdout)
