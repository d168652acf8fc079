"""XML of devices: elements by their local names, bounded, without entities and document types. Pure.

Expat reads; a document type, and with it every entity that could grow or reach outside, is refused before it is read.
"""

from dataclasses import dataclass, field
from xml.parsers import expat

from openberth.kernel.errors import Malformed

MAX_XML = 256 * 1024
_MAX_ELEMENTS = 2_000
_MAX_DEPTH = 24
_MAX_TEXT = 4_096


@dataclass(slots=True)
class Element:
    """An element: its name without namespace or prefix, its text, and what is in it."""

    name: str
    text: str = ""
    children: "list[Element]" = field(default_factory=list)

    def first(self, name: str) -> "Element | None":
        """Return the first element of a name, wherever it stands below this one, in document order."""
        for child in self.children:
            found = child if child.name == name else child.first(name)
            if found is not None:
                return found
        return None

    def said(self, name: str) -> str | None:
        """Return the text of the first element of a name, None where there is none."""
        found = self.first(name)
        return None if found is None else found.text.strip()

    def own(self, name: str) -> str | None:
        """Return the text of the first element of a name directly in this one."""
        return next((child.text.strip() for child in self.children if child.name == name), None)


def read_xml(data: bytes) -> Element:
    """Return the root of a document. Raises ``Malformed`` for what is none, too big, too deep, or has a doctype."""
    if len(data) > MAX_XML:
        raise malformed("longer than 256 KB")
    builder = _Builder()
    parser = expat.ParserCreate()
    parser.buffer_text = True
    parser.StartDoctypeDeclHandler = _no_doctype
    parser.EntityDeclHandler = _no_doctype
    parser.StartElementHandler = builder.starts
    parser.EndElementHandler = builder.ends
    parser.CharacterDataHandler = builder.text
    try:
        parser.Parse(data, True)
    except (expat.ExpatError, ValueError, LookupError):  # also: an encoding that nobody knows
        raise malformed("not XML") from None
    if builder.root is None:
        raise malformed("empty")
    return builder.root


class _Builder:
    """Makes the tree of what the parser calls out."""

    def __init__(self) -> None:
        self.root: Element | None = None
        self._open: list[Element] = []
        self._count = 0

    def starts(self, name: str, _attributes: dict[str, str]) -> None:
        self._count += 1
        if self._count > _MAX_ELEMENTS or len(self._open) >= _MAX_DEPTH:
            raise malformed("too many elements, or too deep")
        element = Element(name.rpartition(":")[2])
        if self._open:
            self._open[-1].children.append(element)
        elif self.root is None:
            self.root = element
        self._open.append(element)

    def ends(self, _name: str) -> None:
        self._open.pop()

    def text(self, data: str) -> None:
        if self._open:
            here = self._open[-1]
            if len(here.text) + len(data) > _MAX_TEXT:
                raise malformed("a text is longer than 4 KB")
            here.text += data


def _no_doctype(*_: object) -> None:
    raise malformed("a document type")


def malformed(why: str) -> Malformed:
    """Return the refusal of a document."""
    return Malformed("device.malformed", where="xml", why=why)
