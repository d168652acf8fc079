"""YAML (and with it JSON) text as plain data, every value with the line it stands on.

Scalars stay text: ``code: 0123`` is "0123" and ``name: off`` is "off"; the field they are meant for says what they
are (``fields.py``), so nothing passes through a float or YAML's guesses. The reader works on parser events, not on
nodes: depth, count and size are bounded while reading, aliases (and with them alias bombs) and tags are refused.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, NoReturn, TypeAlias

import yaml

from openberth.infra.documents.mistakes import Mistake, Path, path_text
from openberth.kernel.errors import Param

MAX_BYTES = 1_000_000
MAX_DEPTH = 16
MAX_VALUES = 300_000
NULLS = frozenset({"", "~", "null", "Null", "NULL"})

_PAIR = re.compile(
    r"(?<!\\)(?P<before>(?:\\\\)*)\\u(?P<high>[dD][89abAB][0-9a-fA-F]{2})\\u(?P<low>[dD][c-fC-F][0-9a-fA-F]{2})"
)

# libyaml's parser reads a file of the allowed size in a second; the one in Python takes half a minute.
_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


class Scalar(str):
    """A scalar as written, in quotes."""

    __slots__ = ()
    plain = False


class PlainScalar(Scalar):
    """A scalar without quotes: it may mean a number or a truth value."""

    __slots__ = ()
    plain = True


Data: TypeAlias = "dict[str, Data] | list[Data] | Scalar | None"


@dataclass(slots=True)
class Source:
    """What was read: the data, the line of every path (1-based), and what was wrong on the way."""

    data: Data = None
    lines: dict[Path, int] = field(default_factory=dict)
    mistakes: list[Mistake] = field(default_factory=list)

    def line_of(self, path: Path) -> int:
        """Return the line of a value, or of the nearest thing around it that exists."""
        for end in range(len(path), -1, -1):
            if path[:end] in self.lines:
                return self.lines[path[:end]]
        return 1


class _Stop(Exception):
    """Reading on makes no sense; the mistake is noted."""


@dataclass(slots=True)
class _Open:
    """A list or mapping that is being read."""

    path: Path
    value: dict[str, Data] | list[Data]
    key: str | None = None
    key_end: int = -2
    skip: bool = False  # the value of a key that was refused: read over, kept nowhere


class _Reader:
    def __init__(self, last_line: int) -> None:
        self.source = Source()
        self.last_line = last_line  # the parser places the end of a text behind its last line
        self.stack: list[_Open] = []
        self.values = 0
        self.documents = 0

    def feed(self, event: yaml.Event) -> None:
        line = self.line(event.start_mark)
        if isinstance(event, yaml.DocumentStartEvent):
            self.documents += 1
            if self.documents > 1:
                self._stop(line, "document.several")
        elif isinstance(event, yaml.AliasEvent):
            self._stop(line, "document.alias")
        elif isinstance(event, yaml.ScalarEvent):
            self._scalar(event, line)
        elif isinstance(event, (yaml.SequenceStartEvent, yaml.MappingStartEvent)):
            self._begin(event, line)
        elif isinstance(event, (yaml.SequenceEndEvent, yaml.MappingEndEvent)):
            self.stack.pop()

    def line(self, mark: Any) -> int:
        """Return the line of a parser's mark, 1-based."""
        return 1 if mark is None else min(int(mark.line) + 1, self.last_line)

    def _scalar(self, event: yaml.ScalarEvent, line: int) -> None:
        if event.tag is not None and event.tag != "!":
            self._note(line, "document.tag", tag=event.tag)
        text = event.value
        if not _is_text(text):  # half of a surrogate pair, which only the parser in Python lets through
            self._stop(line, "document.character")
        plain = event.style is None or event.style == ""
        if self._awaits_key():
            self._key(text, plain, line)
            self.stack[-1].key_end = _index(event.end_mark)
        elif plain and not text and self.stack and self.stack[-1].key_end == _index(event.start_mark):
            self._lone_key(line)
        else:
            self._place(None if plain and text in NULLS else PlainScalar(text) if plain else Scalar(text), line)

    def _begin(self, event: yaml.CollectionStartEvent, line: int) -> None:
        if event.tag is not None:
            self._note(line, "document.tag", tag=event.tag)
        if self._awaits_key():
            self._stop(line, "document.key")
        if len(self.stack) >= MAX_DEPTH:
            self._stop(line, "document.deep", most=MAX_DEPTH)
        value: dict[str, Data] | list[Data] = {} if isinstance(event, yaml.MappingStartEvent) else []
        self.stack.append(_Open(self._place(value, line), value))

    def _awaits_key(self) -> bool:
        return bool(self.stack) and isinstance(self.stack[-1].value, dict) and self.stack[-1].key is None

    def _key(self, text: str, plain: bool, line: int) -> None:
        top = self.stack[-1]
        top.key, top.skip = text, False
        if plain and text in NULLS:
            top.skip = True
            self._note(line, "document.key")
        elif text in top.value:
            top.skip = True
            first = self.source.lines[(*top.path, text)]
            self._note(line, "document.duplicate_key", path=(*top.path, text), key=shown(text), first=first)
        else:
            self.source.lines[(*top.path, text)] = line

    def _lone_key(self, line: int) -> None:
        """Refuse a key without a colon, as in ``{en: Mall, casual}``: most likely a comma that wanted quotes."""
        top = self.stack[-1]
        self._note(line, "document.comma", key=shown(top.key or ""))
        top.key = None

    def _place(self, value: Data, line: int) -> Path:
        """Put a value where it belongs and return its path."""
        self.values += 1
        if self.values > MAX_VALUES:
            self._stop(line, "document.many", most=MAX_VALUES)
        if not self.stack:
            self.source.data = value
            self.source.lines[()] = line
            return ()
        top = self.stack[-1]
        if isinstance(top.value, list):
            path: Path = (*top.path, len(top.value))
            top.value.append(value)
            self.source.lines[path] = line
            return path
        key = top.key or ""
        top.key = None
        if not top.skip:
            top.value[key] = value
            return (*top.path, key)
        return (*top.path, key, "…")  # a twin: its inner lines must not overwrite those of the first

    def _note(self, line: int, code: str, /, path: Path | None = None, **params: Param) -> None:
        where = path if path is not None else self.stack[-1].path if self.stack else ()
        self.source.mistakes.append(Mistake(line, path_text(where), code, params))

    def _stop(self, line: int, code: str, /, **params: Param) -> NoReturn:
        self._note(line, code, None, **params)
        raise _Stop


