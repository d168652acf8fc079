"""Passages and the lanes' hot rows."""

from typing import Any

from sqlalchemy import Table, bindparam, case, or_, select, update

from openberth.contexts.stays.model.entities import LaneState, Passage
from openberth.contexts.stays.store.tables import lane_state, passage
from openberth.infra.database.statement import Query, Write, insert_into
from openberth.infra.database.types import IdType

PAGE_MAX = 200


def _passage(*columns: Any) -> Passage:
    values = dict(zip(passage.c.keys(), columns, strict=True))
    values["flaws"] = tuple(values["flaws"])
    return Passage(**values)


def _lane_state(*columns: Any) -> LaneState:
    return LaneState(**dict(zip(lane_state.c.keys(), columns, strict=True)))


INSERT_PASSAGE = insert_into(passage)
PASSAGE = Query(select(passage).where(passage.c.id == bindparam("passage")), _passage)
PASSAGES_OF_PLATE = Query(
    select(passage)
    .where(
        passage.c.plate_id == bindparam("plate", type_=IdType()),
        passage.c.lot_id == bindparam("lot"),
        passage.c.id < bindparam("before"),
    )
    .order_by(passage.c.id.desc())
    .limit(bindparam("limit")),
    _passage,
)
PASSAGES_OF_STAY = Query(
    select(passage)
    .where(passage.c.stay_id == bindparam("stay", type_=IdType()))
    .order_by(passage.c.id)
    .limit(PAGE_MAX),
    _passage,
)
UPDATE_PASSAGE = Write(
    update(passage)
    .where(passage.c.id == bindparam("passage"))
    .values(
        state=bindparam("new_state"),
        stay_id=bindparam("new_stay"),
        bill_id=bindparam("new_bill"),
        command_id=bindparam("new_command"),
    )
)
CORRECT_PLATE = Write(
    update(passage)
    .where(passage.c.id == bindparam("passage"))
    .values(plate_id=bindparam("new_plate"), plate_kind=bindparam("new_kind"))
)
SET_STATE = Write(update(passage).where(passage.c.id == bindparam("passage")).values(state=bindparam("new_state")))
SET_PICTURES = Write(
    update(passage)
    .where(passage.c.id == bindparam("passage"), passage.c.pictures < bindparam("pictures_sent"))
    .values(pictures=bindparam("pictures_sent"))
)

LANE = Query(select(lane_state).where(lane_state.c.lane_id == bindparam("lane")), _lane_state)
LANES_OF_LOT = Query(select(lane_state).where(lane_state.c.lot_id == bindparam("lot")), _lane_state)
LANES_WAITING_FOR_STAY = Query(
    select(lane_state)
    .where(lane_state.c.stay_id == bindparam("stay", type_=IdType()), lane_state.c.waiting.is_(True))
    .order_by(lane_state.c.decided_at.desc()),
    _lane_state,
)
# Also the lane that has let the car of a stay through, until the next car comes.
LANES_OF_STAY = Query(
    select(lane_state)
    .where(lane_state.c.stay_id == bindparam("stay", type_=IdType()))
    .order_by(lane_state.c.decided_at.desc()),
    _lane_state,
)
# Lanes are few: this looks at all of a company's. No lane asks it.
LANES_WAITING_FOR_PLATE = Query(
    select(lane_state).where(
        lane_state.c.company_id == bindparam("company"), lane_state.c.plate_id == bindparam("plate"),
        lane_state.c.waiting.is_(True),
    ),
    _lane_state,
)  # fmt: skip
REPOINT_LANE = Write(
    update(lane_state).where(lane_state.c.lane_id == bindparam("lane")).values(bill_id=bindparam("new_bill"))
)
REPOINT_PASSAGE = Write(
    update(passage).where(passage.c.id == bindparam("passage")).values(bill_id=bindparam("new_bill"))
)
EMPTY_LANE = Write(update(lane_state).where(lane_state.c.lane_id == bindparam("lane")).values(waiting=False))
INSERT_LANE = insert_into(lane_state, once=True)
UPDATE_LANE = Write(
    update(lane_state)
    .where(lane_state.c.lane_id == bindparam("lane"))
    .values(
        passage_id=bindparam("passage_id"),
        plate_id=bindparam("plate_id"),
        captured_at=bindparam("captured_at"),
        decided_at=bindparam("decided_at"),
        action=bindparam("action"),
        waiting=bindparam("waiting"),
        ask=bindparam("ask"),
        stay_id=bindparam("stay_id"),
        bill_id=bindparam("bill_id"),
        command_id=bindparam("command_id"),
        awaited=bindparam("awaited"),
    )
)
# The common case: a car that was let through has driven on. The other one is a car that nothing was opened for.
CAR_PASSED = Write(
    update(lane_state)
    .where(
        lane_state.c.lane_id == bindparam("lane"),
        lane_state.c.waiting.is_(False),
        or_(lane_state.c.awaited.is_(None), lane_state.c.awaited > 0),
    )
    .values(passed_at=bindparam("now"), awaited=case((lane_state.c.awaited > 0, lane_state.c.awaited - 1), else_=None))
)
PASSED_UNAWAITED = Write(
    update(lane_state)
    .where(lane_state.c.lane_id == bindparam("lane"))
    .values(passed_at=bindparam("now"), awaited=bindparam("new_awaited"))
)
LOOP_FREED = Write(
    update(lane_state).where(lane_state.c.lane_id == bindparam("lane")).values(loop_free_at=bindparam("now"))
)
# Opened for nobody: whoever goes through now is not the second car on one opening.
AWAIT_ONE_MORE = Write(
    update(lane_state)
    .where(lane_state.c.lane_id == bindparam("lane"))
    .values(awaited=case((lane_state.c.awaited > 0, lane_state.c.awaited + 1), else_=1))
)
PASSAGES_BEFORE = Query(
    select(passage)
    .where(passage.c.lot_id == bindparam("lot"), passage.c.id < bindparam("before"))
    .order_by(passage.c.id.desc())
    .limit(PAGE_MAX),
    _passage,
)
# What came after a passage in a lot: where its lane's own notes stand, too.
PASSAGES_AFTER = Query(
    select(passage)
    .where(passage.c.lot_id == bindparam("lot"), passage.c.id > bindparam("after"))
    .order_by(passage.c.id)
    .limit(PAGE_MAX),
    _passage,
)


def _billed(target: Table) -> Write:
    """Return the update that names another bill where one of a stay is named."""
    named = (target.c.stay_id == bindparam("stay"), target.c.bill_id == bindparam("old_bill"))
    return Write(update(target).where(*named).values(bill_id=bindparam("new_bill")))


REBILL_LANES, REBILL_PASSAGES = _billed(lane_state), _billed(passage)
