"""What people say of our books, and what became of it: the words that processes hand over. Pure.

BOOKS-1: it is taken only while a stop of class integrity is in force on this host, and it ends no
stop: whoever signs the release reads it in the evidence first.
"""

from collections.abc import Iterable, Mapping
from typing import Annotated, Final

from pydantic import Field, StringConstraints

from desired_state.errors import Stalled
from desired_state.frozen import Frozen
from desired_state.memory import Stop
from desired_state.reasons import Reason
from desired_state.values import StopClass, Text
from layers.l6_execution.books import Books
from reconciler.session_request import Ticket

Subject = Annotated[str, StringConstraints(min_length=1, max_length=200)]
CLEAR_NO: Final = frozenset({Reason.NOT_STOPPED, Reason.BOOKS_AGREE})  # the rest cannot be judged


class BooksWord(Frozen):
    """An explanation of differences, or, where it names none, that a wiped venue is accepted."""

    ticket: Ticket
    by: Annotated[str, StringConstraints(min_length=1, max_length=100)]
    why: Annotated[str, StringConstraints(min_length=1, max_length=2000, pattern=r"\S")]
    subjects: Annotated[tuple[Subject, ...], Field(max_length=100)] = ()
    counter: Annotated[str, StringConstraints(max_length=100)] | None = None  # where several fit
    transfer: bool = False  # money that somebody moved: neither profit nor loss


class BooksTold(Frozen):
    """What was written, or why nothing was."""

    ticket: Ticket
    counter: str = ""
    entries: tuple[int, ...] = ()  # numbers of the leaves
    stops: tuple[str, ...] = ()  # in force: each ends by its signed release alone
    shipped: bool = True  # signers can read it in the evidence repository already
    refused: Reason | None = None
    subject: Text = ""
    message: Text = ""


def integrity_stops(in_force: Mapping[str, Stop]) -> tuple[str, ...]:
    """Those that a word on our books may precede (BOOKS-1). Raises ``Stalled(NOT_STOPPED)``."""
    found = sorted(s.id for s in in_force.values() if s.kind is StopClass.INTEGRITY)
    if not found:
        raise Stalled(Reason.NOT_STOPPED, "books", "expected a stop of class integrity, found none")
    return tuple(found)


def meant(word: BooksWord, books: Mapping[str, Books]) -> str:
    """The counter whose books are meant.

    Raises:
        Stalled: ``USAGE`` where it is not clear or nothing so named stands, ``VENUE_RESET`` where
            a wipe comes first, ``BOOKS_AGREE`` where nothing stands at all.
    """
    if word.counter is not None and word.counter not in books:
        raise Stalled(Reason.USAGE, word.counter, f"expected one of {_listed(books)}")
    given = {name: own for name, own in books.items() if word.counter in {None, name}}
    if not word.subjects:
        return _only(name for name, own in given.items() if own.reset is not None)
    standing = {name: own.unexplained for name, own in given.items() if own.unexplained}
    if not standing:
        raise Stalled(Reason.BOOKS_AGREE, word.subjects[0], "no difference stands")
    fitting = [name for name, own in standing.items() if set(word.subjects) <= set(own)]
    if not fitting:
        unknown = [s for s in word.subjects if not any(s in own for own in standing.values())]
        every = (subject for own in standing.values() for subject in own)
        told = f"no such difference stands; expected of one counter {_listed(every)}"
        raise Stalled(Reason.USAGE, (unknown or word.subjects)[0], told)
    name = _only(fitting)
    if given[name].reset is not None:
        text = "the venue was wiped; governor books accept-reset comes first"
        raise Stalled(Reason.VENUE_RESET, name, text)
    return name


def _only(names: Iterable[str]) -> str:
    found = list(names)
    if not found:
        raise Stalled(Reason.BOOKS_AGREE, "venue", "no wipe stands that could be accepted")
    if len(found) > 1:
        raise Stalled(Reason.USAGE, "--counter", f"expected one of {_listed(found)}")
    return found[0]


def _listed(names: Iterable[str]) -> str:
    return ", ".join(sorted(names)) or "none"
