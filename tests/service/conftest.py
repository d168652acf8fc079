"""A real database for every service test: SQLite always, servers when the environment names them."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from openberth.infra.clocks import Clocks, ManualClock
from openberth.infra.database import Database, open_database
from openberth.infra.keys import KeyRing
from openberth.infra.sealing import RingSealer
from openberth.kernel.time import Instant, from_iso
from tests.service.databases import ServerBase, SqliteFiles

START = from_iso("2026-03-02T08:00:00Z")
MACHINE_START = from_iso("2026-11-20T10:00:00Z")  # the two clocks are far apart, so that mixing them up shows


@pytest.fixture(scope="session")
def sqlite_files(tmp_path_factory: pytest.TempPathFactory) -> SqliteFiles:
    return SqliteFiles(tmp_path_factory.mktemp("template"))


@pytest.fixture(scope="session")
def server_base() -> Iterator[Callable[[str], ServerBase]]:
    made: dict[str, ServerBase] = {}

    def of(kind: str) -> ServerBase:
        if kind not in made:
            made[kind] = ServerBase(kind)
        return made[kind]

    yield of
    for base in made.values():
        base.close()


@pytest.fixture
def business() -> ManualClock:
    return ManualClock(START)


@pytest.fixture
def machine() -> ManualClock:
    return ManualClock(Instant(MACHINE_START))


@pytest.fixture
def keys() -> RingSealer:
    return RingSealer(KeyRing.fresh())


@pytest.fixture(
    params=[
        "sqlite",
        pytest.param("postgresql", marks=pytest.mark.postgres),
        pytest.param("mysql", marks=pytest.mark.mariadb),
    ]
)
def db(
    request: pytest.FixtureRequest,
    tmp_path: Path,
    sqlite_files: SqliteFiles,
    server_base: Callable[[str], ServerBase],
    business: ManualClock,
    machine: ManualClock,
    keys: RingSealer,
) -> Iterator[Database]:
    """Return an open database without rows."""
    if request.param == "sqlite":
        url = sqlite_files.url(tmp_path)
    else:
        base = server_base(request.param)
        base.empty()
        url = base.url
    database = open_database(url, Clocks(business, machine), keys, node="test")
    yield database
    database.close()
