"""A whole rehearsed session and a refused one: the venue's key and secret are found nowhere.

Searched: the host's folder with its journal, evidence and both bare repositories (their objects
unpacked), and what every process said. Not searched: the processes' own environment and memory.
"""

import base64
import shutil
import signal
import subprocess
import traceback
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from urllib.parse import quote

import pytest

from desired_state.errors import GovernanceError
from desired_state.reasons import Reason
from reconciler.adapters.opened_venues import OpenedVenues
from reconciler.adapters.session_slot import SessionSlot
from reconciler.wiring.binance import venue
from tests.fakes.governed_desk import wait_for
from tests.fakes.rehearsal_desk import RehearsalDesk, exchange, rehearsal_desk, wire
from tests.session.test_rehearsed_sessions import SESSION, leaves, running, truth

KEY = "PlantedKeyOfTheVenueThatNobodyElseMayEverSee0123456789abcdefABCD"
SECRET = "PlantedSecretOfTheVenueThatNobodyElseMayEverSee9876543210fedcba"  # noqa: S105
OTHER = "AnotherPlantedSecretThatTheVenueDoesNotKnow0123456789abcdefABCDE"
NAMES = {KEY: "key", SECRET: "secret", OTHER: "the other secret"}


def plant(store: Path, secret: str) -> None:
    store.mkdir(parents=True, exist_ok=True)
    path = store / "credentials.yaml"
    path.unlink(missing_ok=True)
    path.touch(0o600)
    path.write_text(f'key: "{KEY}"\nsecret: "{secret}"\n')


@pytest.fixture
def testnet(tmp_path: Path) -> Iterator[RehearsalDesk]:
    """As in ``test_rehearsed_sessions``, with a key and secret that we know."""
    desk = rehearsal_desk(tmp_path)
    plant(desk.store, SECRET)
    with exchange(desk.store) as url:
        desk.url = url
        wire(desk)
        desk.ask_for("testnet")
        desk.grant()
        yield desk


# --- the search
def forms(text: str) -> dict[str, bytes]:
    """The same in other clothes; in base64 wherever it stands in what is encoded."""
    data = text.encode()
    found = {
        "plain": data,
        "reversed": data[::-1],
        "UTF-16": text.encode("utf-16-le"),
        "hex": data.hex().encode(),
        "HEX": data.hex().upper().encode(),
        "escaped": quote(text, safe="").encode(),
    }
    for shift in range(3):
        whole = base64.b64encode(b"x" * shift + data)
        inner = whole[-(-shift * 8 // 6) : (shift + len(data)) * 8 // 6]
        found[f"base64, {shift} on"] = inner
        found[f"base64 for addresses, {shift} on"] = inner.translate(bytes.maketrans(b"+/", b"-_"))
    return found


def hidden(folder: Path, *said: str) -> set[tuple[str, str, str]]:
    """Where which secret stands, and how."""
    wanted = [
        (name, how, data) for text, name in NAMES.items() for how, data in forms(text).items()
    ]
    return {
        (where, name, how)
        for where, data in [*everything(folder), *(("said", text.encode()) for text in said)]
        for name, how, form in wanted
        if form in data
    }


def everything(folder: Path) -> Iterator[tuple[str, bytes]]:
    """Every file as it lies there, its name, and every object of every repository."""
    for path in sorted(folder.rglob("*")):
        where = str(path.relative_to(folder))
        yield where, where.encode()
        if path.is_file():
            yield where, path.read_bytes()
        elif (path / "HEAD").is_file() and (path / "objects").is_dir():
            yield f"objects of {where}", objects(path)


def objects(repository: Path) -> bytes:
    asked = ["git", "cat-file", "--batch-all-objects", "--batch"]
    return subprocess.run(asked, cwd=repository, check=True, capture_output=True).stdout


def test_the_search_finds_what_lies_deep(tmp_path: Path) -> None:
    assert hidden(tmp_path) == set()
    repository = tmp_path / "repository"
    identity = ("-c", "user.name=a", "-c", "user.email=a@example.invalid")
    text = base64.b64encode(f"key={KEY}&more".encode()).decode()
    for asked in (
        ("init", "-q", str(repository)),
        ("-C", str(repository), *identity, "commit", "-q", "--allow-empty", "-m", text),
        ("-C", str(repository), "gc", "-q"),
    ):
        subprocess.run(["git", *asked], check=True)
    shutil.rmtree(repository / ".git" / "logs")
    (repository / ".git" / "COMMIT_EDITMSG").unlink()
    found = {(where, name, how[:6]) for where, name, how in hidden(tmp_path)}
    assert found == {("objects of repository/.git", "key", "base64")}
    for secret, name in NAMES.items():
        for how, data in forms(secret).items():
            (tmp_path / "file").write_bytes(b"some " + data + b" text")
            assert ("file", name, how) in hidden(tmp_path)
    (tmp_path / "file").unlink()
    assert ("said", "secret", "plain") in hidden(tmp_path, f"an error with {SECRET}")


# --- the sessions
def test_a_session_and_a_signature_that_the_venue_refuses_leave_neither_key_nor_secret(
    testnet: RehearsalDesk,
) -> None:
    with running(testnet, "run") as reconciler:
        wait_for(lambda: SessionSlot(testnet.var).hosted and testnet.armed, 30)
        first = testnet.start(*SESSION, "testnet")
        wait_for(lambda: truth(testnet).orders >= 2, 60)
        assert testnet.told("session", "stop")["ending"] == "ended"
        traded, _ = first.communicate(timeout=30)
        plant(testnet.store, OTHER)
        refused, _ = testnet.start(*SESSION, "testnet").communicate(timeout=60)
        reconciler.send_signal(signal.SIGTERM)
        said, _ = reconciler.communicate(timeout=30)
    (told,) = [leaf["body"] for leaf in leaves(testnet) if leaf["kind"] == "session_refused"]
    assert told["code"] == Reason.VENUE_UNPROVEN  # it proves nothing to one it does not know
    assert Reason.VENUE_UNPROVEN in refused
    words = venues_own_words(testnet)
    assert "-1022" in words
    assert len(list(everything(testnet.folder))) > 500
    assert hidden(testnet.folder, traded, refused, said, words) == set()


def venues_own_words(desk: RehearsalDesk) -> str:
    """What is told of a request whose signature the venue refuses, to the last cause."""
    record = OpenedVenues(desk.var).read("binance")
    assert record is not None
    with closing(venue(desk.host, record)) as opened, pytest.raises(GovernanceError) as caught:
        opened.queries.balances()
    return "".join(traceback.format_exception(caught.value)) + repr(caught.value.finding)
