"""Open and closed stays with their segments."""

from typing import Any

from sqlalchemy import and_, bindparam, delete, func, or_, select, update

from openberth.contexts.stays.model.entities import OpenStay, PlateCorrection, Segment, Stay
from openberth.contexts.stays.store.tables import open_stay, plate_correction, segment, stay
from openberth.infra.database.schema import vault
from openberth.infra.database.statement import Query, Write, insert_into, one_id
from openberth.infra.database.types import IdType
from openberth.infra.vault import Sealed

PAGE_MAX = 200
INSIDE_MAX = 20_000


def _open_stay(*columns: Any) -> OpenStay:
    return OpenStay(**dict(zip(open_stay.c.keys(), columns, strict=True)))


def _stay(*columns: Any) -> Stay:
    return Stay(**dict(zip(stay.c.keys(), columns, strict=True)))


def _segment(*columns: Any) -> Segment:
    return Segment(**dict(zip(segment.c.keys(), columns, strict=True)))


def _correction(*columns: Any) -> PlateCorrection:
    return PlateCorrection(**dict(zip(plate_correction.c.keys(), columns, strict=True)))


INSERT_OPEN_STAY = insert_into(open_stay)
BY_OPEN_KEY = Query(select(open_stay).where(open_stay.c.open_key == bindparam("open_key")), _open_stay)
OPEN_STAY = Query(select(open_stay).where(open_stay.c.id == bindparam("stay")), _open_stay)
PLATES_INSIDE = Query(
    select(open_stay.c.id, vault.c.id, vault.c.kind, vault.c.key_id, vault.c.sealed)
    .select_from(open_stay.join(vault, vault.c.id == open_stay.c.plate_id))
    .where(open_stay.c.lot_id == bindparam("lot"))
    .limit(INSIDE_MAX),
    lambda stay_id, vault_id, kind, key_id, sealed: (stay_id, Sealed(vault_id, kind, key_id, sealed)),
)
IDS_INSIDE = Query(
    select(open_stay.c.id).where(open_stay.c.lot_id == bindparam("lot")).order_by(open_stay.c.id), one_id
)
INSIDE_COMPANY = Query(select(func.count()).where(open_stay.c.company_id == bindparam("company")), int)
OPEN_COUNT = Query(select(func.count()).where(open_stay.c.lot_id == bindparam("lot")), int)
MOVE_OPEN_STAY = Write(
    update(open_stay)
    .where(open_stay.c.id == bindparam("stay"), open_stay.c.version == bindparam("old_version"))
    .values(
        area_id=bindparam("new_area"),
        since=bindparam("new_since"),
        right=bindparam("new_right"),
        permit_id=bindparam("new_permit"),
        segments=open_stay.c.segments + 1,
        version=open_stay.c.version + 1,
    )
)
REPLATE_OPEN_STAY = Write(
    update(open_stay)
    .where(open_stay.c.id == bindparam("stay"), open_stay.c.version == bindparam("old_version"))
    .values(
        plate_id=bindparam("new_plate"),
        plate_kind=bindparam("new_kind"),
        open_key=bindparam("new_open_key"),
        right=bindparam("new_right"),
        permit_id=bindparam("new_permit"),
        again_of=None,  # it is another car's
        one_visit=None,
        version=open_stay.c.version + 1,
    )
)
SETTLE_AGAIN = Write(
    update(open_stay)
    .where(open_stay.c.id == bindparam("stay"), open_stay.c.version == bindparam("old_version"))
    .values(
        again_of=bindparam("new_again_of"), one_visit=bindparam("new_one_visit"), version=open_stay.c.version + 1
    )
)  # fmt: skip
REKEY_OPEN_STAY = Write(
    update(open_stay)
    .where(open_stay.c.id == bindparam("stay"), open_stay.c.version == bindparam("old_version"))
    .values(open_key=bindparam("new_open_key"), version=open_stay.c.version + 1)
)
OPEN_OF_PLATE = Query(
    select(open_stay)
    .where(open_stay.c.plate_id == bindparam("plate", type_=IdType()), open_stay.c.lot_id == bindparam("lot"))
    .order_by(open_stay.c.id)
    .limit(20),
    _open_stay,
)
# Old ones first, from an entry on: what the night looks at.
OLD_OPEN_STAYS = Query(
    select(open_stay)
    .where(
        open_stay.c.lot_id == bindparam("lot"),
        or_(
            open_stay.c.entered_at > bindparam("after_at"),
            and_(open_stay.c.entered_at == bindparam("after_at"), open_stay.c.id > bindparam("after_id")),
        ),
        open_stay.c.entered_at < bindparam("before_at"),
    )
    .order_by(open_stay.c.entered_at, open_stay.c.id)
    .limit(bindparam("limit")),
    _open_stay,
)
DELETE_OPEN_STAY = Write(
    delete(open_stay).where(open_stay.c.id == bindparam("stay"), open_stay.c.version == bindparam("old_version"))
)
INSERT_STAY = insert_into(stay)
DELETE_STAY = Write(delete(stay).where(stay.c.id == bindparam("stay")))
CORRECT_STAY = Write(
    update(stay)
    .where(stay.c.id == bindparam("stay"))
    .values(plate_id=bindparam("new_plate"), plate_kind=bindparam("new_kind"), price_minor=bindparam("new_price"))
)
CONTINUE_STAY = Write(
    update(stay).where(stay.c.id == bindparam("stay")).values(continues_id=bindparam("new_continues"))
)
SET_PRICE = Write(update(stay).where(stay.c.id == bindparam("stay")).values(price_minor=bindparam("new_price")))
SET_PAID = Write(update(stay).where(stay.c.id == bindparam("stay")).values(paid_minor=bindparam("new_paid")))
STAY = Query(select(stay).where(stay.c.id == bindparam("stay")), _stay)
STAYS_OF_PLATE = Query(
    select(stay)
    .where(
        stay.c.plate_id == bindparam("plate", type_=IdType()),
        stay.c.lot_id == bindparam("lot"),
        stay.c.id < bindparam("before"),
    )
    .order_by(stay.c.id.desc())
    .limit(bindparam("limit")),
    _stay,
)
INSERT_SEGMENT = insert_into(segment)
DELETE_SEGMENT = Write(
    delete(segment).where(segment.c.stay_id == bindparam("stay"), segment.c.ordinal == bindparam("part"))
)
SEGMENTS = Query(
    select(segment).where(segment.c.stay_id == bindparam("stay")).order_by(segment.c.ordinal).limit(1_000), _segment
)
REGRANT_SEGMENT = Write(
    update(segment)
    .where(segment.c.stay_id == bindparam("stay"), segment.c.ordinal == bindparam("part"))
    .values(right=bindparam("new_right"), permit_id=bindparam("new_permit"))
)
INSERT_CORRECTION = insert_into(plate_correction)
CORRECTIONS = Query(
    select(plate_correction)
    .where(plate_correction.c.stay_id == bindparam("stay"))
    .order_by(plate_correction.c.id)
    .limit(PAGE_MAX),
    _correction,
)
