"""Counters and what lanes read: moved by the stays that cross lanes, corrected by people, never guessed."""

from openberth.contexts.facility.model import AreaCount, LaneContext, Level, LotPricing, OccupancyAdjusted
from openberth.contexts.facility.service.ground import pricing_from, rules_from
from openberth.contexts.facility.store import lanes as store
from openberth.contexts.facility.store import sensors as sensor_store
from openberth.infra.database import Reader, Unit
from openberth.infra.permitting import inner, needs
from openberth.kernel.errors import NotFound, Refused
from openberth.kernel.ids import Id
from openberth.kernel.reasons import checked_reason
from openberth.kernel.time import Instant

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


@inner
def count_apart(unit: Unit, *, company: Id, lot: Id, area: Id, by: int, reason: str) -> None:
    """Move an area's correction by cars whose crossing nobody saw: the counted ones stay what was counted."""
    unit.save(store.ADJUST_BY, lot=lot, area=area, by=by)
    after = next(each.adjustment for each in occupancy(unit, lot=lot) if each.area == area)
    unit.append(OccupancyAdjusted(area, after - by, after, reason), company=company, lot=lot, key=lot)


@inner
def hold_open(unit: Unit, *, lane: Id, until: Instant | None) -> None:
    """Note until when (machine time) a lane lets everybody through, None when it does so no more."""
    unit.run(store.HOLD_OPEN, lane=lane, until=until)


def occupancy(reader: Reader, *, lot: Id) -> list[AreaCount]:
    """Return the counters of a lot's areas."""
    return reader.all(store.OCCUPANCY_OF_LOT, lot=lot)


def pricing_of(reader: Reader, *, lot: Id) -> LotPricing:
    """Return what pricing has to know of a lot. Raises ``NotFound("lot.not_found")``."""
    rows = reader.all(store.PRICING_OF_LOT, lot=lot)
    if not rows:
        raise NotFound("lot.not_found", lot=str(lot))
    first = rows[0]
    pricing = pricing_from(first.pricing)
    return LotPricing(
        first.zone, first.currency, Level(pricing.tariffs, first.lot_tariff), pricing,
        {row.area: Level(rules_from(row.rules), row.tariff) for row in rows}, {row.area: row.inside for row in rows},
    )  # fmt: skip


@needs("occupancy.write")
def adjust(unit: Unit, *, company: Id, lot: Id, area: str, adjustment: int, reason: str) -> AreaCount:
    """Set the correction of an area's count, with a reason. The counted cars stay as they are.

    The same correction again changes nothing.
    """
    text = checked_reason(reason)
    if abs(adjustment) > ADJUSTMENT_MAX:
        raise Refused("occupancy.out_of_range", most=ADJUSTMENT_MAX)
    unit.lock(("lot", lot))
    for found in occupancy(unit, lot=lot):
        if found.code == area:
            if found.adjustment == adjustment:
                return found
            unit.save(store.ADJUST, lot=lot, area=found.area, new_adjustment=adjustment)
            # Somebody has counted: the loops begin anew from there.
            cars = max(0, found.count + adjustment)
            unit.run(sensor_store.LOOPS_AGAIN, lot=lot, area=found.area, cars=cars, now=unit.now)
            unit.append(
                OccupancyAdjusted(found.area, found.adjustment, adjustment, text), company=company, lot=lot, key=lot
            )
            return AreaCount(found.area, found.code, found.count, adjustment, found.capacity)
    raise NotFound("area.not_found", area=area)
