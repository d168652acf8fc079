"""Which devices there are and which are heard, on a real database."""

import asyncio
import secrets
from collections.abc import Sequence
from dataclasses import replace

import pytest
from sqlalchemy import select

from openberth.contexts import facility
from openberth.contexts.facility import DeviceKind
from openberth.contexts.facility.reactions import DeviceDirectory, DeviceEntry, Presence, Strays
from openberth.contexts.facility.reactions import directory as directory_module
from openberth.contexts.facility.reactions.presence import DEVICES_MAX
from openberth.contexts.facility.service import presence as service
from openberth.infra import alarms
from openberth.infra.catalogue import text
from openberth.infra.clocks import ManualClock
from openberth.infra.database import Database
from openberth.infra.database.schema import vault
from openberth.infra.database.statement import Query
from openberth.infra.http.limits import AddressRange
from openberth.infra.refusals import Refusal
from openberth.infra.vault import VaultKind
from openberth.kernel.errors import Overloaded
from openberth.kernel.events import Envelope
from openberth.kernel.ids import Id
from openberth.kernel.time import SECOND_US
from tests.service.acting import COMPANY, OTHER_COMPANY, SYSTEM, events, following, ids_of, lot_file, mall, read, write
from tests.waiting import PATIENCE_S

DEVICE_SECRETS = Query(select(vault.c.id).where(vault.c.kind == VaultKind.DEVICE_SECRET.value), lambda found: found)


def credentials(db: Database, lot: Id, *codes: str) -> list[str]:
    """Give devices secrets and return them."""
    issued = [secrets.token_hex(32) for _ in codes]
    for code, secret in zip(codes, issued, strict=True):
        write(db, facility.issue_credentials, lot=lot, device_code=code, secret=secret)
    return issued


def loaded(db: Database) -> DeviceDirectory:
    directory = DeviceDirectory(db)
    asyncio.run(directory.reload())
    return directory


# Secrets that are replaced


def changed_over(db: Database, lot: Id, code: str, old_for_s: int) -> str:
    made = secrets.token_hex(32)
    write(db, facility.issue_credentials, lot=lot, device_code=code, secret=made, old_for_s=old_for_s)
    return made


def kept_secrets(db: Database) -> int:
    return len(read(db, lambda reader: reader.all(DEVICE_SECRETS)))


def test_a_replaced_secret_holds_for_as_long_as_it_was_given(db: Database, machine: ManualClock) -> None:
    lot = mall(db)
    camera_old, barrier_old = credentials(db, lot, "cam-in-1", "bar-in-1")
    camera_new, barrier_new = (changed_over(db, lot, code, 3_600) for code in ("cam-in-1", "bar-in-1"))
    directory = loaded(db)
    barrier = directory.barrier_by_serial("mall-bar-in-1")
    assert barrier is not None
    assert directory.camera_by_secret(camera_new) == directory.camera_by_secret(camera_old) is not None
    assert barrier.proves(machine.now()) == (bytes.fromhex(barrier_new), bytes.fromhex(barrier_old))
    assert barrier_old not in repr(barrier)
    assert kept_secrets(db) == 4
    machine.advance(3_600 * SECOND_US)
    assert directory.camera_by_secret(camera_old) is None
    assert directory.camera_by_secret(camera_new) is not None
    assert barrier.proves(machine.now()) == (bytes.fromhex(barrier_new),)
    assert loaded(db).camera_by_secret(camera_old) is None
    write(db, facility.purge_old_secrets)
    assert kept_secrets(db) == 2


def test_one_replaced_secret_at_most_holds_and_none_when_it_was_stolen(db: Database) -> None:
    lot = mall(db)
    (first,) = credentials(db, lot, "cam-in-1")
    second = changed_over(db, lot, "cam-in-1", 3_600)
    third = changed_over(db, lot, "cam-in-1", 3_600)
    directory = loaded(db)
    assert [directory.camera_by_secret(each) is not None for each in (first, second, third)] == [False, True, True]
    stolen = changed_over(db, lot, "cam-in-1", 0)
    directory = loaded(db)
    found = [directory.camera_by_secret(each) is not None for each in (first, second, third, stolen)]
    assert found == [False, False, False, True]
    assert kept_secrets(db) == 1


