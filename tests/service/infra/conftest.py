"""What storage tests need besides ``db``: addresses of empty databases, SQLite alone, and a table of their own."""

import os
import secrets
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from sqlalchemy import create_engine, make_url, text

from openberth.infra.clocks import Clocks, ManualClock
from openberth.infra.database import Database, open_database
from openberth.infra.database.migrating import migrate
from openberth.infra.database.sqlite import SqliteDatabase
from openberth.infra.keys import open_keys
from openberth.infra.sealing import RingSealer
from openberth.infra.vault import VaultKind, keep
from tests.service.databases import VARIABLES, SqliteFiles
from tests.service.infra import tables
from tests.service.infra.facts import BY, tell_all
from tests.service.infra.sites import Site, write_files

DRIVERS = {"postgresql": "postgresql+psycopg", "mysql": "mysql+pymysql"}
SERVERS = [
    pytest.param("postgresql", marks=pytest.mark.postgres),
    pytest.param("mysql", marks=pytest.mark.mariadb),
]


@pytest.fixture
def counters(db: Database) -> Database:
    """Return the database with an empty ``test_counter``."""
    tables.make(db)
    return db


@pytest.fixture
def clocks(business: ManualClock, machine: ManualClock) -> Clocks:
    """Return both clocks that tests move."""
    return Clocks(business, machine)


@pytest.fixture
def sqlite(tmp_path: Path, sqlite_files: SqliteFiles, clocks: Clocks, keys: RingSealer) -> Iterator[SqliteDatabase]:
    """Return SQLite with an empty ``test_counter``: for tests of its one writer."""
    database = open_database(sqlite_files.url(tmp_path), clocks, keys, node="test")
    assert isinstance(database, SqliteDatabase)
    tables.make(database)
    yield database
    database.close()


@pytest.fixture
def new_database() -> Iterator[Callable[[str], str]]:
    """Return a maker of empty databases on a server, given its kind; they are dropped after the test."""
    made: list[tuple[str, str]] = []

    def make(kind: str) -> str:
        address = os.environ.get(VARIABLES[kind])
        if not address:
            pytest.skip(f"{VARIABLES[kind]} is not set")
        name = f"openberth_test_{secrets.token_hex(6)}"
        _administer(kind, address, f"CREATE DATABASE {name}")
        made.append((kind, name))
        url = make_url(address).set(database=name)
        return url.set(drivername=url.get_backend_name()).render_as_string(hide_password=False)

    yield make
    for kind, name in made:
        force = " WITH (FORCE)" if kind == "postgresql" else ""
        _administer(kind, os.environ[VARIABLES[kind]], f"DROP DATABASE IF EXISTS {name}{force}")


@pytest.fixture(params=["sqlite", *SERVERS])
def empty_url(request: pytest.FixtureRequest, tmp_path: Path, new_database: Callable[[str], str]) -> str:
    """Return the address of a database without a single table."""
    return f"sqlite:///{tmp_path / 'openberth.db'}" if request.param == "sqlite" else new_database(request.param)


@pytest.fixture(params=SERVERS)
def server_url(request: pytest.FixtureRequest, new_database: Callable[[str], str]) -> str:
    """Return the address of a database on a server without a single table."""
    return new_database(request.param)


@pytest.fixture
def site(tmp_path: Path, clocks: Clocks) -> Iterator[Site]:
    data = tmp_path / "data"
    url = f"sqlite:///{data / 'openberth.db'}"
    migrate(url)
    ring = open_keys(tmp_path / "keys.json", key_in_use=None)
    db = open_database(url, clocks, RingSealer(ring), node="test")
    write_files(data)
    tell_all(db, 1, 2, 3)
    db.write_now(lambda unit: keep(unit, VaultKind.PLATE, "粤B12345"), by=BY)
    yield Site(tmp_path, url, ring, db)
    db.close()


@pytest.fixture
def server_site(server_url: str, tmp_path: Path, clocks: Clocks) -> Iterator[Site]:
    migrate(server_url)
    ring = open_keys(tmp_path / "keys.json", key_in_use=None)
    db = open_database(server_url, clocks, RingSealer(ring), node="test")
    write_files(tmp_path / "data")
    tell_all(db, 1, 2, 3)
    db.write_now(lambda unit: keep(unit, VaultKind.PLATE, "粤B12345"), by=BY)
    yield Site(tmp_path, server_url, ring, db)
    db.close()


def _administer(kind: str, address: str, statement: str) -> None:
    engine = create_engine(make_url(address).set(drivername=DRIVERS[kind]), isolation_level="AUTOCOMMIT")
    try:
        with engine.connect() as connection:
            connection.execute(text(statement))
    finally:
        engine.dispose()
