"""Plates of accounts. ``verified_key`` is the plate where it is proven, and unique: one account at most has it."""

from sqlalchemy import Index, bindparam, delete, select, update

from openberth.contexts.tenancy.model.own_plates import OwnPlate, Proof
from openberth.infra.database.schema import table
from openberth.infra.database.statement import Query, Write, insert_into, one_id
from openberth.infra.database.types import IdType, enum_column, id_column, instant_column

own_plate = table(
    "own_plate",
    id_column(primary_key=True),
    id_column("account_id"),
    id_column("value_id"),
    instant_column("bound_at"),
    instant_column("verified_at", nullable=True),
    enum_column("proof", Proof, nullable=True),
    instant_column("sees_from", nullable=True),
    id_column("verified_key", nullable=True),
    instant_column("sees_until", nullable=True),
)
Index("uq_own_plate_account", own_plate.c.account_id, own_plate.c.value_id, unique=True)
Index("uq_own_plate_verified", own_plate.c.verified_key, unique=True)
Index("ix_own_plate_value", own_plate.c.value_id)

_OWN_PLATE = select(*(own_plate.c[name] for name in (
    "id", "account_id", "value_id", "bound_at", "verified_at", "proof", "sees_from", "sees_until",
)))  # fmt: skip
_ID = bindparam("own_plate", type_=IdType())
_VALUE = bindparam("value", type_=IdType())

INSERT = insert_into(own_plate)
BY_ID = Query(_OWN_PLATE.where(own_plate.c.id == _ID), OwnPlate)
OF_ACCOUNT = Query(
    _OWN_PLATE.where(own_plate.c.account_id == bindparam("account")).order_by(own_plate.c.id).limit(100), OwnPlate
)
HOLDER = Query(_OWN_PLATE.where(own_plate.c.verified_key == _VALUE), OwnPlate)
BOUND = Query(select(own_plate.c.id).where(own_plate.c.value_id == _VALUE).limit(1), one_id)
VERIFY = Write(
    update(own_plate)
    .where(own_plate.c.id == _ID)
    .values(
        verified_at=bindparam("now"), proof=bindparam("new_proof"), sees_from=bindparam("new_sees_from"),
        sees_until=bindparam("new_sees_until"), verified_key=bindparam("new_key"),
    )
)  # fmt: skip
TAKE = Write(
    update(own_plate)
    .where(own_plate.c.id == _ID)
    .values(verified_at=None, proof=None, sees_from=None, sees_until=None, verified_key=None)
)
DELETE = Write(delete(own_plate).where(own_plate.c.id == _ID))
