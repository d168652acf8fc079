"""Migrations: a new database gets the tables of the house, rows survive every revision, one migrates at a time."""

import contextlib
import shutil
import sqlite3
import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from sqlalchemy import make_url

import openberth.migrations
from openberth.infra.clocks import Clocks
from openberth.infra.database import migrating, open_database
from openberth.infra.database.backends import backend_for
from openberth.infra.database.migrating import Migrated, check, knows, migrate, newest
from openberth.infra.database.schema import LOCK_BUCKETS
from openberth.infra.sealing import RingSealer
from openberth.kernel.errors import Overloaded, Refused
from openberth.migrations.tables import metadata
from tests.service.infra.conftest import DRIVERS
from tests.service.infra.facts import envelopes, number_all, numbers, tell_all

VERSIONS = Path(openberth.migrations.__path__[0])


@contextlib.contextmanager
def connected(url: str) -> Iterator[sa.Connection]:
    parsed = make_url(url)
    engine = sa.create_engine(parsed.set(drivername=DRIVERS.get(parsed.drivername, parsed.drivername)))
    try:
        with engine.begin() as connection:
            yield connection
    finally:
        engine.dispose()


def revisions() -> list[str]:
    with migrating._scripts() as (_, script):
        return [found.revision for found in reversed(list(script.walk_revisions()))]


# -- the schema ----------------------------------------------------------------------------------------------------


def native_shape(connection: sa.Connection) -> dict[str, Any]:
    """Return the whole shape of our tables in the server's own words, without partitions."""
    names = sorted(metadata.tables)
    if connection.dialect.name == "sqlite":
        shapes = "SELECT name, sql FROM sqlite_master WHERE sql IS NOT NULL AND type <> 'trigger'"
        rows = connection.exec_driver_sql(shapes)
        return {name: " ".join(text.split()) for name, text in rows if "alembic" not in name}
    if connection.dialect.name == "mysql":
        made = {name: connection.exec_driver_sql(f"SHOW CREATE TABLE `{name}`").fetchone() for name in names}
        return {name: _sorted_lines(str(row[1]).partition(" PARTITION BY")[0]) for name, row in made.items() if row}
    shape: dict[str, Any] = {}
    for name in names:
        columns = connection.exec_driver_sql(
            "SELECT column_name, data_type, character_maximum_length, collation_name, is_nullable, column_default"
            " FROM information_schema.columns WHERE table_name = %s ORDER BY ordinal_position",
            (name,),
        ).fetchall()
        indexes = connection.exec_driver_sql(
            "SELECT replace(indexdef, ' ON ONLY ', ' ON ') FROM pg_indexes WHERE tablename = %s ORDER BY 1", (name,)
        ).fetchall()
        shape[name] = ([tuple(row) for row in columns], [row[0] for row in indexes])
    return shape


def _sorted_lines(created: str) -> list[str]:
    head, *lines = created.splitlines()
    return [head, *sorted(line.strip().rstrip(",") for line in lines)]


def test_a_new_database_has_the_tables_of_the_house(
    empty_url: str, new_database: Callable[[str], str], tmp_path: Path
) -> None:
    migrate(empty_url)
    kind = make_url(empty_url).get_backend_name()
    wanted_url = f"sqlite:///{tmp_path / 'wanted.db'}" if kind == "sqlite" else new_database(kind)
    with connected(wanted_url) as connection:
        metadata.create_all(connection)
        wanted = native_shape(connection)
    with connected(empty_url) as connection:
        found = native_shape(connection)
        differences = compare_metadata(_comparing(connection), metadata)
    assert len(wanted) >= len(metadata.tables)
    hint = "the tables have changed: add a revision"
    assert found == wanted, hint
    assert differences == [], hint


def _comparing(connection: sa.Connection) -> MigrationContext:
    def ours(_: object, name: str | None, kind: str, __: bool, ___: object) -> bool:
        return kind != "table" or name in metadata.tables  # partitions of PostgreSQL are tables too

    # Types are compared above, in the server's own words.
    options = {"include_object": ours, "compare_type": False, "compare_server_default": True}
    return MigrationContext.configure(connection, opts=options)


def test_the_rows_the_program_relies_on_are_there(empty_url: str) -> None:
    migrate(empty_url)
    with connected(empty_url) as connection:
        assert list(connection.exec_driver_sql("SELECT id, position FROM event_head")) == [(1, 0)]
        buckets = connection.exec_driver_sql("SELECT bucket FROM lock_bucket ORDER BY bucket").scalars()
        assert list(buckets) == list(range(LOCK_BUCKETS))


def test_history_has_no_other_unique_key() -> None:
    for table in metadata.tables.values():
        if table.info["history"]:
            assert [column.name for column in table.primary_key] == ["id"]
            assert not any(index.unique for index in table.indexes), table.name


# -- running -------------------------------------------------------------------------------------------------------


