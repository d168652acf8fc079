"""Keys of machines and how often they were used: tables and statements."""

from typing import Any

from sqlalchemy import BigInteger, Column, Index, Integer, bindparam, delete, func, or_, select, update

from openberth.contexts.tenancy.model.api_keys import ApiKey
from openberth.infra.database.schema import table
from openberth.infra.database.statement import Query, Write, insert_into
from openberth.infra.database.types import id_column, instant_column, json_column, word_column
from openberth.kernel.ids import Id
from openberth.kernel.time import Instant

api_key = table(
    "api_key",
    id_column(primary_key=True),
    id_column("company_id", nullable=True),
    id_column("account_id"),
    word_column("key", 40),
    id_column("secret_id"),
    word_column("name", 60),
    json_column("scopes"),
    Column("per_minute", Integer, nullable=False),
    Column("per_day", BigInteger, nullable=False),
    instant_column("created_at"),
    word_column("created_by", 100),
    instant_column("until_at", nullable=True),
    instant_column("ended_at", nullable=True),
    scope=("company_id", None),
)
Index("uq_api_key_key", api_key.c.key, unique=True)
Index("ix_api_key_account", api_key.c.account_id)

# Counted in the unit that uses the nonce up: a restart gives nobody a new day.
api_key_use = table(
    "api_key_use",
    id_column("key_id", primary_key=True),
    Column("day", Integer, primary_key=True, autoincrement=False),
    Column("uses", BigInteger, nullable=False),
    instant_column("last_at"),
)
Index("ix_api_key_use_day", api_key_use.c.day)
_K, _U = api_key.c, api_key_use.c


def _key(
    found: Id, company: Id | None, account: Id, key: str, secret: Id, name: str, scopes: list[str], *rest: Any
) -> ApiKey:
    return ApiKey(found, company, account, key, secret, name, frozenset(scopes), *rest)


INSERT = insert_into(api_key)
BY_KEY = Query(select(api_key).where(_K.key == bindparam("of_key")), _key)
OF_ACCOUNT = Query(select(api_key).where(_K.account_id == bindparam("account")).order_by(_K.id.desc()).limit(100), _key)
HOLDING = Query(
    select(func.count()).where(
        _K.account_id == bindparam("account"), _K.ended_at.is_(None),
        or_(_K.until_at.is_(None), _K.until_at > bindparam("now")),
    ),
    int,
)  # fmt: skip
END = Write(update(api_key).where(_K.id == bindparam("key_id"), _K.ended_at.is_(None)).values(ended_at=bindparam("at")))

FIRST_USE = insert_into(api_key_use, once=True)
USE = Write(
    update(api_key_use)
    .where(_U.key_id == bindparam("of_key"), _U.day == bindparam("of_day"), _U.uses < bindparam("most"))
    .values(uses=_U.uses + 1, last_at=bindparam("at"))
)
USES = Query(select(_U.uses).where(_U.key_id == bindparam("of_key"), _U.day == bindparam("of_day")), int)
LAST_USE = Query(
    select(func.max(_U.last_at)).where(_U.key_id == bindparam("of_key")),
    lambda at: None if at is None else Instant(at),
)
OLD_DAYS = Query(
    select(_U.key_id, _U.day).where(_U.day < bindparam("before")).limit(200), lambda key, day: (key, int(day))
)
FORGET_DAY = Write(delete(api_key_use).where(_U.key_id == bindparam("of_key"), _U.day == bindparam("of_day")))
