"""What processes started with: names of settings and keyed digests of their values."""

from sqlalchemy import bindparam, delete, select

from openberth.infra.database.schema import table
from openberth.infra.database.statement import Query, Write, insert_into
from openberth.infra.database.types import word_column

start_setting = table(
    "start_setting",
    word_column("process", 80, primary_key=True),
    word_column("name", 80, primary_key=True),
    word_column("digest", 64),
)
_C = start_setting.c
SETTINGS = Query(
    select(_C.name, _C.digest).where(_C.process == bindparam("process")).order_by(_C.name).limit(1_000),
    lambda name, digest: (str(name), str(digest)),
)
INSERT = insert_into(start_setting)
FORGET = Write(delete(start_setting).where(_C.process == bindparam("process"), _C.name == bindparam("setting")))
