"""Settings at nodes of the tree: their table and statements."""

from typing import Any

from sqlalchemy import BigInteger, Boolean, Column, bindparam, delete, select, update

from openberth.contexts.tenancy.model.accounts import Level
from openberth.contexts.tenancy.model.organisation import NODES_MAX
from openberth.contexts.tenancy.model.settings import Said
from openberth.infra.database.schema import OnMove, table
from openberth.infra.database.statement import Query, Write, insert_into
from openberth.infra.database.types import enum_column, id_column, instant_column, json_column, word_column
from openberth.kernel.ids import Id

setting = table(
    "setting",
    id_column("node_id", primary_key=True),
    word_column("key", 60, primary_key=True),
    enum_column("level", Level),
    id_column("company_id", nullable=True),
    id_column("lot_id", nullable=True),
    json_column("value"),
    Column("locked", Boolean, nullable=False),
    word_column("set_by", 100),
    instant_column("set_at"),
    Column("version", BigInteger, nullable=False),
    scope=("company_id", "lot_id"),
    moves=OnMove.FOLLOW,
)


def _said(node: Id, key: str, level: Level, value: Any, locked: bool, version: int) -> Said:
    return Said(node, key, level, value, bool(locked), version)


_SAID = select(*(setting.c[name] for name in ("node_id", "key", "level", "value", "locked", "version")))
# What holds at a node hangs on what was set above it, beyond the scope of whoever asks.
AT_NODES = Query(
    _SAID.where(
        setting.c.node_id.in_([bindparam(f"node_{index}", type_=setting.c.node_id.type) for index in range(NODES_MAX)])
    ),
    _said,
    everywhere=True,
)
INSERT = insert_into(setting)
_ONE = (setting.c.node_id == bindparam("node"), setting.c.key == bindparam("setting_key"))
SAVE = Write(
    update(setting)
    .where(*_ONE, setting.c.version == bindparam("seen"))
    .values(
        value=bindparam("new_value"), locked=bindparam("new_locked"), set_by=bindparam("new_by"),
        set_at=bindparam("new_at"), version=setting.c.version + 1,
    )
)  # fmt: skip
DELETE = Write(delete(setting).where(*_ONE, setting.c.version == bindparam("seen")))
