"""The lists of cars that cameras let in by themselves, and how they stand to what permits say."""

from openberth.migrations.steps import big, create_index, create_table, ident, json, number, word

revision = "0048"
down_revision = "0047"


def upgrade() -> None:
    create_table(
        "white_list",
        ident("device_id", key=True),
        ident("company_id"),
        ident("lot_id"),
        number("wanted"),
        number("left_out"),
        big("in_step_at", null=True),
        big("behind_since", null=True),
        word("trouble", 100, null=True),
        big("compared_at", null=True),
        number("found", null=True),
        json("differences"),
        big("ask_at", null=True),
    )
    create_table(
        "white_list_car",
        ident("id", key=True),
        ident("company_id"),
        ident("lot_id"),
        ident("device_id"),
        ident("plate_id"),
        ident("value_id"),
        big("valid_from"),
        big("valid_until", null=True),
        word("state", 24),
        word("mark", 40),
        big("told_at"),
    )
    create_index("uq_white_list_car", "white_list_car", "device_id", "plate_id", unique=True)
    create_index("ix_white_list_car_value", "white_list_car", "value_id")
