"""What is wrong with a document: line, place, stable code and parameters; the words are in the catalogue."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import TypeAlias

from openberth.kernel.errors import Malformed, Param

Path: TypeAlias = tuple[str | int, ...]
Say: TypeAlias = Callable[[str, Mapping[str, Param]], str]

MAX_REPORTED = 100


@dataclass(frozen=True, slots=True)
class Flaw:
    """Something a document's own check found: the path of the value and what is wrong with it."""

    path: Path
    code: str
    params: Mapping[str, Param]


@dataclass(frozen=True, slots=True)
class Mistake:
    """A flaw with its line (1-based) and its path as people write it, e.g. ``areas[1].inside``."""

    line: int
    path: str
    code: str
    params: Mapping[str, Param]

    def text(self, say: Say) -> str:
        """Return ``path: what is wrong`` in the words of ``say``."""
        words = say(self.code, self.params)
        return f"{self.path}: {words}" if self.path else words


class DocumentError(Malformed):
    """A document with mistakes, in the order of its lines; at most 100 are kept, ``params["count"]`` says how many.

    ``more`` counts those behind the ones given.
    """

    def __init__(self, name: str, mistakes: Iterable[Mistake], *, more: int = 0) -> None:
        ordered = sorted(mistakes, key=lambda mistake: mistake.line)
        super().__init__("document.mistakes", name=name, count=len(ordered) + more)
        self.name = name
        self.mistakes = tuple(ordered[:MAX_REPORTED])

    def __str__(self) -> str:
        return "\n".join(self.report(_codes))

    def report(self, say: Say) -> list[str]:
        """Return one line per mistake, ``lots/mall.yaml:12: areas[1].inside: …``; ``say`` gives the words."""
        return [f"{self.name}:{mistake.line}: {mistake.text(say)}" for mistake in self.mistakes]


def flaw(path: Path, code: str, /, **params: Param) -> Flaw:
    """Build a flaw: ``flaw(("areas", 1, "inside"), "lot.no_area", value="grund")``."""
    return Flaw(path, code, params)


def path_text(path: Path) -> str:
    """Write a path the way people do: ``areas[1].inside``."""
    text = ""
    for part in path:
        if isinstance(part, int):
            text += f"[{part}]"
        else:
            text += f".{part}" if text else part
    return text


def listed(values: Iterable[str], most: int = 12) -> str:
    """Join names for a message, in order; a long list is cut."""
    names = list(values)
    return ", ".join(names[:most]) + (", …" if len(names) > most else "")


def _codes(code: str, params: Mapping[str, Param]) -> str:
    inside = ", ".join(f"{name}={value}" for name, value in params.items())
    return f"{code}({inside})" if inside else code
