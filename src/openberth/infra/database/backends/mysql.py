"""MySQL and MariaDB through PyMySQL."""

import functools
import ssl
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import pymysql
from pymysql.connections import Connection

from openberth.infra.database.backends import CONNECT_TIMEOUT_S, LOCK_TIMEOUT_S, STATEMENT_TIMEOUT_S, Backend, Failure
from openberth.infra.database.schema import LOCK_BUCKETS

if TYPE_CHECKING:
    from pymysql.cursors import Cursor

    _PyMysqlConnection = Connection[Cursor]
else:
    _PyMysqlConnection = Connection


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
    alone_ends_sql = "SELECT RELEASE_LOCK(CONCAT('openberth.', LEFT(DATABASE(), 50)))"

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
            raise self.unreachable(error) from error
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
