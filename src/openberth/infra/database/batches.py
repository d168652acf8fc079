"""Rows of many things at once: a statement with a fixed list of places for ids, asked as often as it takes."""

from collections.abc import Iterable
from typing import Any, TypeVar

from sqlalchemy import Column, bindparam
from sqlalchemy.sql.expression import ColumnElement

from openberth.infra.database.statement import Query
from openberth.infra.database.unit import Reader
from openberth.kernel.ids import Id

BATCH = 64  # places in the list; what is left over is filled with the last id

T = TypeVar("T")


def among_batch(column: "Column[Any]") -> ColumnElement[bool]:
    """Return that a column holds one of the ids of a batch; such a query is asked with ``in_batches``."""
    return column.in_([bindparam(f"batch_{place}", type_=column.type) for place in range(BATCH)])


def in_batches(reader: Reader, query: Query[T], ids: Iterable[Id], **params: Any) -> list[T]:
    """Return the rows of a query that is narrowed by ``among_batch``, for any number of ids."""
    wanted, found = list(ids), list[T]()
    for start in range(0, len(wanted), BATCH):
        batch = wanted[start : start + BATCH]
        batch += [batch[-1]] * (BATCH - len(batch))
        found += reader.all(query, **{f"batch_{place}": each for place, each in enumerate(batch)}, **params)
    return found
