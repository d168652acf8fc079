"""Codes that were sent to phones, for a day: table and statements."""

from sqlalchemy import Column, Index, Integer, bindparam, delete, func, select, update

from openberth.contexts.tenancy.model.phone_codes import BOUNDS, TRIES, PhoneCode
from openberth.infra.database.schema import table
from openberth.infra.database.statement import Query, Write, insert_into, one_id
from openberth.infra.database.types import id_column, instant_column, word_column
from openberth.kernel.time import Instant

PURGE_MAX = 500

phone_code = table(
    "phone_code",
    id_column(primary_key=True),
    word_column("number", 64),
    word_column("digest", 64),
    instant_column("made_at"),
    Column("tries", Integer, nullable=False),
    instant_column("used_at", nullable=True),
)
_C = phone_code.c
Index("ix_phone_code_number", _C.number, _C.made_at)
Index("ix_phone_code_made", _C.made_at)

INSERT = insert_into(phone_code)
SENT_TO = Query(
    select(_C.made_at).where(_C.number == bindparam("of_number"), _C.made_at > bindparam("since"))
    .order_by(_C.made_at.desc()).limit(BOUNDS[-1][0]),
    lambda made_at: Instant(int(made_at)),
)  # fmt: skip
SENT = Query(select(func.count()).select_from(phone_code).where(_C.made_at > bindparam("since")), int)
NEWEST = Query(
    select(*_C).where(_C.number == bindparam("of_number")).order_by(_C.made_at.desc(), _C.id.desc()).limit(1), PhoneCode
)
# One statement, so that of tries at one instant each counts.
TRY = Write(
    update(phone_code)
    .where(_C.id == bindparam("code"), _C.used_at.is_(None), _C.tries < TRIES)
    .values(tries=_C.tries + 1)
)
USE = Write(update(phone_code).where(_C.id == bindparam("code")).values(used_at=bindparam("at")))
FORGET = Write(delete(phone_code).where(_C.id == bindparam("code")))
OLD = Query(select(_C.id).where(_C.made_at <= bindparam("before")).order_by(_C.made_at).limit(PURGE_MAX), one_id)
