"""Statements that write and copy rows, and those of generations and lots."""

from dataclasses import asdict
from typing import Any

from sqlalchemy import bindparam, delete, func, insert, literal_column, select, update

from openberth.contexts.insight.model.finance import Sums
from openberth.contexts.insight.model.generations import Generation, LotKnown
from openberth.contexts.insight.model.movements import MEASURES, Key
from openberth.contexts.insight.store.tables import finance_generation, finance_lot, finance_row
from openberth.infra.database.statement import Query, Write, insert_into

LOT_RECORDS_MAX = 1_000
SUM_NAMES = (*(f"{each}_minor" for each in MEASURES), *(f"{each}_count" for each in MEASURES))
_KEY = {
    "lot_id": "lot", "period": "period", "company_id": "company", "span": "span", "currency": "currency",
    "method": "method", "channel_id": "channel", "tariff_id": "tariff", "operator": "operator",
}  # fmt: skip

_row = finance_row.c
ADD = Write(
    update(finance_row)
    .where(_row.generation == bindparam("into"), *(_row[name] == bindparam(f"of_{name}") for name in _KEY))
    .values({name: _row[name] + bindparam(f"plus_{name}") for name in SUM_NAMES})
)
INSERT = insert_into(finance_row)
FIRST_PERIOD: Query[int | None] = Query(
    select(func.min(_row.period)).where(_row.generation == bindparam("generation"), _row.period > bindparam("after")),
    lambda period: period,
)
_COPIED = [column.name for column in finance_row.columns if column.name != "generation"]
COPY = Write(
    insert(finance_row).from_select(
        ["generation", *_COPIED],
        select(bindparam("into", type_=_row.generation.type), *(_row[name] for name in _COPIED)).where(
            _row.generation == bindparam("source"),
            _row.period == bindparam("wanted"),
            _row.span <= bindparam("last_span"),
        ),
    )
)
OLDEST: Query[int | None] = Query(select(func.min(_row.generation)), lambda number: number)
DROP = Write(
    delete(finance_row).where(_row.generation == bindparam("gone"), _row.period == bindparam("wanted"))
)  # fmt: skip

_generation = finance_generation.c
INSERT_GENERATION = insert_into(finance_generation)
GENERATIONS: Query[Generation] = Query(select(finance_generation).order_by(_generation.number.desc()), Generation)
SAVE_GENERATION = Write(
    update(finance_generation)
    .where(_generation.number == bindparam("wanted"))
    .values(
        state=bindparam("new_state"),
        copied_span=bindparam("new_copied_span"),
        copied_period=bindparam("new_copied_period"),
        serving_since=bindparam("new_serving_since"),
    )
)
NUMBER: Query[int] = Query(
    select(func.coalesce(func.max(_generation.number), literal_column("1"))).where(
        _generation.state == bindparam("state")
    ),
    int,
)

INSERT_LOT = insert_into(finance_lot, once=True)
LOT_KNOWN: Query[LotKnown] = Query(
    select(finance_lot)
    .where(finance_lot.c.lot_id == bindparam("lot"))
    .order_by(finance_lot.c.since.desc())
    .limit(LOT_RECORDS_MAX),
    LotKnown,
)
LOTS_KNOWN: Query[LotKnown] = Query(select(finance_lot).order_by(finance_lot.c.since), LotKnown)


def key_params(generation: int, key: Key, sums: Sums) -> dict[str, Any]:
    """Return the parameters of ``ADD``."""
    values = asdict(key)
    found: dict[str, Any] = {f"of_{column}": values[name] for column, name in _KEY.items()}
    return found | {"into": generation} | {f"plus_{name}": sum_ for name, sum_ in zip(SUM_NAMES, sums, strict=True)}


def row_params(generation: int, key: Key, sums: Sums) -> dict[str, Any]:
    """Return the parameters of ``INSERT``."""
    values = asdict(key)
    found: dict[str, Any] = {column: values[name] for column, name in _KEY.items()}
    return found | {"generation": generation} | dict(zip(SUM_NAMES, sums, strict=True))
