"""Databases for tests: an SQLite file for each test, and on a server one database for the session, emptied in between.

Shapes come from the migrations, as in production. Server databases have random names and are dropped at the end.
"""

import os
import secrets
import shutil
from pathlib import Path

import pytest
from sqlalchemy import URL, Connection, create_engine, make_url, text

from openberth.infra.database.migrating import migrate
from openberth.migrations.tables import metadata

VARIABLES = {"postgresql": "OPENBERTH_TEST_POSTGRES", "mysql": "OPENBERTH_TEST_MARIADB"}
_DRIVERS = {"postgresql": "postgresql+psycopg", "mysql": "mysql+pymysql"}
_KEPT = {"lock_bucket", "event_head"}  # rows that the migrations have put there
_APPEND_ONLY = {"audit_entry", "consent", "ledger_transfer"}


# For rules that no database changes, where other tests of the same file run their statements on all three.
ONCE = pytest.mark.parametrize("db", ["sqlite"], indirect=True)


class SqliteFiles:
    """Migrates one file and copies it for every test."""

    def __init__(self, folder: Path) -> None:
        self._template = folder / "template.db"
        migrate(f"sqlite:///{self._template}")

    def url(self, folder: Path) -> str:
        """Return the URL of a fresh database."""
        path = folder / "openberth.db"
        shutil.copyfile(self._template, path)
        return f"sqlite:///{path}"


class ServerBase:
    """A database of our own on a server; ``close`` drops it."""

    def __init__(self, kind: str) -> None:
        address = os.environ.get(VARIABLES[kind])
        if not address:
            pytest.skip(f"{VARIABLES[kind]} is not set")
        self._admin = make_url(address).set(drivername=_DRIVERS[kind])
        self._name = f"openberth_test_{secrets.token_hex(6)}"
        self._execute(self._admin, f"CREATE DATABASE {self._name}")
        if kind == "postgresql":  # what survives a power cut is the server's affair; the tests do not wait for its disk
            self._execute(self._admin, f"ALTER DATABASE {self._name} SET synchronous_commit TO off")
        self._own = self._admin.set(database=self._name)
        self._engine = create_engine(self._own)
        migrate(self.url)

    @property
    def url(self) -> str:
        """Return the URL as settings would have it."""
        plain = self._own.set(drivername=self._own.get_backend_name())
        return plain.render_as_string(hide_password=False)

    def empty(self) -> None:
        """Delete all rows; small tables are emptied faster than they are truncated, and most have none."""
        tables = [table.name for table in metadata.sorted_tables if table.name not in _KEPT]
        ask = " UNION ALL ".join(f"(SELECT '{name}' FROM {name} LIMIT 1)" for name in tables)
        with self._engine.begin() as connection:
            filled = [name for (name,) in connection.execute(text(ask))]
            for name in filled:
                if name in _APPEND_ONLY:
                    self._cut(connection, name)
                else:
                    connection.execute(text(f"DELETE FROM {name}"))
            connection.execute(text("UPDATE event_head SET position = 0"))

    @staticmethod
    def _cut(connection: Connection, name: str) -> None:
        """Empty a table whose triggers refuse it: only who owns the server can."""
        if connection.dialect.name == "postgresql":
            connection.execute(text("SET LOCAL session_replication_role = replica"))
            connection.execute(text(f"DELETE FROM {name}"))
        else:
            connection.execute(text(f"TRUNCATE TABLE {name}"))

    def close(self) -> None:
        """Drop the database."""
        self._engine.dispose()
        force = " WITH (FORCE)" if self._admin.get_backend_name() == "postgresql" else ""
        self._execute(self._admin, f"DROP DATABASE IF EXISTS {self._name}{force}")

    @staticmethod
    def _execute(url: URL, *statements: str) -> None:
        engine = create_engine(url, isolation_level="AUTOCOMMIT")
        try:
            with engine.connect() as connection:
                for statement in statements:
                    connection.execute(text(statement))
        finally:
            engine.dispose()
