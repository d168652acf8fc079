"""What a decision rests on, what was told of a car again, and the commands of a passage."""

from openberth.migrations.steps import add_column, big, create_index, create_table, flag, ident, json, number, word

revision = "0040"
down_revision = "0039"


def upgrade() -> None:
    add_column("passage", json("basis", null=True))
    create_table(
        "recognition",
        ident("id", key=True),
        ident("company_id"),
        ident("lot_id"),
        ident("passage_id"),
        ident("device_id", null=True),
        word("how", 24),
        ident("plate_id", null=True),
        word("colour", 16),
        number("confidence"),
        word("sent_by", 16),
        word("direction", 16),
        big("device_at"),
        big("received_at"),
        number("pictures"),
        flag("opened"),
        json("flaws"),
        history=True,
    )
    create_index("ix_recognition_passage", "recognition", "passage_id", "id")
    create_index("ix_lane_case_stay", "lane_case", "stay_id")
    create_index("ix_command_passage", "command", "passage_id")
