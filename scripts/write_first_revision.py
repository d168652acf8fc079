"""Write src/openberth/migrations/versions/0001_first.py from the tables as they are now.

Only until the first release: afterwards 0001 is what databases in the field were made by, and a change is a new
revision. Run it from the checkout: ``.venv/bin/python scripts/write_first_revision.py``.
"""

import subprocess
import sys
from pathlib import Path

from sqlalchemy import BigInteger, Boolean, Column, Integer, LargeBinary, Table

from openberth.infra.database.schema import LOCK_BUCKETS
from openberth.infra.database.types import EnumType, IdType, JsonType, WordType
from openberth.migrations.tables import metadata

TARGET = Path(__file__).parents[1] / "src/openberth/migrations/versions/0001_first.py"

HEAD = '''"""The first schema. Written by scripts/write_first_revision.py and frozen with the first release."""

from openberth.migrations.steps import {steps}

revision = "0001"
down_revision = None


def upgrade() -> None:
'''


def main() -> None:
    tables = sorted(metadata.tables.values(), key=lambda table: table.name)
    lines = [line for table in tables for line in _table(table)]
    body = "\n".join(lines)
    seeds = (
        '    seed("event_head", ("id", "position"), [(1, 0)])\n'
        f'    seed("lock_bucket", ("bucket",), [(bucket,) for bucket in range({LOCK_BUCKETS})])\n'
    )
    shapes = ("big", "create_index", "create_table", "flag", "ident", "json", "number", "octets", "seed", "word")
    used = [shape for shape in shapes if f"{shape}(" in body + seeds]
    TARGET.write_text(HEAD.format(steps=", ".join(used)) + body + "\n" + seeds, "utf-8")
    ruff = Path(sys.executable).with_name("ruff")
    subprocess.run([ruff, "check", "--quiet", "--fix", TARGET], check=True)
    subprocess.run([ruff, "format", "--quiet", TARGET], check=True)
    print(f"{TARGET.name}: {len(tables)} tables")


def _table(table: Table) -> list[str]:
    lines = ["    create_table(", f'        "{table.name}",']
    lines += [f"        {_column(column)}," for column in table.columns]
    lines += ["        history=True,"] if table.info.get("history") else []
    lines += ["    )"]
    for index in sorted(table.indexes, key=lambda found: str(found.name)):
        columns = ", ".join(f'"{column.name}"' for column in index.columns)
        if index.unique and table.info.get("history"):
            raise SystemExit(f"{table.name} is partitioned by its id and can have no other unique key: {index.name}")
        lines.append(
            f'    create_index("{index.name}", "{table.name}", {columns}{", unique=True" if index.unique else ""})'
        )
    if table.constraints - {table.primary_key} or table.foreign_keys:
        raise SystemExit(f"{table.name} has constraints besides its key; use unique indexes")
    return lines


def _column(column: "Column[object]") -> str:
    shape, length = _shape(column)
    if column.server_default is not None or column.index or column.unique:
        raise SystemExit(f"{column}: defaults live in the program, indexes stand beside the table")
    parts = [f'"{column.name}"', *([str(length)] if length else [])]
    parts += ["key=True"] if column.primary_key else []
    parts += ["null=True"] if column.nullable else []
    return f"{shape}({', '.join(parts)})"


def _shape(column: "Column[object]") -> tuple[str, int | None]:
    kind = column.type
    if isinstance(kind, IdType):
        return "ident", None
    if isinstance(kind, JsonType):
        return "json", None
    if isinstance(kind, EnumType | WordType):
        return "word", kind.impl_instance.length  # type: ignore[attr-defined]
    if isinstance(kind, LargeBinary):
        return "octets", kind.length
    for sort, shape in ((BigInteger, "big"), (Boolean, "flag"), (Integer, "number")):
        if isinstance(kind, sort):
            return shape, None
    raise SystemExit(f"{column} has a type that no step makes: {kind!r}")


if __name__ == "__main__":
    main()
