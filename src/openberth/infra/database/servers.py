"""PostgreSQL and MySQL/MariaDB: a pool of threads with a connection each, one transaction per unit.

READ COMMITTED; a unit that meets a deadlock, a serialisation failure, a stale row or a connection lost before its
commit runs again. A connection lost while committing leaves the outcome unknown, and the caller is told just that.
"""

import hashlib
import random
import threading
import time
from collections.abc import Callable, Sequence
from typing import Any

from openberth.infra.clocks import Clocks
from openberth.infra.database.backends import Backend, Failure
from openberth.infra.database.database import UNIT_SLOW_US, Database
from openberth.infra.database.log import EventWriter
from openberth.infra.database.queue import Work, deliver
from openberth.infra.database.unit import Reader, Sealer, Stale, Unit, stale_refusal
from openberth.infra.ids import IdSource
from openberth.kernel.authority import Caller
from openberth.kernel.errors import Malformed, Overloaded
from openberth.kernel.ids import Id

TRIES_MAX = 8


class ServerDatabase(Database):
    """A database on a server, shared by all processes of a cluster."""

    def __init__(
        self,
        backend: Backend,
        clocks: Clocks,
        keys: Sealer,
        *,
        node: str,
        ids: IdSource,
        writers: int = 8,
        readers: int = 4,
    ) -> None:
        super().__init__(clocks, keys, readers=readers)
        self._backend = backend
        self._ids = ids
        self._events = EventWriter(node)
        self._flushing = threading.Lock()
        self._thread_state = threading.local()
        self._connections: list[Any] = []
        self._connections_lock = threading.Lock()
        self._events.node_sequence = backend.last_node_sequence(node)
        self._writers = [
            threading.Thread(target=self._write_loop, name=f"db-write-{index}", daemon=True) for index in range(writers)
        ]
        for thread in self._writers:
            thread.start()

    @property
    def kind(self) -> str:
        """Return ``postgresql`` or ``mysql``."""
        return self._backend.kind

    @property
    def numbers_at_commit(self) -> bool:
        """Return False: commits interleave, so a leased sequencer numbers committed rows."""
        return False

    @property
    def backend(self) -> Backend:
        """Return the kind of server, for maintenance on connections of its own."""
        return self._backend

    def _stop(self) -> None:
        for thread in self._writers:
            thread.join()
        with self._connections_lock:
            for connection in self._connections:
                self._backend.close_quietly(connection)

    def _write_loop(self) -> None:
        while True:
            works = self._queue.take(1)
            if not works:
                return
            work = works[0]
            started = time.perf_counter_ns()
            try:
                work.result = self._run_unit(work)
                self.figures.units += 1
                self._works()
            except Exception as error:
                self.figures.failed += 1
                work.error = error
            spent_us = (time.perf_counter_ns() - started) // 1_000
            if spent_us > 10 * UNIT_SLOW_US:
                self.figures.slow += 1
                self.figures.longest_us = max(self.figures.longest_us, spent_us)
            deliver(works)

    def _run_unit(self, work: Work) -> Any:
        for attempt in range(1, TRIES_MAX + 1):
            try:
                return self._try_unit(work)
            except Stale:
                if attempt == TRIES_MAX:
                    raise stale_refusal() from None
            except _Again as again:
                if attempt == TRIES_MAX:
                    raise Overloaded("database.busy", reason=str(again.__cause__)) from again.__cause__
            self.figures.retries += 1
            time.sleep(random.uniform(0.001, 0.004) * 2 ** min(attempt, 6))
        raise AssertionError("unreachable")

    def _try_unit(self, work: Work) -> Any:
        connection = self._connection()
        session = _Session(self, connection)
        unit = Unit(session, work.caller, *self._moments(), self.keys)
        committing = False
        try:
            self._backend.begin(connection)
            result = work.function(unit)
            if unit.events:
                with self._flushing:  # the node's sequence is counted by one thread at a time
                    self._events.flush(unit, session, None)
            committing = True
            self._backend.commit(connection)
        except BaseException as error:
            self._after_failure(connection, error, committing=committing)
            raise
        if unit.events:
            self.figures.events += len(unit.events)
            self._tell_listeners()
        return result

    def _after_failure(self, connection: Any, error: BaseException, *, committing: bool) -> None:
        failure = self._backend.classify(error)
        if failure is Failure.LOST:
            self._forget(connection)
            if committing:
                raise self._ails(Overloaded("database.outcome_unknown")) from error
            raise _Again from error
        self._backend.rollback(connection)
        if failure is Failure.UNSAYABLE:
            raise Malformed("request.malformed") from error
        if failure is Failure.UNSTORED:
            raise self._ails(Overloaded("database.commit_failed", reason=_first_line(error))) from error
        if failure is Failure.AGAIN:
            raise _Again from error

    def _run_read(self, query: Callable[[Reader], Any], caller: Caller) -> Any:
        for attempt in (1, 2):
            connection = self._connection()
            try:
                self._backend.begin_read(connection)
                session = _Session(self, connection)
                result = query(Reader(session, caller, *self._moments(), self.keys))
                self._backend.rollback(connection)
                return result
            except BaseException as error:
                failure = self._backend.classify(error)
                if failure is not Failure.LOST:
                    self._backend.rollback(connection)
                if failure is Failure.UNSAYABLE:
                    raise Malformed("request.malformed") from error
                if failure is not Failure.LOST:
                    raise
                self._forget(connection)
                if attempt == 2:
                    problem = Overloaded("database.unreachable", database=self.kind, reason=_first_line(error))
                    raise self._ails(problem) from error
        raise AssertionError("unreachable")

    def _connection(self) -> Any:
        connection = getattr(self._thread_state, "connection", None)
        if connection is None:
            try:
                connection = self._backend.connect()
            except Overloaded as problem:
                raise self._ails(problem) from problem.__cause__
            self._thread_state.connection = connection
            with self._connections_lock:
                self._connections.append(connection)
        return connection

    def _forget(self, connection: Any) -> None:
        self._thread_state.connection = None
        self._backend.close_quietly(connection)
        with self._connections_lock:
            self._connections.remove(connection)


class _Again(Exception):
    """The unit may simply be run again; the cause says why."""


class _Session:
    __slots__ = ("_connection", "_cursor", "_database", "dialect")

    def __init__(self, database: ServerDatabase, connection: Any) -> None:
        self._database = database
        self._connection = connection
        self._cursor = connection.cursor()
        self.dialect = database._backend.dialect

    def execute(self, sql: str, params: Sequence[Any]) -> Any:
        self._cursor.execute(sql, params)
        return self._cursor

    def execute_many(self, sql: str, rows: Sequence[Sequence[Any]]) -> None:
        self._cursor.executemany(sql, rows)

    def lock(self, names: Sequence[str]) -> None:
        """Take locks that end with the transaction, in one order for everybody."""
        numbers = sorted({_number(name) for name in names})
        self._database._backend.lock(self._cursor, numbers)

    def new_id(self) -> Id:
        return self._database._ids.new_id()


def _first_line(error: BaseException) -> str:
    return (str(error).strip() or type(error).__name__).splitlines()[0]


def _number(name: str) -> int:
    return int.from_bytes(hashlib.blake2b(name.encode(), digest_size=8).digest(), "big", signed=True)
