"""Ways to change a good signature: its text, its bytes, what it says, and the numbers in it."""

import base64
import random
from collections.abc import Callable
from dataclasses import replace

from cryptography.hazmat.primitives.asymmetric import rsa

from tests.fakes.software_token import PIN, TOUCH, armour, mpint, wire
from tests.signatures.hands import (
    CURVES,
    MAKERS,
    MESSAGE,
    NAMESPACE,
    ORDER,
    Hand,
    hand,
    strings,
)

Mutation = Callable[[Hand, random.Random], bytes]
JUNK = (b"", b"\n", b"\r\n", b"\r", b" ", b"\t", b"\v", b"x", b"A", b"=", b"==", b"\0", b"\xff",
        b"-----END SSH SIGNATURE-----\n", b"-----BEGIN SSH SIGNATURE-----\n")  # fmt: skip
KINDS = (b"ssh-ed25519", b"ssh-rsa", b"ssh-dss", b"rsa-sha2-256", b"rsa-sha2-512", b"",
         b"ecdsa-sha2-nistp256", b"ecdsa-sha2-nistp384", b"ecdsa-sha2-nistp521",
         b"sk-ssh-ed25519@openssh.com", b"sk-ecdsa-sha2-nistp256@openssh.com",
         b"webauthn-sk-ecdsa-sha2-nistp256@openssh.com",
         b"ssh-ed25519-cert-v01@openssh.com", b"rsa-sha2-512-cert-v01@openssh.com")  # fmt: skip
LOW_ORDER = [y.to_bytes(32, "little") for y in (
    0, 1, 2**255 - 20, 2**255 - 19, 2**255 - 18,
    0x7A03AC9277FDC74EC6CC392CFA53202A0F67100D760B3CBA4FD84D3D706A17C7,
    0x05FC536D880238B13933C6D305ACDFD5F098EFF289F4C345B027B2C28F95E826,
)]  # fmt: skip


# --- the text ----------------------------------------------------------------------------------
def _a_bit_of_the_text(by: Hand, chance: random.Random) -> bytes:
    text = bytearray(by.signs().armoured)
    text[chance.randrange(len(text))] ^= 1 << chance.randrange(8)
    return bytes(text)


def _junk_in_the_text(by: Hand, chance: random.Random) -> bytes:
    good = by.signs().armoured
    at = chance.choice((0, 29, 30, len(good), len(good) - 1, chance.randrange(len(good) + 1)))
    return good[:at] + chance.choice(JUNK) + good[at + chance.randrange(3) :]


def _cut_text(by: Hand, chance: random.Random) -> bytes:
    good = by.signs().armoured
    return good[: chance.randrange(len(good))]


def _line_ends(by: Hand, chance: random.Random) -> bytes:
    good = by.signs().armoured
    end = chance.choice((b"\r\n", b"\r", b"\n\n", b" \n", b"\n ", b"", b"\n\r"))
    if chance.random() < 0.5:
        return good.replace(b"\n", end)
    at = chance.choice([i for i, byte in enumerate(good) if byte == 10])
    return good[:at] + end + good[at + 1 :]


def _columns(by: Hand, chance: random.Random) -> bytes:
    return armour(by.signs().blob, chance.choice((1, 4, 64, 69, 71, 76, 10_000)))


def _padding(by: Hand, chance: random.Random) -> bytes:
    good = by.signs().armoured
    body, end = good[: good.index(b"\n-----END")], good[good.index(b"\n-----END") :]
    bare = body.rstrip(b"=")
    alphabet = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
    last = alphabet.index(bare[-1]) ^ chance.randrange(1, 16)
    changed = bare[:-1] + alphabet[last : last + 1]
    return chance.choice((bare, bare + b"=", bare + b"==", changed + body[len(bare) :])) + end


def _several(by: Hand, chance: random.Random) -> bytes:
    good, bad = by.signs().armoured, by.signs(b"another message").armoured
    between = chance.choice((b"", b"\n", b"junk\n"))
    return chance.choice((good + between + good, good + between + bad, bad + between + good))


# --- the bytes ---------------------------------------------------------------------------------
def _a_bit(by: Hand, chance: random.Random) -> bytes:
    blob = bytearray(by.signs().blob)
    blob[chance.randrange(len(blob))] ^= 1 << chance.randrange(8)
    return armour(bytes(blob))


def _bytes_gone(by: Hand, chance: random.Random) -> bytes:
    blob = by.signs().blob
    at = chance.randrange(len(blob))
    return armour(blob[:at] + blob[at + chance.choice((1, 2, 4, 1000)) :])


