"""Cases that need a person."""

from typing import Any

from sqlalchemy import bindparam, func, select, update

from openberth.contexts.stays.model.entities import Case
from openberth.contexts.stays.store.tables import lane_case
from openberth.infra.database.statement import Query, Write, insert_into
from openberth.infra.database.types import IdType

PAGE_MAX = 200


def _case(*columns: Any) -> Case:
    return Case(**dict(zip(lane_case.c.keys(), columns, strict=True)))


INSERT_CASE = insert_into(lane_case)
CASE = Query(select(lane_case).where(lane_case.c.id == bindparam("case_id")), _case)
OPEN_OF_PASSAGE = Query(
    select(lane_case).where(
        lane_case.c.passage_id == bindparam("passage", type_=IdType()), lane_case.c.resolved_at.is_(None)
    ),
    _case,
)
OF_PASSAGE = Query(
    select(lane_case)
    .where(lane_case.c.passage_id == bindparam("passage", type_=IdType()))
    .order_by(lane_case.c.id)
    .limit(PAGE_MAX),
    _case,
)
OF_STAY = Query(
    select(lane_case)
    .where(lane_case.c.stay_id == bindparam("stay", type_=IdType()))
    .order_by(lane_case.c.id)
    .limit(PAGE_MAX),
    _case,
)
OPEN_OF_STAY = Query(
    select(lane_case).where(
        lane_case.c.lot_id == bindparam("lot"),
        lane_case.c.resolved_at.is_(None),
        lane_case.c.stay_id == bindparam("stay", type_=IdType()),
    ),
    _case,
)
OPEN_OF_KIND = Query(
    select(lane_case)
    .where(
        lane_case.c.lot_id == bindparam("lot"),
        lane_case.c.resolved_at.is_(None),
        lane_case.c.kind == bindparam("of_kind"),
    )
    .limit(1_000),
    _case,
)
NEWEST_OPEN = Query(
    select(lane_case)
    .where(lane_case.c.lot_id == bindparam("lot"), lane_case.c.resolved_at.is_(None))
    .order_by(lane_case.c.id.desc())
    .limit(1),
    _case,
)
OPEN_COUNT = Query(
    select(func.count()).where(lane_case.c.lot_id == bindparam("lot"), lane_case.c.resolved_at.is_(None)), int
)
SET_EVIDENCE = Write(
    update(lane_case).where(lane_case.c.id == bindparam("case_id")).values(evidence=bindparam("new_evidence"))
)
RESOLVE = Write(
    update(lane_case)
    .where(lane_case.c.id == bindparam("case_id"), lane_case.c.resolved_at.is_(None))
    .values(
        resolution=bindparam("new_resolution"),
        resolved_at=bindparam("now"),
        resolved_by=bindparam("by"),
        reason=bindparam("new_reason"),
    )
)
