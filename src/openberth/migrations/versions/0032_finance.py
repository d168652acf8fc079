"""What money adds up to: rollup rows, their generations, and what was known of lots."""

from openberth.migrations.steps import big, create_index, create_table, ident, number, word

revision = "0032"
down_revision = "0031"

MEASURES = (
    "billed", "withdrawn", "received", "surplus", "relieved", "refunded", "returned", "written_off", "put_in",
    "paid_out",
)  # fmt: skip


def upgrade() -> None:
    create_table(
        "finance_row",
        number("generation", key=True),
        ident("lot_id", key=True),
        number("period", key=True),
        ident("company_id", key=True),
        number("span", key=True),
        word("currency", 3, key=True),
        word("method", 24, key=True),
        ident("channel_id", key=True),
        ident("tariff_id", key=True),
        word("operator", 80, key=True),
        *(big(f"{each}_minor") for each in MEASURES),
        *(big(f"{each}_count") for each in MEASURES),
    )
    create_index("ix_finance_row_period", "finance_row", "generation", "period")
    create_index("ix_finance_row_company", "finance_row", "generation", "company_id", "period")
    create_table(
        "finance_lot",
        ident("lot_id", key=True),
        big("since", key=True),
        ident("company_id"),
        word("code", 40),
        word("zone", 60),
    )
    create_table(
        "finance_generation",
        number("number", key=True),
        word("state", 12),
        number("copied_span"),
        number("copied_period"),
        big("begun_at"),
        big("serving_since", null=True),
    )
