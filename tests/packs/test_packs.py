import json
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import UTC, date, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from desired_state.canonical import canonical, digest_bytes, sha256_hex
from desired_state.errors import Stalled
from desired_state.reasons import Reason
from evidence_repo.manifest import (
    MANIFEST,
    Claim,
    Code,
    Context,
    EvidenceLevel,
    LayerUse,
    ModelUse,
    PackKind,
    ScopeUse,
)
from evidence_repo.packs import Pack, build, read_manifest, verify

DAY = date(2020, 3, 12)
BARS, LIMITS = digest_bytes(b"bars"), digest_bytes(b"limits")
INPUTS = {"data/bars.csv": BARS, "limits.yaml": LIMITS}
ARTIFACTS = {"fills.jsonl": b'{"price":"4800.5"}\n', "report/summary.json": b'{"orders":"3"}'}
CONTEXT = Context(
    run_id="run-7",
    alias="EV-20200312-L2-CRASH",
    layer=LayerUse(id="L2", name="Market outlook", autonomy="REC"),
    models=(ModelUse(role="primary", asked="a", answered="a-1"),),
    scope=ScopeUse(id="l2", digest=BARS),
    separation_of_duties="pass",
    prompts=(BARS,),
    answers=(LIMITS,),
    decision="NO_TRADE",
    revision="main@sha1:" + "a" * 40,
    authority=LIMITS,
    code=Code(version="1.0", lock=BARS),
    started=datetime(2026, 1, 1, tzinfo=UTC),
    ended=datetime(2026, 1, 2, tzinfo=UTC),
    seed=7,
    claim=Claim(text="no order leaves", level=EvidenceLevel.E2),
)


def session(context: Context = CONTEXT) -> Pack:
    return build(PackKind.SESSION, DAY, INPUTS, ARTIFACTS, context)


def messages(files: Mapping[str, bytes]) -> str:
    found = verify(files)
    assert all(f.code is Reason.PACK_INVALID for f in found)
    return "\n".join(f"{f.subject}: {f.message}" for f in found)


def restated(pack: Pack, change: Callable[[dict], None]) -> dict[str, bytes]:  # type: ignore[type-arg]
    """The pack with its manifest written again by a forger who keeps the form."""
    said = json.loads(pack.files[MANIFEST])
    change(said)
    return {**pack.files, MANIFEST: canonical(said)}


def test_what_was_built_verifies_and_is_an_in_toto_statement() -> None:
    pack = session()
    assert verify(pack.files) == ()
    said = json.loads(pack.files[MANIFEST])
    assert said["_type"] == "https://in-toto.io/Statement/v1"
    assert {s["name"]: s["digest"]["sha256"] for s in said["subject"]} == {
        name: sha256_hex(data) for name, data in ARTIFACTS.items()
    }
    assert said["predicate"]["id"] == pack.id
    assert pack.manifest.predicate.context == CONTEXT
    assert read_manifest(pack.files[MANIFEST]) == pack.manifest


def test_the_same_arguments_give_the_same_bytes_in_whatever_order_they_come() -> None:
    backwards = build(
        PackKind.SESSION,
        DAY,
        dict(reversed(INPUTS.items())),
        dict(reversed(ARTIFACTS.items())),
        CONTEXT,
    )
    assert dict(backwards.files) == dict(session().files)


def test_revision_keys_and_measured_times_do_not_enter_the_id() -> None:
    bare = session(Context())
    assert bare.id == session().id
    assert bare.id.startswith("EV-20200312-SESSION-")
    assert bare.files[MANIFEST] != session().files[MANIFEST]


def test_the_id_follows_from_kind_day_inputs_and_artifacts() -> None:
    ids = {
        session().id,
        build(PackKind.LAYER_RUN, DAY, INPUTS, ARTIFACTS).id,
        build(PackKind.SESSION, date(2020, 3, 13), INPUTS, ARTIFACTS).id,
        build(PackKind.SESSION, DAY, {**INPUTS, "limits.yaml": BARS}, ARTIFACTS).id,
        build(PackKind.SESSION, DAY, INPUTS, {**ARTIFACTS, "fills.jsonl": b"other"}).id,
    }
    assert len(ids) == 5