def _bytes_more(by: Hand, chance: random.Random) -> bytes:
    blob = by.signs().blob
    at = chance.choice((len(blob), chance.randrange(len(blob))))
    put = chance.choice((b"\0", b"\0\0\0\0", chance.randbytes(chance.randrange(1, 9))))
    return armour(blob[:at] + put + blob[at:])


def _a_length(by: Hand, chance: random.Random) -> bytes:
    """The length of one of the strings, inner ones too, becomes another."""
    parts = by.signs()
    blob = parts.blob
    fields = [parts.key, parts.namespace, b"", parts.hash, parts.kind, parts.raw]
    fields += strings(parts.raw)[0] + strings(parts.key)[0]
    places = [blob.find(wire(field)) for field in fields]
    at = chance.choice([place for place in places if place >= 0])
    size = int.from_bytes(blob[at : at + 4], "big")
    other = chance.choice((0, size - 1, size + 1, size + 4, 2**31, 2**32 - 1)) % 2**32
    return armour(blob[:at] + other.to_bytes(4, "big") + blob[at + 4 :])


# --- what it says ------------------------------------------------------------------------------
def _said(by: Hand, chance: random.Random, **changes: object) -> bytes:
    """The change signed over, or made after the signing."""
    if chance.random() < 0.5:
        return by.signs(**changes).armoured
    return replace(by.signs(), **changes).armoured  # type: ignore[arg-type]


def _namespace(by: Hand, chance: random.Random) -> bytes:
    names = (b"", b"file", b"proposal@governor", NAMESPACE + b"\0", NAMESPACE[:-1], b"\0",
             NAMESPACE.upper(), b" " + NAMESPACE, b"*", chance.randbytes(8))  # fmt: skip
    return _said(by, chance, namespace=chance.choice(names))


def _reserved(by: Hand, chance: random.Random) -> bytes:
    return _said(by, chance, reserved=chance.choice((b"\0", b"x", b"x" * 1000)))


def _hash(by: Hand, chance: random.Random) -> bytes:
    name = chance.choice((b"sha256", b"sha1", b"md5", b"sha384", b"sha224", b"SHA512", b"sha3_512"))
    return _said(by, chance, hash=name)


def _head(by: Hand, chance: random.Random) -> bytes:
    return replace(
        by.signs(),
        magic=chance.choice((b"SSHSIG", b"sshsig", b"SSHSIH")),
        version=chance.choice((0, 1, 2, 2**31)),
    ).armoured


def _another_key(by: Hand, chance: random.Random) -> bytes:
    other = hand(chance.choice(tuple(MAKERS)), chance.choice(("eve", "ada")))
    if chance.random() < 0.3:
        return other.signs().armoured
    return replace(by.signs(), key=other.key.blob).armoured


def _key_in_another_form(by: Hand, chance: random.Random) -> bytes:
    inside = strings(by.key.blob)[0]
    at = chance.randrange(1, len(inside))
    put = chance.choice((b"\0", b"\0\0", b"\4"))
    changed = [put + part if i == at else part for i, part in enumerate(inside)]
    tail = chance.choice((b"", b"", b"\0", wire(b"")))
    return replace(by.signs(), key=wire(*changed) + tail).armoured


def _another_kind(by: Hand, chance: random.Random) -> bytes:
    return replace(by.signs(), kind=chance.choice(KINDS)).armoured


def _another_message(by: Hand, chance: random.Random) -> bytes:
    return by.signs(chance.choice((b"", MESSAGE + b"\n", MESSAGE[:-1], MESSAGE[1:]))).armoured


# --- the numbers -------------------------------------------------------------------------------
def _ed25519(by: Hand, chance: random.Random) -> bytes:
    parts = by.signs()
    s = int.from_bytes(parts.raw[32:], "little")
    wrong = (s + ORDER, s + 2 * ORDER, s + 3 * ORDER, ORDER - s, 0, 1, ORDER)
    scalar = chance.choice(wrong).to_bytes(33, "little")[:32]
    point = chance.choice([parts.raw[:32], parts.raw[:32], *LOW_ORDER])
    whole = (point + scalar, point + parts.raw[32:], parts.raw[:-1], parts.raw + b"\0", b"")
    return replace(parts, raw=chance.choice(whole[:2] * 3 + whole)).armoured


