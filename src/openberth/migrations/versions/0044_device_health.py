"""What devices run and since when they are heard or silent; each firmware with its beginning."""

from openberth.migrations.steps import add_column, big, create_index, create_table, ident, word

revision = "0044"
down_revision = "0043"


def upgrade() -> None:
    add_column("device_presence", word("firmware", 80, null=True))
    add_column("device_presence", big("since_at", null=True))
    create_table(
        "device_firmware",
        ident("id", key=True),
        ident("company_id"),
        ident("lot_id"),
        ident("device_id"),
        word("firmware", 80),
        big("seen_at"),
    )
    create_index("ix_device_firmware_device", "device_firmware", "device_id", "id")
