"""The last word over TLS: asked after the handshake, before a byte of the order."""

import ssl
import time
from collections.abc import Iterator
from contextlib import nullcontext
from datetime import UTC, datetime, timedelta
from functools import partial
from ipaddress import ip_address
from pathlib import Path

import pytest
import requests
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from desired_state.reasons import Reason
from layers.adapters.binance_transport import Approved, Kept, LastWord, mounted
from layers.binance.protocol import KEY_HEADER
from layers.binance.wire import parameters, read_back
from tests.fakes.binance_desk import PLACE, request
from tests.fakes.leave import Leave
from tests.fakes.scripted_venue import ScriptedVenue, said


def certified(folder: Path) -> Path:
    """A key and its own certificate for this machine, in one file."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "127.0.0.1")])
    start = datetime.now(UTC) - timedelta(days=1)  # noqa: TID251  (TLS has its own clock)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(start)
        .not_valid_after(start + timedelta(days=9))
        .add_extension(
            x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))]), critical=False
        )
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    path = folder / "venue.pem"
    path.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
        + certificate.public_bytes(serialization.Encoding.PEM)
    )
    return path


@pytest.fixture
def pem(tmp_path: Path) -> Path:
    return certified(tmp_path)


@pytest.fixture
def venue(pem: Path) -> Iterator[ScriptedVenue]:
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(pem)
    with ScriptedVenue(tls) as server:
        yield server


def body(name: str) -> str:
    pairs = {"timestamp": "1", **parameters(request(name)), "signature": "00"}
    return "&".join(f"{key}={value}" for key, value in pairs.items())


def test_over_tls_leave_is_asked_after_the_handshake_and_a_no_writes_nothing(
    venue: ScriptedVenue, pem: Path
) -> None:
    host = venue.base.removeprefix("http://")
    word = LastWord(lambda text: read_back(text, PLACE))
    approved = Approved(word, None, time.monotonic, lambda: None)
    venue.says("POST", "/api/v3/order", said({"orderId": 1}))
    leaves = [Leave(), Leave(Reason.KILL_LATCHED), Leave()]
    with requests.Session() as session:
        mounted(session, host, approved)
        send = partial(
            session.post,
            f"https://{host}/api/v3/order",
            data=body("tls"),
            headers={KEY_HEADER: "k"},
            verify=str(pem),
            timeout=2,
        )
        for leave in leaves:
            refused = leave.code is not None
            with word.armed_with(leave), pytest.raises(Kept) if refused else nullcontext():
                send()
    assert [leave.asked for leave in leaves] == [[request("tls")]] * 3
    assert venue.asked("POST", "/api/v3/order") == 2
    assert approved.exchange.written
    assert approved.exchange.host == "127.0.0.1"


def test_a_certificate_that_nobody_vouches_for_ends_before_the_leave_is_asked(
    venue: ScriptedVenue,
) -> None:
    host, leave = venue.base.removeprefix("http://"), Leave()
    word = LastWord(lambda text: read_back(text, PLACE))
    approved = Approved(word, None, time.monotonic, lambda: None)
    with requests.Session() as session:
        mounted(session, host, approved)
        with word.armed_with(leave), pytest.raises(requests.exceptions.SSLError):
            session.post(f"https://{host}/api/v3/order", data=body("tls"), timeout=2)
    assert leave.asked == []
    assert not approved.exchange.written
    assert venue.heard == []
