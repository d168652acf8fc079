"""Devices that call and are nobody's: who sees them, what becomes of them. On every database."""

import asyncio
from typing import Any

import pytest

from openberth.contexts import facility, tenancy
from openberth.contexts.facility import DeviceKind
from openberth.contexts.facility.reactions import Strays
from openberth.contexts.facility.service.devices import DeviceState, devices_page
from openberth.contexts.facility.service.health import Heard
from openberth.contexts.facility.service.presence import write_heard
from openberth.contexts.facility.service.waiting import (
    PER_ADDRESS_MAX,
    QUIET_US,
    WaitingDevice,
    approve,
    purge_waiting,
    refuse,
    waiting_devices,
)
from openberth.contexts.facility.store.waiting import WAITING_MAX
from openberth.infra.clocks import ManualClock
from openberth.infra.database import Database
from openberth.kernel.authority import Caller
from openberth.kernel.errors import NotFound, Refused
from openberth.kernel.ids import BEYOND_ALL, Id
from openberth.kernel.time import DAY_US, Instant
from tests.service.acting import COMPANY, OTHER_COMPANY, SYSTEM, ids_of, mall, of_company, read, write
from tests.service.databases import ONCE

CAMERA, BARRIER = DeviceKind.VZENITH_HTTP, DeviceKind.BARRIER_TCP


def call(db: Database, *calls: tuple[DeviceKind, str, str]) -> None:
    strays = Strays(db, lambda _: None)
    for kind, serial, address in calls:
        strays.unknown(kind, serial, address)
    asyncio.run(strays.flush())


def waiting(db: Database, by: Caller = SYSTEM) -> list[WaitingDevice]:
    return read(db, waiting_devices, by=by)


def test_who_calls_waits_and_is_taken_into_a_lane(db: Database) -> None:
    lot = mall(db, write(db, tenancy.ensure_company, code="demo").id)
    call(db, (BARRIER, "new-bar", "127.0.0.8"), (BARRIER, "new-bar", "127.0.0.8"), (CAMERA, "", "127.0.0.9"))
    call(db, (BARRIER, "new-bar", "127.0.0.8"))
    by_serial = {each.serial: each for each in waiting(db)}
    assert {serial: each.times for serial, each in by_serial.items()} == {"new-bar": 3, "": 1}
    bar = by_serial["new-bar"]
    with pytest.raises(Refused, match=r"device\.second_barrier"):
        write(db, approve, waiting=bar.id, lot=lot, lane="in-1", code="bar-9")
    with pytest.raises(Refused, match=r"device\.code_taken"):
        write(db, approve, waiting=bar.id, lot=lot, lane="in-2", code="cam-in-2")
    made = write(db, approve, waiting=bar.id, lot=lot, lane="in-2", code="bar-in-2")
    assert ids_of(db, lot)["bar-in-2"] == made
    [device] = [each for each in read(db, facility.lot_detail, lot=lot).devices if each.id == made]
    assert (device.networks, device.serial, device.has_credentials) == (("127.0.0.8/32",), "new-bar", False)
    call(db, (BARRIER, "new-bar", "127.0.0.8"))  # it has no credentials yet, and waits for nobody any more
    assert [each.serial for each in waiting(db)] == [""]


def test_a_refused_one_is_shown_no_more_until_it_was_quiet(db: Database, machine: ManualClock) -> None:
    mall(db)
    call(db, (CAMERA, "x", "127.0.0.9"))
    [one] = waiting(db)
    write(db, refuse, waiting=one.id, reason="not ours")
    call(db, (CAMERA, "x", "127.0.0.9"))
    assert waiting(db) == []
    with pytest.raises(NotFound, match=r"device\.not_waiting"):
        write(db, refuse, waiting=one.id, reason="again")
    machine.advance(QUIET_US + DAY_US)
    assert write(db, purge_waiting) == 1
    call(db, (CAMERA, "x", "127.0.0.9"))
    assert len(waiting(db)) == 1


def test_only_who_alone_has_devices_there_sees_it(db: Database) -> None:
    lot = mall(db)
    call(db, (CAMERA, "inside", "127.0.0.9"), (CAMERA, "outside", "192.0.2.9"))
    ours, theirs = of_company(COMPANY, lot), of_company(OTHER_COMPANY)
    assert [each.serial for each in waiting(db, ours)] == ["inside"]
    assert waiting(db, theirs) == []
    other = mall(db, OTHER_COMPANY)  # on the same network
    assert waiting(db, ours) == waiting(db, theirs) == []
    for each in waiting(db):
        with pytest.raises(NotFound, match=r"device\.not_waiting"):
            write(db, approve, by=theirs, waiting=each.id, lot=other, lane="in-2", code="cam-9")
    assert len(waiting(db)) == 2


def test_nobody_hides_devices_of_others_behind_wide_networks(db: Database) -> None:
    write(db, tenancy.ensure_company, code="demo")
    lot = mall(db, networks=("8.8.8.0/24",))
    ours = of_company(COMPANY, lot)
    call(db, (CAMERA, "outside", "8.8.8.9"))
    other = mall(db, OTHER_COMPANY, networks=("8.0.0.0/8",))
    assert [each.serial for each in waiting(db, ours)] == ["outside"]
    assert waiting(db, of_company(OTHER_COMPANY)) == []
    device = ids_of(db, other)["cam-in-1"]
    heard = Heard(device, OTHER_COMPANY, other, Id(int=1), "cam-in-1", Instant(1), "8.8.8.9", None, None)
    write(db, write_heard, heard=[heard])  # theirs stands there, too: it proved itself
    assert waiting(db, ours) == []


@ONCE
def test_nobody_fills_the_list(db: Database) -> None:
    call(db, *((CAMERA, f"s{number}", "192.0.2.1") for number in range(PER_ADDRESS_MAX + 5)))
    assert len(waiting(db)) == PER_ADDRESS_MAX
    for start in range(0, WAITING_MAX, 50):
        call(db, *((CAMERA, "", f"198.51.{start}.{number}") for number in range(50)))
    call(db, (CAMERA, "late", "203.0.113.1"))
    found = waiting(db)
    assert len(found) == WAITING_MAX
    assert "late" in {each.serial for each in found}


def test_devices_of_all_lots_are_one_list(db: Database) -> None:
    lot = mall(db)
    mall(db, OTHER_COMPANY)
    ids = ids_of(db, lot)
    asked: dict[str, Any] = {
        "lot": None,
        "heard": DeviceState.NEVER_SEEN,
        "kind": None,
        "before": BEYOND_ALL,
        "limit": 50,
    }
    rows = read(db, devices_page, by=of_company(COMPANY), **asked)
    assert {row.device.code for row in rows} == {code for code in ids if code.startswith(("cam-", "bar-"))}
    assert read(db, devices_page, **asked | {"heard": DeviceState.OFFLINE, "lot": lot}) == []
