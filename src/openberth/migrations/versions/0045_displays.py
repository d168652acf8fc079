"""Displays at lanes, and what people put on them."""

from openberth.migrations.steps import add_column, big, create_index, create_table, flag, ident, json, word

revision = "0045"
down_revision = "0044"


def upgrade() -> None:
    add_column("lot", json("displays", null=True))
    create_table(
        "lane_text",
        ident("lane_id", key=True),
        ident("company_id"),
        ident("lot_id"),
        word("text", 120),
        flag("aloud"),
        word("shown_by", 100),
        big("shown_at"),
        big("until_at"),
    )
    create_index("ix_lane_text_until", "lane_text", "until_at")
