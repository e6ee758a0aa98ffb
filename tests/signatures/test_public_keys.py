"""A public key counts in one form only."""

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from desired_state.reasons import Reason
from desired_state.signatures import MAX_KEY_LINE, SignatureRefused, Why, public_key

RAW = bytes.fromhex("d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a")
"""The public key of RFC 8032, test 1."""
FIELD = 2**255 - 19


def wire(*parts: bytes) -> bytes:
    return b"".join(len(part).to_bytes(4, "big") + part for part in parts)


def line_of(*parts: bytes, kind: str = "ssh-ed25519", after: bytes = b"") -> str:
    return f"{kind} {base64.b64encode(wire(*parts) + after).decode()}"


LINE = line_of(b"ssh-ed25519", RAW)


def why(line: str) -> Why:
    with pytest.raises(SignatureRefused) as refused:
        public_key(line)
    assert refused.value.code is Reason.SIGNATURE
    assert refused.value.subject == "public key"
    return refused.value.why


def test_a_key_is_read_with_and_without_comment() -> None:
    plain, commented = public_key(LINE), public_key(LINE + " ada@desk")
    assert plain == commented
    assert plain.kind == "ssh-ed25519"
    assert plain.blob == wire(b"ssh-ed25519", RAW)
    assert plain.material == b"ed25519:" + RAW
    assert plain.line == LINE


REFUSED = {
    "empty": ("", Why.KIND),
    "no blob": ("ssh-ed25519", Why.KEY_FORM),
    "two spaces": (LINE.replace(" ", "  "), Why.KEY_FORM),
    "tab": (LINE.replace(" ", "\t"), Why.KIND),
    "space before": (" " + LINE, Why.KIND),
    "line end": (LINE + "\n", Why.KEY_FORM),
    "two lines": (LINE + " x\n" + LINE, Why.KEY_FORM),
    "return in the comment": (LINE + " x\ry", Why.KEY_FORM),
    "options before": ("no-pty " + LINE, Why.KIND),
    "url-safe alphabet": (LINE[:-1] + "-", Why.KEY_FORM),
    "padding missing": (line_of(b"ssh-ed25519", RAW[:31]).rstrip("="), Why.BASE64),
    "bits in the padding": (line_of(b"ssh-ed25519", RAW)[:-3] + "Gh==", Why.BASE64),
    "trailing bytes": (line_of(b"ssh-ed25519", RAW, after=b"\0"), Why.TRAILING),
    "another field": (line_of(b"ssh-ed25519", RAW, b""), Why.TRAILING),
    "short key": (line_of(b"ssh-ed25519", RAW[:31]), Why.KEY_FORM),
    "long key": (line_of(b"ssh-ed25519", RAW + b"\0"), Why.KEY_FORM),
    "length beyond the end": (line_of(b"ssh-ed25519") + "f////w==", Why.TRUNCATED),
    "another kind inside": (line_of(b"ssh-ed448", RAW), Why.KIND),
    "dsa": (line_of(b"ssh-dss", b"\3", kind="ssh-dss"), Why.KIND),
    "certificate": (
        line_of(b"ssh-ed25519-cert-v01@openssh.com", kind="ssh-ed25519-cert-v01@openssh.com"),
        Why.KIND,
    ),
    "endless": (LINE + " " + "x" * MAX_KEY_LINE, Why.SIZE),
}


@pytest.mark.parametrize("case", REFUSED)
def test_another_form_of_a_key_is_refused_by_name(case: str) -> None:
    line, expected = REFUSED[case]
    assert why(line) is expected


def double(point: tuple[int, int]) -> tuple[int, int]:
    """Point doubling on edwards25519 by the affine formula of RFC 8032."""
    x, y = point
    d = -121665 * pow(121666, -1, FIELD) % FIELD
    k = d * x * x * y * y % FIELD
    return (
        2 * x * y * pow(1 + k, -1, FIELD) % FIELD,
        (y * y + x * x) * pow(1 - k, -1, FIELD) % FIELD,
    )


def test_a_key_under_which_anybody_can_sign_is_refused() -> None:
    order_8 = bytes.fromhex("c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a")
    y8 = int.from_bytes(order_8, "little")
    d = -121665 * pow(121666, -1, FIELD) % FIELD
    xx = (y8 * y8 - 1) * pow(d * y8 * y8 + 1, -1, FIELD) % FIELD
    x8 = pow(xx, (FIELD + 3) // 8, FIELD)
    x8 = x8 if x8 * x8 % FIELD == xx else x8 * pow(2, (FIELD - 1) // 4, FIELD) % FIELD
    assert x8 * x8 % FIELD == xx
    quarter = double((x8, y8))
    assert double(double(quarter)) == (0, 1)
    for y in (y8, FIELD - y8, quarter[1], double(quarter)[1], 1, FIELD, FIELD + 1, 2**255 - 1):
        for sign in (0, 1):
            raw = (y | sign << 255).to_bytes(32, "little")
            assert why(line_of(b"ssh-ed25519", raw)) is Why.KEY_WEAK


@given(st.text(max_size=120) | st.binary(max_size=80).map(line_of))
def test_any_line_is_a_key_or_refused(line: str) -> None:
    try:
        found = public_key(line)
    except SignatureRefused:
        return
    assert line == found.line or line.startswith(found.line + " ")
