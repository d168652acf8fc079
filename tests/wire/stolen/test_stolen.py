"""Somebody steals everything but the key file: database, write-ahead log, logs, backups, heads. Nothing can be read."""

import asyncio
import io
import logging
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import structlog
from sqlalchemy import create_engine, make_url, text

from openberth.contexts.tenancy.reactions import HeadKeeper
from openberth.infra.backup import backup
from openberth.infra.clocks import Clocks, ManualClock
from openberth.infra.database import open_database
from openberth.infra.jobs import Job
from openberth.infra.key_keeping import RESEAL
from openberth.infra.keys import Cipher, KeyRing, settle_keys
from openberth.infra.outbox import Consumer, ConsumerRunner, parked_keys
from openberth.infra.sealing import RingSealer
from openberth.infra.telemetry import LogFormat, setup_logging
from openberth.kernel.authority import system
from openberth.kernel.ids import Id
from openberth.kernel.time import Instant
from openberth.migrations.tables import metadata
from tests.service.databases import ServerBase, SqliteFiles
from tests.waiting import PATIENCE_S, eventually
from tests.wire.api.conftest import BUSINESS_START, MACHINE_START
from tests.wire.api.house import TOKEN, House
from tests.wire.stolen.hour import Hour, settled
from tests.wire.stolen.traces import found_in, traces_in


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> SqliteFiles:
    return SqliteFiles(tmp_path_factory.mktemp("template"))


@contextmanager
def logging_everything(form: LogFormat) -> Iterator[io.StringIO]:
    root = logging.getLogger()
    handlers, level, log = list(root.handlers), root.level, io.StringIO()
    setup_logging("debug", form, log)
    try:
        yield log
    finally:
        structlog.reset_defaults()
        root.handlers[:] = handlers
        root.setLevel(level)


@contextmanager
def lived(url: str, folder: Path, form: LogFormat) -> Iterator[Hour]:
    """Live the hour on a database; keys lie beside the data, everything is logged."""
    business, machine = ManualClock(Instant(BUSINESS_START)), ManualClock(Instant(MACHINE_START))
    settle_keys(folder / "keys.json", ring := KeyRing.fresh(Cipher.SM4), keys_in_use=())
    sealer = RingSealer(ring, path=folder / "keys.json")
    database = open_database(url, Clocks(business, machine), sealer, node="test")
    try:
        with logging_everything(form) as log, House(database, business, machine, folder / "data", log) as house:
            house.open_mall()
            house.look_around()
            hour = Hour(house)
            hour.live()
            settled(house)
            yield hour
    finally:
        database.close()


@pytest.fixture(
    params=[
        pytest.param(("sqlite", "json"), id="sqlite"), pytest.param(("sqlite", "console"), id="sqlite-console"),
        pytest.param(("postgresql", "json"), id="postgresql", marks=pytest.mark.postgres),
        pytest.param(("mysql", "json"), id="mysql", marks=pytest.mark.mariadb),
    ]
)  # fmt: skip
def stolen(request: pytest.FixtureRequest, tmp_path: Path, files: SqliteFiles) -> Iterator[tuple[Hour, str, Path]]:
    """An hour that was lived, the address of its database, and the folder in which everything of it lies."""
    kind, form = request.param
    (tmp_path / "data").mkdir()
    base = None if kind == "sqlite" else ServerBase(kind)
    url = files.url(tmp_path / "data") if base is None else base.url
    try:
        with lived(url, tmp_path, form) as hour:
            yield hour, url, tmp_path
    finally:
        if base is not None:
            base.close()


def rows_of(url: str) -> bytes:
    """Return every column of every row of a database as bytes, as whoever reads it by its own tools sees them."""
    parsed = make_url(url)
    drivers = {"postgresql": "postgresql+psycopg", "mysql": "mysql+pymysql"}
    engine = create_engine(parsed.set(drivername=drivers.get(parsed.get_backend_name(), parsed.drivername)))
    cells: list[bytes] = []
    try:
        with engine.connect() as connection:
            for table in metadata.sorted_tables:
                for row in connection.execute(text(f"SELECT * FROM {table.name}")):
                    cells += [each if isinstance(each, bytes) else str(each).encode() for each in row]
    finally:
        engine.dispose()
    return b"\n".join(cells)


def fail_at_something(hour: Hour) -> None:
    """Let a job and a consumer fail until both are written down as failed."""
    house = hour.house

    async def main(consumer: Consumer) -> None:
        runner = asyncio.create_task(ConsumerRunner(house.database, house.tail, consumer).run())
        until = asyncio.get_running_loop().time() + PATIENCE_S
        while not house.database.read_now(parked_keys, by=system("test")):
            assert asyncio.get_running_loop().time() < until
            house.machine.advance(60_000_000)
            await asyncio.sleep(0.05)
        runner.cancel()
        await asyncio.gather(runner, return_exceptions=True)

    for consumer in hour.fail():
        asyncio.run(main(consumer))
    assert eventually(lambda: "ValueError" in house.log.getvalue())


def test_nothing_can_be_read_without_the_keys(stolen: tuple[Hour, str, Path]) -> None:
    hour, url, folder = stolen
    house = hour.house
    fail_at_something(hour)
    (folder / "heads").mkdir()
    asyncio.run(HeadKeeper(house.database, folder / "heads", node="test").look())
    assert house.post("/v1/keys/vault/rotate", {"algorithm": "aes-256-gcm"}).status_code == 201
    asyncio.run(house.key_keeper._reseal(Job(Id(int=1), RESEAL, {}, 1, None)))
    asyncio.run(house.refusals.flush())
    made = backup(database_url=url, data=folder / "data", target=folder / "backup")
    backup(database_url=url, data=folder / "data", target=folder / "backup.tar")
    hour.keep("operator token", TOKEN)
    assert made.manifest.keys
    log = house.log.getvalue()
    assert "http.request" in log
    assert found_in(log.encode(), hour.values) == []
    rows = rows_of(url)
    assert b"r-001" in rows  # the look itself works
    assert found_in(rows, hour.values) == []
    places = [folder / "data", folder / "backup", folder / "backup.tar", folder / "heads"]
    assert len([path for place in places for path in place.rglob("*") if path.is_file()]) > 4
    assert traces_in(places, hour.values) == []
    assert len(hour.values) > 30
