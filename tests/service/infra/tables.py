"""A table of the tests' own, in every kind of database: counters with a scope and a version."""

import contextlib
import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from sqlalchemy import BigInteger, Column, MetaData, Table, bindparam, create_engine, delete, select, update
from sqlalchemy.schema import CreateTable

from openberth.infra.database import Database, Query, Reader, Unit, Write, insert_into
from openberth.infra.database.servers import ServerDatabase
from openberth.infra.database.sqlite import SqliteDatabase
from openberth.infra.database.types import id_column
from openberth.kernel.ids import Id

counter = Table(
    "test_counter",
    MetaData(),
    id_column(primary_key=True),
    id_column("company_id"),
    id_column("lot_id"),
    Column("value", BigInteger, nullable=False),
    Column("version", BigInteger, nullable=False),
    info={"scope": ("company_id", "lot_id")},
)


@dataclass(frozen=True, slots=True)
class Counter:
    id: Id
    company_id: Id
    lot_id: Id
    value: int
    version: int


INSERT = insert_into(counter)
ONE = Query(select(counter).where(counter.c.id == bindparam("counter_id")), Counter)
ALL = Query(select(counter).order_by(counter.c.id), Counter)
SET = Write(update(counter).where(counter.c.id == bindparam("counter_id")).values(value=bindparam("new_value")))
SAVE = Write(
    update(counter)
    .where(counter.c.id == bindparam("counter_id"), counter.c.version == bindparam("old_version"))
    .values(value=bindparam("new_value"), version=counter.c.version + 1)
)
DELETE = Write(delete(counter).where(counter.c.id == bindparam("counter_id")))

COMPANY = Id(int=0xC0)
LOT = Id(int=0x10)


def add(unit: Unit, identifier: Id, *, value: int = 0, company: Id = COMPANY, lot: Id = LOT) -> Id:
    unit.run(INSERT, Counter(identifier, company, lot, value, 1))
    return identifier


def values(reader: Reader) -> dict[int, int]:
    return {found.id.int: found.value for found in reader.all(ALL)}


@contextlib.contextmanager
def raw(db: Database) -> Iterator[Any]:
    """Give a driver's connection of its own, committing each statement."""
    if isinstance(db, ServerDatabase):
        connection = db.backend.connect()
        if db.kind == "mysql":
            connection.autocommit(True)
        try:
            yield connection
        finally:
            connection.close()
    else:
        assert isinstance(db, SqliteDatabase)
        with contextlib.closing(sqlite3.connect(db.path, isolation_level=None, timeout=5)) as opened:
            yield opened


def execute(db: Database, sql: str) -> list[tuple[Any, ...]]:
    with raw(db) as connection:
        cursor = connection.cursor()
        cursor.execute(sql)
        return [tuple(row) for row in cursor.fetchall()] if cursor.description else []


def make(db: Database) -> None:
    """Make the table, or empty it: on a server it stays for the next test."""
    dialect = db.backend.dialect if isinstance(db, ServerDatabase) else create_engine("sqlite://").dialect
    execute(db, str(CreateTable(counter, if_not_exists=True).compile(dialect=dialect)))
    empty(db)


def empty(db: Database) -> None:
    execute(db, "DELETE FROM test_counter")
