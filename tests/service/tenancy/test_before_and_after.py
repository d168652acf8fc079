"""Configuration in the trail: what was and what is, by field, and from which version to which."""

import json
from dataclasses import replace
from datetime import date
from functools import partial
from ipaddress import ip_network
from typing import Any
from zoneinfo import ZoneInfo

from openberth.contexts import facility, permits, tariffs
from openberth.contexts.permits.document import read_permits
from openberth.contexts.tariffs.model import CalendarDay, DayKind
from openberth.contexts.tariffs.service import seed
from openberth.infra.database import Database
from openberth.kernel.authority import EVERYTHING, Actor, ActorKind, Caller
from openberth.kernel.ids import Id
from openberth.kernel.time import Instant, to_iso
from tests.service.acting import COMPANY, ROOT, lot_file, mall, write
from tests.service.tenancy.trail import all_entries, faults

BOSS = Caller(Actor(ActorKind.PERSON, "boss", "192.0.2.4"), EVERYTHING, frozenset({"lot.write", "permit.write"}))


def told(db: Database, deed: str) -> list[tuple[Any, Any]]:
    """Return the values before and after of a deed's entries, oldest first."""
    entries = all_entries(db, deed=deed)
    return [
        (None if each.old_values is None else json.loads(each.old_values), json.loads(each.new_values or "null"))
        for each in entries
    ]


def test_a_lot_is_told_field_by_field(db: Database) -> None:
    lot = mall(db)
    file = lot_file("mall")
    camera = next(each for each in file.devices if each.code == "cam-in-1")
    moved = replace(camera, networks=(ip_network("10.9.0.0/24"),), serial="S-1")
    devices = tuple(moved if each.code == camera.code else each for each in file.devices if each.code != "bar-in-1")
    changed = replace(file, capacity=file.capacity - 1, devices=devices)
    write(db, facility.apply_lot, by=BOSS, company=COMPANY, lot=changed)
    write(db, facility.apply_lot, by=BOSS, company=COMPANY, lot=changed)  # changes nothing: no entry
    made, (before, after) = told(db, "lot.configured")
    assert made[0] is None
    assert made[1]["created"] is True
    assert (before["capacity"], after["capacity"]) == (file.capacity, file.capacity - 1)
    assert before["device cam-in-1"]["networks"] == [str(each) for each in camera.networks]
    assert after["device cam-in-1"] == {"networks": ["10.9.0.0/24"], "serial": "S-1"}
    assert before["device bar-in-1"]["lane"] == "in-1"
    assert "device bar-in-1" not in after
    entry = all_entries(db, deed="lot.configured")[-1]
    assert (entry.actor_name, entry.address, entry.subject, entry.lot_id) == ("boss", "192.0.2.4", str(lot), lot)
    assert faults(db) == []


def test_a_change_of_many_things_is_told_in_bounds(db: Database) -> None:
    mall(db)
    file = lot_file("mall")
    fewer = replace(file, spaces=file.spaces[: len(file.spaces) // 2])
    write(db, facility.apply_lot, by=BOSS, company=COMPANY, lot=fewer)
    _, (before, after) = told(db, "lot.configured")
    assert "changes" in after or "sha256" in before


def published(db: Database, **params: Any) -> None:
    document = tariffs.read_tariff((ROOT / "tariffs" / "mall.yaml").read_text("utf-8"), name="mall")
    write(db, tariffs.publish, company=COMPANY, tariff=replace(document, **params))


def test_a_tariff_is_told_from_version_to_version(db: Database) -> None:
    published(db)
    published(db)  # the same: no version, no entry
    document = tariffs.read_tariff((ROOT / "tariffs" / "mall.yaml").read_text("utf-8"), name="mall")
    published(db, name_zh=document.name_zh + "2")
    first, second = told(db, "tariff.published")
    assert (first[0], first[1]["version_number"]) == (None, 1)
    assert second[0] == first[1]
    assert second[1]["version_number"] == 2
    assert second[1]["valid_from"] != to_iso(Instant(0))


def test_days_are_told_one_by_one(db: Database) -> None:
    day = date(2026, 10, 1)
    for kind in (DayKind.HOLIDAY, DayKind.WORKDAY):
        write(
            db, seed, company=COMPANY, code="cn", days={day: CalendarDay(kind, "国庆", "National Day")},
            source="library",
        )  # fmt: skip
    first, second = told(db, "calendar.changed")
    assert first == (
        {"2026-10-01": None},
        {"source": "library", "days": 1, "2026-10-01": {"kind": "holiday", "name": "国庆", "words": []}},
    )
    assert second[0]["2026-10-01"]["kind"] == "holiday"
    assert second[1]["2026-10-01"]["kind"] == "workday"


def test_permits_are_told_by_their_codes(db: Database) -> None:
    lot = mall(db)
    text = (ROOT / "lots" / "community.permits.yaml").read_text("utf-8")
    _, listed = read_permits(text, zone=ZoneInfo("Asia/Shanghai"), name="community")
    use_case = partial(permits.apply_permits, company=COMPANY, lot=lot)
    write(db, use_case, by=BOSS, permits=listed[:3])
    write(db, use_case, by=BOSS, permits=listed[1:3])
    first, second = told(db, "permits.configured")
    assert first[1]["added"] == [each.code for each in listed[:3]]
    assert second == ({"retired": [listed[0].code]}, {"added": [], "changed": []})
    assert str(Id(int=0)) not in str(first)
    for entry in all_entries(db):
        for each in listed:
            assert each.plate.key not in repr(entry)
