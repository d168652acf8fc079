"""Cash of shifts, the safes it is handed over into, and money that people take otherwise."""

from openberth.migrations.steps import add_column, big, check, create_index, create_table, ident, json, number, word

revision = "0030"
down_revision = "0029"


def upgrade() -> None:
    add_column("receipt", ident("shift_id", null=True))
    add_column("receipt", word("note", 200, null=True))
    create_index("ix_receipt_shift", "receipt", "shift_id")
    add_column("refund", ident("shift_id", null=True))
    create_index("ix_refund_shift", "refund", "shift_id")
    create_table(
        "shift",
        ident("id", key=True),
        ident("company_id"),
        ident("lot_id"),
        number("number"),
        word("holder_kind", 12),
        word("holder", 80),
        word("open_key", 130, null=True),
        ident("booth_id", null=True),
        big("float_minor"),
        word("currency", 3),
        big("opened_at"),
        word("state", 24),
        big("expected_minor", null=True),
        big("counted_minor", null=True),
        json("pieces", null=True),
        json("totals", null=True),
        big("counted_at", null=True),
        big("closed_at", null=True),
        word("closer_kind", 12, null=True),
        word("closer", 80, null=True),
        word("reason", 200, null=True),
        big("passed_minor", null=True),
        ident("next_id", null=True),
        big("version"),
    )
    create_index("uq_shift_open_key", "shift", "open_key", unique=True)
    create_index("uq_shift_number", "shift", "lot_id", "company_id", "number", unique=True)
    create_index("ix_shift_lot", "shift", "lot_id", "id")
    create_index("ix_shift_next", "shift", "next_id")
    create_table(
        "shift_check",
        ident("id", key=True),
        ident("company_id"),
        ident("lot_id"),
        ident("shift_id"),
        number("number"),
        word("kind", 24),
        big("counted_minor"),
        word("currency", 3),
        json("pieces", null=True),
        word("reason", 200, null=True),
        word("by_kind", 12),
        word("by_name", 80),
        big("at"),
    )
    create_index("uq_shift_check", "shift_check", "shift_id", "number", unique=True)
    create_table(
        "safe",
        ident("id", key=True),
        ident("company_id"),
        ident("lot_id"),
        word("currency", 3),
        big("balance_minor"),
        check("ck_safe_balance", "balance_minor >= 0"),
    )
    create_index("uq_safe", "safe", "lot_id", "company_id", "currency", unique=True)
    create_table(
        "safe_move",
        ident("id", key=True),
        ident("company_id"),
        ident("lot_id"),
        ident("safe_id"),
        word("kind", 24),
        big("amount_minor"),
        word("currency", 3),
        word("reference", 40),
        word("by_kind", 12),
        word("by_name", 80),
        big("at"),
    )
    create_index("uq_safe_move", "safe_move", "safe_id", "kind", "reference", unique=True)
    create_index("ix_safe_move_lot", "safe_move", "lot_id", "id")
