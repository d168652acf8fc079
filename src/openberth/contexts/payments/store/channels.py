"""Statements of channel accounts."""

from typing import Any
from uuid import UUID

from sqlalchemy import bindparam, select, update

from openberth.contexts.payments.model.channels import ChannelAccount, node_of
from openberth.contexts.payments.store.tables import channel_account as table
from openberth.contexts.tenancy.model.organisation import NODES_MAX
from openberth.infra.database.statement import Query, Write, insert_into

OF_NODES_MAX = 200


def _account(*columns: Any) -> ChannelAccount:
    row = dict(zip(table.c.keys(), columns, strict=True))
    return ChannelAccount(
        id=row["id"], node=node_of(row["level"], row["node_id"], row["company_id"], row["lot_id"]), kind=row["kind"],
        name=row["name"], params=row["params"], secrets={name: UUID(key) for name, key in row["secrets"].items()},
        state=row["state"], rank=row["rank"], version=row["version"],
    )  # fmt: skip


def account_row(found: ChannelAccount) -> dict[str, Any]:
    """Return the columns of an account."""
    node = found.node
    return {
        "id": found.id, "level": node.level, "node_id": node.id, "company_id": node.company, "lot_id": node.lot,
        "kind": found.kind, "name": found.name, "params": dict(found.params), "secrets": secrets_text(found),
        "state": found.state, "rank": found.rank, "version": found.version,
    }  # fmt: skip


def secrets_text(found: ChannelAccount) -> dict[str, str]:
    """Return the vault ids of an account's secrets as they are stored."""
    return {name: str(key) for name, key in found.secrets.items()}


INSERT = insert_into(table)
# Money that came is looked after whoever's account it came to, so these reach beyond the caller's scope.
ANY_ACCOUNT = Query(select(table).where(table.c.id == bindparam("account")), _account, everywhere=True)
AT_NODES = Query(
    select(table)
    .where(table.c.node_id.in_([bindparam(f"node_{index}", type_=table.c.node_id.type) for index in range(NODES_MAX)]))
    .limit(OF_NODES_MAX),
    _account,
    everywhere=True,
)
ACCOUNT = Query(select(table).where(table.c.id == bindparam("account")), _account)
ACCOUNTS = Query(select(table).order_by(table.c.id).limit(1_000), _account)
OF_NAME = Query(
    select(table).where(
        table.c.node_id == bindparam("node"), table.c.kind == bindparam("kind"), table.c.name == bindparam("name")
    ),
    _account,
    everywhere=True,
)
SAVE = Write(
    update(table)
    .where(table.c.id == bindparam("account"), table.c.version == bindparam("seen"))
    .values(
        name=bindparam("new_name"), params=bindparam("new_params"), secrets=bindparam("new_secrets"),
        state=bindparam("new_state"), rank=bindparam("new_rank"), version=table.c.version + 1,
    )
)  # fmt: skip
