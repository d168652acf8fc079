"""The steps that revisions take, and the column shapes they use.

Frozen with the first release: a later meaning gets a new name, for old revisions must do tomorrow what they did
yesterday. Every step passes over what is there already, because MySQL and MariaDB commit each statement by itself and
an interrupted revision runs again from its start.
"""

from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import mysql, postgresql

_OPTIONS: dict[str, Any] = {
    "sqlite_with_rowid": False,
    "mysql_engine": "InnoDB",
    "mysql_charset": "utf8mb4",
    "mysql_collate": "utf8mb4_bin",
}
# Rows that no month takes yet go to the partition "rest", so that an insert never fails.
_BY_MONTH: dict[str, Any] = {
    "postgresql_partition_by": "RANGE (id)",
    "mysql_partition_by": "RANGE COLUMNS (id) (PARTITION rest VALUES LESS THAN (MAXVALUE))",
}


def ident(name: str, *, key: bool = False, null: bool = False) -> "sa.Column[Any]":
    """Return a column of ids: ``uuid`` on PostgreSQL, 16 bytes elsewhere."""
    shape = sa.LargeBinary(16).with_variant(postgresql.UUID(), "postgresql").with_variant(mysql.BINARY(16), "mysql")
    return _column(name, shape, key, null)


def word(name: str, length: int, *, key: bool = False, null: bool = False) -> "sa.Column[Any]":
    """Return a column of text compared byte by byte."""
    shape = (
        sa.String(length)
        .with_variant(sa.String(length, collation="C"), "postgresql")
        .with_variant(mysql.VARCHAR(length, charset="utf8mb4", collation="utf8mb4_bin"), "mysql")
    )
    return _column(name, shape, key, null)


def json(name: str, *, null: bool = False) -> "sa.Column[Any]":
    """Return a column of JSON text."""
    shape = sa.Text().with_variant(mysql.MEDIUMTEXT(charset="utf8mb4", collation="utf8mb4_bin"), "mysql")
    return _column(name, shape, False, null)


def big(name: str, *, key: bool = False, null: bool = False) -> "sa.Column[Any]":
    """Return a column of 64-bit numbers: instants, money, positions."""
    return _column(name, sa.BigInteger(), key, null)


def number(name: str, *, key: bool = False, null: bool = False) -> "sa.Column[Any]":
    """Return a column of 32-bit numbers."""
    return _column(name, sa.Integer(), key, null)


def flag(name: str, *, null: bool = False) -> "sa.Column[Any]":
    """Return a column of truth values."""
    return _column(name, sa.Boolean(), False, null)


def octets(name: str, length: int, *, null: bool = False) -> "sa.Column[Any]":
    """Return a column of bytes."""
    return _column(name, sa.LargeBinary(length), False, null)


def check(name: str, condition: str) -> sa.CheckConstraint:
    """Return a rule that every row keeps, for a table that is being created."""
    return sa.CheckConstraint(condition, name=name)


def create_table(name: str, *parts: "sa.Column[Any] | sa.CheckConstraint", history: bool = False) -> None:
    """Create a table; ``history`` is partitioned by its version 7 id on servers."""
    if not sa.inspect(op.get_bind()).has_table(name):
        columns = (part for part in parts if isinstance(part, sa.Column))
        keys = sa.PrimaryKeyConstraint(*(column.name for column in columns if column.info["key"]), name=f"pk_{name}")
        op.create_table(name, *parts, keys, **_OPTIONS, **(_BY_MONTH if history else {}))
    if history and op.get_bind().dialect.name == "postgresql":
        op.execute(f"CREATE TABLE IF NOT EXISTS {name}_rest PARTITION OF {name} DEFAULT")


def create_index(name: str, table: str, *columns: str, unique: bool = False) -> None:
    """Create an index."""
    if name not in {index["name"] for index in sa.inspect(op.get_bind()).get_indexes(table)}:
        op.create_index(name, table, list(columns), unique=unique)


def add_column(table: str, column: "sa.Column[Any]") -> None:
    """Add a column, nullable or with a server default: the program before does not fill it."""
    assert column.nullable or column.server_default is not None, "the program before does not fill this column"
    if column.name not in {found["name"] for found in sa.inspect(op.get_bind()).get_columns(table)}:
        op.add_column(table, column)


def append_only(table: str, key: str) -> None:
    """Refuse every change and deletion of a table's rows by triggers, whoever asks.

    On MySQL and MariaDB with a binary log the migrating account needs ``log_bin_trust_function_creators`` or the right
    to make triggers there; TRUNCATE passes their triggers by, and PostgreSQL's refuse it too.
    """
    words = f"{table} is append-only"
    dialect = op.get_bind().dialect.name
    if dialect == "postgresql":
        op.execute(
            f"CREATE OR REPLACE FUNCTION {table}_append_only() RETURNS trigger LANGUAGE plpgsql AS"
            f" $$ BEGIN RAISE EXCEPTION '{words}'; END $$"
        )
        op.execute(f"DROP TRIGGER IF EXISTS {table}_append_only ON {table}")
        op.execute(
            f"CREATE TRIGGER {table}_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON {table}"
            f" FOR EACH STATEMENT EXECUTE FUNCTION {table}_append_only()"
        )
    elif dialect == "sqlite":
        for verb in ("UPDATE", "DELETE"):
            op.execute(
                f"CREATE TRIGGER IF NOT EXISTS {table}_no_{verb.lower()} BEFORE {verb} ON {table}"
                f" BEGIN SELECT RAISE(ABORT, '{words}'); END"
            )
        # "INSERT OR REPLACE" deletes without asking the trigger above.
        there = f"EXISTS (SELECT 1 FROM {table} WHERE {key} = NEW.{key})"  # noqa: S608 - names of ours
        op.execute(
            f"CREATE TRIGGER IF NOT EXISTS {table}_no_replace BEFORE INSERT ON {table} WHEN {there}"
            f" BEGIN SELECT RAISE(ABORT, '{words}'); END"
        )
    else:
        made = sa.text("SELECT trigger_name FROM information_schema.triggers WHERE trigger_schema = DATABASE()")
        known = set(op.get_bind().execute(made).scalars())
        for verb in ("UPDATE", "DELETE"):
            name = f"{table}_no_{verb.lower()}"
            if name not in known:
                op.execute(
                    f"CREATE TRIGGER {name} BEFORE {verb} ON {table} FOR EACH ROW"
                    f" SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = '{words}'"
                )


def seed(table: str, columns: Sequence[str], rows: Sequence[Sequence[int]]) -> None:
    """Insert the rows that the program relies on, all of them numbers, unless they are there."""
    target = sa.table(table, *(sa.column(name) for name in columns))
    bind = op.get_bind()
    there = {tuple(row) for row in bind.execute(sa.select(*target.columns))}
    missing = [dict(zip(columns, row, strict=True)) for row in rows if tuple(row) not in there]
    if missing:
        bind.execute(sa.insert(target), missing)


def copy_rows(statement: str) -> None:
    """Fill a new table from one that was there: an ``INSERT … SELECT`` that passes over what it has copied before."""
    assert " NOT IN (SELECT " in statement, "it runs again after an interruption"
    op.execute(statement)


def _column(name: str, shape: Any, key: bool, null: bool) -> "sa.Column[Any]":
    return sa.Column(name, shape, nullable=null, autoincrement=False, info={"key": key})
