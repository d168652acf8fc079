"""Whose contract with a channel takes the money of which lots; where the payer of an attempt stands."""

from openberth.migrations.steps import add_column, big, create_index, create_table, ident, json, number, word

revision = "0016"
down_revision = "0015"


def upgrade() -> None:
    add_column("attempt", word("scene", 8, null=True))
    add_column("attempt", ident("payer_id", null=True))
    create_table(
        "channel_account",
        ident("id", key=True),
        word("level", 24),
        ident("node_id"),
        ident("company_id", null=True),
        ident("lot_id", null=True),
        word("kind", 24),
        word("name", 60),
        json("params"),
        json("secrets"),
        word("state", 24),
        number("rank"),
        big("version"),
    )
    create_index("uq_channel_account_name", "channel_account", "node_id", "kind", "name", unique=True)
