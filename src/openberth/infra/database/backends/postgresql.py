"""PostgreSQL through psycopg 3."""

import contextlib
from collections.abc import Sequence
from typing import Any

import psycopg

from openberth.infra.database.backends import (
    CONNECT_TIMEOUT_S,
    LOCK_TIMEOUT_S,
    STATEMENT_TIMEOUT_S,
    Backend,
    Failure,
)


class PostgresBackend(Backend):
    """PostgreSQL through psycopg 3."""

    kind = "postgresql"
    alone_sql = f"SELECT pg_try_advisory_lock({0x6F70656E_62657274})"  # "openbert"
    alone_ends_sql = f"SELECT pg_advisory_unlock({0x6F70656E_62657274})"

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
            raise self.unreachable(error) from error
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