def test_the_first_migration_does_everything_and_the_second_nothing(
    empty_url: str, clocks: Clocks, keys: RingSealer
) -> None:
    with pytest.raises(Refused) as caught:
        check(empty_url)
    assert (caught.value.code, caught.value.params["found"]) == ("database.not_migrated", "-")
    first = migrate(empty_url)
    assert first == Migrated(None, newest())
    assert first.changed
    db = open_database(empty_url, clocks, keys, node="test")
    tell_all(db, 1, 2)
    number_all(db)
    db.close()
    again = migrate(empty_url)
    assert again == Migrated(newest(), newest())
    assert not again.changed
    assert check(empty_url) == newest()
    db = open_database(empty_url, clocks, keys, node="test")
    assert numbers(envelopes(db)) == [1, 2]
    db.close()


def test_a_database_of_a_newer_program_is_left_alone(empty_url: str) -> None:
    migrate(empty_url)
    with connected(empty_url) as connection:
        connection.execute(sa.text("UPDATE alembic_version SET version_num = '9999'"))
    for act in (check, migrate):
        with pytest.raises(Refused) as caught:
            act(empty_url)
        assert caught.value.code == "database.too_new"
        assert caught.value.params == {"found": "9999", "newest": newest()}
    assert knows(newest())
    assert not knows("9999")


def test_checking_makes_no_file(tmp_path: Path) -> None:
    path = tmp_path / "absent" / "openberth.db"
    with pytest.raises(Refused, match=r"database\.not_migrated"):
        check(f"sqlite:///{path}")
    assert not path.parent.exists()


def test_a_file_that_is_no_database_says_so(tmp_path: Path) -> None:
    path = tmp_path / "openberth.db"
    path.write_bytes(b"a photograph, perhaps" * 400)
    for act in (check, migrate):
        with pytest.raises(Overloaded, match=r"database\.unreachable.*not a database"):
            act(f"sqlite:///{path}")


@pytest.mark.parametrize("url", ["oracle://x/y", "nonsense"])
def test_an_unknown_kind_says_so(url: str) -> None:
    with pytest.raises(Overloaded, match=r"database\.unknown_kind"):
        migrate(url)


def test_several_processes_migrate_once(empty_url: str) -> None:
    with ThreadPoolExecutor(4) as threads:
        outcomes = list(threads.map(lambda _: migrate(empty_url), range(4)))
    assert sorted(outcome.changed for outcome in outcomes) == [False, False, False, True]
    assert check(empty_url) == newest()


def test_who_waits_too_long_is_told(empty_url: str) -> None:
    with migrating._connected(empty_url, lock_wait_s=0) as holder, holder.begin():
        begun = time.monotonic()
        with pytest.raises(Overloaded, match=r"database\.migrating"):
            migrate(empty_url, lock_wait_s=0.3)
        assert 0.2 < time.monotonic() - begun < migrating.LOCK_WAIT_S
    assert migrate(empty_url).changed


def test_the_next_one_finds_the_database_free_at_once(server_url: str) -> None:
    migrate(server_url)
    backend = backend_for(make_url(server_url))
    watcher = backend.connect()
    for _ in range(50):
        migrate(server_url)
        assert backend.take_alone(watcher)
        backend.end_alone(watcher)
    backend.close_quietly(watcher)


