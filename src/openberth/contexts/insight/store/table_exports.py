"""Tables that were asked for as files, and the blobs they lie in."""

from typing import Any

from sqlalchemy import BigInteger, Boolean, Column, Index, Integer, bindparam, delete, func, select, update

from openberth.contexts.insight.model.tables import (
    FileForm,
    TableExport,
    TableName,
    TableState,
    scope_of_plain,
)
from openberth.infra.database.schema import table
from openberth.infra.database.statement import Query, Write, insert_into
from openberth.infra.database.types import enum_column, id_column, instant_column, json_column, word_column
from openberth.kernel.ids import Id
from openberth.kernel.time import Instant

table_export = table(
    "table_export",
    id_column(primary_key=True),
    id_column("company_id", nullable=True),
    json_column("for_scope"),
    enum_column("name", TableName),
    enum_column("form", FileForm),
    word_column("language", 2),
    json_column("lots"),
    json_column("filters"),
    enum_column("state", TableState),
    word_column("asked_by", 100),
    instant_column("asked_at"),
    instant_column("ended_at", nullable=True),
    instant_column("after_at", nullable=True),
    id_column("after_id", nullable=True),
    Column("row_count", BigInteger, nullable=False),
    Column("total", BigInteger, nullable=True),
    Column("more_than", BigInteger, nullable=True),
    Column("complete", Boolean, nullable=False),
    Column("parts", Integer, nullable=False),
    Column("version", BigInteger, nullable=False),
    scope=("company_id", None),
)
Index("ix_table_export_asker", table_export.c.asked_by, table_export.c.id)

# ``is_file``: a piece of the finished file; otherwise rows of it.
table_export_part = table(
    "table_export_part",
    id_column(primary_key=True),
    id_column("company_id", nullable=True),
    id_column("export_id"),
    Column("number", Integer, nullable=False),
    Column("is_file", Boolean, nullable=False),
    scope=("company_id", None),
)
Index("uq_table_export_part", table_export_part.c.export_id, table_export_part.c.number, unique=True)


def _export(*columns: Any) -> TableExport:
    row = dict(zip(table_export.c.keys(), columns, strict=True))
    after_at, after_id = row.pop("after_at"), row.pop("after_id")
    return TableExport(
        company=row.pop("company_id"), scope=scope_of_plain(row.pop("for_scope")), table=row.pop("name"),
        lots=tuple(Id(each) for each in row.pop("lots")), rows=int(row.pop("row_count")),
        after=None if after_id is None else (Instant(after_at), after_id), complete=bool(row.pop("complete")), **row,
    )  # fmt: skip


INSERT = insert_into(table_export)
EXPORT = Query(select(table_export).where(table_export.c.id == bindparam("export")), _export)
OF_ASKER = Query(
    select(table_export)
    .where(table_export.c.asked_by == bindparam("asker"))
    .order_by(table_export.c.id.desc())
    .limit(20),
    _export,
)
WAITING_OF_ASKER = Query(
    select(func.count()).where(
        table_export.c.asked_by == bindparam("asker"), table_export.c.state == TableState.WAITING
    ),
    int,
)
SAVE = Write(
    update(table_export)
    .where(table_export.c.id == bindparam("export"), table_export.c.version == bindparam("seen"))
    .values(
        state=bindparam("new_state"), ended_at=bindparam("new_ended_at"), after_at=bindparam("new_after_at"),
        after_id=bindparam("new_after_id"), row_count=bindparam("new_rows"), total=bindparam("new_total"),
        more_than=bindparam("new_more_than"), complete=bindparam("new_complete"), parts=bindparam("new_parts"),
        version=table_export.c.version + 1,
    )
)  # fmt: skip
DELETE = Write(delete(table_export).where(table_export.c.id == bindparam("export")))
INSERT_PART = insert_into(table_export_part)
PARTS = Query(
    select(table_export_part.c.id, table_export_part.c.number, table_export_part.c.is_file)
    .where(table_export_part.c.export_id == bindparam("export"), table_export_part.c.number >= bindparam("first"))
    .order_by(table_export_part.c.number)
    .limit(200),
    lambda blob, number, is_file: (blob, int(number), bool(is_file)),
)
DELETE_PARTS = Write(delete(table_export_part).where(table_export_part.c.export_id == bindparam("export")))
