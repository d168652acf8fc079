"""What differs between database servers: connecting, isolation, locks, and what an error means."""

import contextlib
import functools
import ssl
from abc import ABC, abstractmethod
from collections.abc import Sequence
from enum import Enum
from typing import TYPE_CHECKING, Any

import psycopg
import pymysql
from pymysql.connections import Connection
from sqlalchemy import URL, create_engine

from openberth.infra.database.schema import LOCK_BUCKETS
from openberth.kernel.errors import Overloaded

if TYPE_CHECKING:
    from pymysql.cursors import Cursor

    _PyMysqlConnection = Connection[Cursor]
else:
    _PyMysqlConnection = Connection

CONNECT_TIMEOUT_S = 5
STATEMENT_TIMEOUT_S = 30
LOCK_TIMEOUT_S = 10  # shorter than a statement's, so that a wait for a lock ends as "run again"


# Backwards from the head, for a log of years is not scanned at a start. Positions are given after commits that
# overtake one another, so the highest sequence is among the last ones, not always the last.
_LAST_OF_NODE = """
SELECT coalesce(max(node_sequence), 0) FROM (
    (SELECT node_sequence FROM event WHERE node = %s AND position IS NULL)
    UNION ALL
    (SELECT node_sequence FROM event WHERE node = %s AND position IS NOT NULL ORDER BY position DESC LIMIT 1000)
) AS latest
"""


class Failure(Enum):
    """What a driver's error means for the unit."""

    AGAIN = "again"  # deadlock or serialisation: run the unit again
    LOST = "lost"  # the connection is gone
    UNSTORED = "unstored"  # the server takes nothing now: its disk is full, or it is read-only
    UNSAYABLE = "unsayable"  # a value that the server cannot hold, for instance a text with a zero byte
    OTHER = "other"


class Backend(ABC):
    """One kind of database server."""

    kind: str
    # Asks for the one lock of the database that its connection then holds until it is closed; answers true or false.
    alone_sql: str

    def __init__(self, url: URL) -> None:
        self.url = url
        # "format" style gives positional parameters, so raw cursors need no dictionaries.
        self.dialect = create_engine(url, paramstyle="format").dialect

    @abstractmethod
    def connect(self, *, statement_timeout_s: int = STATEMENT_TIMEOUT_S) -> Any:
        """Open a connection; an unreachable server is ``Overloaded("database.unreachable")``."""

    @abstractmethod
    def begin(self, connection: Any) -> None:
        """Begin a transaction in READ COMMITTED."""

    @abstractmethod
    def begin_read(self, connection: Any) -> None:
        """Begin a read-only transaction on one snapshot."""

    @abstractmethod
    def lock(self, cursor: Any, numbers: Sequence[int]) -> None:
        """Take transaction locks by number, already sorted."""

    @abstractmethod
    def classify(self, error: BaseException) -> Failure:
        """Tell what a driver's error means."""

    def commit(self, connection: Any) -> None:
        """Commit."""
        connection.commit()

    def rollback(self, connection: Any) -> None:
        """Roll back; a lost connection is found out at its next use."""
        with contextlib.suppress(Exception):
            connection.rollback()

    def close_quietly(self, connection: Any) -> None:
        """Close whatever state the connection is in."""
        with contextlib.suppress(Exception):
            connection.close()

    def take_alone(self, connection: Any) -> bool:
        """Take the one lock of the database for changes of its shape; it ends with the connection."""
        cursor = connection.cursor()
        cursor.execute(self.alone_sql)
        return bool(cursor.fetchone()[0])

    def last_node_sequence(self, node: str) -> int:
        """Return the highest sequence this node has written."""
        connection = self.connect()
        try:
            cursor = connection.cursor()
            cursor.execute(_LAST_OF_NODE, (node, node))
            return int(cursor.fetchone()[0])
        finally:
            self.close_quietly(connection)

    def _unreachable(self, error: Exception) -> Overloaded:
        where = f"{self.url.host}:{self.url.port}/{self.url.database}"
        return Overloaded(
            "database.unreachable", database=where, reason=(str(error).strip() or type(error).__name__).splitlines()[0]
        )


