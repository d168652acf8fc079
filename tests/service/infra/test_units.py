"""Units on every database: what they may see and change, and what happens when they meet one another."""

import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from typing import Any, ClassVar

import pytest
from sqlalchemy import bindparam, select

from openberth.contexts.tenancy import PERMISSIONS
from openberth.infra.database import Database, Query, Reader, Unit
from openberth.infra.database.schema import event
from openberth.infra.database.servers import TRIES_MAX, ServerDatabase
from openberth.infra.database.sqlite import SqliteDatabase
from openberth.kernel.authority import PLACES_MAX, Actor, ActorKind, Caller, Scope, system
from openberth.kernel.errors import Denied, Malformed, Overloaded, Refused
from openberth.kernel.ids import Id
from tests.service.infra import tables
from tests.waiting import PATIENCE_S

BY = system("test")
A, B = Id(int=1), Id(int=2)
NODES_NAMED = Query(select(event.c.id).where(event.c.node == bindparam("wanted")), Id)


@dataclass(frozen=True, slots=True)
class Happened:
    KIND: ClassVar[str] = "test.happened"
    VERSION: ClassVar[int] = 1
    number: int


def write(db: Database, use_case: Callable[..., Any], by: Caller = BY, **params: Any) -> Any:
    return db.write_now(partial(use_case, **params), by=by)


def value_of(db: Database, identifier: Id) -> int:
    found = db.read_now(lambda reader: reader.one(tables.ONE, counter_id=identifier), by=BY)
    assert found is not None
    return found.value


def need_servers(db: Database) -> None:
    if db.numbers_at_commit:
        pytest.skip("one writer never meets itself")


# -- reading -------------------------------------------------------------------------------------------------------


def test_a_reader_cannot_write(counters: Database) -> None:
    def sneak(reader: Reader) -> None:
        prepared = tables.INSERT.prepared(reader._session.dialect, BY.scope)
        row = {"id": A, "company_id": A, "lot_id": A, "value": 1, "version": 1}
        reader._session.execute(prepared.sql, prepared.bind(row))

    with pytest.raises(Exception, match=r"(?i)read.?only"):
        counters.read_now(sneak, by=BY)
    assert counters.read_now(tables.values, by=BY) == {}


def test_a_read_sees_every_write_acknowledged_before_it(counters: Database) -> None:
    write(counters, tables.add, identifier=A)
    for number in range(1, 60):
        write(counters, lambda unit, number=number: unit.run(tables.SET, counter_id=A, new_value=number))
        assert value_of(counters, A) == number


def test_a_read_looks_at_one_state(counters: Database) -> None:
    write(counters, tables.add, identifier=A)

    def twice(reader: Reader) -> tuple[dict[int, int], dict[int, int]]:
        before = tables.values(reader)
        write(counters, lambda unit: unit.run(tables.SET, counter_id=A, new_value=7))
        return before, tables.values(reader)

    before, after = counters.read_now(twice, by=BY)
    assert before == after == {1: 0}
    assert value_of(counters, A) == 7


def test_a_unit_reads_what_it_has_written(counters: Database) -> None:
    def use_case(unit: Unit) -> dict[int, int]:
        tables.add(unit, A, value=3)
        return tables.values(unit)

    assert write(counters, use_case) == {1: 3}


def test_rows_events_and_nothing_else_stay_of_a_unit_that_fails(counters: Database) -> None:
    def fail(unit: Unit) -> None:
        tables.add(unit, A)
        unit.append(Happened(1), company=None, lot=None, key=A)
        raise Refused("test.refused")

    with pytest.raises(Refused):
        write(counters, fail)
    assert counters.read_now(tables.values, by=BY) == {}
    assert tables.execute(counters, "SELECT count(*) FROM event") == [(0,)]


