"""Alarms about what stands on lots are remembered when they are over."""

from openberth.migrations.steps import big, create_index, create_table, ident, json, word

revision = "0042"
down_revision = "0041"


def upgrade() -> None:
    create_table(
        "ended_alarm",
        ident("id", key=True),
        ident("company_id"),
        ident("lot_id"),
        word("kind", 40),
        ident("subject_id"),
        big("since_at"),
        big("ended_at"),
        json("params"),
    )
    create_index("ix_ended_alarm_lot", "ended_alarm", "lot_id", "id")
    create_index("ix_ended_alarm_subject", "ended_alarm", "subject_id", "id")
