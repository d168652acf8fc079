"""Resets of who is believed to be inside."""

from typing import Any

from sqlalchemy import bindparam, select

from openberth.contexts.stays.model.entities import NeutralReset
from openberth.contexts.stays.store.tables import neutral_reset
from openberth.infra.database.statement import Query, insert_into

LOOKED_AT = 200  # the newest of a lot: one is a deed of a person


def _reset(*columns: Any) -> NeutralReset:
    values = dict(zip(neutral_reset.c.keys(), columns, strict=True))
    values["rights"] = tuple(values["rights"])
    return NeutralReset(**values)


INSERT = insert_into(neutral_reset)
SINCE = Query(
    select(neutral_reset)
    .where(neutral_reset.c.lot_id == bindparam("lot"), neutral_reset.c.at >= bindparam("since"))
    .order_by(neutral_reset.c.at.desc())
    .limit(LOOKED_AT),
    _reset,
)
