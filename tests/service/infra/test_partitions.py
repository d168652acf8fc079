"""History by months: inserts never fail, statements by id look into one month, retention drops whole months."""

from collections.abc import Iterator
from typing import Any

import pytest

from openberth.contexts.stays.store.tables import stay
from openberth.infra.clocks import Clocks, ManualClock
from openberth.infra.database import Database, Unit, insert_into, open_database
from openberth.infra.database.migrating import migrate
from openberth.infra.database.partitions import (
    AHEAD_MONTHS,
    DELETED_PER_UNIT,
    Month,
    drop_before,
    ensure_partitions,
    history_tables,
    partitions,
)
from openberth.infra.database.schema import consumer, event
from openberth.infra.database.servers import ServerDatabase
from openberth.infra.database.sqlite import SqliteDatabase
from openberth.infra.sealing import RingSealer
from openberth.kernel.errors import Overloaded
from openberth.kernel.ids import Id, uuid7
from openberth.kernel.time import DAY_US, Instant, from_iso
from openberth.migrations.tables import metadata
from tests.service.infra import tables
from tests.service.infra.facts import BY, envelopes, number_all, numbers, tell_all

NOVEMBER, DECEMBER, FEBRUARY, MARCH = Month(2026, 11), Month(2026, 12), Month(2027, 2), Month(2027, 3)


@pytest.fixture
def server(server_url: str, clocks: Clocks, keys: RingSealer) -> Iterator[ServerDatabase]:
    """Return a database of its own on a server; its machine clock stands in November 2026."""
    migrate(server_url)
    found = open_database(server_url, clocks, keys, node="test")
    assert isinstance(found, ServerDatabase)
    yield found
    found.close()


INSERT = insert_into(stay)
ROW: dict[str, Any] = {
    "company_id": Id(int=1), "lot_id": Id(int=2), "plate_id": None, "plate_kind": "ordinary",
    "entry_passage_id": Id(int=3), "exit_passage_id": None, "entered_at": 0, "left_at": 1, "closed_reason": None,
    "price_minor": 0, "paid_minor": 0, "currency": "CNY", "segments": 1,
}  # fmt: skip


