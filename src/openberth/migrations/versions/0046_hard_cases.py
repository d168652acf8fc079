"""Lanes that are held open, cars that a loop has to report, and resets of who is inside."""

from openberth.migrations.steps import add_column, big, create_index, create_table, ident, json, number, word

revision = "0046"
down_revision = "0045"


def upgrade() -> None:
    add_column("lane", big("held_open_until", null=True))
    add_column("lane_state", number("awaited", null=True))
    create_table(
        "neutral_reset",
        ident("id", key=True),
        ident("company_id"),
        ident("lot_id"),
        ident("plate_id", null=True),
        json("rights"),
        big("at"),
        word("reset_by", 100),
        word("reason", 200),
    )
    create_index("ix_neutral_reset_lot", "neutral_reset", "lot_id", "at")