def read_source(text: str) -> Source:
    """Read one YAML or JSON document. It never raises for what the text contains: mistakes are in the result."""
    reader = _Reader(max(1, len(text.splitlines())))
    source = reader.source
    if not _is_text(text):
        source.mistakes.append(Mistake(1, "", "document.character", {}))
        return source
    if len(text.encode()) > MAX_BYTES:
        source.mistakes.append(Mistake(1, "", "document.large", {"most": MAX_BYTES}))
        return source
    try:
        for event in _events(text):
            reader.feed(event)
    except _Stop:
        pass
    except yaml.MarkedYAMLError as error:
        source.mistakes.append(_syntax(error, reader))
    except yaml.YAMLError:  # a character that YAML does not allow; the parser names no line
        source.mistakes.append(Mistake(_bad_line(text), "", "document.character", {}))
    if not source.mistakes and reader.values == 0:
        source.mistakes.append(Mistake(1, "", "document.empty", {}))
    return source


def shown(text: str, most: int = 60) -> str:
    """Return a piece of somebody's text short enough for a message."""
    flat = " ".join(text.split())
    return flat if len(flat) <= most else flat[: most - 1] + "…"


def _events(text: str) -> Iterator[yaml.Event]:
    # JSON may be indented with tabs, which YAML forbids; inside JSON strings a raw tab is not allowed anyway.
    if text.lstrip("\ufeff \t\r\n").startswith(("{", "[")):
        text = _PAIR.sub(_joined, text.replace("\t", " "))
    yield from yaml.parse(text, Loader=_LOADER)


def _is_text(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def _index(mark: Any) -> int:
    return -1 if mark is None else int(mark.index)


def _syntax(error: yaml.MarkedYAMLError, reader: _Reader) -> Mistake:
    mark = error.problem_mark or error.context_mark
    column = mark.column + 1 if mark is not None else 1
    problem = " ".join(part for part in (error.context, error.problem) if part)
    return Mistake(reader.line(mark), "", "document.syntax", {"column": column, "problem": shown(problem, 160)})


def _joined(pair: re.Match[str]) -> str:
    """Write a character that JSON escapes as two surrogates the way YAML escapes it."""
    high, low = int(pair["high"], 16), int(pair["low"], 16)
    return f"{pair['before']}\\U{0x10000 + ((high - 0xD800) << 10) + (low - 0xDC00):08X}"


def _bad_line(text: str) -> int:
    for number, line in enumerate(text.split("\n"), start=1):
        if any(ord(c) < 32 and c not in "\t\r" or 0x7F <= ord(c) < 0xA0 and c != "\x85" for c in line):  # noqa: RUF021
            return number
    return 1
