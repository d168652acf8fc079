"""Bringing a database to the program's revision, and refusing one that does not fit.

The revisions lie in the package ``openberth.migrations``. SQLite and PostgreSQL run all pending revisions in one
transaction; MySQL and MariaDB commit each statement by itself, so revisions can be run again. On servers a lock held by
the connection lets one process migrate while others wait.
"""

import contextlib
import logging
import sqlite3
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from importlib.resources import as_file, files
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy.exc import ArgumentError, DBAPIError
from sqlalchemy.pool import NullPool

from openberth.infra.database.backends import Backend, backend_for, scheme_of
from openberth.kernel.errors import Overloaded, Refused

LOCK_WAIT_S = 60.0
STATEMENT_TIMEOUT_S = 3_600  # an index on a big table takes its time
_LOCK_POLL_S = 0.1

# Alembic tells every step at level info through the standard library; OpenBerth says itself what it did.
logging.getLogger("alembic").setLevel(logging.WARNING)


@dataclass(frozen=True, slots=True)
class Migrated:
    """What a migration did: the revision before (None for an empty database) and after."""

    before: str | None
    after: str

    @property
    def changed(self) -> bool:
        """Tell whether there was anything to do."""
        return self.before != self.after


def newest() -> str:
    """Return the newest revision this program knows."""
    with _scripts() as (_, script):
        head = script.get_current_head()
    assert head is not None, "the package holds no revision"
    return head


def knows(revision: str) -> bool:
    """Tell whether this program knows a revision; a newer one it cannot bring anywhere."""
    with _scripts() as (_, script):
        return revision in {found.revision for found in script.walk_revisions()}


def migrate(url: str, *, to: str = "head", lock_wait_s: float = LOCK_WAIT_S) -> Migrated:
    """Bring a database to the newest revision (or ``to``), creating what is missing; again it does nothing.

    Raises ``Refused("database.too_new")`` when a newer program has migrated it, ``Overloaded``:
    ``database.unreachable``, ``database.unknown_kind``, or ``database.migrating`` when another process holds the lock
    for longer than ``lock_wait_s`` seconds.
    """
    with _scripts() as (config, script), _connected(url, lock_wait_s=lock_wait_s) as connection, connection.begin():
        before = _revision(connection, script)
        config.attributes["connection"] = connection
        command.upgrade(config, to)
        after = _revision(connection, script)
    assert after is not None, "a migration ended without a revision"
    return Migrated(before, after)


def check(url: str) -> str:
    """Return the revision of a database that fits this program; otherwise refuse.

    Raises ``Refused``: ``database.too_new`` or ``database.not_migrated``; ``Overloaded`` as ``migrate``.
    """
    with _scripts() as (_, script), _connected(url, read_only=True) as connection, connection.begin():
        return _checked(connection, script)


def _checked(connection: sa.Connection, script: ScriptDirectory) -> str:
    found = _revision(connection, script)
    wanted = script.get_current_head() or ""
    if found != wanted:
        raise Refused("database.not_migrated", found=found or "-", wanted=wanted)
    return found


def _revision(connection: sa.Connection, script: ScriptDirectory) -> str | None:
    found = MigrationContext.configure(connection).get_current_revision()
    known = {revision.revision for revision in script.walk_revisions()}
    if found is not None and found not in known:
        raise Refused("database.too_new", found=found, newest=script.get_current_head() or "-")
    return found


def _folder() -> AbstractContextManager[Path]:
    # By name, not by import: revisions stand above infra, and this room only runs them.
    return as_file(files("openberth.migrations"))


@contextlib.contextmanager
def _scripts() -> Iterator[tuple[Config, ScriptDirectory]]:
    with _folder() as folder:
        config = Config()
        config.set_main_option("script_location", str(folder).replace("%", "%%"))
        config.set_main_option("path_separator", "os")
        yield config, ScriptDirectory.from_config(config)


@contextlib.contextmanager
def _connected(url: str, *, read_only: bool = False, lock_wait_s: float | None = None) -> Iterator[sa.Connection]:
    """Connect; with ``lock_wait_s`` take the lock of the whole database (SQLite: its transaction is the lock)."""
    try:
        parsed = sa.make_url(url)
    except (ArgumentError, ValueError):
        raise Overloaded("database.unknown_kind", url=scheme_of(url)) from None
    is_file = parsed.get_backend_name() == "sqlite"
    backend = None if is_file else backend_for(parsed)
    engine = (
        _server_engine(backend)
        if backend
        else _sqlite_engine(Path(parsed.database or ""), read_only=read_only, lock_wait_s=lock_wait_s or 0.0)
    )
    try:
        with engine.connect() as connection:
            if backend is None or lock_wait_s is None:
                yield connection
            else:
                with _alone(connection, backend, lock_wait_s):
                    yield connection
    except DBAPIError as error:
        if not is_file and not error.connection_invalidated:
            raise
        if lock_wait_s is not None and getattr(error.orig, "sqlite_errorcode", None) == sqlite3.SQLITE_BUSY:
            raise Overloaded("database.migrating", retry_after_s=30) from error
        reason = str(error.orig).strip().splitlines()[0]
        where = parsed.render_as_string(hide_password=True)
        raise Overloaded("database.unreachable", database=where, reason=reason) from error
    finally:
        engine.dispose()


def _sqlite_engine(path: Path, *, read_only: bool, lock_wait_s: float) -> sa.Engine:
    if not read_only:
        path.parent.mkdir(parents=True, exist_ok=True)

    def connect() -> sqlite3.Connection:
        # The driver's own transactions would leave DDL outside; "BEGIN IMMEDIATE" below takes it in.
        if read_only:
            if not path.exists():  # it must not be made by looking
                raise Refused("database.not_migrated", found="-", wanted=newest())
            opened = sqlite3.connect(f"{path.absolute().as_uri()}?mode=rw", uri=True, isolation_level=None)
            opened.execute("PRAGMA query_only = 1")
            opened.execute("PRAGMA busy_timeout = 5000")
        else:
            opened = sqlite3.connect(path, isolation_level=None, timeout=lock_wait_s)
            opened.execute("PRAGMA journal_mode = WAL")
            opened.execute("PRAGMA synchronous = FULL")
        return opened

    def creator() -> sqlite3.Connection:
        try:
            return connect()
        except sqlite3.Error as error:
            raise Overloaded("database.unreachable", database=str(path), reason=str(error)) from error

    engine = sa.create_engine("sqlite://", creator=creator, poolclass=NullPool)
    sa.event.listen(engine, "begin", lambda made: made.exec_driver_sql("BEGIN" if read_only else "BEGIN IMMEDIATE"))
    return engine


def _server_engine(backend: Backend) -> sa.Engine:
    def creator() -> Any:
        connection = backend.connect(statement_timeout_s=STATEMENT_TIMEOUT_S)
        if backend.kind == "postgresql":
            connection.autocommit = False
        return connection

    return sa.create_engine(backend.url, creator=creator, poolclass=NullPool)


@contextlib.contextmanager
def _alone(connection: sa.Connection, backend: Backend, wait_s: float) -> Iterator[None]:
    """Hold the lock of the whole database."""
    held = connection.connection.dbapi_connection
    given_up_at = time.monotonic() + wait_s
    while not backend.take_alone(held):
        connection.rollback()
        if time.monotonic() > given_up_at:
            raise Overloaded("database.migrating", retry_after_s=30)
        time.sleep(_LOCK_POLL_S)
    connection.rollback()
    try:
        yield
    finally:
        backend.end_alone(held)
