"""Entries of the audit trail carry a keyed hash: who owns the database alone cannot make one that passes."""

from openberth.migrations.steps import add_column, word

revision = "0017"
down_revision = "0016"


def upgrade() -> None:
    add_column("audit_entry", word("mac", 64, null=True))
