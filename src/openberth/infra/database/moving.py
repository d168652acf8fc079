"""Rows of a lot that comes to another company: each table says which follow; all are moved here, in one unit."""

from collections.abc import Iterator
from functools import lru_cache
from typing import Any

from sqlalchemy import Table, bindparam, update

from openberth.infra.database.schema import OnMove, metadata
from openberth.infra.database.statement import Write
from openberth.infra.database.unit import Unit
from openberth.kernel.ids import Id


def move_rows(unit: Unit, *, lot: Id, source: Id, target: Id) -> dict[str, int]:
    """Give a lot's rows that follow it to another company; return how many of which table."""
    return {
        name: unit.run(write, moved_lot=lot, old_company=source, new_company=target) for name, write in _writes()
    }  # fmt: skip


def tables_of_lots() -> Iterator[Table]:
    """Return every table whose rows belong to lots."""
    for each in metadata.sorted_tables:
        scope = each.info.get("scope")
        if scope is not None and scope[1] is not None:
            yield each


@lru_cache(maxsize=1)
def _writes() -> tuple[tuple[str, Write], ...]:
    """Return the statements that move rows; all tables are known by the time that a lot moves."""
    found: list[tuple[str, Write]] = []
    for each in tables_of_lots():
        moves: Any = each.info["moves"]
        if moves in (OnMove.STAY, OnMove.TOLD):
            continue
        company, lot = each.info["scope"]
        here = [each.c[lot] == bindparam("moved_lot"), each.c[company] == bindparam("old_company")]
        if moves is not OnMove.FOLLOW:
            here.append(moves(each))
        found.append((each.name, Write(update(each).where(*here).values({company: bindparam("new_company")}))))
    return tuple(found)
