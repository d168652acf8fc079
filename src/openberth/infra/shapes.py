"""Shapes that what is read is given, made ready as modules are imported, while one thread runs.

The library behind works out how a type is read at its first use, and leaves that where others find it before it is
done: a second thread that comes in between reads what is not there yet, and the whole process ends (SIGSEGV). It takes
two cars at the first moment after a start. So nothing is read as a type but through a ``Shape`` of a module.
"""

from types import UnionType
from typing import Generic, TypeVar

import msgspec

T = TypeVar("T")


class Shape(Generic[T]):
    """How a type is read; ``kind`` is a class, or a form such as ``tuple[Input, ...]``. Any thread may use it."""

    __slots__ = ("_decoder", "_kind")

    def __init__(self, kind: type[T] | UnionType) -> None:
        self._kind = kind
        self._decoder: msgspec.json.Decoder[T] = msgspec.json.Decoder(kind)

    def read(self, text: bytes | str | msgspec.Raw) -> T:
        """Return what JSON says. Raises ``msgspec.DecodeError``; of it ``msgspec.ValidationError`` for another shape,
        ``UnicodeDecodeError`` and ``RecursionError`` for what is no text or too deep.
        """
        return self._decoder.decode(text)

    def convert(self, plain: object) -> T:
        """Return what plain values say. Raises ``msgspec.ValidationError`` for another shape."""
        found: T = msgspec.convert(plain, self._kind)
        return found
