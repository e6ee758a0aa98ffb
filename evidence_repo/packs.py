"""Evidence packs: build one from inputs and results, and find what is wrong with one.

The rules are numbered PACK-1 to PACK-9 in this package's README.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Final

from pydantic import ValidationError

from desired_state.canonical import canonical, from_json, plain, sha256_hex
from desired_state.errors import Finding, Stalled, finding
from desired_state.reasons import Reason
from evidence_repo.contents import check_content, check_names
from evidence_repo.manifest import (
    MANIFEST,
    PREDICATE_TYPE,
    STATEMENT_TYPE,
    Context,
    EvidenceLevel,
    Input,
    Manifest,
    PackKind,
    Predicate,
    Sha256,
    Subject,
    content_digest,
    pack_id,
)

NO_CONTEXT: Final = Context()
_EMPTY: Final = frozenset({b"", b"{}", b"[]", b"null", b'""'})
_NEEDS_INPUTS: Final[Mapping[PackKind, int]] = {
    PackKind.LAYER_RUN: 1,
    PackKind.SESSION: 1,
    PackKind.RECONCILIATION: 2,
}
_NEEDS_RUN: Final = frozenset({EvidenceLevel.E2, EvidenceLevel.E3, EvidenceLevel.E4})


@dataclass(frozen=True, slots=True)
class Pack:
    """A pack as it will lie in its folder: every file by its name, ``manifest.json`` among them."""

    id: str
    files: Mapping[str, bytes]

    @property
    def manifest(self) -> Manifest:
        """The manifest as a value."""
        return Manifest.model_validate_json(self.files[MANIFEST])

    @property
    def content(self) -> str:
        """Digest of inputs and artifacts alone, of which the id holds the beginning."""
        manifest = self.manifest
        return content_digest(manifest.predicate.inputs, manifest.subject)


def build(
    kind: PackKind,
    day: date,
    inputs: Mapping[str, str],
    artifacts: Mapping[str, bytes],
    context: Context = NO_CONTEXT,
) -> Pack:
    """A pack that verifies; the same arguments give the same bytes.

    Args:
        kind: What it is evidence of.
        day: The day of the session's own clock, not of the wall clock.
        inputs: Digest of each thing it rests on, by a name under which a person finds it.
        artifacts: The results, by their name in the pack.
        context: What was measured or held true meanwhile; never part of the id.

    Raises:
        Stalled: ``PACK_INVALID`` if such a pack would not verify.
    """
    try:
        subject = tuple(
            Subject(name=name, digest=Sha256(sha256=sha256_hex(artifacts[name])))
            for name in sorted(artifacts)
        )
        listed = tuple(Input(name=name, digest=inputs[name]) for name in sorted(inputs))
        identity = pack_id(kind, day.isoformat(), listed, subject)
        predicate = Predicate(
            id=identity, kind=kind, day=day.isoformat(), inputs=listed, context=context
        )
    except ValidationError as error:
        raise Stalled(Reason.PACK_INVALID, "pack", _first(error)) from error
    pack = Pack(identity, {**artifacts, MANIFEST: _statement(subject, predicate)})
    for wrong in verify(pack.files):
        raise Stalled(wrong.code, wrong.subject, wrong.message)
    return pack


def verify(files: Mapping[str, bytes]) -> tuple[Finding, ...]:
    """Everything that is wrong with the files of one pack; nothing if it is sound."""
    names = tuple(check_names(files))
    if MANIFEST not in files:
        return (*names, _wrong(MANIFEST, "PACK-1: the pack has no manifest"))
    try:
        manifest = read_manifest(files[MANIFEST])
    except Stalled as error:
        return (*names, error.finding)
    return (
        *names,
        *_files_against(manifest, files),
        *_identity(manifest),
        *_substance(manifest, files),
        *check_content(files),
    )


def read_manifest(data: bytes) -> Manifest:
    """The manifest of canonical bytes.

    Raises:
        Stalled: ``PACK_INVALID`` if the schema, the form or a number is not as it must be.
    """
    try:
        if canonical(from_json(data)) != data:
            raise Stalled(Reason.PACK_INVALID, MANIFEST, "PACK-1: expected RFC 8785 form")
        return Manifest.model_validate_json(data)
    except ValidationError as error:
        raise Stalled(Reason.PACK_INVALID, MANIFEST, f"PACK-1: {_first(error)}") from error
    except (ValueError, TypeError, RecursionError) as error:
        raise Stalled(Reason.PACK_INVALID, MANIFEST, f"PACK-1: {error}") from error


def _statement(subject: tuple[Subject, ...], predicate: Predicate) -> bytes:
    return canonical(
        {
            "_type": STATEMENT_TYPE,
            "subject": [plain(s) for s in subject],
            "predicateType": PREDICATE_TYPE,
            "predicate": plain(predicate),
        }
    )


def _files_against(manifest: Manifest, files: Mapping[str, bytes]) -> Iterator[Finding]:
    listed = {s.name: s.digest.sha256 for s in manifest.subject}
    if len(listed) != len(manifest.subject) or MANIFEST in listed:
        yield _wrong(MANIFEST, "PACK-2: a file is listed twice, or the manifest lists itself")
    for name in sorted(listed.keys() - files.keys()):
        yield _wrong(name, "PACK-2: listed in the manifest and missing")
    for name in sorted(files.keys() - listed.keys() - {MANIFEST}):
        yield _wrong(name, "PACK-3: in the pack and not listed in the manifest")
    for name in sorted(listed.keys() & files.keys()):
        if (found := sha256_hex(files[name])) != listed[name]:
            yield _wrong(name, f"PACK-2: expected sha256 {listed[name]}, found {found}")


def _identity(manifest: Manifest) -> Iterator[Finding]:
    said = manifest.predicate
    try:
        date.fromisoformat(said.day)
    except ValueError:
        yield _wrong(MANIFEST, f"PACK-5: {said.day} is not a day")
    if len({i.name for i in said.inputs}) != len(said.inputs):
        yield _wrong(MANIFEST, "PACK-5: an input is named twice")
    if (due := pack_id(said.kind, said.day, said.inputs, manifest.subject)) != said.id:
        yield _wrong(MANIFEST, f"PACK-5: expected the id {due}, found {said.id}")


def _substance(manifest: Manifest, files: Mapping[str, bytes]) -> Iterator[Finding]:
    said = manifest.predicate
    held = [data for name, data in files.items() if name != MANIFEST]
    if all(data.strip() in _EMPTY for data in held):
        yield _wrong(MANIFEST, "PACK-7: nothing, or nothing but empty files, proves nothing")
    if len(said.inputs) < (least := _NEEDS_INPUTS.get(said.kind, 0)):
        yield _wrong(MANIFEST, f"PACK-8: a {said.kind} rests on at least {least} inputs")
    alike = len({i.digest for i in said.inputs}) < len(said.inputs)
    if said.kind is PackKind.RECONCILIATION and alike:
        yield _wrong(MANIFEST, "PACK-8: one source compared with itself reconciles nothing")
    claim = said.context.claim
    if said.kind is PackKind.DRILL and (claim is None or claim.level not in _NEEDS_RUN):
        yield _wrong(MANIFEST, "PACK-9: a drill is run, so its claim is at level E2 or above")


def _wrong(subject: str, message: str) -> Finding:
    return finding(Reason.PACK_INVALID, subject[:200], message)


def _first(error: ValidationError) -> str:
    first = error.errors(include_url=False, include_input=False)[0]
    return f"{'.'.join(map(str, first['loc']))}: {first['msg']}"
