"""The one catalogue of texts that people read, in Chinese and English.

``messages/*.yaml`` hold ``code: {zh: …, en: …}``, split by domain; a code stands in one file only. A text says what is
wrong and what to do; ``{name}`` is filled from the parameters, ``{count:car|cars}`` with the word for one or for more.
Tests see to it that both languages exist and take the
same parameters; in production a gap never raises, it shows.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from importlib.resources import files
from typing import Any, Literal, TypeAlias, get_args

import yaml

Language: TypeAlias = Literal["zh", "en"]
LANGUAGES: tuple[Language, ...] = get_args(Language)

_PLACE = re.compile(r"\{([a-z][a-z0-9_]*)(?::([^|{}]+)\|([^|{}]+))?\}")
_CODE = re.compile(r"[a-z][a-z0-9_]*(\.[a-z0-9_]+)+\Z")


class CatalogueError(ValueError):
    """A message file is not a catalogue: the package is broken."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One text in its languages."""

    texts: Mapping[str, str]

    def places(self, language: str) -> frozenset[str]:
        """Return the names of the parameters that the text of a language takes."""
        return frozenset(place[1] for place in _PLACE.finditer(self.texts.get(language, "")))


class Catalogue:
    """All texts by code."""

    def __init__(self, entries: Mapping[str, Entry]) -> None:
        self._entries = dict(entries)

    @classmethod
    def parse(cls, documents: Iterable[tuple[str, str]]) -> "Catalogue":
        """Read YAML documents, given as (name, text); a mistake is a ``CatalogueError`` that names the place."""
        entries: dict[str, Entry] = {}
        for name, document in documents:
            for code, texts in _mapping_of(name, document).items():
                if code in entries:
                    raise CatalogueError(f"{name}: {code} stands in another file too")
                entries[code] = _entry_of(f"{name}: {code}", code, texts)
        return cls(entries)

    def text(self, code: str, language: str, /, **params: object) -> str:
        """Return the text of a code with its parameters.

        Never raises: a language without this text gives the other one, an unknown code gives the code, a missing
        parameter stays visible as ``{name}``.
        """
        entry = self._entries.get(code)
        if entry is None:
            return code
        text = entry.texts.get(language) or next(iter(entry.texts.values()), code)
        return _PLACE.sub(lambda match: _shown(params, match), text)

    def codes(self) -> frozenset[str]:
        """Return every code that has a text."""
        return frozenset(self._entries)

    def entry(self, code: str) -> Entry | None:
        """Return what the catalogue holds for a code."""
        return self._entries.get(code)


def text(code: str, language: str, /, **params: object) -> str:
    """Return a text of OpenBerth's own catalogue; see ``Catalogue.text``."""
    return catalogue().text(code, language, **params)


def sentence(code: str, language: str, params: Mapping[str, object]) -> str:
    """Return the text of a problem: that of its code together with its ``reason`` where the catalogue has one."""
    finer = f"{code}.{params.get('reason')}"
    return text(finer if catalogue().entry(finer) is not None else code, language, **params)


@lru_cache(maxsize=1)
def catalogue() -> Catalogue:
    """Return OpenBerth's own catalogue, read once."""
    folder = files(__name__) / "messages"
    documents = sorted((item.name, item) for item in folder.iterdir() if item.name.endswith(".yaml"))
    return Catalogue.parse((name, item.read_text("utf-8")) for name, item in documents)


def language_of(accept: str | None, default: Language = "zh") -> Language:
    """Choose a language by an ``Accept-Language`` header (RFC 9110 section 12.5.4); weights count, ``q=0`` refuses."""
    best, best_weight = default, 0
    for part in (accept or "")[:200].split(","):
        tag, _, weight = part.partition(";")
        primary = tag.strip().lower().partition("-")[0]
        thousandths = _thousandths(weight)
        for language in LANGUAGES:
            if primary == language and thousandths > best_weight:
                best, best_weight = language, thousandths
    return best


def _thousandths(weight: str) -> int:
    match = re.fullmatch(r"\s*q=([01])(?:\.(\d{0,3}))?\s*", weight)
    if match is None:
        return 0 if weight.strip() else 1000
    return min(1000, int(match[1]) * 1000 + int((match[2] or "").ljust(3, "0")))


def _shown(params: Mapping[str, object], match: re.Match[str]) -> str:
    name = match[1]
    if name not in params:
        return match[0]
    value = params[name]
    words = "" if value is None else str(value)
    if match[2] is None:
        return words
    return f"{words} {match[2] if words == '1' else match[3]}"


# The loader in C where it was built: every start of the command line reads the catalogue, and it takes a tenth.
_SafeLoader: type[yaml.SafeLoader] = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


class _StrictLoader(_SafeLoader):  # type: ignore[misc, valid-type]
    """A safe loader that refuses a key written twice, which YAML otherwise lets win silently."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        seen: set[str] = set()
        for key, _ in node.value:
            if key.value in seen:
                raise yaml.constructor.ConstructorError(None, None, f"{key.value} stands twice", key.start_mark)
            seen.add(key.value)
        mapping: dict[Any, Any] = super().construct_mapping(node, deep)
        return mapping


def _mapping_of(name: str, document: str) -> Mapping[str, object]:
    try:
        content = yaml.load(document, _StrictLoader)  # noqa: S506 - a subclass of the safe loader
    except yaml.YAMLError as error:
        raise CatalogueError(f"{name}: {error}") from error
    if not isinstance(content, dict):
        raise CatalogueError(f"{name}: a mapping from code to texts is expected")
    return content


def _entry_of(place: str, code: object, texts: object) -> Entry:
    if not isinstance(code, str) or not _CODE.match(code):
        raise CatalogueError(f"{place} is not a code such as lot.not_found")
    if not isinstance(texts, dict):
        raise CatalogueError(f"{place}: texts by language are expected")
    for language, words in texts.items():
        if language not in LANGUAGES or not isinstance(words, str) or not words.strip():
            raise CatalogueError(f"{place}: {language!r} is no language with a text")
    return Entry({str(language): str(words).strip() for language, words in texts.items()})