def test_a_directory_forgets_a_replaced_secret_by_itself(db: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(directory_module, "RETRY_S", 0.0)
    lot = mall(db)
    credentials(db, lot, "bar-in-1")
    changed_over(db, lot, "bar-in-1", 1)

    async def run() -> None:
        directory, told = DeviceDirectory(db), asyncio.Event()
        await directory.reload()
        directory.on_change(told.set)
        clock = db.clocks.machine
        assert isinstance(clock, ManualClock)
        clock.advance(SECOND_US)
        task = asyncio.create_task(directory.run())
        async with asyncio.timeout(PATIENCE_S):
            await told.wait()
        found = directory.barrier_by_serial("mall-bar-in-1")
        assert found is not None
        assert found.old_secret is None
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)

    asyncio.run(run())


# Devices that speak from outside their network


def test_a_device_from_outside_is_an_alarm_until_it_has_been_quiet(db: Database, machine: ManualClock) -> None:
    lot = mall(db)
    (secret,) = credentials(db, lot, "cam-in-1")
    noted: list[Refusal] = []
    strays = Strays(db, noted.append)
    camera = loaded(db).camera_by_secret(secret)
    assert camera is not None

    def come(address: str) -> None:
        strays.came(camera, address=address, method="POST", route="/devices/vzenith/{secret}")

    come("203.0.113.7")
    come("203.0.113.8")
    asyncio.run(strays.flush())
    come("203.0.113.9")
    asyncio.run(strays.flush())
    (alarm,) = read(db, alarms.standing)
    assert (alarm.company, alarm.kind, alarm.subject) == (COMPANY, "device_stray", str(camera.id))
    told = {name: alarm.params[name] for name in ("lot", "device", "address", "times")}
    assert told == {"lot": "mall", "device": "cam-in-1", "address": "203.0.113.9", "times": 3}
    assert "203.0.113.9" in text(alarm.code, "zh", **alarm.params)
    assert "203.0.113.9" in text(alarm.code, "en", **alarm.params)
    assert {(each.actor_kind, each.actor_name, each.status, each.code) for each in noted} == {
        ("device", "mall/cam-in-1", 403, "device.wrong_address")
    }
    assert secret not in repr(noted)
    machine.advance(15 * 60 * SECOND_US)
    asyncio.run(strays.flush())
    assert len(read(db, alarms.standing)) == 1
    machine.advance(1)
    asyncio.run(strays.flush())
    assert read(db, alarms.standing) == []


# The directory


def test_devices_are_found_by_what_they_show(db: Database) -> None:
    lot = mall(db)
    ids = ids_of(db, lot)
    camera_secret, barrier_secret = credentials(db, lot, "cam-in-1", "bar-in-1")
    directory = loaded(db)
    assert len(directory) == len(lot_file("mall").devices)
    camera = directory.camera_by_secret(camera_secret)
    assert camera is not None
    assert camera == directory.by_id(ids["cam-in-1"])
    assert (camera.company, camera.lot, camera.lot_code, camera.lane) == (COMPANY, lot, "mall", ids["in-1"])
    assert (camera.kind, camera.serial, camera.secret) == (DeviceKind.VZENITH_HTTP, "8a3f-mall-in-1", None)
    assert camera.heartbeat is not None
    assert camera.networks.admits("127.0.0.9")
    assert not camera.networks.admits("10.0.0.1")
    barrier = directory.barrier_by_serial("mall-bar-in-1")
    assert barrier is not None
    assert barrier.secret == bytes.fromhex(barrier_secret)
    assert barrier_secret not in repr(barrier)


def test_what_nobody_was_given_finds_nothing(db: Database) -> None:
    lot = mall(db)
    (barrier_secret,) = credentials(db, lot, "bar-in-1")
    directory = loaded(db)
    for secret in ("", "0" * 64, "x" * 100_000, "\x00", barrier_secret):  # a barrier's secret is no camera's
        assert directory.camera_by_secret(secret) is None
    assert directory.barrier_by_serial("mall-bar-out-1") is None  # it has no credentials
    assert directory.barrier_by_serial("8a3f-mall-in-1") is None  # a camera's serial
    assert directory.by_id(Id(int=1)) is None


def test_a_second_lot_does_not_take_a_serial_over(db: Database) -> None:
    ours = mall(db)
    (secret,) = credentials(db, ours, "bar-in-1")
    credentials(db, mall(db, OTHER_COMPANY), "bar-in-1")
    barrier = loaded(db).barrier_by_serial("mall-bar-in-1")
    assert barrier is not None
    assert (barrier.lot, barrier.secret) == (ours, bytes.fromhex(secret))


