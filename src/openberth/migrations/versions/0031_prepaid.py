"""Prepaid accounts, their plates, and what is held of their money."""

from openberth.migrations.steps import big, check, create_index, create_table, flag, ident, word

revision = "0031"
down_revision = "0030"


def upgrade() -> None:
    create_table(
        "prepaid_account",
        ident("id", key=True),
        ident("company_id"),
        ident("lot_id"),
        word("code", 40),
        ident("holder_id", null=True),
        word("spending", 24),
        flag("pays_by_itself"),
        word("state", 24),
        big("balance_minor"),
        big("held_minor"),
        word("currency", 3),
        big("opened_at"),
        big("version"),
        check("ck_prepaid_account_balance", "balance_minor >= 0"),
        check("ck_prepaid_account_held", "held_minor >= 0"),
    )
    create_index("uq_prepaid_account_code", "prepaid_account", "company_id", "code", unique=True)
    create_index("ix_prepaid_account_holder", "prepaid_account", "holder_id")
    create_index("ix_prepaid_account_lot", "prepaid_account", "lot_id", "id")
    create_table(
        "prepaid_plate",
        ident("id", key=True),
        ident("company_id"),
        ident("lot_id"),
        ident("account_id"),
        ident("plate_id"),
    )
    create_index("uq_prepaid_plate", "prepaid_plate", "company_id", "plate_id", unique=True)
    create_index("ix_prepaid_plate_account", "prepaid_plate", "account_id")
    create_index("ix_prepaid_plate_plate", "prepaid_plate", "plate_id")
    create_table(
        "prepaid_hold",
        ident("id", key=True),
        ident("company_id"),
        ident("lot_id"),
        ident("account_id"),
        word("subject_kind", 20),
        ident("subject_id"),
        big("amount_minor"),
        big("captured_minor"),
        word("currency", 3),
        word("state", 24),
        big("made_at"),
        big("lapses_at"),
        big("version"),
        check("ck_prepaid_hold_amount", "amount_minor > 0"),
        check("ck_prepaid_hold_captured", "captured_minor >= 0 AND captured_minor <= amount_minor"),
    )
    create_index("ix_prepaid_hold_account", "prepaid_hold", "account_id")
