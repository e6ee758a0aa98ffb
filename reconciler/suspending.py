"""``mode.yaml`` with a suspension, and without it. Pure.

What a person would change by hand is changed where it stands, so that their comments stay; a file
in a form that cannot be edited so is written anew.
"""

import re
from typing import Final

from desired_state.canonical import plain
from desired_state.document import dump, load
from desired_state.errors import Stalled
from desired_state.state_files import MODE, ModeFile
from desired_state.suspension import Suspension
from desired_state.values import Trading

_TRADING: Final = re.compile(r"^trading:[ \t]*[a-z]+", re.MULTILINE)
_SUSPENSION: Final = re.compile(r"^suspension:.*\n(?:[ \t]+.*\n)*", re.MULTILINE)
_HEADER: Final = (
    "yaml-language-server: $schema=schema/mode.json\n"
    "What the machine is asked to do. A change here asks; only signatures grant."
)


def read_mode(data: bytes) -> ModeFile:
    """The file as it stands. Raises ``Stalled`` (``STATE_YAML``, ``STATE_SCHEMA``)."""
    return load(ModeFile, data, MODE)


def suspended(data: bytes, suspension: Suspension, trading: Trading) -> bytes:
    """The file with the suspension, and trading at most as given: it never rises (SUSPEND-1).

    Raises:
        Stalled: ``STATE_YAML`` or ``STATE_SCHEMA`` where the file does not read.
    """
    before = read_mode(data)
    wanted = {"trading": min(before.trading, trading), "suspension": suspension}
    return _changed(data, before.model_copy(update=wanted))


def resumed(data: bytes, trading: Trading) -> bytes:
    """The file without a suspension, asking for this trading state; asking grants nothing.

    Raises:
        Stalled: ``STATE_YAML`` or ``STATE_SCHEMA`` where the file does not read.
    """
    wanted = {"trading": trading, "suspension": None}
    return _changed(data, read_mode(data).model_copy(update=wanted))


def _changed(data: bytes, wanted: ModeFile) -> bytes:
    text = _SUSPENSION.sub("", data.decode("utf-8"))
    text = _TRADING.sub(f"trading: {wanted.trading}", text, count=1)
    if wanted.suspension is not None:
        lines = dump({"suspension": plain(wanted.suspension)}, name=MODE)
        text = text.rstrip("\n") + "\n" + lines.decode("utf-8")
    edited = text.encode("utf-8")
    try:
        if read_mode(edited) == wanted:
            return edited
    except Stalled:
        pass  # it stands in another form than people are shown: below it is written whole
    whole = {name: value for name, value in plain(wanted).items() if value is not None}
    return dump(whole, header=_HEADER, name=MODE)