def test_an_interrupted_migration_leaves_nothing_or_is_gone_on_with(
    empty_url: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    folder = copied_revisions(tmp_path)
    first = next((folder / "versions").glob("0001_*.py"))
    whole = first.read_text("utf-8")
    lines = whole.splitlines()
    half = len(lines) // 2
    middle = next(number for number, line in enumerate(lines) if number > half and line.startswith("    create_index"))
    first.write_text("\n".join([*lines[: middle + 1], "    raise OSError('power')", ""]), "utf-8")
    monkeypatch.setattr(migrating, "_folder", lambda: contextlib.nullcontext(folder))
    with pytest.raises(OSError, match="power"):
        migrate(empty_url)
    with connected(empty_url) as connection:
        left = set(sa.inspect(connection).get_table_names()) & set(metadata.tables)
    assert bool(left) == (make_url(empty_url).get_backend_name() == "mysql")  # it commits every statement by itself
    first.write_text(whole, "utf-8")
    assert migrate(empty_url).changed
    with connected(empty_url) as connection:
        assert set(metadata.tables) <= set(sa.inspect(connection).get_table_names())


# -- from one revision to the next ---------------------------------------------------------------------------------


def sample(column: Any, number: int) -> Any:
    """Return some value that fits a reflected column."""
    kind = column["type"]
    if isinstance(kind, sa.Boolean) or str(kind).startswith("TINYINT"):
        return bool(number % 2)
    if isinstance(kind, sa.Integer | sa.BigInteger):
        return 5_000 + number
    if isinstance(kind, sa.Uuid):
        return f"00000000-0000-7000-8000-{number:012x}"
    if isinstance(kind, sa.LargeBinary | sa.BINARY):
        return number.to_bytes(16, "big")
    length = getattr(kind, "length", None) or 20
    return f"{number}"[:length]


Shape = tuple[tuple[str, str], ...]


def fill(connection: sa.Connection, number: int, known: dict[str, Shape]) -> dict[str, dict[str, Any]]:
    """Insert a row into every table that is not as it is known to be, as a program of that revision could have."""
    rows: dict[str, dict[str, Any]] = {}
    for (_, name), columns in sa.inspect(connection).get_multi_columns().items():
        shape = tuple((column["name"], str(column["type"])) for column in columns)
        if name == "alembic_version" or name.endswith("_rest") or known.get(name) == shape:
            continue
        known[name] = shape
        row = {column["name"]: sample(column, number) for column in columns}
        target = sa.table(name, *(sa.column(column["name"], column["type"]) for column in columns))
        connection.execute(sa.insert(target).values(row))
        rows[name] = {key: _plain(value) for key, value in row.items()}
    return rows


def stored(connection: sa.Connection, name: str) -> list[dict[str, Any]]:
    rows = connection.exec_driver_sql(f"SELECT * FROM {name}").mappings()
    return [{key: _plain(value) for key, value in row.items()} for row in rows]


def _plain(value: Any) -> Any:
    """Return a value as it can be compared, whatever the driver makes of it."""
    if isinstance(value, UUID):
        return str(value)
    return int(value) if isinstance(value, bool) else value


def step_through(url: str, *, steps: int = 0) -> None:
    """Apply every revision by itself (with ``steps`` only that many of the newest), write rows into all tables that it
    made or changed, and see that all rows survive to the end.
    """
    written: list[Mapping[str, Mapping[str, Any]]] = []
    known: dict[str, Shape] = {}
    for number, revision in list(enumerate(revisions(), start=1))[-steps:]:
        assert migrate(url, to=revision).after == revision
        with connected(url) as connection:
            written.append(fill(connection, number, known))
    with connected(url) as connection:
        for rows in written:
            for name, row in rows.items():
                found = stored(connection, name)
                assert any(row.items() <= survivor.items() for survivor in found), f"a row of {name} did not survive"


def copied_revisions(tmp_path: Path) -> Path:
    folder = tmp_path / "migrations"
    shutil.copytree(VERSIONS, folder, ignore=shutil.ignore_patterns("__pycache__"))
    return folder


def test_rows_survive_every_revision(empty_url: str) -> None:
    step_through(empty_url)


NEXT = """
from openberth.migrations.steps import add_column, create_index, create_table, ident, word

revision = "9000"
down_revision = "{before}"


def upgrade():
    create_table("novelty", ident("id", key=True), word("name", 20))
    add_column("passage", word("note", 20, null=True))
    create_index("ix_passage_note", "passage", "note")
    {more}
"""


# What the harness itself can see is the same on every database; the real revisions are walked on all three.
OF_THE_HARNESS = pytest.mark.parametrize("empty_url", ["sqlite"], indirect=True)


@pytest.fixture
def add_revision(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    before = newest()
    folder = copied_revisions(tmp_path)
    monkeypatch.setattr(migrating, "_folder", lambda: contextlib.nullcontext(folder))

    def add(more: str) -> None:
        (folder / "versions" / "9000_next.py").write_text(NEXT.format(before=before, more=more), "utf-8")

    return add


@OF_THE_HARNESS
def test_a_revision_that_adds_keeps_rows_and_can_be_seen(empty_url: str, add_revision: Callable[[str], None]) -> None:
    add_revision("")
    step_through(empty_url, steps=3)
    with connected(empty_url) as connection:
        assert [row["note"] for row in stored(connection, "passage")] == [None, f"{len(revisions())}"]
    assert not migrate(empty_url).changed


@OF_THE_HARNESS
def test_the_harness_sees_a_revision_that_loses_rows(empty_url: str, add_revision: Callable[[str], None]) -> None:
    add_revision('__import__("alembic").op.execute("DELETE FROM stay")')
    with pytest.raises(AssertionError, match="a row of stay did not survive"):
        step_through(empty_url, steps=3)


def test_a_program_before_still_works_on_the_database_after(
    empty_url: str, add_revision: Callable[[str], None], clocks: Clocks, keys: RingSealer
) -> None:
    add_revision("")
    migrate(empty_url)
    db = open_database(empty_url, clocks, keys, node="test")
    tell_all(db, 1)
    number_all(db)
    assert numbers(envelopes(db)) == [1]
    db.close()


def test_a_column_nobody_before_can_fill_is_refused(empty_url: str, add_revision: Callable[[str], None]) -> None:
    add_revision('add_column("stay", word("must", 20))')
    with pytest.raises(AssertionError, match="does not fill"):
        migrate(empty_url)


def test_sqlite_is_durable_and_ready_for_its_writer(tmp_path: Path) -> None:
    migrate(f"sqlite:///{tmp_path / 'openberth.db'}")
    with contextlib.closing(sqlite3.connect(tmp_path / "openberth.db")) as connection:
        assert connection.execute("PRAGMA journal_mode").fetchone() == ("wal",)
        assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
