"""What displays keep in their own memory, so that it is not written there again and again."""

from openberth.migrations.steps import big, create_table, ident, word

revision = "0052"
down_revision = "0051"


def upgrade() -> None:
    create_table(
        "display_advert",
        ident("device_id", key=True),
        ident("company_id"),
        ident("lot_id"),
        word("kept", 64),
        big("kept_at"),
    )
