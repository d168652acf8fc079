"""The tables of the house: one metadata, scope columns by one helper, and the tables that infra itself owns."""

from collections.abc import Callable
from enum import StrEnum
from typing import Any

from sqlalchemy import BigInteger, Column, Index, Integer, LargeBinary, MetaData, Table
from sqlalchemy.sql.expression import ColumnElement

from openberth.infra.database.types import id_column, instant_column, json_column, word_column

metadata = MetaData(
    naming_convention={
        "pk": "pk_%(table_name)s",
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    }
)

# Rows live in the primary key's tree (SQLite) and compare byte by byte (MySQL).
_OPTIONS: dict[str, Any] = {
    "sqlite_with_rowid": False,
    "mysql_engine": "InnoDB",
    "mysql_charset": "utf8mb4",
    "mysql_collate": "utf8mb4_bin",
}


class OnMove(StrEnum):
    """What happens to a table's rows of a lot that comes to another company."""

    FOLLOW = "follow"
    STAY = "stay"  # history: it stays with the company under which it happened
    TOLD = "told"  # the context itself does what is right, when it is told of the move


# Which rows of a table follow: all, none, those its context moves, or those for which a condition holds.
Moves = OnMove | Callable[[Table], ColumnElement[bool]]


def table(
    name: str, *parts: Any, scope: tuple[str, str | None] | None = None, history: bool = False,
    moves: Moves | None = None,
) -> Table:  # fmt: skip
    """Define a table.

    ``scope`` names the columns that hold company and lot; statements on such a table are narrowed to the caller's
    scope by the database room, never by hand. ``history`` marks an append-mostly table keyed by a version 7 id, which
    servers partition by month. ``moves`` says what happens when a lot comes to another company; every table with a lot
    says it (a test looks).
    """
    for part in parts:
        if isinstance(part, Index):
            raise TypeError("indexes are attached after the table")
    return Table(name, metadata, *parts, info={"scope": scope, "history": history, "moves": moves}, **_OPTIONS)


def business_table(name: str, *parts: Any, history: bool = False, moves: Moves | None = None) -> Table:
    """Define a table of one lot's business: id, company and lot first, then the given columns."""
    head = (id_column(primary_key=True), id_column("company_id"), id_column("lot_id"))
    return table(name, *head, *parts, scope=("company_id", "lot_id"), history=history, moves=moves)


event = table(
    "event",
    id_column(primary_key=True),
    Column("position", BigInteger, nullable=True),
    word_column("kind", 60),
    Column("version", Integer, nullable=False),
    id_column("company_id", nullable=True),
    id_column("lot_id", nullable=True),
    id_column("key"),
    word_column("node", 40),
    Column("node_sequence", BigInteger, nullable=False),
    word_column("actor_kind", 12),
    word_column("actor_name", 80),
    word_column("actor_address", 64, nullable=True),
    id_column("cause", nullable=True),
    instant_column("occurred_at"),
    instant_column("recorded_at"),
    json_column("body"),
    scope=("company_id", "lot_id"),
    history=True,
    moves=OnMove.STAY,
)
# Not unique: on servers the table is partitioned by id, and the leased sequencer alone gives positions.
Index("ix_event_position", event.c.position)

event_head = table(
    "event_head", Column("id", Integer, primary_key=True, autoincrement=False), Column("position", BigInteger)
)

consumer = table(
    "consumer",
    word_column("name", 60, primary_key=True),
    Column("position", BigInteger, nullable=False),
    instant_column("moved_at"),
)

parked_key = table(
    "parked_key",
    word_column("consumer", 60, primary_key=True),
    id_column("key", primary_key=True),
    Column("position", BigInteger, nullable=False),
    Column("failures", Integer, nullable=False),
    word_column("error", 400),
    instant_column("since"),
)

job = table(
    "job",
    id_column(primary_key=True),
    word_column("kind", 60),
    word_column("unique_key", 80, nullable=True),
    word_column("clock", 8),
    instant_column("due_at"),
    word_column("state", 10),
    Column("attempts", Integer, nullable=False),
    word_column("owner", 60, nullable=True),
    instant_column("leased_until", nullable=True),
    word_column("error", 400, nullable=True),
    json_column("body"),
    id_column("cause", nullable=True),
)
Index("ix_job_due", job.c.state, job.c.clock, job.c.due_at)
Index("uq_job_unique", job.c.kind, job.c.unique_key, unique=True)

lease = table(
    "lease",
    word_column("name", 80, primary_key=True),
    word_column("owner", 60),
    instant_column("until"),
    Column("fence", BigInteger, nullable=False),
)

seen = table(
    "seen",
    id_column("digest", primary_key=True),
    instant_column("at"),
    id_column("ref"),
)
Index("ix_seen_at", seen.c.at)

idempotency = table(
    "idempotency",
    word_column("key_hash", 64, primary_key=True),
    word_column("request_hash", 64),
    Column("status", Integer, nullable=False),
    json_column("answer", nullable=True),
    instant_column("at"),
)
Index("ix_idempotency_at", idempotency.c.at)

request_nonce = table(
    "request_nonce",
    id_column("digest", primary_key=True),
    instant_column("ends_at"),
)
Index("ix_request_nonce_ends", request_nonce.c.ends_at)

alarm = table(
    "alarm",
    id_column("company_id", primary_key=True),
    word_column("kind", 40, primary_key=True),
    word_column("subject", 60, primary_key=True),
    instant_column("since"),
    json_column("params"),
    id_column("lot_id", nullable=True),
    scope=("company_id", None),
)

vault = table(
    "vault",
    id_column(primary_key=True),
    word_column("kind", 20),
    word_column("fingerprint", 64),
    word_column("key_id", 40),
    Column("sealed", LargeBinary(4096), nullable=False),
    instant_column("at"),
)
Index("uq_vault_fingerprint", vault.c.kind, vault.c.fingerprint, unique=True)
Index("ix_vault_key", vault.c.key_id, vault.c.id)

# Which sealing keys every running process holds, and with which one it seals: a new key waits until all can read it.
key_holder = table(
    "key_holder",
    word_column("process", 80, primary_key=True),
    json_column("holds"),
    word_column("seals", 40),
    instant_column("seen_at"),
)

lock_bucket = table("lock_bucket", Column("bucket", Integer, primary_key=True, autoincrement=False))

LOCK_BUCKETS = 1024
