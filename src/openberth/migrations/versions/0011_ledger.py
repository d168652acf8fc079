"""Money that goes back, the ledger that nobody changes, and whose account at a channel took what."""

from openberth.migrations.steps import add_column, append_only, big, check, create_index, create_table, ident, word

revision = "0011"
down_revision = "0010"


def upgrade() -> None:
    add_column("attempt", ident("account_id", null=True))
    add_column("receipt", ident("account_id", null=True))
    create_table(
        "refund",
        ident("id", key=True),
        ident("company_id"),
        ident("lot_id"),
        ident("receipt_id"),
        ident("bill_id"),
        ident("attempt_id", null=True),
        ident("account_id", null=True),
        word("method", 24),
        word("number", 40),
        big("amount_minor"),
        word("currency", 3),
        word("cause", 24),
        word("reason", 200),
        word("state", 24),
        big("asked_at"),
        big("ended_at", null=True),
        word("channel_refund", 80, null=True),
        word("detail", 200, null=True),
        big("version"),
    )
    create_index("uq_refund_number", "refund", "method", "number", unique=True)
    create_index("ix_refund_receipt", "refund", "receipt_id")
    create_index("ix_refund_lot", "refund", "lot_id", "id")
    create_table(
        "ledger_transfer",
        ident("id", key=True),
        ident("company_id"),
        ident("lot_id"),
        word("deed", 24),
        ident("subject_id"),
        word("debit", 24),
        ident("debit_party", null=True),
        word("credit", 24),
        ident("credit_party", null=True),
        big("amount_minor"),
        word("currency", 3),
        big("at"),
        check("ck_ledger_transfer_amount", "amount_minor > 0"),
    )
    create_index("uq_ledger_transfer_deed", "ledger_transfer", "subject_id", "deed", unique=True)
    create_index("ix_ledger_transfer_debit", "ledger_transfer", "debit_party")
    create_index("ix_ledger_transfer_credit", "ledger_transfer", "credit_party")
    create_index("ix_ledger_transfer_lot", "ledger_transfer", "lot_id", "id")
    append_only("ledger_transfer", key="id")
