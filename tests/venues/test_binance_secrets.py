"""A planted key and secret: kept as they must be, and found in no error, log, record or repr."""

import io
import json
import logging
import traceback
from contextlib import redirect_stderr, redirect_stdout
from datetime import timedelta
from pathlib import Path

import pytest

from desired_state.canonical import canonical
from desired_state.errors import GovernanceError, Stalled
from desired_state.reasons import Reason
from layers.adapters.binance_venue import BinanceVenue
from layers.adapters.ccxt_line import Line, Skew
from layers.adapters.venue_credentials import Credentials, from_environment, from_file
from layers.binance.protocol import ENDPOINTS, TIME
from layers.l6_execution.events import Answered
from layers.market import EPOCH
from layers.risk_snapshot import VenueClass
from reconciler.host import HostFile
from tests.fakes.binance_desk import KEY, SECRET, SYMBOL, SYSTEM, desk, request, terms
from tests.fakes.leave import Leave
from tests.fakes.paper_desk import FileJournal
from tests.fakes.scripted_venue import Said, ScriptedVenue, refused, said

# What a careless venue says back: our own headers, in every form of answer.
ECHO = f"key {KEY} secret {SECRET}"
ANSWERS = {
    "refused with an echo": refused(-2015, ECHO, 401),
    "rejected with an echo": refused(-1013, ECHO),
    "unknown code with an echo": refused(-9, ECHO),
    "HTML with an echo": Said(502, f"<html>{ECHO}</html>".encode()),
    "echo in a success": said({"clientOrderId": ECHO, "orderId": 1, "symbol": KEY, "code": ECHO}),
    "echo in a list": said([ECHO, {"symbol": ECHO}]),
    "echo in a header": Said(429, b"", {"Retry-After": KEY, "X-MBX-USED-WEIGHT-1M": SECRET}),
    "reset": Said(reset=True),
    "hang": Said(hang=0.1),
    "nonsense": Said(200, b"\xff" * 9),
    "a redirect to the key": Said(302, b"", {"Location": f"https://evil.example/{KEY}"}),
}


def told(binance: BinanceVenue, folder: Path) -> list[str]:
    """Everything that any call leaves behind, errors with their chains and causes included."""
    journal, sent = FileJournal(folder / "journal"), request("one")
    answer = binance.entry.submit(sent, Leave())
    event = Answered(client_order_id=sent.client_order_id, answer=answer)
    journal.append("answered", event.model_dump(mode="json"), EPOCH)
    left = [repr(answer), answer.model_dump_json(), journal.path.read_text()]
    for call in (
        lambda: binance.queries.order(SYMBOL, sent.client_order_id),
        lambda: binance.queries.fills(SYMBOL, EPOCH),
        binance.queries.balances,
        lambda: binance.queries.book(SYMBOL),
        lambda: binance.queries.rules(SYMBOL),
        binance.cancels.open_orders,
        binance.cancels.cancel_all,
        lambda: binance.cancels.cancel(SYMBOL, sent.client_order_id),
        binance.probe.standing,
    ):
        try:
            left.append(repr(call()))
        except GovernanceError as error:
            left += [str(error), repr(error), repr(error.finding), *chained(error)]
            left.append("".join(traceback.format_exception(error)))
    return left


def chained(error: BaseException | None) -> list[str]:
    """Causes and contexts too: a reporter may print what ``raise ... from None`` hides."""
    found = []
    while error is not None:
        found += [repr(error), repr(vars(error))]
        error = error.__cause__ or error.__context__
    return found


@pytest.mark.parametrize("kind", ANSWERS)
def test_a_planted_key_and_secret_are_found_nowhere(
    venue: ScriptedVenue, tmp_path: Path, kind: str
) -> None:
    for endpoint in ENDPOINTS:
        venue.says(endpoint.method, endpoint.path, ANSWERS[kind])
    timeout = timedelta(milliseconds=50 if kind == "hang" else 200)
    said_aloud, logged = io.StringIO(), io.StringIO()
    handler = logging.StreamHandler(logged)
    root = logging.getLogger()
    before = root.level
    root.addHandler(handler)
    root.setLevel(logging.DEBUG)
    for name in ("ccxt", "ccxt.base.exchange", "urllib3", "urllib3.connectionpool"):
        logging.getLogger(name).setLevel(logging.DEBUG)
    try:
        with redirect_stdout(said_aloud), redirect_stderr(said_aloud):
            binance = desk(venue.base, venue_class=VenueClass.LIVE, timeout=timeout)
            left = [*told(binance, tmp_path), repr(binance), repr(binance.lines)]
            binance.close()
    finally:
        root.removeHandler(handler)
        root.setLevel(before)
        for name in ("ccxt", "ccxt.base.exchange", "urllib3", "urllib3.connectionpool"):
            logging.getLogger(name).setLevel(logging.NOTSET)
    assert len(venue.heard) > 5
    for text in (*left, said_aloud.getvalue(), logged.getvalue()):
        assert KEY not in text
        assert SECRET not in text
        assert "signature=" not in text


