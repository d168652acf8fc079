"""Past months priced anew: the questions, and an index over the stays of a lot in the order in which they ended."""

from openberth.migrations.steps import big, create_index, create_table, ident, json, number, word

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    create_table(
        "what_if",
        ident("id", key=True),
        ident("company_id"),
        ident("lot_id"),
        word("month", 7),
        word("tariff_code", 40),
        number("number", null=True),
        json("document"),
        big("from_at"),
        big("until_at"),
        word("state", 24),
        big("asked_at"),
        word("asked_by", 100),
        big("ended_at", null=True),
        big("total", null=True),
        big("after_at"),
        ident("after_id"),
        json("figures"),
        big("version"),
    )
    create_index("ix_what_if_lot", "what_if", "lot_id", "id")
    create_index("ix_stay_left", "stay", "lot_id", "left_at", "id")
