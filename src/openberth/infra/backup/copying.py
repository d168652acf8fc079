"""Copying the database itself: SQLite online through its backup interface, servers through their own tool."""

import contextlib
import os
import shutil
import sqlite3
import subprocess
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import URL

from openberth.infra.database.backends import backend_for
from openberth.kernel.errors import Overloaded, Refused

PAGES_PER_STEP = 256  # one MiB
PAUSE_S = 0.002  # between steps, so that the disk is there for the cars
DUMP_TIMEOUT_S = 6 * 3_600


@dataclass(frozen=True, slots=True)
class Facts:
    """What the manifest says of a copied database; nothing is counted on servers."""

    revision: str
    keys: tuple[str, ...]
    rows: dict[str, int]
    position: int | None


def copy_sqlite(source: Path, target: Path) -> Facts:
    """Copy a database file that is in use, check the copy, and return what is in it.

    A read transaction holds one state for the whole copy: without it every commit of the service would start the copy
    anew. The writer is never blocked; the write-ahead log grows until the copy is done.
    """
    try:
        with (
            contextlib.closing(sqlite3.connect(f"{source.absolute().as_uri()}?mode=rw", uri=True)) as live,
            contextlib.closing(sqlite3.connect(target, isolation_level=None)) as copy,
        ):
            live.isolation_level = None
            live.execute("PRAGMA query_only = 1")
            live.execute("PRAGMA busy_timeout = 5000")
            live.execute("BEGIN")
            live.execute("SELECT count(*) FROM sqlite_master").fetchone()
            # Its own "sleep" is for a locked database only; the pause is made where it reports progress.
            live.backup(copy, pages=PAGES_PER_STEP, progress=lambda *_: time.sleep(PAUSE_S))
            live.execute("ROLLBACK")
            copy.execute("PRAGMA journal_mode = DELETE")  # one file, without companions
            return _checked_facts(copy)
    except sqlite3.Error as error:
        raise Overloaded("database.unreachable", database=str(source), reason=str(error)) from error


def _checked_facts(copy: sqlite3.Connection) -> Facts:
    verdict = [str(line) for (line,) in copy.execute("PRAGMA integrity_check(5)")]
    if verdict != ["ok"]:
        raise Refused("backup.database_damaged", reason="; ".join(verdict)[:400])
    names = [str(name) for (name,) in copy.execute("SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY name")]
    if not {"alembic_version", "event", "vault"} <= set(names):
        raise Refused("database.not_migrated", found="-", wanted="-")
    names = [name for name in names if not name.startswith("sqlite_")]
    rows = {name: int(copy.execute(f'SELECT count(*) FROM "{name}"').fetchone()[0]) for name in names}  # noqa: S608
    (revision,) = copy.execute("SELECT version_num FROM alembic_version").fetchone()
    (position,) = copy.execute("SELECT max(position) FROM event").fetchone()
    keys = tuple(str(key) for (key,) in copy.execute("SELECT DISTINCT key_id FROM vault ORDER BY key_id"))
    return Facts(str(revision), keys, rows, position)


def server_facts(url: URL) -> Facts:
    """Ask a server what the manifest says of its database."""
    backend = backend_for(url)
    connection = backend.connect()
    try:
        cursor = connection.cursor()
        try:
            cursor.execute("SELECT version_num FROM alembic_version")
            found = cursor.fetchone()
        except Exception as error:
            raise Refused("database.not_migrated", found="-", wanted="-") from error
        cursor.execute("SELECT DISTINCT key_id FROM vault ORDER BY key_id")
        keys = tuple(str(key) for (key,) in cursor.fetchall())
        return Facts(str(found[0]), keys, {}, None)
    finally:
        backend.close_quietly(connection)


def dump_tool(url: URL) -> str | None:
    """Return the path of the server's own tool, None when it is not installed here."""
    names = ("pg_dump",) if backend_for(url).kind == "postgresql" else ("mariadb-dump", "mysqldump")
    return next((found for name in names if (found := shutil.which(name))), None)


def dump(url: URL, tool: str, target: Path) -> None:
    """Let the server's own tool write one consistent state into a file; the password is in no argument."""
    with _invocation(url, tool, target) as (command, environment):
        try:
            done = subprocess.run(  # noqa: S603 - the tool was found by its name, the arguments are our settings
                command, env=environment, capture_output=True, text=True, timeout=DUMP_TIMEOUT_S, check=False
            )
        except (OSError, subprocess.TimeoutExpired) as error:
            raise Refused("backup.tool_failed", tool=tool, reason=str(error)[:400]) from error
    if done.returncode != 0:
        lines = done.stderr.strip().splitlines() or [f"exit {done.returncode}"]
        raise Refused("backup.tool_failed", tool=tool, reason=lines[-1][:400])


@contextlib.contextmanager
def _invocation(url: URL, tool: str, target: Path) -> Iterator[tuple[list[str], dict[str, str]]]:
    host, database = url.host or "127.0.0.1", url.database or ""
    environment = dict(os.environ)
    if backend_for(url).kind == "postgresql":
        arguments = [tool, "--format=custom", "--no-owner", f"--file={target}", f"--host={host}"]
        arguments += [f"--port={url.port or 5432}", *([f"--username={url.username}"] if url.username else [])]
        environment |= {"PGPASSWORD": str(url.password)} if url.password else {}
        yield [*arguments, "--no-password", f"--dbname={database}"], environment
        return
    with tempfile.TemporaryDirectory(prefix="openberth-") as folder:
        options = Path(folder) / "client.cnf"
        options.touch(mode=0o600)
        password = str(url.password or "").replace("\\", "\\\\").replace('"', '\\"')
        options.write_text(f'[client]\npassword="{password}"\n', "utf-8")
        arguments = [tool, f"--defaults-extra-file={options}", "--single-transaction", "--quick", "--hex-blob"]
        arguments += ["--default-character-set=utf8mb4", f"--result-file={target}", f"--host={host}"]
        arguments += [f"--port={url.port or 3306}", *([f"--user={url.username}"] if url.username else []), database]
        yield arguments, environment
