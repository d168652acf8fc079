"""What was found when the cars of areas were added up: statements."""

from dataclasses import dataclass

from sqlalchemy import bindparam, func, select, update

from openberth.contexts.stays.store.tables import area_check, open_stay
from openberth.infra.database.statement import Query, Write, insert_into
from openberth.kernel.ids import Id
from openberth.kernel.time import Instant

_C = area_check.c


@dataclass(frozen=True, slots=True)
class CheckRow:
    """A check as stored; attributes are columns, in their order."""

    lot_id: Id
    area_id: Id
    company_id: Id
    checked_at: Instant
    counted: int
    stays: int
    capacity: int
    sensed_occupied: int | None
    sensed_free: int | None
    sensed_unknown: int | None
    loops: int | None
    differs_since: Instant | None
    is_told: bool


STAYS_BY_AREA = Query(
    select(open_stay.c.area_id, func.count())
    .where(open_stay.c.lot_id == bindparam("lot"))
    .group_by(open_stay.c.area_id),
    lambda area, count: (area, int(count)),
)
CHECKS_OF_LOT = Query(select(area_check).where(_C.lot_id == bindparam("lot")), CheckRow)
INSERT = insert_into(area_check)
SAVE = Write(
    update(area_check)
    .where(_C.lot_id == bindparam("of_lot"), _C.area_id == bindparam("of_area"))
    .values({each.name: bindparam(each.name) for each in area_check.columns if not each.primary_key})
)