def test_it_follows_new_credentials_and_files(db: Database) -> None:
    lot = mall(db)
    (first,) = credentials(db, lot, "cam-in-1")

    async def until(directory: DeviceDirectory, secret: str, *, there: bool) -> None:
        async with asyncio.timeout(PATIENCE_S):
            while (directory.camera_by_secret(secret) is not None) is not there:  # noqa: ASYNC110 - it tells nobody
                await asyncio.sleep(0.01)

    async def run() -> None:
        directory = DeviceDirectory(db)
        loop = asyncio.get_running_loop()
        async with following(db, directory.watch):
            await directory.reload()
            assert directory.camera_by_secret(first) is not None
            task = asyncio.create_task(directory.run())
            (second,) = await asyncio.to_thread(credentials, db, lot, "cam-in-1")
            await until(directory, second, there=True)
            assert directory.camera_by_secret(first) is None
            file = lot_file("mall")
            fewer = replace(file, devices=tuple(one for one in file.devices if one.code != "cam-in-1"))
            await loop.run_in_executor(None, lambda: write(db, facility.apply_lot, company=COMPANY, lot=fewer))
            await until(directory, second, there=False)
            await loop.run_in_executor(None, lambda: write(db, facility.apply_lot, company=COMPANY, lot=file))
            await until(directory, second, there=True)  # it is back with the credentials it had
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

    asyncio.run(run())


def test_other_events_do_not_reload(db: Database) -> None:
    lot = mall(db)
    directory = DeviceDirectory(db)
    write(db, facility.change_state, lot=lot, state=facility.LotState.FULL, reason="x")
    seen: Sequence[Envelope] = events(db)
    directory.watch([one for one in seen if one.kind == facility.LotStateChanged.KIND])
    assert not directory._told.is_set()
    directory.watch(seen)
    assert directory._told.is_set()


# Presence


@pytest.fixture
def lot(db: Database) -> Id:
    return mall(db)


@pytest.fixture
def camera(db: Database, lot: Id) -> DeviceEntry:
    found = loaded(db).by_id(ids_of(db, lot)["cam-in-1"])
    assert found is not None
    return found


def view(db: Database, lot: Id, code: str = "cam-in-1") -> facility.DeviceView:
    return next(one for one in read(db, facility.lot_detail, lot=lot).devices if one.code == code)


def flush(presence: Presence) -> tuple[int, int]:
    return asyncio.run(presence.flush())


def told(db: Database) -> list[str]:
    kinds = (facility.DeviceCame.KIND, facility.DeviceLost.KIND)
    return [one.kind.removeprefix("facility.device_") for one in events(db, *kinds)]


def test_a_device_comes_once_and_is_lost_after_a_minute(
    db: Database, lot: Id, camera: DeviceEntry, machine: ManualClock
) -> None:
    presence = Presence(db)
    presence.seen(camera, address="127.0.0.5", clock_offset_us=-7, state={"boom": "closed"})
    assert view(db, lot).last_seen_at is None  # written by the flush
    assert flush(presence) == (1, 0)
    first = machine.now()
    shown = view(db, lot)
    assert (shown.online, shown.last_seen_at, shown.address) == (True, first, "127.0.0.5")
    assert (shown.clock_offset_us, shown.state) == (-7, {"boom": "closed"})
    machine.advance(50 * SECOND_US)
    presence.seen(camera, address="127.0.0.6")
    assert flush(presence) == (0, 0)
    assert (view(db, lot).address, view(db, lot).clock_offset_us) == ("127.0.0.6", -7)
    last = machine.now()
    machine.advance(service.SILENCE_US)
    assert flush(presence) == (0, 0)
    machine.advance(1)
    assert flush(presence) == (0, 1)
    assert (view(db, lot).online, view(db, lot).last_seen_at) == (False, last)
    assert flush(presence) == (0, 0)
    presence.seen(camera, address="127.0.0.6")
    assert flush(presence) == (1, 0)
    assert told(db) == ["came", "lost", "came"]
    lost = events(db, facility.DeviceLost.KIND)[0]
    assert (lost.key, lost.company, lost.lot) == (camera.id, COMPANY, lot)
    assert (lost.body["code"], lost.body["last_seen_at"]) == ("cam-in-1", last)