def test_two_runs_never_share_an_id_and_neither_do_two_symbols() -> None:
    """The original gave two runs one id, and took BTC/USDT for DOGE/USDT."""
    bitcoin = build(PackKind.SESSION, DAY, INPUTS, {"BTC/USDT.csv": b"1"}, CONTEXT)
    dogecoin = build(PackKind.SESSION, DAY, INPUTS, {"DOGE/USDT.csv": b"1"}, CONTEXT)
    assert bitcoin.id != dogecoin.id
    mixed = {**bitcoin.files, MANIFEST: dogecoin.files[MANIFEST]}
    assert "DOGE/USDT.csv: PACK-2" in messages(mixed)
    assert "BTC/USDT.csv: PACK-3" in messages(mixed)


def test_a_pack_with_no_runs_is_refused() -> None:
    """The original's validator accepted it."""
    for artifacts in ({}, {"runs.json": b"[]"}, {"a.json": b"{}", "b.json": b"{}\n"}):
        with pytest.raises(Stalled, match="PACK-7"):
            build(PackKind.WEEKLY_HEALTH, DAY, INPUTS, artifacts)
    with pytest.raises(Stalled, match="PACK-8"):
        build(PackKind.SESSION, DAY, {}, ARTIFACTS)


def test_a_file_that_the_manifest_does_not_list_is_found() -> None:
    assert "extra.txt: PACK-3" in messages({**session().files, "extra.txt": b"x"})


def test_a_file_that_is_missing_is_found() -> None:
    for name in ARTIFACTS:
        files = {k: v for k, v in session().files.items() if k != name}
        assert f"{name}: PACK-2" in messages(files)
    assert "PACK-1" in messages({k: v for k, v in session().files.items() if k != MANIFEST})


@given(st.data())
def test_no_byte_of_any_file_can_be_changed_unseen(data: st.DataObject) -> None:
    files = dict(session().files)
    name = data.draw(st.sampled_from(sorted(files)))
    changed = bytearray(files[name])
    changed[data.draw(st.integers(0, len(changed) - 1))] ^= data.draw(st.integers(1, 255))
    changed_files = {**files, name: bytes(changed)}
    context = name == MANIFEST and _names_same_content(bytes(changed), files[MANIFEST])
    assert context or verify(changed_files)


def _names_same_content(data: bytes, before: bytes) -> bool:
    """Whether only the context changed: that is held by the chain, which names the manifest."""
    try:
        now, then = read_manifest(data), read_manifest(before)
    except Stalled:
        return False
    predicate = now.predicate.model_copy(update={"context": then.predicate.context})
    return now.model_copy(update={"predicate": predicate}) == then


LEAVING = [
    "../x",
    "a/../../x",
    "/etc/x",
    "a\\b",
    "..",
    ".",
    "a//b",
    "a/",
    ".git/x",
    "a/./b",
    "é",
    "",
]
LEAVING += ["a/b/c/d/e", "x" * 300, "a b", "a\nb", "a:b", "-rf", "~/x"]


@pytest.mark.parametrize("name", LEAVING)
def test_a_path_that_leaves_the_pack_is_refused(name: str) -> None:
    with pytest.raises(Stalled):
        build(PackKind.SESSION, DAY, INPUTS, {**ARTIFACTS, name: b"x"})
    assert "PACK-4" in messages({**session().files, name: b"x"})


@pytest.mark.parametrize(
    "twins", [("A.txt", "a.txt"), ("d/x", "D/y"), ("a", "a/b"), ("Manifest.JSON", "x")]
)
def test_names_that_fall_together_on_some_disk_are_refused(twins: tuple[str, str]) -> None:
    with pytest.raises(Stalled, match="PACK-4"):
        build(PackKind.SESSION, DAY, INPUTS, dict.fromkeys(twins, b"x"))


def test_too_many_files_in_one_folder_are_refused() -> None:
    with pytest.raises(Stalled, match="PACK-4"):
        build(PackKind.SESSION, DAY, INPUTS, {f"f{n}": b"x" for n in range(257)})


SECRETS = [
    "-----BEGIN OPENSSH PRIVATE " + "KEY-----\nabc",
    "-----BEGIN RSA PRIVATE " + "KEY-----",
    "AKIA" + "ABCDEFGHIJKLMNOP",
    "sk-" + "proj-abcdefghijklmnopqrstuvwx",
    "ghp_" + "a" * 36,
    '{"api_key": "' + "Zm9vYmFyYmF6cXV4" + '"}',
    "password=" + "correct-horse-battery",
    "https://user:" + "pw1234@example.invalid/",
]


