"""Rotating the sealing keys while everything runs: nobody meets a value it cannot open, and nothing stays behind."""

import asyncio
import subprocess
import sys
from functools import partial
from pathlib import Path

import pytest

from openberth.infra import key_keeping, vault
from openberth.infra.clocks import Clocks, ManualClock, system_clocks
from openberth.infra.database import Database, open_database
from openberth.infra.database.migrating import migrate
from openberth.infra.jobs import Job, JobRunner, NotYet
from openberth.infra.key_keeping import HOLDS_US, RESEAL, KeyKeeper, holders
from openberth.infra.keys import Cipher, open_keys, rotate_keys
from openberth.infra.sealing import RingSealer
from openberth.infra.vault import VaultKind, count_of, keep, keys_in_use, reveal
from openberth.kernel.errors import Refused
from openberth.kernel.ids import Id
from tests.service.infra import tables
from tests.service.infra.facts import BY, running
from tests.waiting import until

ROOT = Path(__file__).parents[3]
JOB = Job(Id(int=1), RESEAL, {}, 1, None)


@pytest.fixture
def path(db: Database, tmp_path: Path) -> Path:
    """The key file that the database's keys follow."""
    path = tmp_path / "keys" / "keys.json"
    db.keys = RingSealer(open_keys(path, key_in_use=None), path=path)
    return path


def filled(db: Database, count: int) -> dict[Id, str]:
    """Keep values of several kinds and return them by id."""
    kinds = [VaultKind.PLATE, VaultKind.PHONE, VaultKind.TOTP_SECRET, VaultKind.SIGNING_KEY]
    return db.write_now(
        lambda unit: {keep(unit, kinds[each % 4], f"value {each}"): f"value {each}" for each in range(count)}, by=BY
    )


def revealed(db: Database, values: dict[Id, str]) -> dict[Id, str | None]:
    return db.read_now(lambda reader: {each: reveal(reader, each) for each in values}, by=BY)


def in_use(db: Database) -> list[str]:
    return db.read_now(keys_in_use, by=BY)


def sealer_of(db: Database) -> RingSealer:
    assert isinstance(db.keys, RingSealer)
    return db.keys


@pytest.mark.parametrize("cipher", list(Cipher))
def test_old_values_are_sealed_anew_by_a_job(db: Database, path: Path, cipher: Cipher) -> None:
    values = filled(db, 120)
    keeper, jobs = KeyKeeper(db), JobRunner(db, owner="test")
    keeper.register(jobs)
    keeper.work()
    asyncio.run(keeper.look())
    assert tables.execute(db, "SELECT count(*) FROM job")[0][0] == 0  # nothing waits
    new = rotate_keys(path, cipher).current

    async def main() -> None:
        await keeper.look()
        await keeper.look()  # asked for once
        assert tables.execute(db, "SELECT count(*) FROM job")[0][0] == 1
        async with running(jobs.run()):
            await until(lambda: in_use(db) == [new])

    asyncio.run(main())
    assert revealed(db, values) == values
    assert db.read_now(partial(count_of, key_id=new), by=BY) == 120
    assert filled(db, 120) == values  # the fingerprints are what they were: no value is doubled


def test_what_cannot_be_opened_is_told_and_keeps_nobody_back(db: Database, path: Path) -> None:
    values = filled(db, 3)
    broken = min(values)
    kept_id = f"'{broken}'" if db.kind == "postgresql" else f"X'{broken.hex}'"
    tables.execute(db, f"UPDATE vault SET kind = 'openid' WHERE id = {kept_id}")
    old, new = sealer_of(db).current, rotate_keys(path).current
    keeper = KeyKeeper(db)

    async def main() -> None:
        await keeper.look()
        with pytest.raises(Refused) as refusal:
            await keeper._reseal(JOB)
        assert refusal.value.params == {"count": 1}

    asyncio.run(main())
    assert db.read_now(partial(count_of, key_id=old), by=BY) == 1
    assert db.read_now(partial(count_of, key_id=new), by=BY) == 2


def test_a_value_that_was_erased_meanwhile_stays_erased(db: Database, path: Path) -> None:
    values = filled(db, 2)
    old = sealer_of(db).current
    rotate_keys(path)
    sealer_of(db).refresh()
    page = db.read_now(partial(vault.sealed_anew, key_id=old, after=Id(int=0)), by=BY)
    gone, stays = sorted(values)
    db.write_now(partial(vault.erase, vault_id=gone), by=BY)
    assert db.write_now(partial(vault.write_anew, rows=page.rows), by=BY) == 1
    assert db.write_now(partial(vault.write_anew, rows=page.rows), by=BY) == 0  # and never twice
    assert revealed(db, values) == {gone: None, stays: values[stays]}


