"""The audit's part about packs and the pages made of them (AUD-5)."""

from collections.abc import Callable, Iterator
from contextlib import suppress

from desired_state.canonical import digest_bytes
from desired_state.errors import Finding, Stalled, finding
from desired_state.reasons import Reason
from desired_state.values import Digest
from evidence_repo import layout
from evidence_repo.chain import Leaf
from evidence_repo.index import Page
from evidence_repo.manifest import MANIFEST
from evidence_repo.packs import read_manifest, verify
from evidence_repo.reader import EvidenceReader, pack_folders


class PackAudit:
    """Each pack is sound, is the one its leaf names, and stands in the page of its month."""

    def __init__(
        self, reader: EvidenceReader, accounted: set[str], objects: Callable[[Digest], bytes]
    ) -> None:
        """Paths that a leaf accounts for are put into ``accounted``."""
        self.verified = self.skimmed = 0
        self._reader = reader
        self._accounted = accounted
        self._objects = objects
        self._folders = pack_folders(reader.files())
        self._digests: dict[str, dict[str, Digest]] = {}
        self._pages: dict[str, Page] = {}

    def leaf(self, leaf: Leaf) -> Iterator[Finding]:
        """What is wrong with the pack that this leaf names."""
        pack_id, named = leaf.body.get("pack"), leaf.body.get("files")
        if not isinstance(pack_id, str) or not isinstance(named, dict) or MANIFEST not in named:
            yield _wrong(f"leaf {leaf.seq}", "expected the id and the files of a pack")
            return
        if pack_id not in self._folders:
            yield finding(Reason.EVIDENCE_MISSING, pack_id, f"leaf {leaf.seq} names this pack")
            return
        if pack_id not in self._digests:
            yield from self._first(pack_id)
        found = dict(self._digests[pack_id])
        if named != found:
            yield from self._again(leaf, pack_id, named, found)

    def skim(self, leaf: Leaf) -> None:
        """AUD-8: the pack of a leaf before a pinned head is told, and not verified."""
        pack_id = str(leaf.body.get("pack"))
        paths = self._folders.get(pack_id, {})
        if pack_id in self._digests or MANIFEST not in paths:
            return
        self.skimmed += 1
        self._digests[pack_id] = dict(leaf.body.get("files", {}))
        self._accounted.update(paths.values())
        with suppress(KeyError, Stalled):  # then the page that it stands in does not come out again
            month, folder = layout.pack_month(pack_id), paths[MANIFEST].rpartition("/")[0]
            page = self._pages.setdefault(month, Page(month))
            page.add(self._reader.read(paths[MANIFEST]), folder)

    def finish(self) -> Iterator[Finding]:
        """What is wrong with the pages, once every leaf has been seen."""
        files = self._reader.files()
        for month, page in self._pages.items():
            path = layout.index_path(month)
            self._accounted.add(path)
            if path not in files or self._reader.read(path) != page.text():
                yield finding(
                    Reason.EVIDENCE_REWRITTEN, path, "the page is not what the chain generates"
                )

    def _first(self, pack_id: str) -> Iterator[Finding]:
        paths = self._folders[pack_id]
        files = {name: self._reader.read(path) for name, path in paths.items()}
        self._digests[pack_id] = {name: digest_bytes(data) for name, data in files.items()}
        self._accounted.update(paths.values())
        self.verified += 1
        wrong = verify(files)
        for found in wrong:
            yield _wrong(f"{pack_id}: {found.subject}"[:300], found.message)
        if wrong:
            return
        if read_manifest(files[MANIFEST]).predicate.id != pack_id:
            yield _wrong(pack_id, "the folder holds another pack")
            return
        month = layout.pack_month(pack_id)
        folder = paths[MANIFEST].rpartition("/")[0]
        if {path.removeprefix(f"{folder}/") for path in paths.values()} != paths.keys():
            yield _wrong(pack_id, "the pack lies in two folders")
        self._pages.setdefault(month, Page(month)).add(files[MANIFEST], folder)

    def _again(
        self, leaf: Leaf, pack_id: str, named: dict[str, Digest], found: dict[str, Digest]
    ) -> Iterator[Finding]:
        """PACK-10: the same content under another context has its manifest among the objects."""
        manifest = named[MANIFEST]
        if {**found, MANIFEST: manifest} != named:
            yield _wrong(pack_id, f"leaf {leaf.seq} names other files than the pack has")
            return
        try:
            again = read_manifest(self._objects(manifest))
            first = read_manifest(self._reader.read(self._folders[pack_id][MANIFEST]))
        except (Stalled, KeyError) as error:
            yield _wrong(pack_id, f"leaf {leaf.seq}: {error}")
            return
        if (again.subject, again.predicate.id) != (first.subject, first.predicate.id):
            yield _wrong(pack_id, f"leaf {leaf.seq} names a manifest of other content")


def _wrong(subject: str, message: str) -> Finding:
    return finding(Reason.PACK_INVALID, subject, message)
