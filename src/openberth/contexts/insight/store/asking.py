"""Statements that answer questions: sums of rows, grouped by some of their columns and narrowed by others.

Each shape of a question is one statement, made when it is first asked and kept.
"""

from collections.abc import Sequence
from functools import lru_cache

from sqlalchemy import bindparam, func, select

from openberth.contexts.insight.model.finance import Sums, Value
from openberth.contexts.insight.store.rows import SUM_NAMES
from openberth.contexts.insight.store.tables import finance_row
from openberth.infra.database.statement import Query

Row = tuple[tuple[Value, ...], str, Sums]

COLUMNS = ("company_id", "lot_id", "channel_id", "method", "tariff_id", "operator", "period")
NARROWING = ("company_id", "lot_id", "channel_id", "method", "operator", "currency")


@lru_cache(maxsize=512)
def sums_by(grouped: tuple[str, ...], narrowed: tuple[str, ...]) -> Query[Row]:
    """Return the statement that groups by columns (of ``COLUMNS``) and is narrowed by others (of ``NARROWING``).

    Its parameters: ``generation``, ``first`` and ``last`` period, ``limit``, and ``only_<column>``.
    """
    row = finance_row.c
    keys = [row[name] for name in grouped]
    wanted = [
        row.generation == bindparam("generation"),
        row.period >= bindparam("first"),
        row.period <= bindparam("last"),
        *(row[name] == bindparam(f"only_{name}") for name in narrowed),
    ]
    clause = (
        select(*keys, row.currency, *(func.sum(row[name]) for name in SUM_NAMES))
        .where(*wanted)
        .group_by(*keys, row.currency)
        .limit(bindparam("limit"))
    )
    place = len(grouped)

    def read(*columns: Value) -> Row:
        return columns[:place], str(columns[place]), _sums(columns[place + 1 :])

    return Query(clause, read)


def _sums(values: Sequence[Value]) -> Sums:
    return tuple(int(value) for value in values)  # servers sum to Decimal
