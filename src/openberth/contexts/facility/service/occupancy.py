"""Counters and what lanes read: moved by the stays that cross lanes, corrected by people, never guessed."""

from collections.abc import Mapping

from openberth.contexts.facility.model import AreaCount, LaneContext, OccupancyAdjusted
from openberth.contexts.facility.store import lanes as store
from openberth.infra.database import Reader, Unit
from openberth.infra.permitting import inner, needs
from openberth.kernel.errors import NotFound, Refused
from openberth.kernel.ids import Id

ADJUSTMENT_MAX = 100_000


def lane_context(reader: Reader, *, lane: Id) -> LaneContext:
    """Return a lane with what its lot says today. Raises ``NotFound("lane.not_found")`` when it is retired or
    unknown.
    """
    found = reader.one(store.LANE_CONTEXT, lane=lane)
    if found is None:
        raise NotFound("lane.not_found", lane=str(lane))
    return found


def lane_by_scan_code(reader: Reader, *, scan_code: str) -> LaneContext | None:
    """Return the lane whose sign carries a code."""
    return reader.one(store.LANE_BY_SCAN_CODE, scan_code=scan_code)


def lane_by_code(reader: Reader, *, lot: Id, code: str) -> LaneContext:
    """Return a lane by its code inside a lot. Raises ``NotFound("lane.not_found")``."""
    found = reader.one(store.LANE_BY_CODE, lot=lot, code=code)
    if found is None:
        raise NotFound("lane.not_found", lane=code)
    return found


def free_spaces(reader: Reader, *, lane: LaneContext) -> int:
    """Return how many more cars fit in the lane's lot; below zero when it is overfull."""
    return lane.capacity - reader.all(store.OCCUPIED, lot=lane.lot)[0]


@inner
def count(unit: Unit, *, lot: Id, area: Id, by: int) -> None:
    """Move an area's count by the cars that crossed."""
    unit.save(store.COUNT, lot=lot, area=area, by=by)


def occupancy(reader: Reader, *, lot: Id) -> list[AreaCount]:
    """Return the counters of a lot's areas."""
    return reader.all(store.OCCUPANCY_OF_LOT, lot=lot)


def area_tariffs(reader: Reader, *, lot: Id) -> dict[Id, str | None]:
    """Return the tariff code that holds in each area, retired ones too: its own, else that of the area around it.

    None where the lot's holds.
    """
    around: dict[Id, Id | None] = {}
    own: dict[Id, str | None] = {}
    for area, inside, code in reader.all(store.AREA_TARIFFS, lot=lot):
        around[area], own[area] = inside, code
    return {area: _effective(area, around, own) for area in own}


def _effective(area: Id, around: Mapping[Id, Id | None], own: Mapping[Id, str | None]) -> str | None:
    current: Id | None = area
    for _ in own:  # the file is checked for cycles; a bound costs nothing
        if current is None or own.get(current) is not None:
            break
        current = around.get(current)
    return own.get(current) if current else None


@needs("occupancy.write")
def adjust(unit: Unit, *, company: Id, lot: Id, area: str, adjustment: int, reason: str) -> AreaCount:
    """Set the correction of an area's count, with a reason. The counted cars stay as they are.

    The same correction again changes nothing.
    """
    if not reason.strip():
        raise Refused("reason.missing")
    if abs(adjustment) > ADJUSTMENT_MAX:
        raise Refused("occupancy.out_of_range", most=ADJUSTMENT_MAX)
    unit.lock(("lot", lot))
    for found in occupancy(unit, lot=lot):
        if found.code == area:
            if found.adjustment == adjustment:
                return found
            unit.save(store.ADJUST, lot=lot, area=found.area, new_adjustment=adjustment)
            unit.append(
                OccupancyAdjusted(found.area, found.adjustment, adjustment, reason), company=company, lot=lot, key=lot
            )
            return AreaCount(found.area, found.code, found.count, adjustment, found.capacity)
    raise NotFound("area.not_found", area=area)
