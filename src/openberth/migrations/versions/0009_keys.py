"""Sealing keys in several processes: which rows a key holds, and which process holds which keys."""

from openberth.migrations.steps import big, create_index, create_table, json, word

revision = "0009"
down_revision = "0008"


def upgrade() -> None:
    create_index("ix_vault_key", "vault", "key_id", "id")
    create_table(
        "key_holder",
        word("process", 80, key=True),
        json("holds"),
        word("seals", 40),
        big("seen_at"),
    )
