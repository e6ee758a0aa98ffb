"""Next trust roots and revocations at a desk of trust_desk, written and signed by its people."""

from collections.abc import Iterable, Mapping
from typing import Any

from desired_state.canonical import digest_bytes
from desired_state.document import dump, parse
from desired_state.revocations import revocation_path
from desired_state.root_chain import root_number, root_path, root_signature_path
from desired_state.trust_root import Use
from desired_state.values import instant_text, parse_instant
from tests.fakes.trust_desk import DAY, PEOPLE, REPOSITORY, Change, Signer, TrustDesk

USES = ("sign-off", "proposal", "trust-root", "revocation")
OFFICERS = tuple(PEOPLE[name] for name in ("rita", "sam", "otto"))  # the threshold of root 1
NORA = Signer("nora", "risk_officer", "root")
NILS = Signer("nils", "security_officer", "root")
NINA = Signer("nina", "operations", "root")
NEWCOMERS = (NORA, NILS, NINA)


def last_root(desk: TrustDesk) -> bytes:
    """The root with the highest number at the head."""
    numbers = {root_number(path): path for path in desk.files if root_number(path)}
    return desk.files[numbers[max(n for n in numbers if n)]]


def after(before: bytes, **change: object) -> bytes:
    """The root that follows ``before``, with top-level values replaced."""
    data = dict(parse(before, "root").data)
    data |= {"version": data["version"] + 1, "prev": digest_bytes(before)}
    return dump({**data, **change}, name="root")


def people(
    before: bytes,
    *,
    add: Iterable[Signer] = (),
    drop: Iterable[str] = (),
    uses: Iterable[str] = USES,
) -> dict[str, Any]:
    """``persons`` and ``keys`` with some more and some less; a known person gets another key."""
    data, gone = parse(before, "root").data, set(drop)
    persons = {name: p for name, p in dict(data["persons"]).items() if name not in gone}
    keys = {i: k for i, k in dict(data["keys"]).items() if k["person"] not in gone}
    for who in add:
        persons[who.name] = {"roles": list(who.roles)}
        keys[who.key.key_id] = {
            "public": who.key.line,
            "person": who.name,
            "uses": list(uses),
            "valid_from": data["issued"],
            "valid_until": data["expires"],
            "hardware": False,
        }
    return {"persons": persons, "keys": keys}


def signed(
    data: bytes, path: str, signers: Iterable[Signer], use: Use = Use.TRUST_ROOT
) -> dict[str, Change]:
    return {root_signature_path(path, who.name): who.sign(data, use) for who in signers}


def publish(desk: TrustDesk, data: bytes, *signers: Signer, number: int = 2, word: str = "") -> str:
    """The root and these signatures in one push."""
    path = root_path(number, word)
    return desk.push({path: data, **signed(data, path, signers)})[0]


def countersign(desk: TrustDesk, *signers: Signer, number: int = 2, word: str = "") -> None:
    """One push a signature."""
    path = root_path(number, word)
    for who in signers:
        desk.push(signed(desk.files[path], path, [who]))


def extended(before: bytes, days: int) -> dict[str, Any]:
    """Later ends of the root and of its keys."""
    data = parse(before, "root").data
    keys = {i: {**key, "valid_until": _later(key["valid_until"], days)}
            for i, key in dict(data["keys"]).items()}  # fmt: skip
    return {"expires": _later(data["expires"], days), "keys": keys}


def _later(text: object, days: int) -> str:

    return instant_text(parse_instant(text) + days * DAY)


def revocation(
    desk: TrustDesk, key: Signer, by: Signer, change: Mapping[str, Any] | None = None
) -> bytes:
    fields = {
        "key": key.key.key_id,
        "repository": REPOSITORY,
        "environment": "rehearsal",
        "person": by.name,
        "by_key": by.key.key_id,
        "reason": "stolen",
        "at": instant_text(desk.now),
    }
    return dump({**fields, **(change or {})}, name="revocation")


def revoke(
    desk: TrustDesk,
    key: Signer,
    by: Signer,
    change: Mapping[str, Any] | None = None,
    *,
    use: Use = Use.REVOCATION,
    word: str = "",
) -> str:
    """Written, signed and pushed; its path."""
    data, path = revocation(desk, key, by, change), revocation_path(key.key.key_id, word)
    desk.push({path: data, path + ".sig": by.sign(data, use)})
    return path