class PostgresBackend(Backend):
    """PostgreSQL through psycopg 3."""

    kind = "postgresql"
    alone_sql = f"SELECT pg_try_advisory_lock({0x6F70656E_62657274})"  # "openbert"

    def connect(self, *, statement_timeout_s: int = STATEMENT_TIMEOUT_S) -> Any:
        """Open a connection outside any transaction."""
        url = self.url
        try:
            connection = psycopg.connect(
                host=url.host, port=url.port, user=url.username, password=url.password, dbname=url.database,
                connect_timeout=CONNECT_TIMEOUT_S, autocommit=True,
                options=f"-c statement_timeout={statement_timeout_s * 1000} -c lock_timeout={LOCK_TIMEOUT_S * 1000}"
                " -c timezone=UTC",
            )  # fmt: skip
        except psycopg.Error as error:
            raise self._unreachable(error) from error
        connection.prepare_threshold = 3
        return connection

    def begin(self, connection: Any) -> None:
        """Begin in READ COMMITTED."""
        connection.execute("BEGIN ISOLATION LEVEL READ COMMITTED")

    def begin_read(self, connection: Any) -> None:
        """Begin on one snapshot, read only."""
        connection.execute("BEGIN ISOLATION LEVEL REPEATABLE READ, READ ONLY")

    def commit(self, connection: Any) -> None:
        """Commit."""
        connection.execute("COMMIT")

    def rollback(self, connection: Any) -> None:
        """Roll back."""
        with contextlib.suppress(Exception):
            connection.execute("ROLLBACK")

    def lock(self, cursor: Any, numbers: Sequence[int]) -> None:
        """Take advisory locks of the transaction."""
        for number in numbers:
            cursor.execute("SELECT pg_advisory_xact_lock(%s)", (number,))

    def classify(self, error: BaseException) -> Failure:
        """Tell by SQLSTATE: class 40 and 55P03 run again, class 08 and 57P are lost connections.

        Class 53 is a full disk or memory, 58 the server's own files, 25006 a server that only reads. A text with a zero
        byte is refused by the driver, without a state, or by the server as 22021.
        """
        if not isinstance(error, psycopg.Error):
            return Failure.OTHER
        state = error.sqlstate or ""
        if state.startswith("40") or state == "55P03":
            return Failure.AGAIN
        if state.startswith(("53", "58")) or state == "25006":
            return Failure.UNSTORED
        if isinstance(error, psycopg.DataError) and state in ("", "22021"):
            return Failure.UNSAYABLE
        lost = isinstance(error, psycopg.OperationalError) and (not state or state.startswith(("08", "57P")))
        return Failure.LOST if lost else Failure.OTHER


@functools.cache
def _unverified_tls() -> ssl.SSLContext:
    """Return the one context for servers that no certificate authority was named for."""
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


class _MysqlConnection(_PyMysqlConnection):
    """Encrypts where the server can, with one TLS context for all connections.

    PyMySQL makes a context for every connection and loads all authorities of the machine into it, to verify nobody by
    them: 26 to 45 ms of CPU during which no other thread of the process runs.
    """

    def _create_ssl_ctx(self, sslp: Any) -> ssl.SSLContext:
        return super()._create_ssl_ctx(sslp) if sslp else _unverified_tls()  # type: ignore[misc]


class MysqlBackend(Backend):
    """MySQL and MariaDB through PyMySQL."""

    kind = "mysql"
    # Named locks are the server's, so the name holds the database.
    alone_sql = "SELECT GET_LOCK(CONCAT('openberth.', LEFT(DATABASE(), 50)), 0)"

    def connect(self, *, statement_timeout_s: int = STATEMENT_TIMEOUT_S) -> Any:
        """Open a connection in READ COMMITTED with strict types."""
        url = self.url
        try:
            connection = _MysqlConnection(
                host=url.host or "127.0.0.1", port=url.port or 3306, user=url.username, password=url.password or "",
                database=url.database, charset="utf8mb4", connect_timeout=CONNECT_TIMEOUT_S, autocommit=False,
                read_timeout=statement_timeout_s, write_timeout=statement_timeout_s,
                init_command="SET SESSION sql_mode = 'STRICT_ALL_TABLES,NO_ZERO_DATE', time_zone = '+00:00',"
                f" innodb_lock_wait_timeout = {LOCK_TIMEOUT_S}",
            )  # fmt: skip
            connection.query("SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED")
        except pymysql.Error as error:
            raise self._unreachable(error) from error
        return connection

    def begin(self, connection: Any) -> None:
        """Begin in the session's READ COMMITTED."""
        connection.begin()

    def begin_read(self, connection: Any) -> None:
        """Begin on one snapshot, read only."""
        connection.query("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
        connection.query("START TRANSACTION WITH CONSISTENT SNAPSHOT, READ ONLY")

    def lock(self, cursor: Any, numbers: Sequence[int]) -> None:
        """Lock the rows of the fixed buckets, in order: MySQL has no advisory locks that end with the transaction."""
        for bucket in sorted({number % LOCK_BUCKETS for number in numbers}):
            cursor.execute("SELECT bucket FROM lock_bucket WHERE bucket = %s FOR UPDATE", (bucket,))
            cursor.fetchall()

    def classify(self, error: BaseException) -> Failure:
        """Tell by error number: 1205 and 1213 run again, 2006, 2013 and 1927 are lost connections.

        1021, 1114 and 3 are a full disk, 1290, 1792 and 1836 a server that only reads.
        """
        if not isinstance(error, pymysql.err.MySQLError):
            return Failure.OTHER
        number = error.args[0] if error.args else 0
        if number in (1205, 1213, 1020):
            return Failure.AGAIN
        if number in (3, 1021, 1114, 1290, 1792, 1836):
            return Failure.UNSTORED
        if number in (2003, 2006, 2013, 2014, 2055, 1927, 0) or isinstance(error, pymysql.err.InterfaceError):
            return Failure.LOST
        return Failure.OTHER


def backend_for(url: URL) -> Backend:
    """Return the backend of a database URL."""
    name = url.get_backend_name()
    if name == "postgresql":
        return PostgresBackend(url.set(drivername="postgresql+psycopg"))
    if name in ("mysql", "mariadb"):
        return MysqlBackend(url.set(drivername="mysql+pymysql"))
    raise Overloaded("database.unknown_kind", url=url.render_as_string(hide_password=True))


def scheme_of(url: str) -> str:
    """Return what an address begins with: all of it that may be shown, for the rest may hold a password."""
    scheme, colon, _ = url.partition(":")
    return scheme[:40] if colon and scheme.replace("+", "").isalnum() else "?"
