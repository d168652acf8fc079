"""Where the walks of verification stand, and what differs."""

from openberth.migrations.steps import big, create_table, ident, word

revision = "0034"
down_revision = "0033"


def upgrade() -> None:
    create_table(
        "verification",
        word("name", 12, key=True),
        word("check_name", 24, null=True),
        ident("after_id", null=True),
        big("started_at"),
        big("looked_at"),
        big("finished_at", null=True),
        big("finished_rows", null=True),
        word("error", 200, null=True),
    )
    create_table(
        "verification_difference",
        word("check_name", 24, key=True),
        word("what", 32, key=True),
        ident("subject_id", key=True),
        ident("company_id", null=True),
        ident("lot_id", null=True),
        big("expected"),
        big("found"),
        big("found_at"),
    )
