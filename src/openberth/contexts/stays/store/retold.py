"""What was told again of cars that were decided about."""

from typing import Any

from sqlalchemy import bindparam, select

from openberth.contexts.stays.model.entities import Retelling
from openberth.contexts.stays.store.tables import recognition
from openberth.infra.database.statement import Query, insert_into

KEPT_MAX = 32  # of one passage: a camera that repeats itself for an hour says no more


def _retelling(*columns: Any) -> Retelling:
    values = dict(zip(recognition.c.keys(), columns, strict=True))
    values["flaws"] = tuple(values["flaws"])
    return Retelling(**values)


INSERT = insert_into(recognition)
OF_PASSAGE = Query(
    select(recognition)
    .where(recognition.c.passage_id == bindparam("passage"))
    .order_by(recognition.c.id)
    .limit(KEPT_MAX),
    _retelling,
)
