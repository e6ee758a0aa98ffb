"""The history of the state repository in memory: commits, their parents, and main's line. Pure.

A commit is *joined* to the line at the first line commit that has it as an ancestor. So whether
one commit is before another costs nothing where the later one is on the line, and only the few
commits of a side branch where it is not, however long the history is (HIST-1).
"""

from collections.abc import Callable, Container, Iterable
from dataclasses import dataclass

Parents = Callable[[str], tuple[str, ...]]


@dataclass(frozen=True, slots=True)
class Step:
    """One step of main: the commit of its line, after what was merged by it, oldest first."""

    revision: str
    commits: tuple[str, ...]  # the last one is ``revision``
    before: tuple[str, ...]  # parents that count as what main was before


class History:
    """Commits and their parents; it only grows. One line at a time is followed."""

    def __init__(self) -> None:
        """Knows no commit."""
        self._parents: dict[str, tuple[str, ...]] = {}
        self._generation: dict[str, int] = {}
        self._line: list[str] = []
        self._position: dict[str, int] = {}
        self._joined: dict[str, int] = {}
        self._merged: dict[str, tuple[str, ...]] = {}

    def __contains__(self, commit: str) -> bool:
        """Whether the commit, and so everything before it, is known."""
        return commit in self._parents

    def __len__(self) -> int:
        """How many commits are known."""
        return len(self._parents)

    def parents(self, commit: str) -> tuple[str, ...]:
        """In the order in which the commit names them."""
        return self._parents[commit]

    def add(self, commit: str, parents: tuple[str, ...]) -> None:
        """Know one more commit. Raises ``KeyError`` where a parent is not known yet."""
        if commit not in self._parents:
            self._generation[commit] = 1 + max((self._generation[p] for p in parents), default=0)
            self._parents[commit] = parents

    def learn(self, tip: str, parents_of: Parents, at_most: int) -> bool:
        """Know ``tip`` and everything before it; false where more than ``at_most`` are new."""
        found: dict[str, tuple[str, ...]] = {}
        todo = [tip]
        while todo:
            commit = todo.pop()
            if commit in self._parents or commit in found:
                continue
            if len(found) >= at_most:
                return False
            found[commit] = parents_of(commit)
            todo.extend(found[commit])
        for commit in _parents_first((tip,), found.__getitem__, self._parents):
            self.add(commit, found[commit])
        return True

    def follow(self, head: str) -> None:
        """The line is now the one of first parents that ends at ``head``, or goes on after it."""
        if head in self._position:
            return
        fresh = self._first_parents(head, self._position)
        start = self._parents[fresh[-1]][:1]
        if list(start) != self._line[-1:]:
            self._line, self._position, self._joined, self._merged = [], {}, {}, {}
            fresh = self._first_parents(head, ())
        for commit in reversed(fresh):
            self._append(commit)

    def is_ancestor(self, ancestor: str, commit: str) -> bool:
        """Whether ``ancestor`` is ``commit`` or before it; false for what is not known."""
        if ancestor not in self._parents or commit not in self._parents:
            return False
        lowest, joined = self._generation[ancestor], self._joined.get(ancestor)
        todo, seen = [commit], {commit}
        while todo:
            at = todo.pop()
            if at == ancestor:
                return True
            if at in self._position:
                if joined is not None and joined <= self._position[at]:
                    return True
                continue
            for parent in self._parents[at]:
                if parent not in seen and self._generation[parent] >= lowest:
                    seen.add(parent)
                    todo.append(parent)
        return False

    def steps(self, head: str, since: str | None) -> tuple[Step, ...]:
        """The steps of main after ``since`` up to ``head``, oldest first; ``head`` is known.

        Where the parents of a merge were swapped, the old line hangs on a side: then every commit
        after ``since`` is a step, so that nothing main ever was is passed over (RATCHET-3).
        """
        self.follow(head)
        end = self._position[head]
        if since is None or self._position.get(since, end + 1) <= end:
            first = 0 if since is None else self._position[since] + 1
            return tuple(
                Step(commit, (*self._merged.get(commit, ()), commit), self._parents[commit][:1])
                for commit in self._line[first : end + 1]
            )
        new = _parents_first((head,), self._parents.__getitem__, self._past(since))
        return tuple(Step(commit, (commit,), self._parents[commit]) for commit in new)

    def _first_parents(self, head: str, until: Container[str]) -> list[str]:
        """From ``head`` back to the first commit that is in ``until``, newest first."""
        found = [head]
        while (before := self._parents[found[-1]][:1]) and before[0] not in until:
            found.append(before[0])
        return found

    def _append(self, commit: str) -> None:
        merged = _parents_first(self._parents[commit], self._parents.__getitem__, self._joined)
        position = len(self._line)
        self._line.append(commit)
        self._position[commit] = position
        self._joined.update(dict.fromkeys((*merged, commit), position))
        if merged:
            self._merged[commit] = tuple(merged)

    def _past(self, commit: str) -> "_Past":
        beside: set[str] = set()
        reached, todo = -1, [commit]
        while todo:
            at = todo.pop()
            if at in self._position:
                reached = max(reached, self._position[at])
            elif at not in beside:
                beside.add(at)
                todo.extend(self._parents[at])
        return _Past(beside, reached, self._joined)


@dataclass(frozen=True, slots=True)
class _Past:
    """Everything that one commit has before it, itself included."""

    beside: set[str]
    reached: int
    joined: dict[str, int]

    def __contains__(self, commit: object) -> bool:
        """Whether it is before."""
        if commit in self.beside:
            return True
        return self.joined.get(str(commit), self.reached + 1) <= self.reached


def _parents_first(tips: Iterable[str], parents: Parents, known: Container[str]) -> list[str]:
    """What is reachable from the tips and not ``known``, each after all of its parents."""
    order: list[str] = []
    done: set[str] = set()
    todo = [(tip, False) for tip in reversed(tuple(tips))]
    while todo:
        commit, left = todo.pop()
        if left:
            order.append(commit)
        elif commit not in done and commit not in known:
            done.add(commit)
            todo.append((commit, True))
            todo.extend((parent, False) for parent in reversed(parents(commit)))
    return order
