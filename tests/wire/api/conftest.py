import io
import logging
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import structlog

from openberth.contexts.payments.model.channels import ChannelKind
from openberth.contexts.payments.ports import ChannelMaker
from openberth.infra.clocks import Clocks, ManualClock
from openberth.infra.database import open_database
from openberth.infra.keys import KeyRing, settle_keys
from openberth.infra.sealing import RingSealer
from openberth.infra.telemetry import setup_logging
from openberth.kernel.time import Instant, from_iso
from tests.service.databases import SqliteFiles
from tests.wire.api.house import House

BUSINESS_START = from_iso("2026-03-02T02:00:00Z")  # ten in the morning in Shanghai
RING = KeyRing.fresh()  # of every house: the signing key in the file of the mall is sealed with it
MACHINE_START = from_iso("2026-11-20T10:00:00Z")


@pytest.fixture(scope="session")
def sqlite_files(tmp_path_factory: pytest.TempPathFactory) -> SqliteFiles:
    return SqliteFiles(tmp_path_factory.mktemp("template"))


@contextmanager
def logging_to(stream: io.StringIO) -> Iterator[None]:
    root = logging.getLogger()
    handlers, level = list(root.handlers), root.level
    setup_logging("info", "json", stream)
    try:
        yield
    finally:
        structlog.reset_defaults()
        root.handlers[:] = handlers
        root.setLevel(level)


def opened(
    url: str, folder: Path, *, makers: Mapping[ChannelKind, ChannelMaker] | None = None,
    machine_start: Instant = MACHINE_START, **changes: Any,
) -> Iterator[House]:  # fmt: skip
    business, machine = ManualClock(Instant(BUSINESS_START)), ManualClock(machine_start)
    settle_keys(folder / "keys.json", RING, keys_in_use=())
    database = open_database(url, Clocks(business, machine), RingSealer(RING, path=folder / "keys.json"), node="test")
    try:
        log = io.StringIO()
        with (
            logging_to(log),
            House(database, business, machine, folder, log, makers=makers or {}, changes=changes) as house,
        ):
            yield house
    finally:
        database.close()


@pytest.fixture
def empty_house(tmp_path: Path, sqlite_files: SqliteFiles) -> Iterator[House]:
    """A server without any lot."""
    yield from opened(sqlite_files.url(tmp_path), tmp_path)


@pytest.fixture(scope="session")
def mall_file(tmp_path_factory: pytest.TempPathFactory, sqlite_files: SqliteFiles) -> Path:
    """A database file in which the mall of the examples was applied over the API."""
    folder = tmp_path_factory.mktemp("mall")
    for house in opened(sqlite_files.url(folder), folder):
        house.open_mall()
    return folder / "openberth.db"


@pytest.fixture
def house(tmp_path: Path, mall_file: Path) -> Iterator[House]:
    """A server with the mall of the examples."""
    shutil.copyfile(mall_file, tmp_path / "openberth.db")
    for house in opened(f"sqlite:///{tmp_path / 'openberth.db'}", tmp_path):
        house.look_around()
        yield house
