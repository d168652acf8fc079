"""Statements of the read models: figures of a lot, and history by lane."""

from sqlalchemy import bindparam, func, select

from openberth.contexts.stays.model.entities import PassageState
from openberth.contexts.stays.store.tables import open_stay, passage, stay
from openberth.infra.database.statement import Query

# Both walk an index that begins with the lot, from an id on.
CROSSED_SINCE = Query(
    select(passage.c.lane_kind, func.count())
    .where(
        passage.c.lot_id == bindparam("lot"),
        passage.c.id >= bindparam("since_id"),
        passage.c.state == PassageState.PASSED,
    )
    .group_by(passage.c.lane_kind),
    lambda kind, count: (kind, int(count)),
)
CROSSED = Query(
    select(passage.c.lane_kind, func.count())
    .where(passage.c.lot_id == bindparam("lot"), passage.c.state == PassageState.PASSED)
    .group_by(passage.c.lane_kind),
    lambda kind, count: (kind, int(count)),
)
OPEN_STAYS = Query(select(func.count()).select_from(open_stay).where(open_stay.c.lot_id == bindparam("lot")), int)
CLOSED_STAYS = Query(
    select(stay.c.closed_reason, func.count()).where(stay.c.lot_id == bindparam("lot")).group_by(stay.c.closed_reason),
    lambda reason, count: (reason, int(count)),
)
