"""SQLite: one writer thread with group commit, readers of their own, checkpoints in a third place.

Everything that waits goes into one ``BEGIN IMMEDIATE`` with a SAVEPOINT each, made durable by one fsync. A time budget
closes a batch and reports; it never interrupts a statement, because that would roll back the neighbours. An error that
ends the transaction fails the whole batch: nobody is told a success that is not on disk.
"""

import contextlib
import sqlite3
import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from sqlalchemy import create_engine

from openberth.infra.clocks import Clocks
from openberth.infra.database.database import UNIT_SLOW_US, Database
from openberth.infra.database.log import EventWriter
from openberth.infra.database.queue import Work, deliver
from openberth.infra.database.unit import Reader, Sealer, Stale, Unit, stale_refusal
from openberth.infra.ids import IdSource
from openberth.kernel.authority import Caller
from openberth.kernel.errors import Overloaded, Problem
from openberth.kernel.events import Envelope
from openberth.kernel.ids import Id

BATCH_MAX = 256
BATCH_BUDGET_NS = 20_000_000
CHECKPOINT_EVERY_S = 1.0
CHECKPOINT_PAGES = 500
STATEMENTS_CACHED = 400
# The file, the disk or the machine, never the statement: what fails so now may work later.
_ENVIRONMENT = frozenset(
    {
        sqlite3.SQLITE_BUSY, sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_FULL,
        sqlite3.SQLITE_IOERR, sqlite3.SQLITE_LOCKED, sqlite3.SQLITE_NOMEM, sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_PERM,
        sqlite3.SQLITE_PROTOCOL, sqlite3.SQLITE_READONLY,
    }
)  # fmt: skip


class SqliteDatabase(Database):
    """The database of an embedded OpenBerth: a file and nothing else."""

    def __init__(self, path: Path, clocks: Clocks, keys: Sealer, *, node: str, ids: IdSource, readers: int = 3) -> None:
        super().__init__(clocks, keys, readers=readers)
        self.path = path
        self._ids = ids
        self._dialect = create_engine("sqlite://").dialect
        self._events = EventWriter(node)
        self._thread_state = threading.local()
        self._connections: list[sqlite3.Connection] = []
        self._writing = _connect(path)
        # A consumer may be ahead of a log whose history was dropped; no position is given twice.
        head = self._writing.execute("SELECT max(position) FROM event UNION ALL SELECT max(position) FROM consumer")
        self._position = max((position for (position,) in head if position is not None), default=0)
        # Positions and sequences grow together here: the last event of the node has its highest one.
        last = "SELECT node_sequence FROM event WHERE node = ? ORDER BY position DESC LIMIT 1"
        found = self._writing.execute(last, (node,)).fetchone()
        self._events.node_sequence = 0 if found is None else int(found[0])
        self._happened: list[Envelope] = []  # events of the batch that is being written
        self._stopping = threading.Event()
        self._writer = threading.Thread(target=self._write_loop, name="db-write", daemon=True)
        self._writer.start()
        self._checkpoints = threading.Thread(target=self._checkpoint_loop, name="db-checkpoint", daemon=True)
        self._checkpoints.start()

    @property
    def kind(self) -> str:
        """Return ``sqlite``."""
        return "sqlite"

    @property
    def numbers_at_commit(self) -> bool:
        """Return True: the one writer numbers events as it writes them."""
        return True

    def _stop(self) -> None:
        self._writer.join()
        self._stopping.set()
        self._checkpoints.join()
        for connection in [*self._connections, self._writing]:
            connection.close()

    # -- writing -------------------------------------------------------------------------------------------------

    def _write_loop(self) -> None:
        while True:
            works = self._queue.take(BATCH_MAX)
            if not works:
                return
            begun = self._run_batch(works)
            if begun < len(works):
                self._queue.put_back(works[begun:])
            deliver(works[:begun])

    def _run_batch(self, works: list[Work]) -> int:
        """Run what fits the budget in one transaction; return how many were begun, all with an outcome."""
        before = self._position, self._events.node_sequence
        self._happened = []
        begun, ailing = 0, self._trouble
        changes = self._writing.total_changes
        try:
            self._writing.execute("BEGIN IMMEDIATE")
            deadline = time.perf_counter_ns() + BATCH_BUDGET_NS
            for work in works:
                begun += 1
                self._run_unit(work)
                if time.perf_counter_ns() > deadline:
                    break
            self._writing.execute("COMMIT")
        except BaseException as failure:  # the transaction is gone: nobody in it may be told a success
            self._fail_batch(works[: max(begun, 1)], failure)
            self._position, self._events.node_sequence = before
            return max(begun, 1)
        self.figures.batches += 1
        if self._trouble is ailing and self._writing.total_changes != changes:  # written, and nothing failed
            self._works()
        if self._position != before[0]:
            self._tell_listeners(self._happened)
        return begun

    def _fail_batch(self, works: list[Work], failure: BaseException) -> None:
        self.figures.commit_failures += 1
        with contextlib.suppress(sqlite3.Error):
            self._writing.execute("ROLLBACK")
        for work in works:
            if work.error is None or not isinstance(work.error, Problem):
                work.result = None
                work.error = self._storage_problem(failure)

    def _run_unit(self, work: Work) -> None:
        connection = self._writing
        started = time.perf_counter_ns()
        position, node_sequence = self._position, self._events.node_sequence
        connection.execute("SAVEPOINT unit")
        unit = Unit(_Session(self, connection), work.caller, *self._moments(), self.keys)
        happened: list[Envelope] = []
        try:
            work.result = work.function(unit)
            if unit.events:
                happened = self._events.flush(unit, _Session(self, connection), position + 1)
                self._position = position + len(unit.events)
            connection.execute("RELEASE unit")
            self._happened += happened
            self.figures.units += 1
            self.figures.events += len(unit.events)
        except Exception as error:
            if not connection.in_transaction:
                raise
            connection.execute("ROLLBACK TO unit")
            connection.execute("RELEASE unit")
            self._position, self._events.node_sequence = position, node_sequence
            self.figures.failed += 1
            work.error = stale_refusal() if isinstance(error, Stale) else self._unit_problem(error)
        spent_us = (time.perf_counter_ns() - started) // 1_000
        if spent_us > UNIT_SLOW_US:
            self.figures.slow += 1
            self.figures.longest_us = max(self.figures.longest_us, spent_us)

    def _unit_problem(self, error: Exception) -> BaseException:
        return self._storage_problem(error) if _is_environment(error) else error

    def _storage_problem(self, failure: BaseException) -> BaseException:
        if isinstance(failure, sqlite3.Error):
            return self._ails(Overloaded("database.commit_failed", reason=str(failure)))
        return failure

    # -- reading -------------------------------------------------------------------------------------------------

    def _run_read(self, query: Callable[[Reader], Any], caller: Caller) -> Any:
        try:
            return self._run_query(query, caller)
        except sqlite3.Error as error:
            if not _is_environment(error):
                raise
            raise self._ails(_unreachable(self.path, error)) from error

    def _run_query(self, query: Callable[[Reader], Any], caller: Caller) -> Any:
        connection: sqlite3.Connection | None = getattr(self._thread_state, "connection", None)
        if connection is None:
            connection = _connect(self.path)
            connection.execute("PRAGMA query_only = 1")
            self._thread_state.connection = connection
            self._connections.append(connection)
        connection.execute("BEGIN")
        try:
            reader = Reader(_Session(self, connection), caller, *self._moments(), self.keys)
            return query(reader)
        finally:
            connection.execute("ROLLBACK")

    # -- checkpoints ---------------------------------------------------------------------------------------------

    def _checkpoint_loop(self) -> None:
        connection = _connect(self.path)
        try:
            while not self._stopping.wait(CHECKPOINT_EVERY_S):
                # PASSIVE never waits for anybody, so the writer's commit time stays flat.
                with contextlib.suppress(sqlite3.OperationalError):
                    connection.execute("PRAGMA wal_checkpoint(PASSIVE)")
        finally:
            connection.close()


