"""Opening a database by its URL, with the lock that keeps a second server off the same SQLite file."""

import contextlib
import fcntl
import os
from collections.abc import Iterator
from pathlib import Path

from sqlalchemy import make_url
from sqlalchemy.exc import ArgumentError

from openberth.infra.clocks import Clocks
from openberth.infra.database.backends import backend_for, scheme_of
from openberth.infra.database.database import Database
from openberth.infra.database.servers import ServerDatabase
from openberth.infra.database.sqlite import SqliteDatabase
from openberth.infra.database.unit import Sealer
from openberth.infra.ids import IdSource
from openberth.kernel.errors import Overloaded, Refused


def open_database(url: str, clocks: Clocks, keys: Sealer, *, node: str) -> Database:
    """Open a migrated database: ``sqlite:///PATH``, ``postgresql://…`` or ``mysql://…``.

    An unreachable server is ``Overloaded("database.unreachable")``, a URL nobody understands ``Overloaded``
    with ``database.unknown_kind``.
    """
    try:
        parsed = make_url(url)
    except (ArgumentError, ValueError):
        raise Overloaded("database.unknown_kind", url=scheme_of(url)) from None
    ids = IdSource(clocks.machine)
    if parsed.get_backend_name() == "sqlite":
        return SqliteDatabase(Path(parsed.database or ""), clocks, keys, node=node, ids=ids)
    return ServerDatabase(backend_for(parsed), clocks, keys, node=node, ids=ids)


@contextlib.contextmanager
def sole_owner(path: Path) -> Iterator[None]:
    """Hold a file database for this process alone; a second one is refused with who holds it."""
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)  # no others: rows hold more than sealed values
    lock_path = path.with_suffix(path.suffix + ".lock")
    descriptor = os.open(lock_path, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            holder = os.read(descriptor, 40).decode(errors="replace").strip() or "?"
            raise Refused("database.in_use", database=str(path), pid=holder) from None
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, f"{os.getpid()}\n".encode(), 0)
        yield
    finally:
        os.close(descriptor)
