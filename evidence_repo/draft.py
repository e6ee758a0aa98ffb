"""The files of one commit as they come together from the leaves."""

from collections.abc import Callable, Mapping
from typing import Final

from desired_state.canonical import digest_bytes
from evidence_repo import layout
from evidence_repo.chain import Leaf
from evidence_repo.index import Page
from evidence_repo.manifest import MANIFEST
from evidence_repo.position import EvidenceStore

PACK: Final = "pack"
"""Kind of the leaf that names a pack and the digest of each of its files."""


class Draft:
    """What is to be written beside the shards: objects, packs, and the pages that change."""

    def __init__(
        self,
        store: EvidenceStore,
        kept: Callable[[str], bytes],
        pages: dict[str, Page],
    ) -> None:
        """``kept`` gives the bytes of a digest; ``pages`` are those read before, by month."""
        self.files: dict[str, bytes] = {}
        self._store = store
        self._kept = kept
        self._pages = pages
        self._folders: dict[str, set[str]] = {}
        self._months: set[str] = set()

    def add(self, leaf: Leaf) -> None:
        """Everything this leaf rests on that is not in the repository yet."""
        for digest in leaf.objects:
            self._add_object(digest)
        if leaf.kind == PACK:
            self._add_pack(leaf.body["pack"], leaf.body["files"])

    def add_pages(self) -> None:
        """The months that changed, written anew."""
        for month in sorted(self._months):
            self.files[layout.index_path(month)] = self._pages[month].text()

    def _add_object(self, digest: str) -> None:
        folder, _, name = layout.object_path(digest).rpartition("/")
        if name not in self._names(folder):
            self.files[f"{folder}/{name}"] = self._kept(digest)
            self._names(folder).add(name)

    def _add_pack(self, pack_id: str, digests: Mapping[str, str]) -> None:
        folder, stands = self._place(pack_id)
        if stands:
            # PACK-10: the same content ran again: another context goes beside the files.
            if digest_bytes(self._standing(f"{folder}/{MANIFEST}")) != digests[MANIFEST]:
                self._add_object(digests[MANIFEST])
            return
        for name, digest in digests.items():
            self.files[f"{folder}/{name}"] = self._kept(digest)
        parent, _, name = folder.rpartition("/")
        self._names(parent).add(name)
        self._page(pack_id).add(self._kept(digests[MANIFEST]), folder)

    def _standing(self, path: str) -> bytes:
        return self.files.get(path) or self._store.read(path) or b""

    def _place(self, pack_id: str) -> tuple[str, bool]:
        overflow = 0
        while True:
            folder = layout.pack_folder(pack_id, overflow)
            names = self._names(folder.rpartition("/")[0])
            if pack_id in names or len(names) < layout.MAX_ENTRIES:
                return folder, pack_id in names
            overflow += 1

    def _page(self, pack_id: str) -> Page:
        month = layout.pack_month(pack_id)
        self._months.add(month)
        if month not in self._pages:
            self._pages[month] = _page_of(self._store, month)
        return self._pages[month]

    def _names(self, folder: str) -> set[str]:
        if folder not in self._folders:
            self._folders[folder] = set(self._store.folder(folder))
        return self._folders[folder]


def _page_of(store: EvidenceStore, month: str) -> Page:
    page = Page(month)
    year, number = month.split("-")
    for name in store.folder(f"packs/{year}"):
        if name.partition(".")[0] == number:
            for pack_id in store.folder(f"packs/{year}/{name}"):
                folder = f"packs/{year}/{name}/{pack_id}"
                page.add(store.read(f"{folder}/{MANIFEST}") or b"", folder)
    return page
