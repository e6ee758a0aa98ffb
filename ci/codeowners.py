"""A CODEOWNERS file from the trust root: whom a forge should ask about which file. Pure.

It decides nothing (CI-11): the forge's approval is a courtesy, the signed file is the vote.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from desired_state.errors import Stalled
from desired_state.reasons import Reason
from desired_state.trust_root import Root, Use

_HANDLE: Final = re.compile(r"@[A-Za-z0-9][A-Za-z0-9._/-]{0,99}\Z")
_ASKING: Final = ("mode.yaml", "limits.yaml")
_CONFIGURATION: Final = (
    *("layers.yaml", "venues.yaml", "phases.yaml", "schedule.yaml"),
    *("scopes/", "prompts/"),
)
_GUARDS: Final = (".github/", ".forgejo/", ".gitlab/", ".gitlab-ci.yml", "CODEOWNERS")


class Forge(StrEnum):
    """The forges, and with them the dialect of the file."""

    GITHUB = "github"
    GITLAB = "gitlab"
    FORGEJO = "forgejo"


@dataclass(frozen=True, slots=True)
class Owners:
    """The file, and the people for whom no handle is known."""

    text: str
    missing: tuple[str, ...]


def handles(given: Iterable[str], root: Root) -> dict[str, str]:
    """``PERSON=@HANDLE`` words as a mapping.

    Raises:
        Stalled: ``USAGE`` for another form, or somebody who is not in the root.
    """
    found: dict[str, str] = {}
    for word in given:
        name, _, handle = word.partition("=")
        if name not in root.persons or not _HANDLE.match(handle):
            text = f"expected PERSON=@HANDLE with a person of the trust root, found {word!r}"
            raise Stalled(Reason.USAGE, "--handle", text)
        found[name] = handle
    return found


def codeowners(root: Root, known: Mapping[str, str], forge: Forge) -> Owners:
    """Whom to ask about each governed path; nobody is ever asked about the kill switch."""
    gate_roles = {r for rule in root.gates.values() for slot in rule.all_of for r in slot.roles}
    voters = [n for n, p in root.persons.items() if set(p.roles) & gate_roles]
    rooted = _with_use(root, Use.TRUST_ROOT)
    rows = [(path, voters) for path in (*_ASKING, *_CONFIGURATION)]
    rows += [("proposals/", _with_use(root, Use.PROPOSAL)), ("trust/", rooted)]
    rows += [("revocations/", _with_use(root, Use.REVOCATION))]
    rows += [(path, rooted) for path in _GUARDS]
    wanted = sorted({name for _, names in rows for name in names} | set(voters))
    lines = list(_header(root, wanted, known, forge))
    lines += [_line(path, names, known, forge) for path, names in rows]
    lines.append("# A sign-off is that person's own.")
    for name in sorted(voters):
        if name in known:
            lines.append(f"{_signoffs_of(name, forge)} {known[name]}")
    missing = tuple(name for name in wanted if name not in known)
    return Owners("\n".join(lines) + "\n", missing)


def _with_use(root: Root, use: Use) -> list[str]:
    return sorted({key.person for key in root.keys.values() if use in key.uses})


def _header(
    root: Root, wanted: Iterable[str], known: Mapping[str, str], forge: Forge
) -> Iterable[str]:
    yield f"# Rendered by `governor-ci codeowners` from trust root {root.version}; do not edit."
    yield "# It asks people to look. What counts is their signed file, never the forge's approval."
    yield "# kill_switch.yaml has no owner on purpose: nobody's review may delay a stop."
    for name in wanted:
        ids = root.persons[name].forge.get(forge.value)
        told = f"user id {ids}" if ids is not None else "no user id in the root"
        roles = ", ".join(root.persons[name].roles)
        yield f"# {name} ({roles}): {known.get(name, 'NO HANDLE KNOWN')}, {told} at {forge}"


def _line(path: str, names: Iterable[str], known: Mapping[str, str], forge: Forge) -> str:
    owners = " ".join(dict.fromkeys(known[name] for name in names if name in known))
    pattern = f"/{path}"
    if forge is Forge.FORGEJO:
        pattern = _expression(path) + (".*" if path.endswith("/") else "")
    return f"{pattern} {owners}" if owners else f"# {pattern} (nobody with a known handle)"


def _signoffs_of(name: str, forge: Forge) -> str:
    if forge is Forge.FORGEJO:
        return f"signoffs/[0-9]+/{_expression(name)}[.].*"
    return f"/signoffs/*/{name}.*"


def _expression(text: str) -> str:
    """Forgejo reads regular expressions over the whole path, and eats backslashes before."""
    return text.replace(".", "[.]")