def takes_nothing(db: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    """Make the database one that only reads, as after a failover or on a disk that the system has locked."""
    if isinstance(db, ServerDatabase):
        begin = {"postgresql": "BEGIN READ ONLY", "mysql": "START TRANSACTION READ ONLY"}[db.kind]
        monkeypatch.setattr(db.backend, "begin", lambda connection: connection.cursor().execute(begin))
    else:
        assert isinstance(db, SqliteDatabase)
        db._writing.execute("PRAGMA query_only = 1")


def takes_again(db: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.undo()
    if isinstance(db, SqliteDatabase):
        db._writing.execute("PRAGMA query_only = 0")


def test_a_database_that_takes_nothing_says_so_and_is_no_defect(
    counters: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert counters.trouble() is None
    takes_nothing(counters, monkeypatch)
    for _ in range(2):
        with pytest.raises(Overloaded, match=r"(?i)database\.commit_failed.*read.?only"):
            write(counters, tables.add, identifier=A)
        assert counters.trouble() == "database.commit_failed"
    assert counters.read_now(tables.values, by=BY) == {}
    takes_again(counters, monkeypatch)
    write(counters, tables.add, identifier=A)
    assert counters.trouble() is None


def test_a_trouble_that_nobody_meets_again_is_forgotten(counters: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    takes_nothing(counters, monkeypatch)
    with pytest.raises(Overloaded):
        write(counters, tables.add, identifier=A)
    takes_again(counters, monkeypatch)
    later = time.monotonic() + 10.1
    monkeypatch.setattr("openberth.infra.database.database.time.monotonic", lambda: later)
    assert counters.trouble() is None


def test_a_text_that_a_database_cannot_hold_is_the_callers_mistake(db: Database) -> None:
    """A zero byte, which PostgreSQL refuses and the others keep: nothing breaks, and the connection goes on."""

    def named(reader: Reader, name: str) -> int:
        return len(reader.all(NODES_NAMED, wanted=name))

    for look in (lambda: db.read_now(partial(named, name="\0"), by=BY), lambda: write(db, named, name="\0")):
        if db.kind == "postgresql":
            with pytest.raises(Malformed, match=r"request\.malformed"):
                look()
        else:
            assert look() == 0
    assert db.read_now(partial(named, name="somebody"), by=BY) == 0
    assert db.trouble() is None


# -- races ---------------------------------------------------------------------------------------------------------


def test_twenty_threads_at_one_counter_lose_nothing(counters: Database) -> None:
    write(counters, tables.add, identifier=A)

    def increment(unit: Unit) -> None:
        unit.lock(("counter", A))
        found = unit.one(tables.ONE, counter_id=A)
        assert found is not None
        time.sleep(0.0005)  # long enough for another to read the same value, were there no lock
        unit.run(tables.SET, counter_id=A, new_value=found.value + 1)

    def many(_: int) -> None:
        for _time in range(5):
            counters.write_now(increment, by=BY)

    with ThreadPoolExecutor(20) as threads:
        list(threads.map(many, range(20)))
    assert value_of(counters, A) == 100


def test_a_row_changed_in_between_runs_the_unit_again(counters: Database) -> None:
    need_servers(counters)
    write(counters, tables.add, identifier=A)
    tries = []

    def overtaken(unit: Unit) -> None:
        found = unit.one(tables.ONE, counter_id=A)
        assert found is not None
        tries.append(found.value)
        if len(tries) <= 2:
            write(counters, bump)
        unit.save(tables.SAVE, counter_id=A, old_version=found.version, new_value=found.value + 1)

    def bump(unit: Unit) -> None:
        found = unit.one(tables.ONE, counter_id=A)
        assert found is not None
        unit.save(tables.SAVE, counter_id=A, old_version=found.version, new_value=found.value + 10)

    write(counters, overtaken)
    assert tries == [0, 10, 20]
    assert value_of(counters, A) == 21
    assert counters.figures.retries == 2


def test_a_row_that_always_changes_is_refused(counters: Database) -> None:
    write(counters, tables.add, identifier=A)
    tries = []

    def never(unit: Unit) -> None:
        tries.append(1)
        unit.save(tables.SAVE, counter_id=A, old_version=99, new_value=1)

    with pytest.raises(Refused, match=r"state\.changed"):
        write(counters, never)
    assert len(tries) == (1 if counters.numbers_at_commit else TRIES_MAX)
    assert value_of(counters, A) == 0


def test_opposite_orders_without_locks_end_well(counters: Database) -> None:
    need_servers(counters)
    for identifier in (A, B):
        write(counters, tables.add, identifier=identifier)
    both_hold_one = threading.Barrier(2)
    first_tries = set()

    def add_to(unit: Unit, first: Id, second: Id, amount: int) -> None:
        for identifier in (first, second):
            found = unit.one(tables.ONE, counter_id=identifier)
            assert found is not None
            unit.save(tables.SAVE, counter_id=identifier, old_version=found.version, new_value=found.value + amount)
            if identifier is first and first not in first_tries:
                first_tries.add(first)
                both_hold_one.wait(PATIENCE_S)

    with ThreadPoolExecutor(2) as threads:
        one = threads.submit(write, counters, add_to, first=A, second=B, amount=1)
        other = threads.submit(write, counters, add_to, first=B, second=A, amount=10)
        one.result(PATIENCE_S)
        other.result(PATIENCE_S)
    assert (value_of(counters, A), value_of(counters, B)) == (11, 11)
    assert counters.figures.retries >= 1


def test_locks_taken_together_never_deadlock(counters: Database) -> None:
    identifiers = [Id(int=number) for number in range(1, 7)]
    for identifier in identifiers:
        write(counters, tables.add, identifier=identifier)

    def touch(unit: Unit, order: list[Id]) -> None:
        unit.lock(*(("counter", identifier) for identifier in order))
        for identifier in order:
            found = unit.one(tables.ONE, counter_id=identifier)
            assert found is not None
            unit.run(tables.SET, counter_id=identifier, new_value=found.value + 1)

    orders = [identifiers[number % 6 :] + identifiers[: number % 6] for number in range(24)]
    orders = [order if number % 2 else order[::-1] for number, order in enumerate(orders)]
    with ThreadPoolExecutor(8) as threads:
        list(threads.map(lambda order: write(counters, touch, order=order), orders))
    assert counters.read_now(tables.values, by=BY) == dict.fromkeys(range(1, 7), 24)
    assert counters.figures.retries == 0


def test_a_connection_that_died_is_replaced(counters: Database) -> None:
    need_servers(counters)
    write(counters, tables.add, identifier=A)
    own = "pg_backend_pid()" if counters.kind == "postgresql" else "CONNECTION_ID()"
    killed: list[int] = []

    def die_once(unit: Unit) -> None:
        if not killed:
            killed.append(1)
            unit._session.execute(f"SELECT {own}", ())
            (pid,) = unit._session.execute(f"SELECT {own}", ()).fetchone()
            kill = f"SELECT pg_terminate_backend({pid})" if counters.kind == "postgresql" else f"KILL {pid}"
            tables.execute(counters, kill)
        unit.run(tables.SET, counter_id=A, new_value=5)

    write(counters, die_once)
    assert value_of(counters, A) == 5
    assert counters.figures.retries == 1


def test_a_unit_may_write_many_rows_at_once(counters: Database) -> None:
    rows = [tables.Counter(Id(int=number), A, B, number, 1) for number in range(1, 300)]
    write(counters, lambda unit: unit.run_all(tables.INSERT, rows))
    assert counters.read_now(tables.values, by=BY) == {number: number for number in range(1, 300)}


def test_reads_have_a_bound(counters: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(counters, "_reading", threading.BoundedSemaphore(1))
    inside, go_on = threading.Event(), threading.Event()

    def hold(_: Reader) -> None:
        inside.set()
        assert go_on.wait(PATIENCE_S)

    with ThreadPoolExecutor(1) as threads:
        held = threads.submit(counters.read_now, hold, by=BY)
        assert inside.wait(PATIENCE_S)
        with pytest.raises(Overloaded, match=r"queue\.full\(queue=read\)"):
            counters.read_now(tables.values, by=BY)
        go_on.set()
        held.result(PATIENCE_S)
    counters.read_now(tables.values, by=BY)


# -- scope ---------------------------------------------------------------------------------------------------------

OURS, THEIRS = Id(int=0xC0), Id(int=0xC1)
LOT_1, LOT_2, LOT_3 = Id(int=0x11), Id(int=0x12), Id(int=0x13)
PLACES = {1: (OURS, LOT_1), 2: (OURS, LOT_2), 3: (OURS, LOT_3), 4: (THEIRS, LOT_1)}
BY_VALUE = Query(
    select(tables.counter.c.id).where(tables.counter.c.value == bindparam("value")).order_by(tables.counter.c.id),
    lambda identifier: identifier.int,
)


def person(company: Id | None, *lots: Id) -> Caller:
    return Caller(Actor(ActorKind.PERSON, "somebody"), Scope(company, lots or None), PERMISSIONS)


def of_several(*companies: Id) -> Caller:
    return Caller(Actor(ActorKind.PERSON, "somebody"), Scope(companies=companies), PERMISSIONS)


SCOPES = [
    (person(None), {1, 2, 3, 4}),
    (person(OURS), {1, 2, 3}),
    (person(OURS, LOT_1), {1}),
    (person(OURS, LOT_1, LOT_3), {1, 3}),
    (person(THEIRS), {4}),
    (person(THEIRS, LOT_2), set()),
    (person(Id(int=0xC9)), set()),
    (of_several(OURS, THEIRS), {1, 2, 3, 4}),
    (of_several(Id(int=0xC9), THEIRS, Id(int=0xC8)), {4}),
    (of_several(OURS), {1, 2, 3}),
    (of_several(), set()),
    (of_several(*(Id(int=number) for number in range(0x1000, 0x1000 + PLACES_MAX - 1)), THEIRS), {4}),
]


def fill(db: Database) -> None:
    tables.empty(db)
    for number, (company, lot) in PLACES.items():
        write(db, tables.add, identifier=Id(int=number), company=company, lot=lot)


def test_a_scope_sees_and_changes_its_own_rows_only(counters: Database) -> None:
    def change_all(unit: Unit) -> set[int]:
        return {n for n in PLACES if unit.run(tables.SET, counter_id=Id(int=n), new_value=5) == 1}

    def delete_all(unit: Unit) -> set[int]:
        return {n for n in PLACES if unit.run(tables.DELETE, counter_id=Id(int=n)) == 1}

    for caller, reach in SCOPES:
        fill(counters)
        assert set(counters.read_now(tables.values, by=caller)) == reach
        assert set(counters.read_now(lambda reader: reader.all(BY_VALUE, value=0), by=caller)) == reach
        assert write(counters, change_all, by=caller) == reach
        assert {number for number, value in counters.read_now(tables.values, by=BY).items() if value == 5} == reach
        assert write(counters, delete_all, by=caller) == reach
        assert set(counters.read_now(tables.values, by=BY)) == set(PLACES) - reach


def test_any_number_of_places_compiles_a_handful_of_statements(counters: Database) -> None:
    query = Query(tables.ALL.clause, tables.Counter)
    for count in (*range(40), 63, 64, 65, 100, 200, PLACES_MAX - 1, PLACES_MAX):
        places = tuple(Id(int=number) for number in range(count))
        for scope in (Scope(companies=places), Scope(OURS, places)):
            counters.read_now(lambda reader: reader.all(query), by=Caller(person(None).actor, scope, PERMISSIONS))
    assert len(query._variants) <= 2 * (PLACES_MAX.bit_length() + 1)


def test_inserts_and_events_outside_the_scope_are_denied(counters: Database) -> None:
    def insert(unit: Unit, row: tables.Counter) -> None:
        unit.run(tables.INSERT, row)

    def insert_many(unit: Unit, row: tables.Counter) -> None:
        unit.run(tables.DELETE, counter_id=row.id)
        unit.run_all(tables.INSERT, [row])

    def tell(unit: Unit, row: tables.Counter) -> None:
        unit.append(Happened(1), company=row.company_id, lot=row.lot_id, key=row.id)

    for caller, reach in SCOPES:
        fill(counters)
        for number, (company, lot) in PLACES.items():
            row = tables.Counter(Id(int=100 + number), company, lot, 0, 1)
            for attempt in (insert, insert_many, tell):
                if number in reach:
                    write(counters, attempt, by=caller, row=row)
                else:
                    with pytest.raises(Denied, match=r"auth\.out_of_scope"):
                        write(counters, attempt, by=caller, row=row)
        assert set(counters.read_now(tables.values, by=BY)) == set(PLACES) | {100 + number for number in reach}


def test_scope_parameters_cannot_be_given_by_hand(counters: Database) -> None:
    fill(counters)
    caller = person(OURS, LOT_1)
    forged = {"scope_company_0": THEIRS, "scope_lot_0": LOT_2}
    found = counters.read_now(lambda reader: reader.all(tables.ALL, **forged), by=caller)
    assert [row.id.int for row in found] == [1]
    changed = write(counters, lambda unit: unit.run(tables.SET, counter_id=Id(int=4), new_value=5, **forged), by=caller)
    assert changed == 0
