"""Plates of cars inside that were corrected: who, when, why, and both plates."""

from openberth.migrations.steps import big, create_index, create_table, ident, word

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    create_table(
        "plate_correction",
        ident("id", key=True),
        ident("company_id"),
        ident("lot_id"),
        ident("stay_id"),
        ident("old_plate_id", null=True),
        ident("new_plate_id"),
        big("corrected_at"),
        word("corrected_by", 100),
        word("reason", 200),
    )
    create_index("ix_plate_correction_stay", "plate_correction", "stay_id", "id")
