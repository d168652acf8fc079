"""Exports of all data of a tenant, and the parts that they consist of."""

from openberth.migrations.steps import big, create_index, create_table, flag, ident, json, number, word

revision = "0019"
down_revision = "0018"


def upgrade() -> None:
    create_table(
        "tenant_export",
        ident("id", key=True),
        ident("company_id"),
        word("level", 24),
        word("code", 40),
        json("companies"),
        word("reason", 200),
        flag("unmasked"),
        word("state", 24),
        word("asked_by", 100),
        big("asked_at"),
        big("ended_at", null=True),
        json("cursor"),
        number("parts"),
        big("lines"),
        big("version"),
    )
    create_table(
        "export_part",
        ident("id", key=True),
        ident("company_id"),
        ident("export_id"),
        number("number"),
        word("name", 60),
        number("lines"),
    )
    create_index("uq_export_part_number", "export_part", "export_id", "number", unique=True)
