"""What two versions of a tariff say differently, place by place in the keys of the document."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, TypeAlias

Path: TypeAlias = tuple[str, ...]  # keys; a thing of a list is named by its code, in brackets

DIFFERENCES_MAX = 500


class DifferenceKind(StrEnum):
    """What happened to a place."""

    ADDED = "added"
    REMOVED = "removed"
    CHANGED = "changed"


@dataclass(frozen=True, slots=True)
class Difference:
    """A place that differs, with what stood there and what stands there now (None: nothing)."""

    kind: DifferenceKind
    path: Path
    before: Any = None
    after: Any = None

    @property
    def place(self) -> str:
        """Return the path as people write it: ``bands[day].charge.price``."""
        text = ""
        for part in self.path:
            text += part if not text or part.startswith("[") else f".{part}"
        return text


def difference(before: Mapping[str, Any], after: Mapping[str, Any]) -> list[Difference]:
    """Compare two documents in their plain form, in the order of their keys; at most 500 places are told."""
    found: list[Difference] = []
    for one in _compared((), before, after):
        found.append(one)
        if len(found) == DIFFERENCES_MAX:
            break
    return found


def _compared(path: Path, before: Any, after: Any) -> Iterator[Difference]:
    if before == after:
        return
    if isinstance(before, Mapping) and isinstance(after, Mapping):
        yield from _by_key(path, before, after)
    elif _are_things(before) and _are_things(after):
        yield from _by_key(path, _named(before), _named(after))
    elif before is None:
        yield Difference(DifferenceKind.ADDED, path, None, after)
    elif after is None:
        yield Difference(DifferenceKind.REMOVED, path, before, None)
    else:
        yield Difference(DifferenceKind.CHANGED, path, before, after)


def _by_key(path: Path, before: Mapping[str, Any], after: Mapping[str, Any]) -> Iterator[Difference]:
    for key in [*before, *(key for key in after if key not in before)]:
        yield from _compared((*path, key), before.get(key), after.get(key))


def _are_things(value: Any) -> bool:
    """Tell whether a value is a list of mappings, whose elements are compared one by one."""
    return isinstance(value, list | tuple) and bool(value) and all(isinstance(each, Mapping) for each in value)


def _named(things: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Return the things of a list by what identifies them: code, kind of cap, end of a tier, else their place."""
    named: dict[str, Any] = {}
    for number, thing in enumerate(things, start=1):
        name = f"[{_name(thing, number)}]"
        named[name if name not in named else f"{name[:-1]} #{number}]"] = thing
    return named


def _name(thing: Mapping[str, Any], number: int) -> str:
    if "code" in thing:
        return str(thing["code"])
    if "kind" in thing:
        bands = ",".join(thing.get("bands") or ())
        return " ".join(part for part in (str(thing["kind"]), str(thing.get("hours") or ""), bands) if part)
    return str(number)
