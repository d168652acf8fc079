"""Questions about past months, and the closed stays of a lot in the order in which they ended."""

from typing import Any

from sqlalchemy import and_, bindparam, delete, func, or_, select, update

from openberth.contexts.stays.model.entities import Stay
from openberth.contexts.stays.model.what_if import Figures, WhatIf, WhatIfState
from openberth.contexts.stays.store.tables import stay, what_if
from openberth.infra.database.statement import Query, Write, insert_into, one_id
from openberth.infra.database.types import IdType

PAGE = 100  # stays re-priced between two writes
KEPT = 20  # questions of a lot


def _what_if(*columns: Any) -> WhatIf:
    values = dict(zip(what_if.c.keys(), columns, strict=True))
    return WhatIf(**{**values, "figures": Figures.of_plain(values["figures"])})


def _stay(*columns: Any) -> Stay:
    return Stay(**dict(zip(stay.c.keys(), columns, strict=True)))


INSERT = insert_into(what_if)
BY_ID = Query(select(what_if).where(what_if.c.id == bindparam("what_if")), _what_if)
OF_LOT = Query(
    select(what_if)
    .where(what_if.c.lot_id == bindparam("lot"), what_if.c.id < bindparam("before"))
    .order_by(what_if.c.id.desc())
    .limit(bindparam("limit")),
    _what_if,
)
GOING_ON = Query(
    select(func.count()).where(
        what_if.c.lot_id == bindparam("lot"),
        or_(what_if.c.state == WhatIfState.WAITING, what_if.c.state == WhatIfState.RUNNING),
    ),
    int,
)
OLDER = Query(
    select(what_if.c.id)
    .where(what_if.c.lot_id == bindparam("lot"))
    .order_by(what_if.c.id.desc())
    .offset(KEPT - 1)
    .limit(KEPT),
    one_id,
)
FORGET = Write(
    delete(what_if).where(
        what_if.c.id == bindparam("what_if"),
        or_(what_if.c.state == WhatIfState.DONE, what_if.c.state == WhatIfState.FAILED),
    )
)
GO_ON = Write(
    update(what_if)
    .where(what_if.c.id == bindparam("what_if"), what_if.c.version == bindparam("old_version"))
    .values(
        state=bindparam("new_state"),
        total=bindparam("new_total"),
        after_at=bindparam("new_after_at"),
        after_id=bindparam("new_after_id"),
        figures=bindparam("new_figures"),
        ended_at=bindparam("new_ended_at"),
        version=what_if.c.version + 1,
    )
)

# Both walk the index over (lot, end of the stay, id).
_IN_MONTH = and_(
    stay.c.lot_id == bindparam("lot"), stay.c.left_at >= bindparam("after_at"), stay.c.left_at < bindparam("until_at")
)
STAYS_THAT_ENDED = Query(
    select(stay)
    .where(
        _IN_MONTH,
        or_(stay.c.left_at > bindparam("after_at"), stay.c.id > bindparam("after_id", type_=IdType())),
    )
    .order_by(stay.c.left_at, stay.c.id)
    .limit(PAGE),
    _stay,
)
COUNT_ENDED = Query(select(func.count()).select_from(stay).where(_IN_MONTH), int)
