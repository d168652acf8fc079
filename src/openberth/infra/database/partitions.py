"""Months of history: tables marked ``history`` are range-partitioned by their version 7 id on servers.

Months follow one another without gaps; whatever lies beyond the last one goes to the partition ``rest``, so an insert
never fails. ``ensure_partitions`` splits the coming months off ``rest`` while it is empty; after a long pause it moves
the rows that have gathered there. SQLite has no partitions: there ``drop_before`` deletes in small units.

All functions block: call them in a thread.
"""

import contextlib
from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any

from sqlalchemy import Table, bindparam, delete, func, select

from openberth.infra.database.backends import Failure
from openberth.infra.database.database import Database
from openberth.infra.database.queue import Urgency
from openberth.infra.database.schema import consumer, event, metadata, parked_key
from openberth.infra.database.servers import ServerDatabase
from openberth.infra.database.statement import Query, Write
from openberth.infra.database.unit import Reader, Unit
from openberth.kernel.authority import system
from openberth.kernel.errors import Overloaded
from openberth.kernel.ids import lowest_at
from openberth.kernel.time import Instant, as_datetime

AHEAD_MONTHS = 3
MADE_MAX = 36  # in one run; a clock gone wrong must not make thousands
DELETED_PER_UNIT = 500
REST = "rest"
DDL_TIMEOUT_S = 3_600
DDL_LOCK_WAIT_S = 2  # everybody queues behind a waiting DDL statement, so it gives up soon and tries another day


