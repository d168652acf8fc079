"""Statements about all that a plate did, in whichever lot and company: for its owner alone, and for forgetting it."""

from sqlalchemy import bindparam, select

from openberth.contexts.stays.store.passages import _passage
from openberth.contexts.stays.store.stays import _open_stay, _stay
from openberth.contexts.stays.store.tables import open_stay, passage, stay
from openberth.infra.database.statement import Query
from openberth.infra.database.types import IdType

STAYS_MAX = 1_000
PAGE_MAX = 100
_PLATE = bindparam("plate", type_=IdType())

OPEN_OF_PLATE = Query(select(open_stay).where(open_stay.c.plate_id == _PLATE).limit(100), _open_stay, everywhere=True)
CLOSED_OF_PLATE = Query(
    select(stay).where(stay.c.plate_id == _PLATE).order_by(stay.c.id.desc()).limit(STAYS_MAX), _stay, everywhere=True
)
CLOSED_SINCE = Query(
    select(stay)
    .where(
        stay.c.plate_id == _PLATE, stay.c.left_at >= bindparam("since"), stay.c.entered_at <= bindparam("until"),
        stay.c.id < bindparam("before"),
    )
    .order_by(stay.c.id.desc())
    .limit(bindparam("limit")),
    _stay, everywhere=True,
)  # fmt: skip
PICTURED_OF_PLATE = Query(
    select(passage)
    .where(passage.c.plate_id == _PLATE, passage.c.id > bindparam("after_id"))
    .order_by(passage.c.id)
    .limit(PAGE_MAX),
    _passage, everywhere=True,
)  # fmt: skip
