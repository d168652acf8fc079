"""The shape of events: what each kind and version holds, as files under ``events/`` that never change.

An event that has been released is read for ever, so its fields are frozen: changing them means a new ``VERSION`` and
an upcaster (``openberth.infra.upcasting``). New kinds and versions are added with ``python -m tests.golden.update``.
"""

import dataclasses
import importlib
import json
import pkgutil
from collections.abc import Iterable, Iterator, Mapping
from enum import Enum
from pathlib import Path
from types import NoneType, UnionType
from typing import Any, NewType, TypeAlias, Union, get_args, get_origin, get_type_hints

import msgspec

import openberth.contexts
from openberth.infra.upcasting import Upcasters
from openberth.kernel.ids import Id
from openberth.kernel.money import Money

FOLDER = Path(__file__).parent / "events"
Shape: TypeAlias = dict[str, Any]
Key: TypeAlias = tuple[str, int]


def models() -> Iterator[Any]:
    """Import and yield every module of every context's model."""
    for context in pkgutil.iter_modules(openberth.contexts.__path__, "openberth.contexts."):
        for room in pkgutil.iter_modules(importlib.import_module(context.name).__path__, f"{context.name}."):
            if room.name.endswith(".model"):
                module = importlib.import_module(room.name)
                yield module
                for part in pkgutil.walk_packages(getattr(module, "__path__", []), f"{room.name}."):
                    yield importlib.import_module(part.name)


def events_in(modules: Iterable[Any]) -> dict[Key, type]:
    """Return the events that modules define, by kind and version; two classes of one are a mistake."""
    found: dict[Key, type] = {}
    for module in modules:
        for value in vars(module).values():
            if isinstance(value, type) and dataclasses.is_dataclass(value) and hasattr(value, "KIND"):
                key = (value.KIND, value.VERSION)  # type: ignore[attr-defined]
                if found.setdefault(key, value) is not value:
                    raise ValueError(f"{key} is both {found[key].__qualname__} and {value.__qualname__}")
    return found


def shape_of(event: type) -> Shape:
    """Return what the golden file of an event holds: its fields, and the body of an example as it is written."""
    return {
        "kind": event.KIND,  # type: ignore[attr-defined]
        "version": event.VERSION,  # type: ignore[attr-defined]
        "fields": _fields(event),
        "body": msgspec.json.decode(msgspec.json.encode(_example(event, 1))),
    }


def file_of(key: Key) -> Path:
    """Return the golden file of a kind and version."""
    return FOLDER / f"{key[0]}.v{key[1]}.json"


def stored() -> dict[Key, Shape]:
    """Return all golden files."""
    shapes = (json.loads(path.read_text("utf-8")) for path in sorted(FOLDER.glob("*.json")))
    return {(shape["kind"], shape["version"]): shape for shape in shapes}


def text_of(shape: Shape) -> str:
    """Return a golden file's content."""
    return json.dumps(shape, indent=2, ensure_ascii=False) + "\n"


def complaints(events: Mapping[Key, type], golden: Mapping[Key, Shape], upcasters: Upcasters) -> list[str]:
    """Return what is wrong between events and golden files, one sentence each."""
    newest = {kind: max(version for other, version in events if other == kind) for kind, _ in events}
    wrong = [f"{kind} v{version} has no golden file: add it" for kind, version in events.keys() - golden.keys()]
    for key, shape in golden.items():
        kind, version = key
        if key in events:
            if shape != shape_of(events[key]):
                wrong.append(f"{kind} v{version} has changed its fields: give it version {version + 1} and an upcaster")
        elif kind not in newest:
            wrong.append(f"{kind} v{version} is in no model: the log of a running system may still hold it")
        else:
            reached, body = upcasters.lift(kind, version, shape["body"])
            wanted = shape_of(events[kind, newest[kind]])["body"]
            if reached != newest[kind] or body.keys() != wanted.keys():
                wrong.append(f"{kind} v{version} cannot be lifted to version {newest[kind]}: complete its upcasters")
    return sorted(wrong)


def _fields(event: Any) -> Shape:
    hints = get_type_hints(event)
    return {field.name: _words(hints[field.name]) for field in dataclasses.fields(event)}


_PLAIN: dict[Any, tuple[str, Any]] = {
    int: ("integer", lambda seed: seed),
    str: ("text", lambda seed: f"text {seed}"),
    bool: ("truth", lambda seed: True),
    Id: ("id", lambda seed: Id(int=0x0190_0000_0000_7000_8000_0000_0000_0000 + seed)),
}


def _words(hint: Any) -> Any:
    kind, inner = _kind(hint)
    if kind in _PLAIN:
        return _PLAIN[kind][0]
    if kind is Union:
        return f"{_words(inner[0])} or nothing"
    if kind is list:
        return ["list", _words(inner[0])]
    if kind is dict:
        return ["map", _words(inner[0])]
    return _fields(kind) if dataclasses.is_dataclass(kind) else "text"


def _example(hint: Any, seed: int) -> Any:
    kind, inner = _kind(hint)
    if kind in _PLAIN:
        return _PLAIN[kind][1](seed)
    if kind is Union:
        return _example(inner[0], seed)
    if kind is list:
        return (_example(inner[0], seed),)
    if kind is dict:
        return {"key": _example(inner[0], seed)}
    if kind is Money:
        return Money(seed, "CNY")
    if dataclasses.is_dataclass(kind):
        make: Any = kind
        hints = get_type_hints(kind)
        fields = enumerate(dataclasses.fields(kind), start=seed)
        return make(**{field.name: _example(hints[field.name], number) for number, field in fields})
    return next(iter(kind))


def _kind(hint: Any) -> tuple[Any, tuple[Any, ...]]:
    """Return what sort of value a hint means, and its inner hints; what no event may hold is a ``TypeError``."""
    origin, inner = get_origin(hint), get_args(hint)
    if isinstance(hint, NewType):
        return _kind(hint.__supertype__)
    if origin in (Union, UnionType):
        some = tuple(part for part in inner if part is not NoneType)
        if len(some) == 1 and len(inner) == 2:
            return Union, some
    elif origin in (tuple, list) and (origin is list or inner[1:] == (Ellipsis,)):
        return list, inner[:1]
    elif isinstance(origin, type) and issubclass(origin, Mapping) and inner[0] is str:
        return dict, inner[1:]
    elif hint in _PLAIN or dataclasses.is_dataclass(hint) or (isinstance(hint, type) and issubclass(hint, Enum)):
        return hint, ()
    raise TypeError(f"an event holds ids and plain values, not {hint}")
