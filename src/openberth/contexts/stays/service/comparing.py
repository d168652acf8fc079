"""The cars of a lot's areas added up every few minutes: by lanes, by open stays, by sensors, by loops.

What differs by more than the lot's band for as long as its rules say is an alarm with the numbers. Nothing is adjusted:
a person counts and corrects.
"""

from dataclasses import dataclass

from openberth.contexts import facility
from openberth.contexts.facility import SpaceState
from openberth.contexts.stays.model.occupancy import AreaCheck, OccupiedSensor, contradicting
from openberth.contexts.stays.store import occupancy as store
from openberth.contexts.stays.store.occupancy import CheckRow
from openberth.infra.database import Reader, Unit
from openberth.infra.permitting import by_construction
from openberth.kernel.errors import Param
from openberth.kernel.ids import Id
from openberth.kernel.time import SECOND_US

ALARM = "occupancy_differs"


@dataclass(frozen=True, slots=True)
class AreaFound:
    """What was found of an area the last time; ``check`` is None before the first."""

    code: str
    name_zh: str
    name_en: str
    check: AreaCheck | None
    is_told: bool


def checks_of(reader: Reader, *, lot: Id) -> list[AreaFound]:
    """Return what was found of a lot's areas the last time, by code."""
    rows = {row.area_id: row for row in reader.all(store.CHECKS_OF_LOT, lot=lot)}
    found = []
    for area in facility.areas_of(reader, lots=[lot]).get(lot, ()):
        row = rows.get(area.count.area)
        check = None if row is None else _check_of(row)
        found.append(AreaFound(area.count.code, area.name_zh, area.name_en, check, row is not None and row.is_told))
    return found


@by_construction
def compare_lot(unit: Unit, *, lot: Id) -> int:
    """Add the cars of a lot's areas up; returns how many areas stand in an alarm."""
    unit.lock(("area_check", lot))
    detail = facility.lot_detail(unit, lot=lot)
    rules, company = detail.rules, detail.lot.company
    before = {row.area_id: row for row in unit.all(store.CHECKS_OF_LOT, lot=lot)}
    for_us = rules.occupancy_band_s * SECOND_US
    told, codes = 0, {area.id: area.code for area in detail.areas}
    checks = _found(unit, lot)
    for found in checks:
        row = before.get(found.area)
        check = found.after(None if row is None else _check_of(row), rules.occupancy_band)
        is_told = check.differs_since is not None and check.differs_since <= unit.now - for_us
        told += is_told
        _save(unit, company, lot, row, check, is_told=is_told)
        if is_told:
            params = _params(detail.lot.code, codes[check.area], check, rules.occupancy_band)
            facility.raise_alarm(unit, company=company, lot=lot, kind=ALARM, subject=check.area, params=params)
        elif row is not None and row.is_told:
            facility.end_alarm(unit, company=company, lot=lot, kind=ALARM, subject=check.area)
    occupied = [
        OccupiedSensor(each.sensor.id, each.sensor.area, each.known.since)
        for each in facility.sensors_of(unit, lot=lot) if each.known.state is SpaceState.OCCUPIED
    ]  # fmt: skip
    flagged = contradicting(checks, occupied, now=unit.now, for_us=for_us)
    facility.flag_contradictions(unit, lot=lot, sensors=flagged)
    return told


def _found(unit: Unit, lot: Id) -> list[AreaCheck]:
    stays = dict(unit.all(store.STAYS_BY_AREA, lot=lot))
    sensed = facility.sensed_areas(unit, lots=[lot])
    loops = facility.loops_of(unit, lots=[lot])
    areas = facility.areas_of(unit, lots=[lot]).get(lot, ())
    inner: dict[Id, int] = {}
    for area in areas:
        if area.inside is not None:
            inner[area.inside] = inner.get(area.inside, 0) + area.count.capacity
    checks = []
    for area in areas:
        count, seen = area.count, sensed.get(area.count.area)
        checks.append(
            AreaCheck(
                count.area, unit.now, count.count + count.adjustment, stays.get(count.area, 0),
                max(0, count.capacity - inner.get(count.area, 0)), None if seen is None else seen.occupied,
                None if seen is None else seen.free, None if seen is None else seen.unknown, loops.get(count.area),
            )
        )  # fmt: skip
    return checks


def _save(unit: Unit, company: Id, lot: Id, row: CheckRow | None, check: AreaCheck, *, is_told: bool) -> None:
    new = CheckRow(
        lot, check.area, company, check.checked_at, check.counted, check.stays, check.capacity, check.sensed_occupied,
        check.sensed_free, check.sensed_unknown, check.loops, check.differs_since, is_told,
    )  # fmt: skip
    if row is None:
        unit.run(store.INSERT, new)
    else:
        unit.run(store.SAVE, new, of_lot=lot, of_area=check.area)


def _check_of(row: CheckRow) -> AreaCheck:
    return AreaCheck(
        row.area_id, row.checked_at, row.counted, row.stays, row.capacity, row.sensed_occupied, row.sensed_free,
        row.sensed_unknown, row.loops, row.differs_since,
    )  # fmt: skip


def _params(lot: str, area: str, check: AreaCheck, band: int) -> dict[str, Param]:
    none = "-"
    return {
        "lot": lot, "area": area, "counted": check.counted, "stays": check.stays, "band": band,
        "sensed": none if check.sensed_occupied is None else check.sensed_occupied,
        "loops": none if check.loops is None else check.loops,
    }  # fmt: skip
