"""``multipart/form-data`` bodies (RFC 7578) with pictures: a few parts with their names and bytes, bounded. Pure."""

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from python_multipart.exceptions import FormParserError
from python_multipart.multipart import MultipartParser, parse_options_header

from openberth.kernel.errors import Malformed

if TYPE_CHECKING:
    from python_multipart.multipart import MultipartCallbacks

MAX_PARTS = 16
_MAX_TYPE = 200
_MAX_NAME = 128


@dataclass(frozen=True, slots=True)
class FormPart:
    """One part: its name, the file name it was given, and its bytes."""

    name: str
    filename: str
    data: bytes = field(repr=False)


def read_parts(body: bytes, content_type: str) -> list[FormPart]:
    """Return the parts of a form in their order; one that is not whole is left out.

    Raises ``Malformed`` for what is no form, has more than 16 parts, or has none that is whole.
    """
    kind, options = parse_options_header(content_type[:_MAX_TYPE].encode("latin-1", "replace"))
    boundary = options.get(b"boundary", b"")
    if kind not in (b"multipart/form-data", b"multipart/mixed") or not boundary:
        raise _malformed("neither XML nor multipart with a boundary")
    reader = _Reader()
    try:
        parser = MultipartParser(boundary, reader.callbacks())
        parser.write(body)
        parser.finalize()
    except FormParserError:  # what came whole before the fault counts: a picture never costs the event
        if not reader.parts:
            raise _malformed("not a form") from None
    if not reader.parts:
        raise _malformed("the form has no part that is whole")
    return reader.parts


class _Reader:
    """Collects what the parser calls out."""

    def __init__(self) -> None:
        self.parts: list[FormPart] = []
        self._header = bytearray()
        self._disposition = bytearray()
        self._data: list[bytes] = []

    def callbacks(self) -> "MultipartCallbacks":
        return {
            "on_part_begin": self._begins,
            "on_header_field": self._header_field,
            "on_header_value": self._header_value,
            "on_header_end": self._header.clear,
            "on_part_data": self._part_data,
            "on_part_end": self._ends,
        }

    def _begins(self) -> None:
        if len(self.parts) >= MAX_PARTS:
            raise _malformed("more than 16 parts")
        self._header.clear()
        self._disposition.clear()
        self._data.clear()

    def _header_field(self, data: bytes, start: int, end: int) -> None:
        self._header += data[start:end]

    def _header_value(self, data: bytes, start: int, end: int) -> None:
        if self._header.lower() == b"content-disposition":
            self._disposition += data[start:end]

    def _part_data(self, data: bytes, start: int, end: int) -> None:
        self._data.append(data[start:end])

    def _ends(self) -> None:
        _, options = parse_options_header(bytes(self._disposition[:512]))
        name, filename = (
            options.get(key, b"").decode("utf-8", "replace").strip()[:_MAX_NAME] for key in (b"name", b"filename")
        )
        self.parts.append(FormPart(name, filename, b"".join(self._data)))


def _malformed(why: str) -> Malformed:
    return Malformed("device.malformed", where="form", why=why)