def _ecdsa(by: Hand, chance: random.Random) -> bytes:
    parts = by.signs()
    order = CURVES.get(by.name, CURVES["nistp256"]).group_order
    one, two = strings(parts.raw)[0]
    r, s = int.from_bytes(one, "big"), int.from_bytes(two, "big")
    raws = (
        wire(b"\0" * chance.randrange(1, 4) + one, two),
        wire(one, b"\0" * chance.randrange(1, 4) + two),
        wire(one.lstrip(b"\0"), two),
        wire(one, two.lstrip(b"\0")),
        wire(one, mpint(order - s)),
        wire(mpint(r + order), two),
        wire(one, mpint(s + order)),
        wire(two, one),
        wire(mpint(0), mpint(0)),
        wire(mpint(0), two),
        wire(one, mpint(0)),
        wire(one, b"\0"),
        wire(mpint(1), mpint(1)),
        wire(mpint(order), two),
        wire(one, two) + b"\0",
        wire(one, two, b""),
        wire(one),
        wire(b"\0" * 2050 + one, two),
        b"\x30" + bytes([len(parts.raw) - 4]) + parts.raw,
    )
    return replace(parts, raw=chance.choice(raws)).armoured


def _rsa(by: Hand, chance: random.Random) -> bytes:
    parts = by.signs()
    secret = by.secret
    assert isinstance(secret, rsa.RSAPrivateKey)
    n = secret.public_key().public_numbers().n
    value = int.from_bytes(parts.raw, "big")
    old = replace(by, algorithm="ssh-rsa").signs()
    other = "rsa-sha2-256" if by.algorithm == "rsa-sha2-512" else "rsa-sha2-512"
    numbers = (0, 1, n - 1, n, n - value, min(value + n, 2**2048 - 1))
    raws = [number.to_bytes(256, "big") for number in numbers]
    raws += [b"\0" + parts.raw, parts.raw[1:], parts.raw + b"\0", b""]
    whole = [replace(parts, raw=raw) for raw in raws]
    whole += [old, replace(old, kind=parts.kind), replace(by, algorithm=other).signs(),
              replace(parts, kind=other.encode()), replace(parts, kind=b"ssh-rsa")]  # fmt: skip
    return chance.choice(whole).armoured


# --- what a token says -------------------------------------------------------------------------
def _token(by: Hand, chance: random.Random) -> bytes:
    if by.token is None:
        return replace(by.signs(), said=chance.choice((b"\1\0\0\0\7", b"\0"))).armoured
    way, parts = chance.randrange(6), by.signs()
    flags = chance.choice((0, TOUCH, PIN, TOUCH | PIN, 2, 9, 0x41, 0x81, chance.randrange(256)))
    if way <= 1:
        return by.saying(flags=flags, counter=chance.choice((0, 1, 2**32 - 1))).signs().armoured
    if way == 2:
        return replace(parts, said=bytes([flags]) + parts.said[1:]).armoured
    if way == 3:
        return replace(parts, said=parts.said[:1] + chance.randbytes(4)).armoured
    if way == 4:
        said = (b"", parts.said[:1], parts.said[:-1], parts.said + b"\0", parts.said * 2)
        return replace(parts, said=chance.choice(said)).armoured
    other = by.saying(application=chance.choice((b"ssh:other", b"", b"https://a.invalid")))
    return replace(parts, raw=other.signs().raw).armoured


def _browser(by: Hand, chance: random.Random) -> bytes:
    if by.token is None or by.token.sort != "ecdsa":
        return _another_kind(by, chance)
    good = by.token.webauthn(MESSAGE, NAMESPACE.decode())
    blob = bytearray(base64.b64decode(b"".join(good.split(b"\n")[1:-2])))
    if chance.random() < 0.5:
        blob[chance.randrange(len(blob))] ^= 1 << chance.randrange(8)
    return armour(bytes(blob))


def _numbers(by: Hand, chance: random.Random) -> bytes:
    if "ed25519" in by.name:
        return _ed25519(by, chance)
    return _rsa(by, chance) if "rsa" in by.name else _ecdsa(by, chance)


def _unchanged(by: Hand, chance: random.Random) -> bytes:
    del chance
    return by.signs().armoured


MUTATIONS: tuple[Mutation, ...] = (
    _unchanged, _a_bit_of_the_text, _junk_in_the_text, _cut_text, _line_ends, _columns, _padding,
    _several, _a_bit, _bytes_gone, _bytes_more, _a_length, _namespace, _reserved, _hash, _head,
    _another_key, _key_in_another_form, _another_kind, _another_message, _numbers, _numbers,
    _numbers, _token, _token, _browser,
)  # fmt: skip


def mutated(by: Hand, chance: random.Random) -> tuple[str, bytes]:
    """The name of what was done, and what came of it."""
    way = chance.choice(MUTATIONS)
    return way.__name__.removeprefix("_"), way(by, chance)
