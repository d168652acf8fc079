"""Plates that accounts call their own, and the way from a plate to the cars inside that have it."""

from openberth.migrations.steps import big, create_index, create_table, ident, word

revision = "0035"
down_revision = "0034"


def upgrade() -> None:
    create_table(
        "own_plate",
        ident("id", key=True),
        ident("account_id"),
        ident("value_id"),
        big("bound_at"),
        big("verified_at", null=True),
        word("proof", 24, null=True),
        big("sees_from", null=True),
        ident("verified_key", null=True),
    )
    create_index("uq_own_plate_account", "own_plate", "account_id", "value_id", unique=True)
    create_index("uq_own_plate_verified", "own_plate", "verified_key", unique=True)
    create_index("ix_own_plate_value", "own_plate", "value_id")
    create_index("ix_open_stay_plate", "open_stay", "plate_id")
