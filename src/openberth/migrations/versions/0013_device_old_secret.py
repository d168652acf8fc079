"""The secret before the present one of a device, which holds for a while after a change."""

from openberth.migrations.steps import big, create_index, create_table, ident, word

revision = "0013"
down_revision = "0012"


def upgrade() -> None:
    create_table(
        "device_old_secret",
        ident("device_id", key=True),
        ident("company_id"),
        ident("lot_id"),
        ident("secret_id"),
        word("secret_fingerprint", 64),
        big("until_at"),
    )
    create_index("ix_device_old_secret_until", "device_old_secret", "until_at")
