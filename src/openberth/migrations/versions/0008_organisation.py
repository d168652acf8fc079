"""Partners above companies, properties between companies and lots, and settings at every level."""

from openberth.migrations.steps import add_column, big, create_index, create_table, flag, ident, json, word

revision = "0008"
down_revision = "0007"


def upgrade() -> None:
    add_column("company", ident("partner_id", null=True))
    add_column("company", word("name_en", 120, null=True))
    add_column("company", word("state", 24, null=True))
    add_column("company", big("version", null=True))
    create_index("ix_company_partner", "company", "partner_id", "code")
    create_table(
        "partner",
        ident("id", key=True),
        word("code", 40),
        word("name", 120),
        word("name_en", 120),
        word("state", 24),
        big("created_at"),
        big("version"),
    )
    create_index("uq_partner_code", "partner", "code", unique=True)
    create_table(
        "property",
        ident("id", key=True),
        ident("company_id"),
        word("code", 40),
        word("name", 120),
        word("name_en", 120),
        word("state", 24),
        big("created_at"),
        big("version"),
    )
    create_index("uq_property_code", "property", "company_id", "code", unique=True)
    create_table(
        "property_lot",
        ident("lot_id", key=True),
        ident("company_id"),
        ident("property_id"),
    )
    create_index("ix_property_lot_property", "property_lot", "property_id", "lot_id")
    create_table(
        "setting",
        ident("node_id", key=True),
        word("key", 60, key=True),
        word("level", 24),
        ident("company_id", null=True),
        ident("lot_id", null=True),
        json("value"),
        flag("locked"),
        word("set_by", 100),
        big("set_at"),
        big("version"),
    )