class _Session:
    """A unit's view of the connection."""

    __slots__ = ("_connection", "_database", "dialect")

    def __init__(self, database: SqliteDatabase, connection: sqlite3.Connection) -> None:
        self._database = database
        self._connection = connection
        self.dialect = database._dialect

    def execute(self, sql: str, params: Sequence[Any]) -> sqlite3.Cursor:
        return self._connection.execute(sql, params)

    def execute_many(self, sql: str, rows: Sequence[Sequence[Any]]) -> None:
        self._connection.executemany(sql, rows)

    def lock(self, names: Sequence[str]) -> None:
        """Nothing: one writer at a time is the lock."""

    def new_id(self) -> Id:
        return self._database._ids.new_id()


def _connect(path: Path) -> sqlite3.Connection:
    try:
        connection = sqlite3.connect(
            path, isolation_level=None, check_same_thread=False, cached_statements=STATEMENTS_CACHED
        )
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = FULL")
        connection.execute("PRAGMA wal_autocheckpoint = 0")
        connection.execute("PRAGMA busy_timeout = 5000")
        connection.execute("PRAGMA cache_size = -32000")
        connection.execute("PRAGMA temp_store = MEMORY")
    except sqlite3.Error as error:
        raise _unreachable(path, error) from error
    return connection


def _unreachable(path: Path, error: sqlite3.Error) -> Overloaded:
    return Overloaded("database.unreachable", database=str(path), reason=str(error))


def _is_environment(error: BaseException) -> bool:
    if not isinstance(error, sqlite3.Error):
        return False
    code: int | None = getattr(error, "sqlite_errorcode", None)  # errors of the driver itself have none
    return code is not None and code & 0xFF in _ENVIRONMENT
