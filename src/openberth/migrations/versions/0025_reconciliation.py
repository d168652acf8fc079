"""Days of channels that were held against our books, what they confirm, and what differs."""

from openberth.migrations.steps import big, create_index, create_table, ident, word

revision = "0025"
down_revision = "0024"


def upgrade() -> None:
    create_index("ix_receipt_account", "receipt", "account_id", "id")
    create_index("ix_refund_account", "refund", "account_id", "id")
    create_table(
        "reconciled_day",
        ident("id", key=True),
        ident("account_id"),
        ident("company_id", null=True),
        ident("lot_id", null=True),
        word("day", 10),
        word("state", 24),
        big("row_count"),
        big("paid_minor"),
        big("refunded_minor"),
        big("fee_minor"),
        word("currency", 3),
        big("read_at"),
        big("closed_at", null=True),
        word("closed_by", 100, null=True),
        big("version"),
    )
    create_index("uq_reconciled_day", "reconciled_day", "account_id", "day", unique=True)
    create_table(
        "confirmed_row",
        ident("subject_id", key=True),
        ident("account_id"),
        ident("company_id", null=True),
        ident("lot_id", null=True),
        word("day", 10),
    )
    create_table(
        "difference",
        ident("id", key=True),
        ident("account_id"),
        ident("company_id", null=True),
        ident("lot_id", null=True),
        word("day", 10),
        word("kind", 24),
        word("row_kind", 24),
        word("number", 64),
        word("transaction", 100),
        big("theirs_minor", null=True),
        big("ours_minor", null=True),
        word("currency", 3),
        ident("subject_id", null=True),
        word("state", 24),
        word("reason", 200, null=True),
        word("decided_by", 100, null=True),
        big("decided_at", null=True),
        big("found_at"),
        big("version"),
    )
    create_index("uq_difference", "difference", "account_id", "row_kind", "number", "kind", unique=True)
    create_index("ix_difference_day", "difference", "account_id", "day")
