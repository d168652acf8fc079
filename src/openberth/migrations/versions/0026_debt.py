"""Bills of cars that have left, as debts."""

from openberth.migrations.steps import big, create_index, create_table, ident, json, word

revision = "0026"
down_revision = "0025"


def upgrade() -> None:
    create_table(
        "debt",
        ident("id", key=True),
        ident("company_id"),
        ident("lot_id"),
        ident("bill_id"),
        ident("subject_id"),
        ident("plate_id", null=True),
        big("amount_minor"),
        word("currency", 3),
        json("evidence"),
        word("state", 24),
        big("raised_at"),
        big("lapses_at"),
        word("reason", 200, null=True),
        big("ended_at", null=True),
        big("version"),
    )
    create_index("uq_debt_bill", "debt", "bill_id", unique=True)
    create_index("ix_debt_plate", "debt", "plate_id")
    create_index("ix_debt_lapsing", "debt", "state", "lapses_at")
    create_index("ix_debt_lot", "debt", "lot_id", "id")
