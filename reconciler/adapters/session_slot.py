"""The one place for a session on this host: a lock, and the few files that processes hand over.

``<var>/session/``: ``lock`` is held while a session runs and ``host`` while a reconciler takes
requests, so that what a crash leaves behind is told from what is alive; ``running.json``,
``request.json``, ``books.json``, ``stop.json``, ``last.json`` and ``told-<ticket>.json`` are whole
when they are there (SESSION-4).
"""

import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final, TypeVar

from pydantic import ValidationError

from desired_state.canonical import canonical
from desired_state.errors import Stalled
from desired_state.frozen import Frozen
from desired_state.reasons import Reason
from reconciler.books_word import BooksTold, BooksWord
from reconciler.session_request import Asked, EndAsked, Standing, Told

MAX_BYTES: Final = 64 * 1024
BOOKS: Final = "books.json"
PATIENCE: Final = 0.5  # somebody who only looks holds the lock for microseconds
M = TypeVar("M", bound=Frozen)


class SessionSlot:
    """Any process of this host may have one; a session's own holds the lock."""

    def __init__(self, var: Path) -> None:
        """Nothing is made before something is written."""
        self.folder = var / "session"

    # --- who runs a session, and who takes requests ------------------------------------------
    @contextmanager
    def taken(self, standing: Standing) -> Iterator[None]:
        """The session's own process, while it runs. Raises ``Stalled(SESSION_RUNNING)``."""
        with self._locked("lock"):
            self._drop("stop.json")
            self.tell(standing)
            try:
                yield
            finally:
                self._drop("running.json", "stop.json")

    @contextmanager
    def hosting(self) -> Iterator[None]:
        """A reconciler that takes requests. Raises ``Stalled(SESSION_RUNNING)``."""
        with self._locked("host"):
            yield

    @property
    def hosted(self) -> bool:
        """Whether a reconciler takes requests here now."""
        return self._is_held("host")

    def running(self) -> Standing | None:
        """The session of this host; none where its process is gone."""
        return self._read(Standing, "running.json") if self._is_held("lock") else None

    def tell(self, standing: Standing) -> None:
        """How far it has come."""
        self._write("running.json", standing)

    def finished(self, told: Told) -> None:
        """For whoever asked for it, and for whoever asks later how the last one went."""
        self._write("last.json", told)
        self.answer(told)

    # --- requests ----------------------------------------------------------------------------
    def ask(self, asked: Asked) -> None:
        """One at a time. Raises ``Stalled(SESSION_RUNNING)`` where there is one already."""
        part = self._write(f"asked-{asked.ticket}.part", asked)
        try:
            os.link(part, self.folder / "request.json")
        except FileExistsError as error:
            raise Stalled(Reason.SESSION_RUNNING, "session", "another was asked for") from error
        finally:
            part.unlink()

    def asked(self) -> Asked | None:
        """Take the request that lies here, if one does; one that does not read is gone.

        Raises ``Stalled(USAGE)`` for it.
        """
        path = self.folder / "request.json"
        if not path.exists():
            return None
        found = self._read(Asked, path.name)
        self._drop(path.name)
        if found is None:
            raise Stalled(Reason.USAGE, "request for a session", "it does not read")
        return found

    def withdraw(self, ticket: str) -> None:
        """Nobody took it."""
        found = self._read(Asked, "request.json")
        if found is not None and found.ticket == ticket:
            self._drop("request.json")

    def answer(self, told: Told) -> None:
        """To whoever holds this ticket."""
        self._write(f"told-{told.ticket}.json", told)

    def told(self, ticket: str) -> Told | None:
        """The answer to this ticket, once; none yet."""
        found = self._read(Told, f"told-{ticket}.json")
        if found is not None:
            self._drop(f"told-{ticket}.json")
        return found

    def last(self) -> Told | None:
        """How the last session of this host went."""
        return self._read(Told, "last.json")

    # --- what people say of our books (BOOKS-1) --------------------------------------------------
    def say_books(self, word: BooksWord) -> None:
        """For the reconciler that takes requests here. Raises ``Stalled(SESSION_RUNNING)``."""
        part = self._write(f"books-{word.ticket}.part", word)
        try:
            os.link(part, self.folder / BOOKS)
        except FileExistsError as error:
            raise Stalled(Reason.SESSION_RUNNING, "books", "another word waits here") from error
        finally:
            part.unlink()

    def books_word(self) -> BooksWord | None:
        """Take the one that lies here; one that does not read is gone."""
        found = self._read(BooksWord, BOOKS)
        self._drop(BOOKS)
        return found

    def withdraw_books(self, ticket: str) -> None:
        """Nobody took it."""
        found = self._read(BooksWord, BOOKS)
        if found is not None and found.ticket == ticket:
            self._drop(BOOKS)

    def answer_books(self, told: BooksTold) -> None:
        """To whoever holds this ticket."""
        self._write(f"told-{told.ticket}.json", told)

    def books_told(self, ticket: str) -> BooksTold | None:
        """The answer to this ticket, once; none yet."""
        found = self._read(BooksTold, f"told-{ticket}.json")
        if found is not None:
            self._drop(f"told-{ticket}.json")
        return found

    # --- ending ------------------------------------------------------------------------------
    def ask_end(self, asked: EndAsked) -> None:
        """The session ends at its next step, in order."""
        self._write("stop.json", asked)

    def end_asked(self, ticket: str) -> EndAsked | None:
        """Who asked for it, if anybody did; whose ticket is another means another session."""
        if not (self.folder / "stop.json").exists():
            return None
        found = self._read(EndAsked, "stop.json")
        return found if found is None or found.ticket == ticket else None

    def left_behind(self) -> tuple[str, ...]:
        """Take away what a process that is gone left here, and answer who may be waiting."""
        names = ("running.json", "request.json", "stop.json", BOOKS)
        left = tuple(name for name in names if (self.folder / name).exists())
        waiting = [self._read(Asked, "request.json"), self._read(Standing, "running.json")]
        self._drop(*left)
        for old in (*self.folder.glob("told-*.json"), *self.folder.glob("*.part")):
            self._drop(old.name)
        for one in waiting:
            if one is not None:
                text = "the process that ran it is gone"
                told = Told(ticket=one.ticket, refused=Reason.SESSION_LOST, message=text)
                self.answer(told)
        return left

    # --- files -------------------------------------------------------------------------------
    def _read(self, model: type[M], name: str) -> M | None:
        try:
            with (self.folder / name).open("rb") as file:
                data = file.read(MAX_BYTES + 1)
            return model.model_validate_json(data)
        except (OSError, ValidationError):
            return None

    def _write(self, name: str, value: Frozen) -> Path:
        path = self.folder / name
        part = path if path.suffix == ".part" else path.with_name(f"{name}.part")
        try:
            self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            part.write_bytes(canonical(value))
            return part.replace(path)
        except OSError as error:
            raise Stalled(Reason.JOURNAL, f"session/{name}", str(error)) from error

    def _drop(self, *names: str) -> None:
        for name in names:
            with suppress(OSError):
                (self.folder / name).unlink()

    # --- locks -------------------------------------------------------------------------------
    @contextmanager
    def _locked(self, name: str) -> Iterator[None]:
        self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        with (self.folder / name).open("a") as lock:
            end = time.monotonic() + PATIENCE
            while not _flock(lock.fileno(), fcntl.LOCK_EX):
                if time.monotonic() >= end:
                    raise Stalled(Reason.SESSION_RUNNING, "session", "one is running here")
                time.sleep(0.01)
            yield

    def _is_held(self, name: str) -> bool:
        try:
            with (self.folder / name).open("a") as lock:
                return not _flock(lock.fileno(), fcntl.LOCK_SH)
        except FileNotFoundError:
            return False


def _flock(descriptor: int, kind: int) -> bool:
    try:
        fcntl.flock(descriptor, kind | fcntl.LOCK_NB)
    except OSError:
        return False
    return True