@pytest.mark.parametrize("secret", SECRETS)
def test_a_secret_in_any_file_is_refused(secret: str) -> None:
    with pytest.raises(Stalled, match="PACK-6") as refused:
        build(PackKind.SESSION, DAY, INPUTS, {"log.txt": b"text " + secret.encode()})
    assert secret not in str(refused.value)


def test_digests_and_key_ids_are_no_secrets() -> None:
    text = f'{{"token_digest":"{BARS}","password_rule":"long","key_id":"SHA256:{"A" * 43}"}}'
    build(PackKind.SESSION, DAY, INPUTS, {"notes.json": text.encode()})


FORGED: dict[str, Callable[[dict], object]] = {  # type: ignore[type-arg]
    "another id": lambda m: m["predicate"].update(id="EV-20200312-SESSION-" + "0" * 12),
    "another day": lambda m: m["predicate"].update(day="2020-03-13"),
    "a day that is none": lambda m: m["predicate"].update(day="2020-13-45"),
    "another kind": lambda m: m["predicate"].update(kind="drill"),
    "an unknown kind": lambda m: m["predicate"].update(kind="proof"),
    "other inputs": lambda m: m["predicate"]["inputs"].pop(),
    "an unknown key": lambda m: m.update(extra=True),
    "a file listed twice": lambda m: m["subject"].append(m["subject"][0]),
    "another statement type": lambda m: m.update(_type="https://in-toto.io/Statement/v2"),
    "no statement type": lambda m: m.pop("_type"),
    "a level that is none": lambda m: m["predicate"]["context"]["claim"].update(level="E9"),
    "an implemented for a level": lambda m: m["predicate"]["context"].update(claim="implemented"),
}


@pytest.mark.parametrize("case", FORGED)
def test_a_manifest_that_says_something_else_is_refused(case: str) -> None:
    assert messages(restated(session(), FORGED[case]))


def test_floats_and_other_spellings_are_refused() -> None:
    pack = session()
    for data in (
        pack.files[MANIFEST].replace(b'"seed":7', b'"seed":7.0'),
        pack.files[MANIFEST].replace(b'"seed":7', b'"seed":7,"seed":7'),
        json.dumps(json.loads(pack.files[MANIFEST]), indent=1).encode(),
        b"not json",
        b"[]",
    ):
        assert "PACK-1" in messages({**pack.files, MANIFEST: data})
    with pytest.raises(Stalled, match="PACK-1"):
        build(PackKind.SESSION, DAY, INPUTS, {"pnl.json": b'{"pnl":0.1}'})


def test_a_reconciliation_of_one_source_with_itself_is_refused() -> None:
    """The original compared the simulator with itself, and `{}` with `{}`."""
    for inputs in ({"journal": BARS}, {"journal": BARS, "venue": BARS}):
        with pytest.raises(Stalled, match="PACK-8"):
            build(PackKind.RECONCILIATION, DAY, inputs, ARTIFACTS)
    build(PackKind.RECONCILIATION, DAY, {"journal": BARS, "venue": LIMITS}, ARTIFACTS)


@pytest.mark.parametrize("level", [None, EvidenceLevel.E0, EvidenceLevel.E1])
def test_a_drill_that_is_a_unit_test_or_a_document_is_refused(level: EvidenceLevel | None) -> None:
    claim = Claim(text="stops in time", level=level) if level else None
    with pytest.raises(Stalled, match="PACK-9"):
        build(PackKind.DRILL, DAY, INPUTS, ARTIFACTS, Context(claim=claim))


def test_an_input_without_a_digest_cannot_be_relied_on() -> None:
    with pytest.raises(Stalled) as refused:
        build(PackKind.SESSION, DAY, {"bars.csv": "missing"}, ARTIFACTS)
    assert refused.value.code is Reason.PACK_INVALID


def test_any_bytes_for_a_manifest_are_refused_and_never_crash() -> None:
    for data in (b"", b"\xff\xfe", b"{}" * 3, b"[" * 20_000, b'{"_type":' + b"1" * 5_000 + b"}"):
        assert messages({**session().files, MANIFEST: data})


def test_a_pack_is_a_value() -> None:
    assert replace(session(), id="x").files == session().files
