"""The one writer of SQLite: group commit, neighbours, errors that end the transaction, bounds, urgency, budget."""

import asyncio
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from queue import SimpleQueue
from typing import Any

import pytest

from openberth.infra.database import Unit, Urgency, queue
from openberth.infra.database import sqlite as sqlite_module
from openberth.infra.database.queue import Work
from openberth.infra.database.sqlite import SqliteDatabase
from openberth.kernel.authority import system
from openberth.kernel.errors import Overloaded, Refused
from openberth.kernel.ids import Id
from tests.service.infra import tables
from tests.waiting import PATIENCE_S

BY = system("test")


class Recorder:
    """Stands before the writer's connection, sees its statements and lets a test step in."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection
        self.statements: list[str] = []
        self.before_commit: Callable[[], None] = lambda: None

    @property
    def in_transaction(self) -> bool:
        return self._connection.in_transaction

    @property
    def total_changes(self) -> int:
        return self._connection.total_changes

    def execute(self, sql: str, params: Any = ()) -> sqlite3.Cursor:
        self.statements.append(sql)
        if sql == "COMMIT":
            self.before_commit()
        return self._connection.execute(sql, params)

    def executemany(self, sql: str, rows: Any) -> sqlite3.Cursor:
        return self._connection.executemany(sql, rows)

    def close(self) -> None:
        self._connection.close()


@pytest.fixture(autouse=True)
def unhurried(monkeypatch: pytest.MonkeyPatch) -> None:
    """No batch is closed by a machine that stood still in its middle; the test of the budget sets its own."""
    monkeypatch.setattr(sqlite_module, "BATCH_BUDGET_NS", 3_600 * 10**9)


@pytest.fixture
def recorder(sqlite: SqliteDatabase) -> Recorder:
    found = Recorder(sqlite._writing)
    sqlite._writing = found  # type: ignore[assignment]
    return found


def send(db: SqliteDatabase, use_case: Callable[[Unit], Any], urgency: Urgency = Urgency.NORMAL) -> "Future[Any]":
    future: Future[Any] = Future()
    db._queue.put(Work(use_case, BY, urgency, future, None))
    return future


@contextmanager
def busy(db: SqliteDatabase) -> Iterator[None]:
    """Keep the writer in a unit, so that what is sent meanwhile waits and goes into the next batch together."""
    begun, go_on = threading.Event(), threading.Event()

    def hold(_: Unit) -> None:
        begun.set()
        assert go_on.wait(PATIENCE_S)

    held = send(db, hold)
    assert begun.wait(PATIENCE_S)
    try:
        yield
    finally:
        go_on.set()
        held.result(PATIENCE_S)


def put(number: int) -> Callable[[Unit], Id]:
    return lambda unit: tables.add(unit, Id(int=number), value=number)


def stored(db: SqliteDatabase) -> set[int]:
    return {number for (number,) in tables.execute(db, "SELECT value FROM test_counter")}


def test_fifty_units_share_one_commit(sqlite: SqliteDatabase, recorder: Recorder) -> None:
    with busy(sqlite):
        sent = [send(sqlite, put(number)) for number in range(1, 51)]
    for future in sent:
        future.result(PATIENCE_S)
    assert recorder.statements.count("COMMIT") == 2  # the one that held the writer, and the fifty
    assert stored(sqlite) == set(range(1, 51))


def test_results_come_after_the_commit(sqlite: SqliteDatabase, recorder: Recorder) -> None:
    at_commit, go_on = threading.Event(), threading.Event()

    def hold_commit() -> None:
        at_commit.set()
        assert go_on.wait(PATIENCE_S)

    recorder.before_commit = hold_commit
    sent = send(sqlite, put(1))
    assert at_commit.wait(PATIENCE_S)
    assert not sent.done()
    assert stored(sqlite) == set()
    go_on.set()
    sent.result(PATIENCE_S)
    assert stored(sqlite) == {1}


def test_a_failing_unit_leaves_its_neighbours_alone(sqlite: SqliteDatabase) -> None:
    def fail(unit: Unit) -> None:
        tables.add(unit, Id(int=2), value=2)
        raise Refused("test.refused")

    with busy(sqlite):
        before, failing, twice, after = (
            send(sqlite, use_case) for use_case in (put(1), fail, lambda unit: put(1)(unit), put(3))
        )
    assert before.result(PATIENCE_S).int == 1
    assert after.result(PATIENCE_S).int == 3
    with pytest.raises(Refused, match=r"test\.refused"):
        failing.result(PATIENCE_S)
    with pytest.raises(sqlite3.IntegrityError):
        twice.result(PATIENCE_S)
    assert stored(sqlite) == {1, 3}
    assert sqlite.figures.failed == 2


def test_an_error_that_ends_the_transaction_fails_its_batch(sqlite: SqliteDatabase) -> None:
    def end_transaction(_: Unit) -> None:
        sqlite._writing.execute("ROLLBACK")
        raise sqlite3.OperationalError("disk I/O error")

    def refuse(_: Unit) -> None:
        raise Refused("test.refused")

    with busy(sqlite):
        refused, before, ending, after = (
            send(sqlite, use_case) for use_case in (refuse, put(1), end_transaction, put(3))
        )
    for failed in (before, ending):
        with pytest.raises(Overloaded) as caught:
            failed.result(PATIENCE_S)
        assert caught.value.code == "database.commit_failed"
    with pytest.raises(Refused):
        refused.result(PATIENCE_S)
    assert after.result(PATIENCE_S).int == 3  # it had not begun: it goes into the next batch
    assert stored(sqlite) == {3}


def test_a_commit_that_fails_fails_everybody_in_it(sqlite: SqliteDatabase, recorder: Recorder) -> None:
    def break_once() -> None:
        recorder.before_commit = lambda: None
        raise sqlite3.OperationalError("database or disk is full")

    with busy(sqlite):
        sent = [send(sqlite, put(number)) for number in (1, 2)]
        recorder.before_commit = lambda: setattr(recorder, "before_commit", break_once)
    for future in sent:
        with pytest.raises(Overloaded, match="disk is full"):
            future.result(PATIENCE_S)
    assert stored(sqlite) == set()
    assert send(sqlite, put(4)).result(PATIENCE_S).int == 4
    assert stored(sqlite) == {4}


def test_a_full_disk_acknowledges_nothing_that_is_not_there(sqlite: SqliteDatabase) -> None:
    sqlite._writing.execute("CREATE TABLE ballast (bytes BLOB)")
    (pages,) = sqlite._writing.execute("PRAGMA page_count").fetchone()
    sqlite._writing.execute(f"PRAGMA max_page_count = {pages + 20}")

    def fill(_: Unit) -> None:
        sqlite._writing.execute("INSERT INTO ballast VALUES (zeroblob(10000000))")

    troubles: SimpleQueue[str | None] = SimpleQueue()
    with busy(sqlite):
        sent = [send(sqlite, use_case) for use_case in (put(1), fill, put(3))]
        sent[1].add_done_callback(lambda _: troubles.put(sqlite.trouble()))  # in memory the next commit is soon
    with pytest.raises(Overloaded, match=r"database\.commit_failed.*full"):  # whichever statement met it
        sent[1].result(PATIENCE_S)
    assert troubles.get(timeout=PATIENCE_S) == "database.commit_failed"
    acknowledged = {future.result().int for future in sent if future.exception(PATIENCE_S) is None}
    assert stored(sqlite) == acknowledged
    assert 3 in acknowledged
    assert tables.execute(sqlite, "SELECT count(*) FROM ballast") == [(0,)]
    assert send(sqlite, put(4)).result(PATIENCE_S).int == 4
    assert sqlite.trouble() is None


@pytest.mark.parametrize("urgency", list(Urgency))
def test_queues_have_bounds(sqlite: SqliteDatabase, urgency: Urgency, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(queue, "WAITING_MAX", dict.fromkeys(Urgency, 3))
    with busy(sqlite):
        sent = [send(sqlite, put(number), urgency) for number in (1, 2, 3)]
        with pytest.raises(Overloaded) as caught:
            send(sqlite, put(4), urgency)
        assert caught.value.code == "queue.full"
        assert caught.value.params["queue"] == urgency.name.lower()
        assert sqlite.waiting()[urgency.name.lower()] == 3
    assert {future.result(PATIENCE_S).int for future in sent} == {1, 2, 3}


def test_the_most_urgent_goes_first(sqlite: SqliteDatabase) -> None:
    order: list[Urgency] = []

    def note(urgency: Urgency) -> Callable[[Unit], None]:
        return lambda _: order.append(urgency)

    urgencies = (Urgency.BACKGROUND, Urgency.NORMAL, Urgency.LANE, Urgency.LANE)
    with busy(sqlite):
        sent = [send(sqlite, note(urgency), urgency) for urgency in urgencies]
    for future in sent:
        future.result(PATIENCE_S)
    assert order == sorted(urgencies)


def test_background_work_never_fills_a_batch(sqlite: SqliteDatabase, recorder: Recorder) -> None:
    with busy(sqlite):
        sent = [send(sqlite, put(number), Urgency.BACKGROUND) for number in range(1, 11)]
    for future in sent:
        future.result(PATIENCE_S)
    assert recorder.statements.count("COMMIT") == 1 + 3  # 4 + 4 + 2


def test_the_time_budget_closes_a_batch_and_keeps_the_order(
    sqlite: SqliteDatabase, recorder: Recorder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sqlite_module, "BATCH_BUDGET_NS", 1_000_000)
    order: list[int] = []

    def slow(number: int) -> Callable[[Unit], None]:
        def run(unit: Unit) -> None:
            put(number)(unit)
            order.append(number)
            time.sleep(0.002)

        return run

    with busy(sqlite):
        sent = [send(sqlite, slow(number)) for number in range(1, 6)]
    for future in sent:
        future.result(PATIENCE_S)
    assert order == [1, 2, 3, 4, 5]
    assert recorder.statements.count("COMMIT") == 1 + 5
    assert stored(sqlite) == {1, 2, 3, 4, 5}


def test_slow_units_are_counted(sqlite: SqliteDatabase) -> None:
    assert sqlite.figures.slow == 0
    send(sqlite, lambda _: time.sleep(0.01)).result(PATIENCE_S)
    assert sqlite.figures.slow == 1
    assert sqlite.figures.longest_us >= 10_000


def test_a_cancelled_caller_does_not_take_its_unit_back(sqlite: SqliteDatabase) -> None:
    async def main() -> None:
        with busy(sqlite):
            task = asyncio.create_task(sqlite.write(put(1), by=BY))
            await asyncio.sleep(0.01)
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
        await sqlite.write(put(2), by=BY)

    asyncio.run(main())
    assert stored(sqlite) == {1, 2}


def test_closing_finishes_what_waits_and_takes_no_more(sqlite: SqliteDatabase) -> None:
    with busy(sqlite):
        sent = [send(sqlite, put(number)) for number in (1, 2)]
        closing = threading.Thread(target=sqlite.close)
        closing.start()
        while not sqlite._queue._closed:
            time.sleep(0.001)
        with pytest.raises(Overloaded, match=r"database\.closed"):
            send(sqlite, put(3))
    closing.join(PATIENCE_S)
    assert [future.result(PATIENCE_S).int for future in sent] == [1, 2]
    with pytest.raises(Overloaded, match=r"database\.closed"):
        sqlite.read_now(tables.values, by=BY)


def test_a_checkpoint_never_loses_a_row(sqlite: SqliteDatabase) -> None:
    with tables.raw(sqlite) as other:
        for number in range(1, 30):
            send(sqlite, put(number)).result(PATIENCE_S)
            other.execute("PRAGMA wal_checkpoint(PASSIVE)")
    assert stored(sqlite) == set(range(1, 30))
