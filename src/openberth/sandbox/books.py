"""Books in one SQLite file, or in memory: documents with the few columns by which they are looked up.

A process that is killed loses nothing that it answered (WAL; only the power failing could). Calls take tens of
microseconds, so they are made on the event loop; one process at a time holds the file.
"""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_META = """
CREATE TABLE IF NOT EXISTS meta (name TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT, WITHOUT ROWID;
"""


class Books:
    """The open books: what every channel's have. ``schema`` makes its own tables where they are missing.

    ``sqlite3.OperationalError`` on opening means that another process holds the file.
    """

    def __init__(self, path: Path | None, schema: str) -> None:
        self._db = sqlite3.connect(path or ":memory:", timeout=0, isolation_level=None, check_same_thread=False)
        self._db.execute("PRAGMA locking_mode=EXCLUSIVE")
        self._db.execute("PRAGMA journal_mode=WAL")
        self._db.execute("PRAGMA synchronous=NORMAL")
        self._db.executescript(_META + schema)

    def close(self) -> None:
        """Close the file."""
        self._db.close()

    @contextmanager
    def unit(self) -> Iterator[None]:
        """Write everything inside, or nothing. May be nested; the outermost decides."""
        if self._db.in_transaction:
            yield
            return
        self._db.execute("BEGIN IMMEDIATE")
        try:
            yield
        except BaseException:
            self._db.execute("ROLLBACK")
            raise
        self._db.execute("COMMIT")

    def meta(self, name: str) -> str | None:
        """Return a setting that survives a restart."""
        row = self._db.execute("SELECT value FROM meta WHERE name = ?", (name,)).fetchone()
        return None if row is None else str(row[0])

    def put_meta(self, name: str, value: str) -> None:
        """Keep such a setting."""
        self._db.execute("INSERT OR REPLACE INTO meta VALUES (?, ?)", (name, value))
