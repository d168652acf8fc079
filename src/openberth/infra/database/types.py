"""Column types with one meaning on SQLite, PostgreSQL and MySQL/MariaDB.

The raw drivers are used on the hot path, so every type is defined by its bind and result processors alone.
"""

from enum import StrEnum
from typing import Any

import msgspec
from sqlalchemy import BigInteger, Column, LargeBinary, String, Text
from sqlalchemy.dialects import mysql, postgresql
from sqlalchemy.engine.interfaces import Dialect
from sqlalchemy.types import TypeDecorator, TypeEngine

from openberth.kernel.ids import Id, id_from_bytes

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

    def bind_processor(self, dialect: Dialect) -> Any:
        """Turn an id into what the driver stores; PostgreSQL's driver takes ids as they are."""
        return None if dialect.name == "postgresql" else _id_bytes

    def result_processor(self, dialect: Dialect, coltype: object) -> Any:
        """Turn what the driver read into an id."""
        return None if dialect.name == "postgresql" else _id_of


class JsonType(TypeDecorator[Any]):
    """A JSON value as text. Dataclasses, ids and enums are encoded; plain values come back."""

    impl = Text
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        """Use a type without the 64 KB bound where Text has one."""
        if dialect.name in ("mysql", "mariadb"):
            return dialect.type_descriptor(mysql.MEDIUMTEXT(charset="utf8mb4", collation="utf8mb4_bin"))
        return Text()  # not its descriptor: psycopg's is a VARCHAR

    def bind_processor(self, dialect: Dialect) -> Any:
        """Encode."""
        return _json_text

    def result_processor(self, dialect: Dialect, coltype: object) -> Any:
        """Decode."""
        return _json_value


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

    def bind_processor(self, dialect: Dialect) -> Any:
        """Write the value."""
        return _enum_value

    def result_processor(self, dialect: Dialect, coltype: object) -> Any:
        """Read the member."""
        kind = self.kind
        members: dict[str, StrEnum] = {member.value: member for member in kind}

        def member_of(value: str | None) -> StrEnum | None:
            return None if value is None else members.get(value) or kind(value)

        return member_of


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

    def bind_processor(self, dialect: Dialect) -> Any:
        """Nothing to turn."""
        return None

    def result_processor(self, dialect: Dialect, coltype: object) -> Any:
        """Nothing to turn."""
        return None


def _id_bytes(value: Id | None) -> bytes | None:
    return None if value is None else value.int.to_bytes(16, "big")


def _id_of(value: bytes | None) -> Id | None:
    return None if value is None else id_from_bytes(value)


def _json_text(value: Any) -> str | None:
    return None if value is None else _encode(value).decode()


def _json_value(value: str | bytes | None) -> Any:
    return None if value is None else _decode(value)


def _enum_value(value: StrEnum | None) -> str | None:
    return None if value is None else str(value._value_)


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