def test_even_the_headers_of_an_answer_are_searched(venue: ScriptedVenue) -> None:
    venue.says("GET", "/api/v3/time", ANSWERS["echo in a header"])
    binance = desk(venue.base)
    heard = binance.lines[0].ask(TIME, {})
    binance.close()
    assert heard.headers["retry-after"] == heard.headers["x-mbx-used-weight-1m"] == "***"


def test_what_is_written_down_holds_no_credentials(venue: ScriptedVenue) -> None:
    credentials = Credentials(KEY, SECRET)
    line = Line(terms(venue.base), credentials, SYSTEM, Skew())
    line.close()
    for text in (repr(credentials), str(credentials), repr(line), str(line)):
        assert KEY not in text
        assert SECRET not in text
    with pytest.raises(TypeError) as refusal:
        canonical(credentials)
    assert KEY not in str(refusal.value)


def test_the_environment_gives_both_or_names_what_is_missing() -> None:
    found = from_environment("K", "S", {"K": KEY, "S": SECRET})
    assert (found.key, found.secret) == (KEY, SECRET)
    with pytest.raises(Stalled, match="S, found none") as refusal:
        from_environment("K", "S", {"K": KEY, "S": ""})
    assert refusal.value.code is Reason.CREDENTIALS
    assert KEY not in "".join(chained(refusal.value))


def kept(folder: Path, mode: int = 0o600, text: str | None = None) -> Path:
    path = folder / "binance.yaml"
    path.write_text(f"key: {KEY}\nsecret: {SECRET}\n" if text is None else text)
    path.chmod(mode)
    return path


@pytest.mark.parametrize("mode", [0o600, 0o400])
def test_a_file_that_only_we_can_read_gives_both(tmp_path: Path, mode: int) -> None:
    found = from_file(kept(tmp_path, mode))
    assert (found.key, found.secret) == (KEY, SECRET)


@pytest.mark.parametrize("mode", [0o644, 0o640, 0o604, 0o660, 0o602, 0o700])
def test_a_file_open_to_others_is_refused(tmp_path: Path, mode: int) -> None:
    with pytest.raises(Stalled, match=f"0600, found mode {mode:04o}") as refusal:
        from_file(kept(tmp_path, mode))
    assert refusal.value.code is Reason.CREDENTIALS
    assert (tmp_path / "binance.yaml").stat().st_mode & 0o777 == mode


@pytest.mark.parametrize(
    "text",
    [
        "",
        f"key: {KEY}\n",
        f"key: {KEY}\nsecret: {SECRET}\npassphrase: {SECRET}\n",
        f"key: {KEY}\nsecret: [{SECRET}]\n",
        f"{KEY}: {SECRET}\n",
        f"key: {KEY}\nsecret: {SECRET}\nsecret: {SECRET}\n",
        f"key: {KEY}\nsecret: short\n",
        f"&{KEY} [{SECRET}",
        "key: " + "x" * 70_000,
    ],
)
def test_a_file_of_another_form_is_refused_without_a_word_of_it(tmp_path: Path, text: str) -> None:
    with pytest.raises(Stalled) as refusal:
        from_file(kept(tmp_path, text=text))
    assert refusal.value.code is Reason.CREDENTIALS
    left = "".join(chained(refusal.value)) + "".join(traceback.format_exception(refusal.value))
    assert KEY not in left
    assert SECRET not in left


def test_a_file_that_is_not_there_or_is_a_folder_is_refused(tmp_path: Path) -> None:
    for path in (tmp_path / "none", tmp_path):
        with pytest.raises(Stalled) as refusal:
            from_file(path)
        assert refusal.value.code is Reason.CREDENTIALS


HOST = {
    "state": {"url": "./state.git"},
    "evidence": {"url": "./evidence.git"},
    "trust_root": "sha256:" + "0" * 64,
}


@pytest.mark.parametrize(
    ("text", "valid"),
    [
        ({"key_env": "K", "secret_env": "S"}, True),
        ({"credentials": "./keys/binance.yaml"}, True),
        ({"key_env": "K"}, False),
        ({"secret_env": "S", "credentials": "./x"}, False),
        ({"key_env": "K", "secret_env": "S", "credentials": "./x"}, False),
        ({}, False),
    ],
    ids=str,
)
def test_governor_yaml_names_variables_or_a_file_and_not_both(
    text: dict[str, str], valid: object
) -> None:
    try:
        HostFile.model_validate_json(json.dumps({**HOST, "venues": {"binance": text}}))
    except ValueError:
        assert not valid
    else:
        assert valid
