"""The one door through which YAML enters: strict, small, and with the line of every key.

YAML as shipped reads ``off`` as false, ``12:30:45`` as 45045, and lets the second of two equal keys
win (spec: trust, 1.8). So only the events of the parser are used here and the meaning of a scalar
is decided by :mod:`desired_state.plain_scalars`. This is the only importer of ruamel.yaml.
"""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final, NoReturn, TypeVar

from pydantic import BaseModel, ValidationError
from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError, YAMLError
from ruamel.yaml.events import (
    AliasEvent,
    DocumentStartEvent,
    Event,
    MappingEndEvent,
    MappingStartEvent,
    ScalarEvent,
    SequenceEndEvent,
    SequenceStartEvent,
)

from desired_state.document_text import write
from desired_state.errors import Stalled
from desired_state.plain_document import read_plainly
from desired_state.plain_scalars import UNSEEN, Plain, Unclear, read_plain
from desired_state.reasons import Reason
from desired_state.schema_problems import Path, Problem, schema_problems

M = TypeVar("M", bound=BaseModel)

MAX_BYTES: Final = 64 * 1024
MAX_DEPTH: Final = 16
SHOWN: Final = 5
"""Problems in one message; a person mends these first and reads again."""
_GATHERED: Final = 20
_DIRECTIVE: Final = re.compile(r"^%", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Document:
    """Plain data of one file, and the 1-based line of each key and list item. Never changed."""

    data: dict[str, Plain]
    lines: Mapping[Path, int]


class DocumentError(Stalled):
    """A file that cannot be read as asked; ``subject`` is ``file:line`` of the first problem."""

    def __init__(self, code: Reason, name: str, problems: Sequence[Problem]) -> None:
        """``problems`` in the order of the file, at least one."""
        self.name = name
        self.problems = tuple(problems)
        first, *others = self.problems
        told = [first.text, *(f"{name}:{p.line}: {p.text}" for p in others[: SHOWN - 1])]
        if len(others) >= SHOWN:
            told.append(f"and {len(others) - SHOWN + 1} more")
        super().__init__(code, f"{name}:{first.line}", "\n".join(told))


def parse(data: bytes, name: str) -> Document:
    """Plain data of one strict YAML file called ``name``.

    Raises:
        DocumentError: ``STATE_YAML``, whatever the bytes are.
    """
    return _parsed(data, name)


@lru_cache(maxsize=512)
def _parsed(data: bytes, name: str) -> Document:
    """The same bytes are the same document: a cycle judges again what seldom changes."""
    text = _text(data, name)
    if plainly := read_plainly(text):
        return Document(*plainly)
    return _by_parser(text, name)


def _by_parser(text: str, name: str) -> Document:
    """What the parser says of the characters of a file."""
    reading = _Reading()
    try:
        found = reading.document(text)
    except MarkedYAMLError as error:
        raise DocumentError(Reason.STATE_YAML, name, [*reading.problems, _fault(error)]) from None
    except _Stop:
        found = None
    except (YAMLError, ValueError, OverflowError, IndexError, RecursionError) as error:
        # The library leaves some malformed input to chr(), int() and list indices.
        told = f"expected YAML, found bytes that cannot be read ({type(error).__name__})"
        raise DocumentError(
            Reason.STATE_YAML, name, [*reading.problems, Problem(reading.line, (), told)]
        ) from None
    if reading.problems or not isinstance(found, dict):
        raise DocumentError(Reason.STATE_YAML, name, reading.problems)
    return Document(found, reading.lines)


def load(model: type[M], data: bytes, name: str) -> M:
    """The file ``name`` as ``model``, in strict JSON mode.

    Raises:
        DocumentError: ``STATE_YAML`` or ``STATE_SCHEMA``, with file and line.
    """
    found: M = _loaded(model, data, name)
    return found


@lru_cache(maxsize=4096)
def _loaded(model: type[M], data: bytes, name: str) -> M:
    """The same bytes are the same value, which never changes."""
    document = parse(data, name)
    try:
        return model.model_validate_json(json.dumps(document.data))
    except ValidationError as error:
        problems = schema_problems(error, document.lines, tuple(model.model_fields))
        raise DocumentError(Reason.STATE_SCHEMA, name, problems) from None


def dump(data: Mapping[str, Any], *, header: str = "", name: str = "document") -> bytes:
    """The strict form of plain data, in the order given, read back before it is returned.

    Args:
        data: maps with string keys, lists or tuples, strings, integers, booleans.
        header: comment lines for the top, without or with their ``#``.
        name: what an error calls the file.

    Raises:
        DocumentError: what is given has no strict form (a control character, too deep, too long).
        TypeError: a float, a null or another type; a bug of the caller.
    """
    written = write(data, header).encode("utf-8", "surrogatepass")
    parse(written, name)
    return written


class _Stop(Exception):  # noqa: N818
    """Nothing after this can be read with sense; the problems so far are told."""


class _Reading:
    """One pass over the parser's events; problems are gathered, data is built beside them."""

    def __init__(self) -> None:
        self.problems: list[Problem] = []
        self.lines: dict[Path, int] = {(): 1}
        self.line = 1

    def document(self, text: str) -> "Plain | None":
        """The data of the one document in ``text``."""
        events = self._checked(YAML(typ="safe", pure=True, plug_ins=[]).parse(text))
        found: Plain | None = None
        documents = 0
        for event in events:
            if isinstance(event, DocumentStartEvent):
                documents += 1
                if documents > 1:
                    self._stop((), "expected one document, found a second; split the file")
                root = next(events)
                if not isinstance(root, MappingStartEvent):
                    self._stop((), f"expected a map of keys, found {_words(root)}")
                found = self._value(root, events, ())
        if not documents:
            self.line = 1
            self._stop((), "expected a map of keys, found an empty file")
        return found

    def _checked(self, events: Iterator[Event]) -> Iterator[Event]:
        for event in events:
            self.line = event.start_mark.line + 1
            if isinstance(event, AliasEvent):
                self._stop((), f"expected plain YAML, found the alias *{event.anchor}; {_WRITE}")
            if isinstance(event, ScalarEvent | MappingStartEvent | SequenceStartEvent):
                if event.anchor is not None:
                    self._note(
                        (), f"expected plain YAML, found an anchor &{event.anchor}; {_WRITE}"
                    )
                if event.tag is not None:
                    self._note((), f"expected plain YAML, found the tag {event.tag}; remove it")
            yield event

    def _value(self, event: Event, events: Iterator[Event], path: Path) -> Plain:
        if isinstance(event, ScalarEvent):
            return self._scalar(event, path)
        if len(path) >= MAX_DEPTH:
            self._stop(path, f"expected at most {MAX_DEPTH} levels, found more; flatten the file")
        if isinstance(event, MappingStartEvent):
            return self._map(events, path)
        return self._list(events, path)

    def _map(self, events: Iterator[Event], path: Path) -> dict[str, Plain]:
        found: dict[str, Plain] = {}
        while not isinstance(event := next(events), MappingEndEvent):
            line = self.line
            key = self._key(event, path)
            inner = (*path, key)
            if key in found:
                first = self.lines[inner]
                self._note(
                    inner, f"expected each key once, found it again after line {first}; remove one"
                )
            else:
                self.lines[inner] = line
            found[key] = self._value(next(events), events, inner)
        return found

    def _list(self, events: Iterator[Event], path: Path) -> list[Plain]:
        found: list[Plain] = []
        while not isinstance(event := next(events), SequenceEndEvent):
            inner = (*path, len(found))
            self.lines[inner] = self.line
            found.append(self._value(event, events, inner))
        return found

    def _key(self, event: Event, path: Path) -> str:
        if not isinstance(event, ScalarEvent) or event.style in {"|", ">"}:
            self._stop(path, f"expected a key of one line, found {_words(event)}")
        if event.value == "<<" and not event.style:
            self._note(path, f"expected plain keys, found the merge key <<; {_WRITE}")
            return "<<"
        key = self._scalar(event, path)
        if not isinstance(key, str):
            self._note(path, f"expected a text as key, found {event.value}; quote the key")
        return str(event.value)

    def _scalar(self, event: ScalarEvent, path: Path) -> Plain:
        value: str = event.value
        if hidden := UNSEEN.search(value):
            self._note(
                path, f"expected visible text, found U+{ord(hidden[0]):04X} in it; remove it"
            )
            return ""
        if event.style:
            return value
        if event.start_mark.line != event.end_mark.line:
            self._note(path, "expected a plain text of one line, found several; quote the text")
            return value
        try:
            return read_plain(value)
        except Unclear as unclear:
            # An absent value has the place of whatever follows; its key is where to mend it.
            self.line = self.line if value else self.lines[path]
            self._note(path, str(unclear))
            return ""

    def _note(self, path: Path, text: str) -> None:
        self.problems.append(Problem(self.line, path, text))
        if len(self.problems) >= _GATHERED:
            raise _Stop

    def _stop(self, path: Path, text: str) -> NoReturn:
        self._note(path, text)
        raise _Stop


_WRITE: Final = "write the value out"


def _text(data: bytes, name: str) -> str:
    """The characters of the file; what is refused here never reaches the parser."""
    line, told = 1, ""
    text = ""
    if len(data) > MAX_BYTES:
        told = f"expected at most {MAX_BYTES} bytes, found {len(data)}; split the file"
    elif data.startswith(b"\xef\xbb\xbf"):
        told = "expected UTF-8 without a byte order mark, found one; save the file without"
    else:
        try:
            text = data.decode("utf-8")
        except UnicodeDecodeError as error:
            line = data.count(b"\n", 0, error.start) + 1
            told = f"expected UTF-8, found the byte 0x{data[error.start]:02x}; save it as UTF-8"
    if hidden := UNSEEN.search(text):
        line = text.count("\n", 0, hidden.start()) + 1
        what = "LF line ends" if hidden[0] == "\r" else "visible text"
        told = f"expected {what}, found the character U+{ord(hidden[0]):04X}; remove it"
    elif directive := _DIRECTIVE.search(text):
        line = text.count("\n", 0, directive.start()) + 1
        told = "expected no directives, found a line that begins with %; remove it"
    if told:
        raise DocumentError(Reason.STATE_YAML, name, [Problem(line, (), told)])
    return text


def _words(event: Event) -> str:
    if isinstance(event, MappingStartEvent):
        return "a map"
    if isinstance(event, SequenceStartEvent):
        return "a list"
    if isinstance(event, ScalarEvent) and event.style in {"|", ">"}:
        return "a block of text"
    return "a single value" if getattr(event, "value", "") else "nothing"


def _fault(error: MarkedYAMLError) -> Problem:
    mark = error.problem_mark or error.context_mark
    where = "" if mark is None else f" at column {mark.column + 1}"
    told = " ".join(str(part) for part in (error.context, error.problem) if part)
    return Problem(
        1 if mark is None else mark.line + 1,
        (),
        f"expected well-formed YAML, found a fault{where} ({told}); correct the line",
    )
