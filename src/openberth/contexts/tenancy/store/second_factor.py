"""Recovery codes: table and statements."""

from sqlalchemy import Index, bindparam, delete, func, select, update

from openberth.infra.database.schema import table
from openberth.infra.database.statement import Query, Write, insert_into
from openberth.infra.database.types import id_column, instant_column, word_column

recovery_code = table(
    "recovery_code",
    word_column("digest", 64, primary_key=True),
    id_column("account_id"),
    instant_column("made_at"),
    instant_column("used_at", nullable=True),
)
Index("ix_recovery_code_account", recovery_code.c.account_id)

INSERT_CODE = insert_into(recovery_code)
USE_CODE = Write(
    update(recovery_code)
    .where(recovery_code.c.digest == bindparam("digest"), recovery_code.c.used_at.is_(None))
    .values(used_at=bindparam("at"))
)
CODES_LEFT = Query(
    select(func.count()).select_from(recovery_code)
    .where(recovery_code.c.account_id == bindparam("account"), recovery_code.c.used_at.is_(None)),
    int,
)  # fmt: skip
FORGET_CODES = Write(delete(recovery_code).where(recovery_code.c.account_id == bindparam("account")))
