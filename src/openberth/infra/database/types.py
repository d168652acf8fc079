"""Column types with one meaning on SQLite, PostgreSQL and MySQL/MariaDB.

The raw drivers are used on the hot path, so every type is defined by its bind and result processors alone.
"""

from enum import StrEnum
from typing import Any
from uuid import UUID

import msgspec
from sqlalchemy import BigInteger, Column, LargeBinary, String, Text
from sqlalchemy.dialects import mysql, postgresql
from sqlalchemy.engine.interfaces import Dialect
from sqlalchemy.types import TypeDecorator, TypeEngine

from openberth.kernel.ids import Id

_encode = msgspec.json.encode
_decode = msgspec.json.decode


class IdType(TypeDecorator[Id]):
    """An id: ``uuid`` on PostgreSQL, 16 bytes elsewhere, so that version 7 ids sort by time in every index."""

    impl = LargeBinary(16)
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        """Choose the narrowest native type."""
        if dialect.name == "postgresql":
            return dialect.type_descriptor(postgresql.UUID(as_uuid=True))
        if dialect.name in ("mysql", "mariadb"):
            return dialect.type_descriptor(mysql.BINARY(16))
        return dialect.type_descriptor(LargeBinary(16))

    def process_bind_param(self, value: Id | None, dialect: Dialect) -> Any:
        """Turn an id into what the driver stores."""
        if value is None or dialect.name == "postgresql":
            return value
        return value.bytes

    def process_result_value(self, value: Any, dialect: Dialect) -> Id | None:
        """Turn what the driver read into an id."""
        if value is None or isinstance(value, UUID):
            return value
        return UUID(bytes=bytes(value))


class JsonType(TypeDecorator[Any]):
    """A JSON value as text. Dataclasses, ids and enums are encoded; plain values come back."""

    impl = Text
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        """Use a type without the 64 KB bound where Text has one."""
        if dialect.name in ("mysql", "mariadb"):
            return dialect.type_descriptor(mysql.MEDIUMTEXT(charset="utf8mb4", collation="utf8mb4_bin"))
        return dialect.type_descriptor(Text())

    def process_bind_param(self, value: Any, dialect: Dialect) -> str | None:
        """Encode."""
        return None if value is None else _encode(value).decode()

    def process_result_value(self, value: Any, dialect: Dialect) -> Any:
        """Decode."""
        return None if value is None else _decode(value)


class EnumType(TypeDecorator[Any]):
    """A ``StrEnum`` by its value; an unknown value read back is a ``ValueError``, never a silent text."""

    impl = String
    cache_ok = True

    def __init__(self, kind: type[StrEnum], length: int = 24) -> None:
        super().__init__(length)
        self.kind = kind

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        """Compare bytes, whatever the server's default collation."""
        assert isinstance(self.impl_instance, String)
        return _binary_string(self.impl_instance.length or 24, dialect)

    def process_bind_param(self, value: StrEnum | None, dialect: Dialect) -> str | None:
        """Write the value."""
        return None if value is None else value.value

    def process_result_value(self, value: Any, dialect: Dialect) -> StrEnum | None:
        """Read the member."""
        return None if value is None else self.kind(value)


class WordType(TypeDecorator[str]):
    """A short text compared byte by byte: codes, kinds, numbers printed on paper."""

    impl = String
    cache_ok = True

    def __init__(self, length: int) -> None:
        super().__init__(length)

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        """Compare bytes, whatever the server's default collation."""
        assert isinstance(self.impl_instance, String)
        return _binary_string(self.impl_instance.length or 40, dialect)

    def process_bind_param(self, value: str | None, dialect: Dialect) -> str | None:
        """Nothing to turn; defined so that raw execution needs no special case."""
        return value


def _binary_string(length: int, dialect: Dialect) -> TypeEngine[Any]:
    if dialect.name in ("mysql", "mariadb"):
        return dialect.type_descriptor(mysql.VARCHAR(length, charset="utf8mb4", collation="utf8mb4_bin"))
    if dialect.name == "postgresql":
        return dialect.type_descriptor(String(length, collation="C"))
    return dialect.type_descriptor(String(length))


def id_column(name: str = "id", *, primary_key: bool = False, nullable: bool = False) -> "Column[Id]":
    """Return a column of ids."""
    return Column(name, IdType(), primary_key=primary_key, nullable=nullable)


def instant_column(name: str, *, nullable: bool = False) -> "Column[int]":
    """Return a column of instants: microseconds since 1970 UTC."""
    return Column(name, BigInteger, nullable=nullable)


def word_column(name: str, length: int, *, primary_key: bool = False, nullable: bool = False) -> "Column[str]":
    """Return a column of short words."""
    return Column(name, WordType(length), primary_key=primary_key, nullable=nullable)


def enum_column(name: str, kind: type[StrEnum], *, nullable: bool = False) -> "Column[Any]":
    """Return a column of an enumeration."""
    return Column(name, EnumType(kind), nullable=nullable)


def json_column(name: str, *, nullable: bool = False) -> "Column[Any]":
    """Return a column of JSON values."""
    return Column(name, JsonType(), nullable=nullable)
