"""Reading the database itself, beside the service that writes it: for commands that prove something."""

import contextlib
from collections.abc import Iterator

from openberth.entrypoints.cli.session import Session
from openberth.infra.clocks import Clocks, SystemClock
from openberth.infra.database import Database, open_database
from openberth.infra.database.migrating import check
from openberth.infra.keys import load_keys
from openberth.infra.sealing import RingSealer


@contextlib.contextmanager
def opened_beside(session: Session, *, node: str) -> Iterator[Database]:
    """Open the database of the settings as it is: an older or newer one is refused, nothing is migrated."""
    settings = session.settings()
    keys = RingSealer(load_keys(settings.keys))
    check(settings.database_url)
    machine = SystemClock()
    database = open_database(settings.database_url, Clocks(machine, machine), keys, node=node)
    try:
        yield database
    finally:
        database.close()
