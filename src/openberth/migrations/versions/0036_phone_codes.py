"""Codes that were sent to phones."""

from openberth.migrations.steps import big, create_index, create_table, ident, number, word

revision = "0036"
down_revision = "0035"


def upgrade() -> None:
    create_table(
        "phone_code",
        ident("id", key=True),
        word("number", 64),
        word("digest", 64),
        big("made_at"),
        number("tries"),
        big("used_at", null=True),
    )
    create_index("ix_phone_code_number", "phone_code", "number", "made_at")
    create_index("ix_phone_code_made", "phone_code", "made_at")
