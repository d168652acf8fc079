from collections.abc import Iterator
from pathlib import Path

import pytest

from openberth.infra.clocks import Clocks, ManualClock
from openberth.infra.database import open_database
from openberth.infra.keys import KeyRing
from openberth.infra.sealing import RingSealer
from openberth.kernel.time import Instant, from_iso
from tests.service.databases import SqliteFiles
from tests.wire.api.house import House

BUSINESS_START = from_iso("2026-03-02T02:00:00Z")  # ten in the morning in Shanghai
MACHINE_START = from_iso("2026-11-20T10:00:00Z")


@pytest.fixture(scope="session")
def sqlite_files(tmp_path_factory: pytest.TempPathFactory) -> SqliteFiles:
    return SqliteFiles(tmp_path_factory.mktemp("template"))


@pytest.fixture
def empty_house(tmp_path: Path, sqlite_files: SqliteFiles) -> Iterator[House]:
    """A server without any lot."""
    business, machine = ManualClock(Instant(BUSINESS_START)), ManualClock(Instant(MACHINE_START))
    keys = RingSealer(KeyRing.fresh())
    database = open_database(sqlite_files.url(tmp_path), Clocks(business, machine), keys, node="test")
    try:
        with House(database, business, machine, tmp_path) as house:
            yield house
    finally:
        database.close()


@pytest.fixture
def house(empty_house: House) -> House:
    """A server with the mall of the examples."""
    empty_house.open_mall()
    return empty_house