@dataclass(frozen=True, slots=True, order=True)
class Month:
    """A calendar month in UTC; its name is that of its partition."""

    year: int
    month: int

    @classmethod
    def of(cls, instant: Instant) -> "Month":
        """Return the month of an instant."""
        moment = as_datetime(instant)
        return cls(moment.year, moment.month)

    @classmethod
    def named(cls, name: str) -> "Month":
        """Return the month of a partition's name."""
        return cls(int(name[1:5]), int(name[5:7]))

    @property
    def name(self) -> str:
        """Return e.g. ``p202611``."""
        return f"p{self.year:04}{self.month:02}"

    @property
    def start_ms(self) -> int:
        """Return its first millisecond since 1970."""
        return int(datetime(self.year, self.month, 1, tzinfo=UTC).timestamp()) * 1_000

    def plus(self, months: int) -> "Month":
        """Return the month so many months later."""
        index = self.year * 12 + self.month - 1 + months
        return Month(index // 12, index % 12 + 1)


def history_tables() -> list[Table]:
    """Return the tables that are partitioned, of those whose modules are loaded."""
    return [found for found in metadata.sorted_tables if found.info.get("history")]


def partitions(database: Database, table: Table) -> list[Month]:
    """Return the months that a table has partitions of, in order; none on SQLite."""
    if not isinstance(database, ServerDatabase):
        return []
    with _ddl(database) as months:
        return months.of(table.name)


def ensure_partitions(database: Database) -> list[str]:
    """Make the partitions of this month and the next three, and return their names (``event.p202611``).

    A server too busy for it is ``Overloaded("database.busy")``; nothing is lost by trying again tomorrow.
    """
    if not isinstance(database, ServerDatabase):
        return []
    this_month = Month.of(database.clocks.machine.now())
    made = []
    with _ddl(database) as months:
        for table in history_tables():
            have = months.of(table.name)
            first = have[-1].plus(1) if have else this_month
            wanted = [first.plus(index) for index in range(MADE_MAX)]
            wanted = [month for month in wanted if month <= this_month.plus(AHEAD_MONTHS)]
            for month in wanted:
                months.make(table.name, month, is_first=not have and month == first)
                made.append(f"{table.name}.{month.name}")
    return made


def drop_before(database: Database, table: Table, instant: Instant) -> int:
    """Drop the history of a table that lies wholly before an instant; return how many partitions (SQLite: rows) went.

    Events that a consumer has still to read, and the newest event, stay.
    """
    if not table.info.get("history"):
        raise ValueError(f"{table.name} holds no history")
    if not isinstance(database, ServerDatabase):
        return _delete_before(database, table, instant)
    dropped = 0
    read_by_all = database.read_now(_read_by_all, by=_BY) if table is event else None
    with _ddl(database) as months:
        for month in months.of(table.name):
            if month.plus(1).start_ms * 1_000 > instant:
                break
            if read_by_all is not None and not months.all_below(table.name, month, read_by_all):
                break
            months.drop(table.name, month)
            dropped += 1
    return dropped


_BY = system("retention")
_SLOWEST = Query(select(func.min(consumer.c.position)), lambda position: position)
_PARKED = Query(select(func.min(parked_key.c.position)), lambda position: position)
_NEWEST = Query(select(func.max(event.c.position)), lambda position: position)


def _read_by_all(reader: Reader) -> int:
    """Return the first position that must stay: the newest event's, or the first that some consumer has not read."""
    slowest, parked, newest = reader.all(_SLOWEST)[0], reader.all(_PARKED)[0], reader.all(_NEWEST)[0]
    bounds = [newest, parked, None if slowest is None else slowest + 1]
    return min((bound for bound in bounds if bound is not None), default=0)


@lru_cache
def _deletion(table: Table) -> Write:
    old = select(table.c.id).where(table.c.id < bindparam("bound", type_=table.c.id.type))
    if table is event:
        old = old.where(table.c.position < bindparam("read_by_all"))
    return Write(delete(table).where(table.c.id.in_(old.order_by(table.c.id).limit(DELETED_PER_UNIT))))


def _delete_before(database: Database, table: Table, instant: Instant) -> int:
    params: dict[str, Any] = {"bound": lowest_at(instant // 1_000)}

    def delete_some(unit: Unit) -> int:
        if table is event:
            return unit.run(_deletion(table), **params, read_by_all=_read_by_all(unit))
        return unit.run(_deletion(table), **params)

    deleted = 0
    while True:
        gone = database.write_now(delete_some, by=_BY, urgency=Urgency.BACKGROUND)
        deleted += gone
        if gone < DELETED_PER_UNIT:
            return deleted


class _Months(ABC):
    """The partitions of tables on one kind of server."""

    def __init__(self, connection: Any) -> None:
        self._connection = connection

    @abstractmethod
    def of(self, table: str) -> list[Month]: ...

    @abstractmethod
    def make(self, table: str, month: Month, *, is_first: bool) -> None: ...

    @abstractmethod
    def drop(self, table: str, month: Month) -> None: ...

    @abstractmethod
    def all_below(self, table: str, month: Month, position: int) -> bool: ...

    def _rows(self, sql: str, *params: Any) -> Sequence[Any]:
        cursor = self._connection.cursor()
        cursor.execute(sql, params)
        rows: Sequence[Any] = cursor.fetchall()
        return rows

    def _run(self, sql: str) -> None:
        self._connection.cursor().execute(sql)


class _PostgresMonths(_Months):
    def of(self, table: str) -> list[Month]:
        rows = self._rows(
            "SELECT c.relname FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid"
            " WHERE i.inhparent = to_regclass(%s) ORDER BY c.relname",
            table,
        )
        names = [str(name).removeprefix(f"{table}_") for (name,) in rows]
        return sorted(Month.named(name) for name in names if name != REST)

    def make(self, table: str, month: Month, *, is_first: bool) -> None:
        child = f"{table}_{month.name}"
        upper = lowest_at(month.plus(1).start_ms)
        lower = "MINVALUE" if is_first else f"'{lowest_at(month.start_ms)}'"
        bounds = f"FOR VALUES FROM ({lower}) TO ('{upper}')"
        with self._connection.transaction():
            self._run(f"SET LOCAL lock_timeout = {DDL_LOCK_WAIT_S * 1_000}")
            self._run(f"LOCK TABLE {table} IN ACCESS EXCLUSIVE MODE")
            late = f"FROM {table}_{REST} WHERE id < '{upper}'"
            if not is_first:  # older rows belong to months that were dropped
                late += f" AND id >= {lower}"
            if self._rows(f"SELECT 1 {late} LIMIT 1"):
                self._run(f"CREATE TABLE {child} (LIKE {table} INCLUDING DEFAULTS INCLUDING CONSTRAINTS)")
                self._run(f"INSERT INTO {child} SELECT * {late}")
                self._run(f"DELETE {late}")
                self._run(f"ALTER TABLE {table} ATTACH PARTITION {child} {bounds}")
            else:
                self._run(f"CREATE TABLE {child} PARTITION OF {table} {bounds}")

    def drop(self, table: str, month: Month) -> None:
        with self._connection.transaction():
            self._run(f"SET LOCAL lock_timeout = {DDL_LOCK_WAIT_S * 1_000}")
            self._run(f"DROP TABLE {table}_{month.name}")
            self._run(f"DELETE FROM {self._older(table, month)}")  # noqa: S608 - late ones of months dropped before

    def all_below(self, table: str, month: Month, position: int) -> bool:
        unread = "(position >= %s OR position IS NULL) LIMIT 1"
        return not (
            self._rows(f"SELECT 1 FROM {table}_{month.name} WHERE {unread}", position)  # noqa: S608
            or self._rows(f"SELECT 1 FROM {self._older(table, month)} AND {unread}", position)  # noqa: S608
        )

    def _older(self, table: str, month: Month) -> str:
        return f"{table}_{REST} WHERE id < '{lowest_at(month.plus(1).start_ms)}'"


class _MysqlMonths(_Months):
    def of(self, table: str) -> list[Month]:
        rows = self._rows(
            "SELECT partition_name FROM information_schema.partitions"
            " WHERE table_schema = DATABASE() AND table_name = %s AND partition_name IS NOT NULL",
            table,
        )
        return sorted(Month.named(str(name)) for (name,) in rows if name != REST)

    def make(self, table: str, month: Month, *, is_first: bool) -> None:
        del is_first  # a first partition always reaches down to the smallest value
        split = f"PARTITION {month.name} VALUES LESS THAN (X'{lowest_at(month.plus(1).start_ms).hex}')"
        rest = f"PARTITION {REST} VALUES LESS THAN (MAXVALUE)"
        self._run(f"ALTER TABLE {table} REORGANIZE PARTITION {REST} INTO ({split}, {rest})")

    def drop(self, table: str, month: Month) -> None:
        self._run(f"ALTER TABLE {table} DROP PARTITION {month.name}")

    def all_below(self, table: str, month: Month, position: int) -> bool:
        rows = f"SELECT 1 FROM {table} PARTITION ({month.name})"  # noqa: S608
        return not self._rows(f"{rows} WHERE position >= %s OR position IS NULL LIMIT 1", position)


@contextlib.contextmanager
def _ddl(database: ServerDatabase) -> Iterator[_Months]:
    backend = database.backend
    connection = backend.connect(statement_timeout_s=DDL_TIMEOUT_S)
    try:
        if backend.kind == "postgresql":
            months: _Months = _PostgresMonths(connection)
        else:
            connection.autocommit(True)
            connection.query(f"SET SESSION lock_wait_timeout = {DDL_LOCK_WAIT_S}")
            months = _MysqlMonths(connection)
        if not backend.take_alone(connection):
            raise Overloaded("database.migrating", retry_after_s=30)
        try:
            yield months
        finally:
            backend.end_alone(connection)
    except Exception as error:
        if backend.classify(error) is Failure.OTHER:
            raise
        raise Overloaded("database.busy", reason=str(error)) from error
    finally:
        backend.close_quietly(connection)
