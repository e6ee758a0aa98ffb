"""The history of one clone, walked commit by commit through one long-lived git process."""

from collections.abc import Callable, Collection, Iterable, Iterator
from itertools import islice
from typing import Final

from desired_state.adapters.git_listing import FOLDER, PLAIN, Listing, fresh, name_of
from desired_state.adapters.git_objects import TIMEOUT_S, GitObjects
from desired_state.adapters.git_trees import MAX_DEPTH, MAX_ENTRIES
from desired_state.errors import Stalled, Waiting
from desired_state.history import History
from desired_state.reasons import Reason
from desired_state.repository import LineStep
from desired_state.state_files import KILL_SWITCH, LEDGER_FOLDERS, LIMITS, MAX_FILE_BYTES, MODE
from desired_state.stops import PLAIN_FILE, SwitchBlob, SwitchChange

WALKED: Final = 200  # new commits read one by one; for more, one git process lists all
LIST_TIMEOUT_S: Final = 60
Found = tuple[str, str]  # mode and object id


class GitHistory:
    """Answers questions about history; what was learned of a commit never changes."""

    def __init__(self, objects: GitObjects) -> None:
        """Reads nothing yet."""
        self._objects = objects
        self._history = History()
        self._roots: dict[str, str] = {}  # root tree of each commit
        self._seen: set[str] = set()  # reachable from the tips that the stop lane knew
        self._seen_tips: set[str] = set()

    def descends(self, commit: str, ancestor: str) -> bool:
        """Whether ``ancestor`` is ``commit`` or before it; false for what does not exist."""
        if commit == ancestor:
            return True
        try:
            self._learn(commit)
        except Waiting:
            return False
        return self._history.is_ancestor(ancestor, commit)

    def steps(self, head: str, since: str | None) -> tuple[LineStep, ...]:
        """The steps of main after ``since``, with what each brings."""
        self._learn(head)
        known: set[tuple[str, str]] = set()
        found = []
        for step in self._history.steps(head, since):
            versions = [v for commit in step.commits for v in self._versions(commit)]
            new = tuple(v for v in dict.fromkeys(versions) if v not in known)
            known.update(new)
            here = self._asking(step.revision)
            asks = any(self._asking(commit) != here for commit in step.before)
            mode, limits = (self._plain(entry) for entry in here)
            asks = asks or (not step.before and any(here))
            found.append(LineStep(step.revision, asks, mode, limits, new))
        return tuple(found)

    def switch(self, commit: str) -> Found | None:
        """The kill switch file of one commit, read without anything else of it."""
        return self._top(commit, KILL_SWITCH)

    def first_commit(self, tip: str) -> str:
        """Where the first-parent line of this tip begins."""
        self._learn(tip)
        while parents := self._parents(tip):
            tip = parents[0]
        return tip

    def switch_changes(
        self,
        tips: Collection[str],
        known: Collection[str],
        blob: Callable[[str, str], SwitchBlob],
    ) -> Iterator[SwitchChange]:
        """Changes of the file against first parents, in what the known tips do not reach."""
        for tip in tips:
            self._learn(tip, TIMEOUT_S)
        self._see(known)
        for commit in self._reach(tips, self._seen):
            after = self._top(commit, KILL_SWITCH)
            parents = self._parents(commit)
            before = self._top(parents[0], KILL_SWITCH) if parents else None
            if before != after:
                yield SwitchChange(
                    commit, blob(*before) if before else None, blob(*after) if after else None
                )

    # --- commits -----------------------------------------------------------------------------
    def root_tree(self, commit: str) -> str:
        """Id of the tree of a commit."""
        if commit not in self._roots:
            self._roots[commit] = self._objects.commit(commit)[0]
        return self._roots[commit]

    def _parents(self, commit: str) -> tuple[str, ...]:
        return self._history.parents(commit)

    def _learn(self, tip: str, timeout_s: int = LIST_TIMEOUT_S) -> None:
        if tip in self._history or self._history.learn(tip, self._read_parents, WALKED):
            return
        out = self._objects.run(
            *("log", "--topo-order", "--reverse", "--format=%H %T %P", tip), timeout_s=timeout_s
        )
        for line in out.splitlines():
            commit, tree, *parents = line.split()
            self._roots[commit] = tree
            self._history.add(commit, tuple(parents))

    def _read_parents(self, commit: str) -> tuple[str, ...]:
        self._roots[commit], parents = self._objects.commit(commit)
        return parents

    def _see(self, known: Collection[str]) -> None:
        new = set(known) - self._seen_tips
        if len(known) != len(self._seen_tips) + len(new):  # some are not known any more
            self._seen, self._seen_tips, new = set(), set(), set(known)
        for tip in new:
            try:
                self._learn(tip, TIMEOUT_S)
            except Waiting:
                continue  # what is not there any more hides nothing
            self._seen.update(self._reach((tip,), self._seen))
        self._seen_tips |= new

    def _reach(self, tips: Iterable[str], without: Collection[str]) -> list[str]:
        found: dict[str, None] = {}
        todo = list(tips)
        while todo:
            commit = todo.pop()
            if commit not in found and commit not in without:
                found[commit] = None
                todo.extend(self._parents(commit))
        return list(found)

    # --- files -------------------------------------------------------------------------------
    def _asking(self, commit: str) -> tuple[Found | None, Found | None]:
        return self._top(commit, MODE), self._top(commit, LIMITS)

    def _top(self, commit: str, name: str) -> Found | None:
        found = self._folder(self.root_tree(commit)).entries.get(name.encode())
        return (found[0].decode().zfill(6), found[1].hex()) if found else None

    def _folder(self, oid: str) -> Listing:
        return self._objects.folder(oid)

    def _plain(self, found: Found | None) -> str | None:
        if found and found[0] == PLAIN_FILE and self._objects.size(found[1]) <= MAX_FILE_BYTES:
            return found[1]
        return None

    def _versions(self, commit: str) -> Iterator[tuple[str, str]]:
        """Ledger files of this commit that none of its parents has with the same bytes."""
        left = [MAX_ENTRIES]
        for folder in LEDGER_FOLDERS:
            trees = {self._at(parent, folder) for parent in self._parents(commit)}
            here = self._at(commit, folder)
            if here is not None and here not in trees:
                before = [self._folder(tree) for tree in trees if tree]
                yield from self._new(folder, here, before, left)

    def _new(
        self, path: str, tree: str, before: list[Listing], left: list[int]
    ) -> Iterator[tuple[str, str]]:
        if path.count("/") > MAX_DEPTH:
            return  # no such path is read of any tree
        here, others = self._folder(tree), [listing.entries for listing in before]
        new = fresh(here, before[0]) if before else here.entries
        for entries in others[1:]:
            new = {name: entry for name, entry in new.items() if entries.get(name) != entry}
        measured = (raw.hex() for mode, raw in new.values() if mode == PLAIN)
        self._objects.measure(islice(measured, left[0]))
        for name, (mode, raw) in sorted(new.items()):
            left[0] -= 1
            if left[0] < 0:
                text = f"expected at most {MAX_ENTRIES} new files in one commit"
                raise Stalled(Reason.TREE_SIZE, path, text)
            at, oid = path + name_of(name), raw.hex()
            if mode == FOLDER:
                inner = [entries[name] for entries in others if name in entries]
                known = [self._folder(found[1].hex()) for found in inner if found[0] == FOLDER]
                yield from self._new(at + "/", oid, known, left)
            elif mode == PLAIN and at.isprintable() and self._plain((PLAIN_FILE, oid)):
                yield at, oid

    def _at(self, commit: str, folder: str) -> str | None:
        tree = self.root_tree(commit)
        for name in folder.rstrip("/").split("/"):
            mode, oid = self._folder(tree).entries.get(name.encode(), (b"", b""))
            if mode != FOLDER:
                return None
            tree = oid.hex()
        return tree
