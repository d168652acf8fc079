"""The logins by which we call devices, on a real database."""

import asyncio
from dataclasses import replace

import pytest
from sqlalchemy import select

from openberth.contexts import facility
from openberth.contexts.facility import DeviceKind
from openberth.contexts.facility.model import Device
from openberth.contexts.facility.reactions import DeviceDirectory, DeviceEntry
from openberth.contexts.facility.service.logins import forget_login, set_login
from openberth.infra import alarms
from openberth.infra.database import Database
from openberth.infra.database.schema import vault
from openberth.infra.database.statement import Query
from openberth.infra.vault import VaultKind
from openberth.kernel.errors import Malformed, NotFound, Refused
from openberth.kernel.ids import Id
from tests.service.acting import COMPANY, events, ids_of, lot_file, read, write

LOGINS = Query(select(vault.c.id).where(vault.c.kind == VaultKind.DEVICE_LOGIN.value), lambda found: found)
CAMERAS = ("cam-in-2", "cam-out-2")


def lot_with_called(db: Database, company: Id = COMPANY) -> Id:
    lot = lot_file("mall")
    devices = tuple(
        Device(
            each.code, DeviceKind.HIKVISION, each.lane, each.networks, None, None, f"http://127.0.0.{number}", "parking"
        )
        if each.code in CAMERAS
        else each
        for number, each in enumerate(lot.devices)
    )
    return write(db, facility.apply_lot, company=company, lot=replace(lot, devices=devices)).lot


def called(db: Database) -> dict[str, DeviceEntry]:
    directory = DeviceDirectory(db)
    asyncio.run(directory.reload())
    return {entry.code: entry for entry in directory.called()}


def kept(db: Database) -> int:
    return len(read(db, lambda reader: reader.all(LOGINS)))


def test_a_device_is_called_once_its_login_is_known(db: Database) -> None:
    lot = lot_with_called(db)
    assert called(db) == {}
    for code in CAMERAS:  # the same one: yet erasing one leaves the other
        write(db, set_login, lot=lot, device_code=code, user="admin", password="pass:word")
    found = called(db)
    assert set(found) == set(CAMERAS)
    call = found["cam-in-2"].call
    assert call is not None
    assert (call.endpoint[:15], call.gate, call.user, call.password) == (
        "http://127.0.0.",
        "parking",
        "admin",
        "pass:word",
    )
    assert "pass:word" not in repr(found)
    assert found["cam-in-2"].zone == "Asia/Shanghai"
    assert write(db, forget_login, lot=lot, device_code="cam-in-2")
    assert not write(db, forget_login, lot=lot, device_code="cam-in-2")
    assert set(called(db)) == {"cam-out-2"}
    assert kept(db) == 1


def test_a_changed_login_erases_the_one_before_and_is_told_without_its_words(db: Database) -> None:
    lot = lot_with_called(db)
    for password in ("first", "second", "second"):
        write(db, set_login, lot=lot, device_code="cam-in-2", user="admin", password=password)
    assert kept(db) == 1
    told = events(db, "facility.device_login_changed")
    assert [each.body["known"] for each in told] == [True, True]
    assert "second" not in str(told)


def test_a_lot_file_that_is_applied_again_keeps_the_login(db: Database) -> None:
    lot = lot_with_called(db)
    write(db, set_login, lot=lot, device_code="cam-in-2", user="admin", password="x")
    lot_with_called(db)
    assert set(called(db)) == {"cam-in-2"}


def test_a_login_does_not_follow_a_camera_to_another_address(db: Database) -> None:
    lot = lot_with_called(db)
    write(db, set_login, lot=lot, device_code="cam-in-2", user="admin", password="x")
    write(db, facility.apply_lot, company=COMPANY, lot=lot_file("mall"))
    assert called(db) == {}  # without an address nobody is called
    lot_with_called(db)
    assert called(db) == {}


def test_who_is_not_called_takes_no_login(db: Database) -> None:
    lot = lot_with_called(db)
    with pytest.raises(Refused, match=r"device\.not_called"):
        write(db, set_login, lot=lot, device_code="bar-in-1", user="a", password="b")
    with pytest.raises(NotFound, match=r"device\.not_found"):
        write(db, set_login, lot=lot, device_code="nobody", user="a", password="b")
    for user, password in (("", "b"), ("a", ""), ("a:b", "c"), ("x" * 65, "b"), ("a", "x" * 65), ("a\n", "b")):
        with pytest.raises(Malformed, match=r"device\.login"):
            write(db, set_login, lot=lot, device_code="cam-in-2", user=user, password=password)


def test_the_alarm_stands_until_the_login_is_taken_or_changed(db: Database) -> None:
    lot = lot_with_called(db)
    device = ids_of(db, lot)["cam-in-2"]

    def stands() -> list[str]:
        return [each.subject for each in read(db, alarms.of_kind, kind="device_login")]

    def refuse() -> None:
        write(
            db, facility.login_refused, company=COMPANY, lot=lot, lot_code="mall", device=device, code="cam-in-2",
            minutes=15,
        )  # fmt: skip

    refuse()
    refuse()
    assert stands() == [str(device)]
    assert read(db, facility.is_call_failing, company=COMPANY, device=device)
    write(db, facility.call_answered, company=COMPANY, lot=lot, device=device)
    assert stands() == []
    refuse()
    write(db, set_login, lot=lot, device_code="cam-in-2", user="admin", password="new")
    assert stands() == []
