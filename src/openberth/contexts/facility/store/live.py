"""Statements of the live page: what stands on many lots at once, by ids of lots, lanes or commands."""

from sqlalchemy import and_, case, func, or_, select

from openberth.contexts.facility.model import AreaCount
from openberth.contexts.facility.model.live import AreaNow, LaneOnLot, Opening
from openberth.contexts.facility.store.tables import area, command, device, device_presence, lane, occupancy
from openberth.infra.database.batches import among_batch
from openberth.infra.database.statement import Query
from openberth.kernel.ids import Id

_COUNTED = and_(occupancy.c.area_id == area.c.id, occupancy.c.lot_id == area.c.lot_id)


def _area_now(
    lot: Id, name_zh: str, name_en: str, inside: Id | None, area_id: Id, code: str, *numbers: int
) -> AreaNow:  # fmt: skip
    return AreaNow(lot, name_zh, name_en, inside, AreaCount(area_id, code, *numbers))


# As ``lanes.OCCUPANCY_OF_LOT``: a retired area is listed until its last car has left.
AREAS_OF_LOTS = Query(
    select(
        area.c.lot_id, area.c.name_zh, area.c.name_en, area.c.inside_id, area.c.id, area.c.code, occupancy.c.count,
        occupancy.c.adjustment, case((area.c.retired_at.is_(None), area.c.capacity), else_=0),
    )
    .select_from(area.join(occupancy, _COUNTED))
    .where(
        among_batch(area.c.lot_id),
        or_(area.c.retired_at.is_(None), occupancy.c.count != 0, occupancy.c.adjustment != 0),
    ),
    _area_now,
)  # fmt: skip
_LANE = select(lane.c.id, lane.c.lot_id, lane.c.code, lane.c.name_zh, lane.c.name_en, lane.c.kind).where(
    lane.c.retired_at.is_(None)
)
LANES_OF_LOTS = Query(_LANE.where(among_batch(lane.c.lot_id)), LaneOnLot)
LANES_BY_ID = Query(_LANE.where(among_batch(lane.c.id)), LaneOnLot)
LANES_COUNT = Query(
    select(func.count()).select_from(lane).where(lane.c.retired_at.is_(None), among_batch(lane.c.lot_id)), int
)
DEVICES_OF_LOTS = Query(
    select(device.c.lot_id, func.count())
    .where(device.c.retired_at.is_(None), among_batch(device.c.lot_id))
    .group_by(device.c.lot_id),
    lambda lot, count: (lot, int(count)),
)
# Not one outer join: a scope narrows both tables, and would take away those that were never heard.
HEARD_OF_LOTS = Query(
    select(device.c.lot_id, device_presence.c.online, func.count())
    .select_from(device.join(device_presence, device_presence.c.device_id == device.c.id))
    .where(device.c.retired_at.is_(None), among_batch(device.c.lot_id))
    .group_by(device.c.lot_id, device_presence.c.online),
    lambda lot, online, count: (lot, bool(online), int(count)),
)
OPENINGS = Query(
    select(command.c.id, command.c.kind, command.c.state, command.c.outcome, command.c.detail).where(
        among_batch(command.c.id)
    ),
    Opening,
)