def test_a_run_of_the_job_ends_within_its_lease(db: Database, path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    values = filled(db, 110)
    rotate_keys(path)
    keeper = KeyKeeper(db)
    monkeypatch.setattr(key_keeping, "RESEAL_S", 0.0)
    monkeypatch.setattr(vault, "RESEAL_MAX", 50)

    async def main() -> int:
        await keeper.look()
        for run in range(10):
            try:
                await keeper._reseal(JOB)
            except NotYet:
                continue
            return run
        return -1

    assert asyncio.run(main()) == 3  # three pages, and a look that finds nothing
    assert in_use(db) == [sealer_of(db).current]
    assert revealed(db, values) == values


# -- several processes -------------------------------------------------------------------------------------------------


def another(db: Database, holds: tuple[str, ...], process: str = "far:7") -> None:
    """Let another process say which keys it holds."""
    db.write_now(partial(key_keeping._say, process=process, holds=holds, seals=holds[0]), by=BY)


def test_a_new_key_seals_once_every_process_holds_it(db: Database, path: Path, machine: ManualClock) -> None:
    first, sealer = sealer_of(db).current, sealer_of(db)
    keeper = KeyKeeper(db)
    keeper._alone = False  # also on SQLite, whose file has one process only
    keeper.work()
    filled(db, 1)

    def look() -> str:
        asyncio.run(keeper.look())
        return sealer.current

    another(db, (first,))
    assert look() == first
    second = rotate_keys(path, Cipher.SM4).current
    assert look() == first
    found = db.read_now(holders, by=BY)
    assert {each.process.partition(":")[0]: (set(each.holds), each.seals) for each in found} == {
        "far": ({first}, first), "node": ({first, second}, first),
    }  # fmt: skip
    assert tables.execute(db, "SELECT count(*) FROM job")[0][0] == 0  # what others cannot open is not sealed anew
    another(db, (first, second))
    assert look() == second
    assert {each.process[:4]: each.seals for each in db.read_now(holders, by=BY)}["node"] == second
    assert tables.execute(db, "SELECT count(*) FROM job")[0][0] == 1
    third = rotate_keys(path).current
    assert look() == second
    machine.advance(HOLDS_US + 1)  # the other one was killed: it is not waited for
    assert look() == third
    asyncio.run(keeper.leave())
    assert db.read_now(holders, by=BY) == []


def test_a_process_that_lags_behind_opens_what_the_others_seal(tmp_path: Path, empty_url: str, clocks: Clocks) -> None:
    migrate(empty_url)
    path = tmp_path / "keys" / "keys.json"
    ring = open_keys(path, key_in_use=None)
    early, late = (open_database(empty_url, clocks, RingSealer(ring, path=path), node="test") for _ in range(2))
    try:
        rotate_keys(path, Cipher.SM4)
        asyncio.run(KeyKeeper(early).look())
        values = filled(early, 5)
        assert in_use(early) != [ring.current]
        assert revealed(late, values) == values
    finally:
        early.close()
        late.close()


def test_a_process_that_is_killed_leaves_the_rest_to_the_next(empty_url: str, tmp_path: Path) -> None:
    migrate(empty_url)
    path = tmp_path / "keys" / "keys.json"
    db = open_database(empty_url, system_clocks(), RingSealer(open_keys(path, key_in_use=None), path=path), node="test")
    try:
        values = filled(db, 400)
        old, new = sealer_of(db).current, rotate_keys(path, Cipher.SM4).current

        def left() -> int:
            return db.read_now(partial(count_of, key_id=old), by=BY)

        command = [sys.executable, "-m", "tests.service.infra.reseal_child", empty_url, str(path)]
        with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE) as child:
            assert child.stdout is not None
            try:
                said = child.stdout.readline()
            finally:
                child.kill()
        assert said == b"in the midst\n"
        assert left() == 400 - 2 * vault.RESEAL_MAX  # of the third page nothing stands
        assert revealed(db, values) == values
        keeper = KeyKeeper(db)

        async def main() -> None:
            await keeper.look()
            await keeper._reseal(JOB)

        asyncio.run(main())
        assert left() == 0
        assert in_use(db) == [new]
        assert revealed(db, values) == values
    finally:
        db.close()
