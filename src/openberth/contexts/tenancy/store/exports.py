"""Exports: their tables and statements, and the statements that read any table of a tenant page by page."""

from collections.abc import Sequence
from functools import lru_cache
from typing import Any

from sqlalchemy import BigInteger, Boolean, Column, Index, Integer, Table, and_, bindparam, delete, or_, select, update

from openberth.contexts.tenancy.model.accounts import Level
from openberth.contexts.tenancy.model.exports import NOT_EXPORTED, WITHHELD, Cursor, Export, ExportState
from openberth.infra.database.schema import metadata, table
from openberth.infra.database.statement import Query, Write, insert_into
from openberth.infra.database.types import IdType, enum_column, id_column, instant_column, json_column, word_column
from openberth.kernel.ids import Id

tenant_export = table(
    "tenant_export",
    id_column(primary_key=True),
    id_column("company_id"),
    enum_column("level", Level),
    word_column("code", 40),
    json_column("companies"),
    word_column("reason", 200),
    Column("unmasked", Boolean, nullable=False),
    enum_column("state", ExportState),
    word_column("asked_by", 100),
    instant_column("asked_at"),
    instant_column("ended_at", nullable=True),
    json_column("cursor"),
    Column("parts", Integer, nullable=False),
    Column("lines", BigInteger, nullable=False),
    Column("version", BigInteger, nullable=False),
    scope=("company_id", None),
)

export_part = table(
    "export_part",
    id_column(primary_key=True),
    id_column("company_id"),
    id_column("export_id"),
    Column("number", Integer, nullable=False),
    word_column("name", 60),
    Column("lines", Integer, nullable=False),
    scope=("company_id", None),
)
Index("uq_export_part_number", export_part.c.export_id, export_part.c.number, unique=True)


def _export(*columns: Any) -> Export:
    row = dict(zip(tenant_export.c.keys(), columns, strict=True))
    cursor = row.pop("cursor")
    after = cursor["after"]
    return Export(
        node=row.pop("company_id"), companies=tuple(Id(each) for each in row.pop("companies")),
        unmasked=bool(row.pop("unmasked")),
        cursor=Cursor(cursor["table"], cursor["company"], None if after is None else tuple(after)), **row,
    )  # fmt: skip


INSERT_EXPORT = insert_into(tenant_export)
EXPORT = Query(select(tenant_export).where(tenant_export.c.id == bindparam("export")), _export)
SAVE_EXPORT = Write(
    update(tenant_export)
    .where(tenant_export.c.id == bindparam("export"), tenant_export.c.version == bindparam("seen"))
    .values(
        state=bindparam("new_state"), cursor=bindparam("new_cursor"), parts=bindparam("new_parts"),
        lines=bindparam("new_lines"), ended_at=bindparam("new_ended_at"), version=tenant_export.c.version + 1,
    )
)  # fmt: skip
INSERT_PART = insert_into(export_part)
PARTS = Query(
    select(export_part.c.id, export_part.c.number, export_part.c.name)
    .where(export_part.c.export_id == bindparam("export"), export_part.c.number >= bindparam("first"))
    .order_by(export_part.c.number)
    .limit(200),
    lambda part, number, name: (part, number, name),
)
DELETE_PARTS = Write(delete(export_part).where(export_part.c.export_id == bindparam("export")))


@lru_cache(maxsize=1)
def exported() -> tuple[Table, ...]:
    """Return the tables of tenants in the order in which they leave; all of them are known by then."""
    return tuple(
        each for each in metadata.sorted_tables if each.info.get("scope") is not None and each.name not in NOT_EXPORTED
    )


def columns_of(each: Table) -> list["Column[Any]"]:
    """Return the columns of a table that leave."""
    return [column for column in each.columns if column.name not in WITHHELD]


def key_of(each: Table) -> list["Column[Any]"]:
    """Return the columns by which a table's rows are told apart and ordered."""
    return list(each.primary_key.columns)


@lru_cache(maxsize=256)
def page_of(each: Table, goes_on: bool) -> Query[tuple[Any, ...]]:
    """Return the rows of one company by their key, from the first or after a key (``after_0`` …)."""
    key = key_of(each)
    ask = select(*columns_of(each)).where(each.c[each.info["scope"][0]] == bindparam("owner"))
    if goes_on:
        steps = []
        for place, column in enumerate(key):
            same = [key[before] == bindparam(f"after_{before}") for before in range(place)]
            steps.append(and_(*same, column > bindparam(f"after_{place}")))
        ask = ask.where(or_(*steps))
    return Query(ask.order_by(*key).limit(bindparam("most")), lambda *row: row, everywhere=True)


def after_of(each: Table, after: Sequence[Any]) -> dict[str, Any]:
    """Return the parameters of a key as it was kept in JSON."""
    return {
        f"after_{place}": Id(value) if isinstance(column.type, IdType) else value
        for place, (column, value) in enumerate(zip(key_of(each), after, strict=True))
    }
