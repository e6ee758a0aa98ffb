"""The page of one month for people, generated from the packs the chain names."""

from evidence_repo.manifest import Manifest
from evidence_repo.packs import read_manifest


class Page:
    """The packs of one month, one row each."""

    def __init__(self, month: str) -> None:
        """``month`` is written ``2020-03`` and is that of the packs' own days."""
        self._month = month
        self._rows: dict[str, str] = {}

    def add(self, manifest: bytes, folder: str) -> None:
        """One more pack, by the bytes of its manifest and its place in the repository."""
        read = read_manifest(manifest)
        self._rows[read.predicate.id] = _row(read, folder)

    def text(self) -> bytes:
        """The page: the same packs give the same bytes, in whatever order they came."""
        head = [
            f"# Evidence of {self._month}",
            "",
            "Generated from the chain; an edit here is found by the audit and changes nothing.",
            "",
            "| day | kind | pack | also known as | files | claim | level |",
            "|---|---|---|---|---|---|---|",
        ]
        return "\n".join([*head, *(self._rows[key] for key in sorted(self._rows)), ""]).encode()


def _row(manifest: Manifest, folder: str) -> str:
    said = manifest.predicate
    claim = said.context.claim
    cells = (
        said.day,
        said.kind.value,
        f"[{said.id}](../{folder}/manifest.json)",
        _cell(said.context.alias),
        str(len(manifest.subject)),
        _cell(claim.text if claim else ""),
        claim.level.value if claim else "",
    )
    return "| " + " | ".join(cells) + " |"


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|").replace("<", "&lt;")[:200]
