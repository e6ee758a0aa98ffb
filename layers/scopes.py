"""What a layer may see and return, deny first: forbidden wins, and silence forbids.

Patterns match whole normalised paths: ``*`` and ``?`` stay inside one part, ``**`` stands for any
number of parts, none included.
"""

import re
from functools import lru_cache

from layers.configuration import Artifacts, Inputs


def may_read(inputs: Inputs, path: str) -> bool:
    """Whether a layer may be given ``path``; a path that is not normalised never matches."""
    if not _is_normal(path):
        return False
    if any(_pattern(glob).fullmatch(path) for glob in inputs.forbidden):
        return False
    return any(_pattern(glob).fullmatch(path) for glob in inputs.allowed)


def may_return(artifacts: Artifacts, name: str) -> bool:
    """Whether a layer may return an artifact of the type ``name``."""
    return name in artifacts.allowed and name not in artifacts.forbidden


def _is_normal(path: str) -> bool:
    parts = path.split("/")
    return "\\" not in path and path.isprintable() and not {"", ".", ".."} & set(parts)


@lru_cache(maxsize=1024)
def _pattern(glob: str) -> re.Pattern[str]:
    found = ""
    parts = glob.split("/")
    for number, part in enumerate(parts):
        last = number == len(parts) - 1
        if part == "**":
            found += ".+" if last else "(?:[^/]+/)*"
            continue
        found += "".join(_WILD.get(c) or re.escape(c) for c in part)
        found += "" if last else "/"
    return re.compile(found)


_WILD = {"*": "[^/]*", "?": "[^/]"}
