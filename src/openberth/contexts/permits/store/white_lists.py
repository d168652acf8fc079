"""What cameras hold of permits: a row for each camera that is kept in step, and one for each car it was told of."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import BigInteger, Column, Index, Integer, bindparam, case, delete, func, or_, select, update

from openberth.contexts.permits.model import PermitKind
from openberth.contexts.permits.model.white_lists import Row, RowState, Wanted
from openberth.contexts.permits.store.permits import permit
from openberth.infra.database.schema import OnMove, business_table, table
from openberth.infra.database.statement import Query, Write, insert_into, one_id
from openberth.infra.database.types import enum_column, id_column, instant_column, json_column, word_column
from openberth.kernel.ids import Id
from openberth.kernel.time import Instant, Period

DIFFERENCES_MAX = 200  # that are named in the report of a camera

white_list = table(
    "white_list",
    id_column("device_id", primary_key=True),
    id_column("company_id"),
    id_column("lot_id"),
    Column("wanted", Integer, nullable=False),
    Column("left_out", Integer, nullable=False),
    instant_column("in_step_at", nullable=True),  # machine time, as all of them
    instant_column("behind_since", nullable=True),
    word_column("trouble", 100, nullable=True),
    instant_column("compared_at", nullable=True),
    Column("found", Integer, nullable=True),
    json_column("differences"),
    instant_column("ask_at", nullable=True),  # somebody wants it compared
    word_column("told_to", 64, nullable=True),  # a mark of the box, None where it was told before there were any
    scope=("company_id", "lot_id"),
    moves=OnMove.FOLLOW,
)

white_list_car = business_table(
    "white_list_car",
    id_column("device_id"),
    id_column("plate_id"),
    id_column("value_id"),
    instant_column("valid_from"),
    instant_column("valid_until", nullable=True),
    enum_column("state", RowState),
    word_column("mark", 40),
    instant_column("told_at"),
    moves=OnMove.FOLLOW,
)
Index("uq_white_list_car", white_list_car.c.device_id, white_list_car.c.plate_id, unique=True)
Index("ix_white_list_car_value", white_list_car.c.value_id)


@dataclass(frozen=True, slots=True)
class Standing:
    """How a camera stands to what is wanted."""

    device: Id
    company: Id
    lot: Id
    wanted: int
    left_out: int
    in_step_at: Instant | None
    behind_since: Instant | None
    trouble: str | None
    compared_at: Instant | None
    found: int | None
    differences: Sequence[Any]
    ask_at: Instant | None
    told_to: str | None


_L, _C = white_list.c, white_list_car.c
_DEVICE: Any = bindparam("device")
_AT, _SOON = bindparam("at", type_=BigInteger()), bindparam("soon", type_=BigInteger())


def _wanted(plate: Id, start: Instant, until: Instant | None) -> Wanted:
    return Wanted(plate, Period(start, until))


def _row(plate: Id, start: Instant, until: Instant | None, state: RowState, value: Id, mark: str) -> Row:
    return Row(plate, Period(start, until), state, value, mark)


def _blocked(permit_id: Id, plate: Id) -> tuple[Id, Id]:
    return permit_id, plate


_HOLDS = (
    permit.c.lot_id == bindparam("lot"),
    permit.c.retired_at.is_(None),
    permit.c.valid_from <= _SOON,
    or_(permit.c.valid_until.is_(None), permit.c.valid_until > _AT),
)
# In the order of age: what is beyond the bound are the newest. One more than the bound tells that there is more.
RIGHTS = Query(
    select(permit.c.plate_id, permit.c.valid_from, permit.c.valid_until)
    .where(*_HOLDS, permit.c.kind != PermitKind.BLOCKED, permit.c.id > bindparam("after"))
    .order_by(permit.c.id)
    .limit(bindparam("limit")),
    _wanted,
)
BLOCKED = Query(
    select(permit.c.id, permit.c.plate_id)
    .where(*_HOLDS, permit.c.kind == PermitKind.BLOCKED, permit.c.id > bindparam("after"))
    .order_by(permit.c.id)
    .limit(bindparam("limit")),
    _blocked,
)
ROWS = Query(
    select(_C.plate_id, _C.valid_from, _C.valid_until, _C.state, _C.value_id, _C.mark)
    .where(_C.device_id == _DEVICE)
    .order_by(_C.plate_id)
    .limit(bindparam("limit")),
    _row,
)
COUNT_HELD = Query(
    select(func.count()).select_from(white_list_car).where(_C.device_id == _DEVICE, _C.state == RowState.HELD), int
)
OF_VALUE = Query(select(_C.id).where(_C.value_id == bindparam("value")).limit(1), one_id)
INSERT_CAR = insert_into(white_list_car, once=True)
TELL_CAR = Write(
    update(white_list_car)
    .where(_C.device_id == _DEVICE, _C.plate_id == bindparam("plate"))
    .values(
        valid_from=bindparam("new_from"), valid_until=bindparam("new_until"), state=bindparam("new_state"),
        told_at=bindparam("now"),
    )
)  # fmt: skip
SET_MARK = Write(
    update(white_list_car)
    .where(_C.device_id == _DEVICE, _C.plate_id == bindparam("plate"))
    .values(mark=bindparam("new_mark"))
)
SET_CAR = Write(
    update(white_list_car)
    .where(_C.device_id == _DEVICE, _C.plate_id == bindparam("plate"))
    .values(state=bindparam("new_state"), told_at=bindparam("now"))
)
DOUBT = Write(
    update(white_list_car)
    .where(_C.device_id == _DEVICE, _C.state == RowState.HELD)
    .values(state=RowState.ASKED, told_at=bindparam("now"))
)
FORGET = Write(
    update(white_list_car)
    .where(_C.device_id == _DEVICE)
    .values(state=case((_C.state == RowState.HELD, RowState.ASKED), else_=_C.state), mark="")
)
BEING_TOLD = Query(
    select(_C.id)
    .where(_C.device_id == _DEVICE, _C.state != RowState.HELD, _C.told_at > bindparam("since", type_=BigInteger()))
    .limit(1),
    one_id,
)
DROP_CAR = Write(delete(white_list_car).where(_C.device_id == _DEVICE, _C.plate_id == bindparam("plate")))

STANDING = Query(select(*_L).where(_L.device_id == _DEVICE), Standing)
INSERT = insert_into(white_list, once=True)
SET_STEP = Write(
    update(white_list)
    .where(_L.device_id == _DEVICE)
    .values(
        wanted=bindparam("new_wanted"), left_out=bindparam("new_left_out"), in_step_at=bindparam("new_in_step"),
        behind_since=bindparam("new_behind"), trouble=bindparam("new_trouble"),
    )
)  # fmt: skip
SET_COMPARED = Write(
    update(white_list)
    .where(_L.device_id == _DEVICE)
    .values(
        compared_at=bindparam("now"), found=bindparam("new_found"), differences=bindparam("new_differences"),
        ask_at=None,
    )
)  # fmt: skip
SET_BOX = Write(update(white_list).where(_L.device_id == _DEVICE).values(told_to=bindparam("new_box")))
UNREAD = Write(
    update(white_list)
    .where(_L.device_id == _DEVICE)
    .values(compared_at=None, found=None, differences=bindparam("none"))
)
ASK = Write(update(white_list).where(_L.device_id == _DEVICE).values(ask_at=bindparam("now")))
