"""Tables that people take away as files."""

from openberth.migrations.steps import big, create_index, create_table, flag, ident, json, number, word

revision = "0041"
down_revision = "0040"


def upgrade() -> None:
    create_table(
        "table_export",
        ident("id", key=True),
        ident("company_id", null=True),
        json("for_scope"),
        word("name", 24),
        word("form", 24),
        word("language", 2),
        json("lots"),
        json("filters"),
        word("state", 24),
        word("asked_by", 100),
        big("asked_at"),
        big("ended_at", null=True),
        big("after_at", null=True),
        ident("after_id", null=True),
        big("row_count"),
        big("total", null=True),
        big("more_than", null=True),
        flag("complete"),
        number("parts"),
        big("version"),
    )
    create_index("ix_table_export_asker", "table_export", "asked_by", "id")
    create_table(
        "table_export_part",
        ident("id", key=True),
        ident("company_id", null=True),
        ident("export_id"),
        number("number"),
        flag("is_file"),
    )
    create_index("uq_table_export_part", "table_export_part", "export_id", "number", unique=True)
