"""The operator token of this machine: its table and statements."""

from sqlalchemy import bindparam, delete, select

from openberth.infra.database.schema import table
from openberth.infra.database.statement import Query, Write, insert_into
from openberth.infra.database.types import instant_column, word_column

operator_token = table(
    "operator_token",
    word_column("digest", 64, primary_key=True),
    word_column("name", 80),
    instant_column("created_at"),
)

INSERT_TOKEN = insert_into(operator_token, once=True)
FORGET_OTHERS = Write(
    delete(operator_token).where(
        operator_token.c.name == bindparam("token_name"), operator_token.c.digest != bindparam("kept")
    )
)
TOKEN = Query(select(operator_token.c.name).where(operator_token.c.digest == bindparam("digest")), str)