def test_a_restart_loses_nobody_at_once(db: Database, lot: Id, camera: DeviceEntry, machine: ManualClock) -> None:
    before = Presence(db)
    before.seen(camera, address=None)
    flush(before)
    machine.advance(3600 * SECOND_US)  # the house was down for an hour
    after = Presence(db)
    assert flush(after) == (0, 0)
    machine.advance(30 * SECOND_US)
    after.seen(camera, address=None)
    assert flush(after) == (0, 0)  # it did not come: nobody noticed that it was away
    machine.advance(45 * SECOND_US)
    assert flush(after) == (0, 0)
    machine.advance(30 * SECOND_US)
    assert flush(after) == (0, 1)
    assert view(db, lot).online is False


def test_one_process_does_not_lose_what_another_hears(
    db: Database, lot: Id, camera: DeviceEntry, machine: ManualClock
) -> None:
    one, other = Presence(db), Presence(db)
    one.seen(camera, address="10.0.0.1")
    assert flush(one) == (1, 0)
    machine.advance(59 * SECOND_US)
    other.seen(camera, address="10.0.0.2")  # it dialled in elsewhere
    assert flush(other) == (0, 0)
    machine.advance(59 * SECOND_US)
    assert flush(one) == (0, 0)
    assert view(db, lot).address == "10.0.0.2"


def test_a_device_heard_between_look_and_write_is_not_lost(
    db: Database, lot: Id, camera: DeviceEntry, machine: ManualClock
) -> None:
    presence = Presence(db)
    presence.seen(camera, address=None)
    flush(presence)
    machine.advance(service.SILENCE_US + 1)
    silent = read(db, service.silent_devices)
    assert [one.code for one in silent] == ["cam-in-1"]
    presence.seen(camera, address=None)
    flush(presence)
    assert write(db, service.write_lost, silent=silent) == 0
    assert view(db, lot).online is True


def test_an_old_flush_does_not_turn_time_back(db: Database, lot: Id, camera: DeviceEntry, machine: ManualClock) -> None:
    late, early = Presence(db), Presence(db)
    late.seen(camera, address="10.0.0.1")
    machine.advance(SECOND_US)
    early.seen(camera, address="10.0.0.2")
    assert flush(early) == (1, 0)
    assert flush(late) == (0, 0)
    assert (view(db, lot).address, view(db, lot).last_seen_at) == ("10.0.0.2", machine.now())


def test_a_retired_device_is_not_missed(db: Database, lot: Id, camera: DeviceEntry, machine: ManualClock) -> None:
    presence = Presence(db)
    presence.seen(camera, address=None)
    flush(presence)
    file = lot_file("mall")
    fewer = replace(file, devices=tuple(one for one in file.devices if one.code != "cam-in-1"))
    write(db, facility.apply_lot, company=COMPANY, lot=fewer)
    machine.advance(61 * SECOND_US)
    assert flush(presence) == (0, 0)
    assert told(db) == ["came"]
    assert db.read_now(service.silent_devices, by=SYSTEM) == []


def test_what_was_not_written_is_kept(db: Database, lot: Id, camera: DeviceEntry) -> None:
    presence = Presence(db)
    presence.seen(camera, address=None)
    closed = db.write

    async def full(*_: object, **__: object) -> object:
        raise Overloaded("queue.full", queue="background")

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(db, "write", full)
        with pytest.raises(Overloaded):
            flush(presence)
    assert db.write == closed
    assert flush(presence) == (1, 0)


def test_many_devices_come_in_small_units_and_memory_is_bounded(db: Database, lot: Id, camera: DeviceEntry) -> None:
    crowd = [replace(camera, id=Id(int=number)) for number in range(1, 61)]
    presence = Presence(db)
    units = db.figures.units
    for one in crowd:
        presence.seen(one, address="127.0.0.1")
    assert flush(presence) == (60, 0)
    assert db.figures.units - units == 3
    for number in range(DEVICES_MAX + 5):
        presence.seen(replace(camera, id=Id(int=number)), address=None)
    assert (len(presence._heard), presence.dropped) == (DEVICES_MAX, 5)


def test_an_address_is_cut_to_its_column(db: Database, lot: Id, camera: DeviceEntry) -> None:
    presence = Presence(db)
    presence.seen(replace(camera, networks=AddressRange()), address="f" * 100)
    flush(presence)
    assert view(db, lot).address == "f" * 64
