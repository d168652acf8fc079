"""What differs between database servers: connecting, isolation, locks, and what an error means.

A file for each kind; it and its driver are imported where such a server is used, for most machines have none.
"""

import contextlib
from abc import ABC, abstractmethod
from collections.abc import Sequence
from enum import Enum
from typing import Any

from sqlalchemy import URL, create_engine

from openberth.kernel.errors import Overloaded

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
    # Asks for the one lock of the database that its connection then holds; answers true or false.
    alone_sql: str
    # Gives it back. A closed connection would lose it, too, but only when the server comes to notice.
    alone_ends_sql: str

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
        """Take the one lock of the database for changes of its shape."""
        return bool(self._answer(connection, self.alone_sql))

    def end_alone(self, connection: Any) -> None:
        """Give the one lock back, whatever state the connection is in."""
        with contextlib.suppress(Exception):
            self._answer(connection, self.alone_ends_sql)

    def last_node_sequence(self, node: str) -> int:
        """Return the highest sequence this node has written."""
        connection = self.connect()
        try:
            cursor = connection.cursor()
            cursor.execute(_LAST_OF_NODE, (node, node))
            return int(cursor.fetchone()[0])
        finally:
            self.close_quietly(connection)

    def _answer(self, connection: Any, sql: str) -> Any:
        cursor = connection.cursor()
        cursor.execute(sql)
        return cursor.fetchone()[0]

    def unreachable(self, error: Exception) -> Overloaded:
        """Return the problem of a server that cannot be reached, in its driver's words."""
        where = f"{self.url.host}:{self.url.port}/{self.url.database}"
        return Overloaded(
            "database.unreachable", database=where, reason=(str(error).strip() or type(error).__name__).splitlines()[0]
        )


def backend_for(url: URL) -> Backend:
    """Return the backend of a database URL."""
    name = url.get_backend_name()
    if name == "postgresql":
        from openberth.infra.database.backends.postgresql import PostgresBackend

        return PostgresBackend(url.set(drivername="postgresql+psycopg"))
    if name in ("mysql", "mariadb"):
        from openberth.infra.database.backends.mysql import MysqlBackend

        return MysqlBackend(url.set(drivername="mysql+pymysql"))
    raise Overloaded("database.unknown_kind", url=url.render_as_string(hide_password=True))


def scheme_of(url: str) -> str:
    """Return what an address begins with: all of it that may be shown, for the rest may hold a password."""
    scheme, colon, _ = url.partition(":")
    return scheme[:40] if colon and scheme.replace("+", "").isalnum() else "?"
