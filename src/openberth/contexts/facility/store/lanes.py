"""What a lane needs to decide, in one statement, and the counters it moves."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import and_, bindparam, case, func, or_, select, update

from openberth.contexts.facility.model import AreaCount, LaneContext
from openberth.contexts.facility.store.rules import rules_from_plain
from openberth.contexts.facility.store.tables import area, lane, lot, occupancy
from openberth.infra.database.statement import Query, Write, insert_into
from openberth.kernel.ids import Id


@dataclass(frozen=True, slots=True)
class PricingRow:
    """An area with what its lot says of prices: a lot has at least one area."""

    area: Id
    inside: Id | None
    tariff: str | None
    rules: Sequence[Any] | None
    zone: str
    currency: str
    lot_tariff: str
    pricing: Mapping[str, Any] | None


def _lane_context(*columns: Any) -> LaneContext:
    values: list[Any] = [*columns]
    values[-2] = rules_from_plain(values[-2])
    return LaneContext(*values)


_COLUMNS = (
    lane.c.id, lane.c.company_id, lane.c.lot_id, lane.c.code, lane.c.name_zh, lane.c.name_en, lane.c.kind,
    lane.c.scan_code, lane.c.from_area_id, lane.c.to_area_id, lot.c.code.label("lot_code"),
    lot.c.name_zh.label("lot_zh"), lot.c.name_en.label("lot_en"), lot.c.zone, lot.c.currency, lot.c.state,
    lot.c.capacity, lot.c.tariff_code, lot.c.rules, lane.c.held_open_until,
)  # fmt: skip

LANE_CONTEXT = Query(
    select(*_COLUMNS)
    .select_from(lane.join(lot, lot.c.id == lane.c.lot_id))
    .where(lane.c.id == bindparam("lane"), lane.c.retired_at.is_(None), lot.c.retired_at.is_(None)),
    _lane_context,
)
LANE_BY_SCAN_CODE = Query(
    select(*_COLUMNS)
    .select_from(lane.join(lot, lot.c.id == lane.c.lot_id))
    .where(lane.c.scan_code == bindparam("scan_code"), lane.c.retired_at.is_(None), lot.c.retired_at.is_(None)),
    _lane_context,
)
LANE_BY_CODE = Query(
    select(*_COLUMNS)
    .select_from(lane.join(lot, lot.c.id == lane.c.lot_id))
    .where(lane.c.lot_id == bindparam("lot"), lane.c.code == bindparam("code"), lane.c.retired_at.is_(None)),
    _lane_context,
)

OCCUPIED = Query(
    select(func.coalesce(func.sum(occupancy.c.count + occupancy.c.adjustment), 0)).where(
        occupancy.c.lot_id == bindparam("lot")
    ),
    int,
)
COUNT = Write(
    update(occupancy)
    .where(occupancy.c.lot_id == bindparam("lot"), occupancy.c.area_id == bindparam("area"))
    .values(count=occupancy.c.count + bindparam("by"))
)
ADJUST = Write(
    update(occupancy)
    .where(occupancy.c.lot_id == bindparam("lot"), occupancy.c.area_id == bindparam("area"))
    .values(adjustment=bindparam("new_adjustment"))
)
ADJUST_BY = Write(
    update(occupancy)
    .where(occupancy.c.lot_id == bindparam("lot"), occupancy.c.area_id == bindparam("area"))
    .values(adjustment=occupancy.c.adjustment + bindparam("by"))
)
HOLD_OPEN = Write(update(lane).where(lane.c.id == bindparam("lane")).values(held_open_until=bindparam("until")))
INSERT_OCCUPANCY = insert_into(occupancy, once=True)
# A retired area is listed until its last car has left; nothing fits into it any more.
OCCUPANCY_OF_LOT = Query(
    select(
        area.c.id, area.c.code, occupancy.c.count, occupancy.c.adjustment,
        case((area.c.retired_at.is_(None), area.c.capacity), else_=0),
    )
    .select_from(area.join(occupancy, and_(occupancy.c.area_id == area.c.id, occupancy.c.lot_id == area.c.lot_id)))
    .where(
        area.c.lot_id == bindparam("lot"),
        or_(area.c.retired_at.is_(None), occupancy.c.count != 0, occupancy.c.adjustment != 0),
    )
    .order_by(area.c.code),
    AreaCount,
)  # fmt: skip
PRICING_OF_LOT = Query(
    select(
        area.c.id, area.c.inside_id, area.c.tariff_code, area.c.tariffs, lot.c.zone, lot.c.currency, lot.c.tariff_code,
        lot.c.pricing,
    )
    .select_from(area.join(lot, lot.c.id == area.c.lot_id))
    .where(area.c.lot_id == bindparam("lot")),
    PricingRow,
)  # fmt: skip
