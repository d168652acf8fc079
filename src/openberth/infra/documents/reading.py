"""Documents read into pydantic models, with every mistake at its line.

A document is read in two rounds: first its shape (syntax, keys, kinds of value), then, when the shape is sound, what
it says (``Document.flaws``: references, sums, duplicates). Each round reports all it finds.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from difflib import get_close_matches
from enum import Enum
from types import UnionType
from typing import Annotated, Any, TypeVar, Union, get_args, get_origin

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from openberth.infra.documents.fields import Part
from openberth.infra.documents.mistakes import MAX_REPORTED, DocumentError, Flaw, Mistake, Path, listed, path_text
from openberth.infra.documents.source import Source, read_source, shown
from openberth.kernel.errors import Param


class Document(Part):
    """The outermost mapping of a document."""

    def flaws(self) -> Iterable[Flaw]:
        """Find what is wrong although the shape is right; paths use the keys of the document."""
        return ()


M = TypeVar("M", bound=Document)


def read_document(text: str, model: type[M], *, name: str) -> M:
    """Read a YAML or JSON document; ``name`` (a file name) stands in the messages.

    Raises ``DocumentError`` with all mistakes found.
    """
    source = read_source(text)
    if source.data is None and not source.mistakes:
        source.mistakes.append(Mistake(1, "", "document.empty", {}))
    try:
        document = model.model_validate(source.data) if not _broken(source) else None
    except ValidationError as error:
        details = sorted(error.errors(include_url=False), key=lambda detail: source.line_of(tuple(detail["loc"])))
        found = [_mistake(detail, model, source) for detail in details[:MAX_REPORTED]]  # words cost more than reading
        raise DocumentError(name, [*source.mistakes, *found], more=len(details) - len(found)) from None
    if document is None or source.mistakes:
        raise DocumentError(name, source.mistakes)
    flaws = _located(source, document.flaws())
    if flaws:
        raise DocumentError(name, flaws)
    return document


def located(text: str, flaws: Iterable[Flaw]) -> list[Mistake]:
    """Return flaws that were found after a document was read with their lines in its text."""
    found = list(flaws)
    return _located(read_source(text), found) if found else []


def _located(source: Source, flaws: Iterable[Flaw]) -> list[Mistake]:
    return [Mistake(source.line_of(each.path), path_text(each.path), each.code, each.params) for each in flaws]


def schema_text(model: type[Document], *, title: str) -> str:
    """Return the JSON Schema of a document as it is published, for editors that complete and check while typing."""
    schema = model.model_json_schema(by_alias=True)
    schema = {"$schema": "https://json-schema.org/draft/2020-12/schema", **schema, "title": title}
    return json.dumps(schema, ensure_ascii=False, indent=2) + "\n"


def _broken(source: Source) -> bool:
    """Tell whether reading stopped half-way: what is missing then is no mistake of its own."""
    goes_on = {"document.comma", "document.duplicate_key", "document.key", "document.tag"}
    return any(mistake.code not in goes_on for mistake in source.mistakes)


def _mistake(detail: ErrorDetails, model: type[BaseModel], source: Source) -> Mistake:
    path: Path = tuple(detail["loc"])
    code, params = _worded(detail, model, path)
    return Mistake(source.line_of(path), path_text(path), code, params)


def _worded(detail: ErrorDetails, model: type[BaseModel], path: Path) -> tuple[str, dict[str, Param]]:
    kind, context = detail["type"], detail.get("ctx", {})
    if "." in kind:  # one of our own validators
        return kind, {name: value for name, value in context.items() if name != "code"}
    if kind == "missing":
        return "document.missing", {"key": str(path[-1])}
    if kind == "extra_forbidden":
        return _unknown_key(str(path[-1]), _keys_at(model, path[:-1]))
    if kind in ("enum", "literal_error"):
        return _not_among(detail["input"], _choices_at(model, path))
    if kind in ("too_long", "string_too_long"):
        return "document.too_long", {"most": int(context["max_length"])}
    if kind == "too_short":
        return "document.too_short", {"least": int(context["min_length"])}
    if detail["input"] is None:
        return "document.nothing", {}
    expected = {"model_type": "mapping", "dict_type": "mapping", "list_type": "list", "tuple_type": "list"}.get(kind)
    if expected is not None:
        return f"document.{expected}", {}
    return "document.invalid", {"problem": shown(detail["msg"])}


def _unknown_key(key: str, known: Sequence[str]) -> tuple[str, dict[str, Param]]:
    near = get_close_matches(key, known, n=1, cutoff=0.6)
    if near:
        return "document.unknown_key_near", {"key": shown(key), "near": near[0]}
    return "document.unknown_key", {"key": shown(key), "known": listed(known, 20)}


def _not_among(value: Any, choices: Sequence[str]) -> tuple[str, dict[str, Param]]:
    if not isinstance(value, str):
        return "document.choice", {"value": "…", "choices": listed(choices)}
    near = get_close_matches(value, choices, n=1, cutoff=0.6)
    params: dict[str, Param] = {"value": shown(value), "choices": listed(choices)}
    return ("document.choice_near", {**params, "near": near[0]}) if near else ("document.choice", params)


def _keys_at(model: type[BaseModel], path: Path) -> list[str]:
    inner = _type_at(model, path)
    if isinstance(inner, type) and issubclass(inner, BaseModel):
        return [field.alias or name for name, field in inner.model_fields.items()]
    return []


def _choices_at(model: type[BaseModel], path: Path) -> list[str]:
    inner = _type_at(model, path)
    if isinstance(inner, type) and issubclass(inner, Enum):
        return [str(member.value) for member in inner]
    return [str(value) for value in get_args(inner)]


def _type_at(model: Any, path: Path) -> Any:
    """Follow a path through the annotations of models and lists."""
    current = model
    for part in path:
        current = _bare(current)
        if isinstance(part, int):
            current = next(iter(get_args(current)), None)
        elif isinstance(current, type) and issubclass(current, BaseModel):
            fields = {field.alias or name: field for name, field in current.model_fields.items()}
            current = fields[part].annotation if part in fields else None
    return _bare(current)


def _bare(annotation: Any) -> Any:
    """Strip ``Annotated`` and ``| None``."""
    while True:
        if get_origin(annotation) is Annotated:
            annotation = get_args(annotation)[0]
        elif get_origin(annotation) in (Union, UnionType):
            annotation = next(inner for inner in get_args(annotation) if inner is not type(None))
        else:
            return annotation


def plain(document: Part) -> Mapping[str, Any]:
    """Return a document as JSON-able data in its own keys; ``type(document).model_validate`` reads it back."""
    return document.model_dump(mode="json", by_alias=True, exclude_none=True)
