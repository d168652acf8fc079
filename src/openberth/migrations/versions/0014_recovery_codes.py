"""Recovery codes of a second factor: digests, each good for one use."""

from openberth.migrations.steps import big, create_index, create_table, ident, word

revision = "0014"
down_revision = "0013"


def upgrade() -> None:
    create_table(
        "recovery_code",
        word("digest", 64, key=True),
        ident("account_id"),
        big("made_at"),
        big("used_at", null=True),
    )
    create_index("ix_recovery_code_account", "recovery_code", "account_id")