def add_stay(db: Database, at: Instant, serial: int = 0) -> Id:
    """Insert a closed stay whose id was made at an instant."""
    identifier = uuid7(at // 1_000, serial, serial)
    kind = stay.c.closed_reason.type.kind  # type: ignore[attr-defined]
    row = {column.name: ROW.get(column.name) for column in stay.columns} | {"id": identifier}
    row["closed_reason"] = next(iter(kind))
    db.write_now(lambda unit: unit.run(INSERT, **row), by=BY)
    return identifier


def months_of(db: Database) -> dict[str, list[Month]]:
    return {table.name: partitions(db, table) for table in history_tables()}


def rows_in(db: ServerDatabase, month: Month | str, table: str = "stay") -> int:
    name = month if isinstance(month, str) else month.name
    of = f"{table}_{name}" if db.kind == "postgresql" else f"{table} PARTITION ({name})"
    return int(tables.execute(db, f"SELECT count(*) FROM {of}")[0][0])


def count(db: Database, table: str = "stay") -> int:
    return int(tables.execute(db, f"SELECT count(*) FROM {table}")[0][0])


def test_months_follow_one_another() -> None:
    assert Month.of(from_iso("2026-12-31T23:59:59.999999Z")) == DECEMBER
    assert DECEMBER.plus(1) == Month(2027, 1)
    assert NOVEMBER.plus(14) == Month(2028, 1)
    assert DECEMBER.plus(-1) == NOVEMBER
    assert DECEMBER.name == "p202612"
    assert Month.named("p202612") == DECEMBER
    assert DECEMBER.start_ms * 1_000 == from_iso("2026-12-01T00:00:00Z")


def test_history_tables_are_the_ones_meant() -> None:
    assert {table.name for table in history_tables()} >= {"event", "passage", "stay"}


def test_this_month_and_the_next_ones_are_made_once(server: ServerDatabase) -> None:
    made = ensure_partitions(server)
    wanted = [NOVEMBER.plus(number) for number in range(AHEAD_MONTHS + 1)]
    assert months_of(server) == {table.name: wanted for table in history_tables()}
    assert len(made) == len(wanted) * len(history_tables())
    assert "event.p202611" in made
    assert ensure_partitions(server) == []


def test_every_row_finds_its_month_and_no_insert_fails(server: ServerDatabase) -> None:
    early = add_stay(server, Instant(0))  # before there is any month
    ensure_partitions(server)
    moments: dict[Month | str, list[str]] = {
        NOVEMBER: ["2020-01-01T00:00:00Z", "2026-11-01T00:00:00Z", "2026-11-30T23:59:59.999Z"],
        DECEMBER: ["2026-12-01T00:00:00Z", "2026-12-31T23:59:59.999Z"],
        FEBRUARY: ["2027-02-28T23:59:59.999Z"],
        "rest": ["2027-03-01T00:00:00Z", "2099-01-01T00:00:00Z"],
    }
    for month, texts in moments.items():
        for text in texts:
            add_stay(server, from_iso(text))
        assert rows_in(server, month) == len(texts) + (month == NOVEMBER)
    assert count(server) == 9
    assert tables.execute(server, f"SELECT segments FROM stay WHERE id = {literal(server, early)}") == [(1,)]


def literal(db: Database, identifier: Id) -> str:
    return f"'{identifier}'" if db.kind == "postgresql" else f"X'{identifier.hex}'"


def test_rows_that_came_before_their_month_move_into_it(server: ServerDatabase, machine: ManualClock) -> None:
    ensure_partitions(server)
    machine.set(from_iso("2027-05-10T00:00:00Z"))  # nobody looked after it for months
    stays = [add_stay(server, from_iso(f"2027-0{month}-15T00:00:00Z")) for month in (3, 4, 5)]
    tell_all(server, 1, 2)
    assert rows_in(server, "rest") == 3
    made = ensure_partitions(server)
    assert [name for name in made if name.startswith("stay.")] == [f"stay.p20270{month}" for month in range(3, 9)]
    assert rows_in(server, "rest") == 0
    assert [rows_in(server, MARCH.plus(number)) for number in range(3)] == [1, 1, 1]
    assert count(server) == len(stays)
    number_all(server)
    assert numbers(envelopes(server)) == [1, 2]
    assert rows_in(server, MARCH.plus(2), "event") == 2


def test_a_clock_gone_wrong_makes_no_thousands(server: ServerDatabase, machine: ManualClock) -> None:
    machine.set(from_iso("2099-01-01T00:00:00Z"))
    ensure_partitions(server)
    machine.set(from_iso("2199-01-01T00:00:00Z"))
    assert len(ensure_partitions(server)) <= 36 * len(history_tables())


def test_statements_by_id_look_into_one_month(server: ServerDatabase) -> None:
    ensure_partitions(server)
    identifier = add_stay(server, from_iso("2026-12-10T00:00:00Z"))
    update = f"UPDATE stay SET segments = 2 WHERE id = {literal(server, identifier)}"
    explain = "EXPLAIN" if server.kind == "postgresql" else "EXPLAIN PARTITIONS"
    plan = "\n".join(str(row) for row in tables.execute(server, f"{explain} {update}"))
    assert "p202612" in plan
    for other in ("p202611", "p202701", "rest"):
        assert other not in plan
    tables.execute(server, update)
    assert tables.execute(server, "SELECT segments FROM stay") == [(2,)]


def test_the_log_works_over_months(server: ServerDatabase, machine: ManualClock) -> None:
    ensure_partitions(server)
    for number in range(1, 8):  # into the months that are made, and beyond
        tell_all(server, number)
        machine.advance(30 * DAY_US)
    number_all(server)
    assert numbers(envelopes(server)) == list(range(1, 8))
    assert [found.position for found in envelopes(server)] == list(range(1, 8))
    assert server.backend.last_node_sequence("test") == 7


def test_two_at_once_make_each_month_once(server: ServerDatabase) -> None:
    with tables.raw(server) as connection:
        assert server.backend.take_alone(connection)
        with pytest.raises(Overloaded, match=r"database\.migrating"):
            ensure_partitions(server)
    assert ensure_partitions(server) != []


def test_a_busy_table_is_left_for_another_day(server: ServerDatabase, monkeypatch: pytest.MonkeyPatch) -> None:
    ensure_partitions(server)
    server.clocks.machine.advance(31 * DAY_US)  # type: ignore[attr-defined]
    with tables.raw(server) as connection, monkeypatch.context() as patch:
        patch.setattr("openberth.infra.database.partitions.DDL_LOCK_WAIT_S", 1)
        server.backend.begin(connection)
        connection.cursor().execute("SELECT count(*) FROM event")  # a long report, say
        with pytest.raises(Overloaded, match=r"database\.busy"):
            ensure_partitions(server)
        server.backend.rollback(connection)
    assert len(ensure_partitions(server)) == len(history_tables())


def test_retention_drops_whole_months(server: ServerDatabase, machine: ManualClock) -> None:
    ensure_partitions(server)
    for text in ("2026-11-20T00:00:00Z", "2026-12-20T00:00:00Z", "2027-01-20T00:00:00Z"):
        add_stay(server, from_iso(text))
    assert drop_before(server, stay, from_iso("2026-11-30T23:00:00Z")) == 0
    assert drop_before(server, stay, from_iso("2027-01-25T00:00:00Z")) == 2
    assert partitions(server, stay) == [Month(2027, 1), Month(2027, 2)]
    assert count(server) == 1
    assert drop_before(server, stay, from_iso("2027-01-25T00:00:00Z")) == 0
    late = from_iso("2026-11-20T00:00:00Z")
    for serial in range(3):  # of a month that is gone
        add_stay(server, late, serial)
    assert count(server) == 4
    machine.set(from_iso("2027-03-10T00:00:00Z"))
    assert "stay.p202703" in ensure_partitions(server)
    assert drop_before(server, stay, from_iso("2027-02-25T00:00:00Z")) == 1
    assert count(server) == 0


NEW_CONSUMER = insert_into(consumer)


def consumer_at(db: Database, position: int) -> None:
    def place(unit: Unit) -> None:
        unit.run(NEW_CONSUMER, name="slow", position=position, moved_at=0)

    tables.execute(db, "DELETE FROM consumer")
    db.write_now(place, by=BY)


def test_no_event_goes_before_everybody_has_read_it(server: ServerDatabase, machine: ManualClock) -> None:
    ensure_partitions(server)
    tell_all(server, 1, 2)
    machine.set(from_iso("2026-12-15T00:00:00Z"))
    tell_all(server, 3)
    later = from_iso("2027-06-01T00:00:00Z")
    assert drop_before(server, event, later) == 0  # not even numbered
    number_all(server)
    consumer_at(server, 1)
    assert drop_before(server, event, later) == 0  # the second one has not been read
    consumer_at(server, 2)
    assert drop_before(server, event, later) == 1
    consumer_at(server, 3)
    assert drop_before(server, event, later) == 0  # the newest stays, whoever has read it
    assert numbers(envelopes(server)) == [3]
    tell_all(server, 4)
    number_all(server)
    assert [(found.position, found.body["number"]) for found in envelopes(server)] == [(3, 3), (4, 4)]


# -- SQLite ----------------------------------------------------------------------------------------------------------


def test_sqlite_has_no_partitions(sqlite: SqliteDatabase) -> None:
    assert ensure_partitions(sqlite) == []
    assert partitions(sqlite, stay) == []


def test_retention_deletes_rows_on_sqlite_a_few_at_a_time(sqlite: SqliteDatabase) -> None:
    old, new = from_iso("2026-01-01T00:00:00Z"), from_iso("2026-06-01T00:00:00Z")
    for serial in range(DELETED_PER_UNIT + 5):
        add_stay(sqlite, old, serial)
    add_stay(sqlite, new)
    units = sqlite.figures.units
    assert drop_before(sqlite, stay, new) == DELETED_PER_UNIT + 5
    assert sqlite.figures.units - units == 2
    assert count(sqlite) == 1


def test_events_stay_on_sqlite_until_they_are_read(
    sqlite: SqliteDatabase, clocks: Clocks, keys: RingSealer, machine: ManualClock
) -> None:
    tell_all(sqlite, 1, 2, 3, 4)
    later = Instant(machine.now() + DAY_US)
    consumer_at(sqlite, 2)
    assert drop_before(sqlite, event, later) == 2
    assert numbers(envelopes(sqlite)) == [3, 4]
    consumer_at(sqlite, 4)
    assert drop_before(sqlite, event, later) == 1
    assert numbers(envelopes(sqlite)) == [4]  # the newest stays
    tables.execute(sqlite, "DELETE FROM event")  # even so no position comes twice
    sqlite.close()
    again = open_database(f"sqlite:///{sqlite.path}", clocks, keys, node="test")
    tell_all(again, 5)
    assert [found.position for found in envelopes(again)] == [5]
    again.close()


def test_only_history_is_dropped(sqlite: SqliteDatabase) -> None:
    with pytest.raises(ValueError, match="no history"):
        drop_before(sqlite, metadata.tables["vault"], from_iso("2026-01-01T00:00:00Z"))
