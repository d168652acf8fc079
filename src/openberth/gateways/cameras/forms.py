"""Small ``multipart/form-data`` bodies (RFC 7578), as cameras send them for heartbeats: a few short text fields,
bounded. Pure.
"""

from collections.abc import Collection
from typing import TYPE_CHECKING

from python_multipart.exceptions import FormParserError
from python_multipart.multipart import MultipartParser, parse_options_header

from openberth.kernel.errors import Malformed

if TYPE_CHECKING:
    from python_multipart.multipart import MultipartCallbacks

MAX_FORM = 16 * 1024
_MAX_FIELDS = 32
_MAX_FIELD = 256
_MAX_TYPE = 200


def read_small_form(body: bytes, content_type: str, wanted: Collection[str]) -> dict[str, str]:
    """Return the wanted fields that the form has; the others pass by unread, passwords among them.

    Raise ``Malformed`` for anything but a complete form of at most 16 KB, 32 fields and 256 bytes a field.
    """
    # As bytes, for the parser fails on texts that no header can hold.
    kind, options = parse_options_header(content_type[:_MAX_TYPE].encode("latin-1", "replace"))
    boundary = options.get(b"boundary", b"")
    if kind != b"multipart/form-data" or not boundary:
        raise _malformed("neither JSON nor multipart/form-data with a boundary")
    if len(body) > MAX_FORM:
        raise _malformed("form longer than 16 KB")
    form = _Form(wanted)
    try:
        parser = MultipartParser(boundary, form.callbacks(), max_size=MAX_FORM)
        parser.write(body)
        parser.finalize()
    except FormParserError:
        raise _malformed("not a form") from None
    if not form.ended:
        raise _malformed("the form is not complete")
    return form.fields


class _Form:
    """Collects what the parser calls out."""

    def __init__(self, wanted: Collection[str]) -> None:
        self.fields: dict[str, str] = {}
        self.ended = False
        self._wanted = wanted
        self._parts = 0
        self._header = bytearray()
        self._disposition = bytearray()
        self._value = bytearray()

    def callbacks(self) -> "MultipartCallbacks":
        return {
            "on_part_begin": self._part_begins,
            "on_header_field": self._header_field,
            "on_header_value": self._header_value,
            "on_header_end": self._header.clear,
            "on_part_data": self._part_data,
            "on_part_end": self._part_ends,
            "on_end": self._form_ends,
        }

    def _part_begins(self) -> None:
        self._parts += 1
        if self._parts > _MAX_FIELDS:
            raise _malformed("more than 32 fields")
        self._header.clear()
        self._disposition.clear()
        self._value.clear()

    def _header_field(self, data: bytes, start: int, end: int) -> None:
        self._header += data[start:end]

    def _header_value(self, data: bytes, start: int, end: int) -> None:
        if self._header.lower() == b"content-disposition":
            self._disposition += data[start:end]

    def _part_data(self, data: bytes, start: int, end: int) -> None:
        if len(self._value) + end - start > _MAX_FIELD:
            raise _malformed("a field is longer than 256 bytes")
        self._value += data[start:end]

    def _part_ends(self) -> None:
        _, options = parse_options_header(bytes(self._disposition))
        name = options.get(b"name", b"").decode("latin-1").strip()
        if name in self._wanted:
            self.fields[name] = self._value.decode("utf-8", "replace").strip()

    def _form_ends(self) -> None:
        self.ended = True


def _malformed(why: str) -> Malformed:
    return Malformed("device.malformed", where="form", why=why)
