"""Devices that call and are nobody's yet, and the commands of one device, newest first."""

from openberth.migrations.steps import big, create_index, create_table, ident, word

revision = "0037"
down_revision = "0036"


def upgrade() -> None:
    create_table(
        "waiting_device",
        ident("id", key=True),
        word("kind", 24),
        word("serial", 64),
        word("address", 64),
        big("first_seen_at"),
        big("last_seen_at"),
        big("times"),
        big("refused_at", null=True),
        word("refused_by", 100, null=True),
        word("reason", 200, null=True),
    )
    create_index("uq_waiting_device", "waiting_device", "kind", "serial", "address", unique=True)
    create_index("ix_waiting_device_seen", "waiting_device", "last_seen_at")
    create_index("ix_device_serial", "device", "serial")
    create_index("ix_command_device_id", "command", "device_id", "id")
