"""The audit trail: a hash chain that nobody changes, held by triggers."""

from openberth.migrations.steps import append_only, big, create_index, create_table, ident, word

revision = "0007"
down_revision = "0006"


def upgrade() -> None:
    create_table(
        "audit_entry",
        big("number", key=True),
        big("at"),
        word("actor_kind", 12),
        word("actor_name", 80),
        word("address", 64, null=True),
        word("deed", 60),
        word("outcome", 8),
        word("subject_kind", 24),
        word("subject", 120),
        ident("company_id", null=True),
        ident("lot_id", null=True),
        word("reason", 200, null=True),
        word("old_values", 2_000, null=True),
        word("new_values", 2_000, null=True),
        ident("cause", null=True),
        word("previous", 64),
        word("hash", 64),
    )
    create_index("ix_audit_entry_at", "audit_entry", "at")
    create_index("ix_audit_entry_actor", "audit_entry", "actor_name", "number")
    create_index("ix_audit_entry_deed", "audit_entry", "deed", "number")
    create_index("ix_audit_entry_subject", "audit_entry", "subject", "number")
    create_index("ix_audit_entry_company", "audit_entry", "company_id", "number")
    append_only("audit_entry", key="number")
