"""What channels keep of each payment, and what they paid out to the bank."""

from openberth.migrations.steps import add_column, big, create_index, create_table, ident, word

revision = "0033"
down_revision = "0032"


def upgrade() -> None:
    add_column("confirmed_row", big("fee_minor", null=True))
    add_column("reconciled_day", big("unbooked_fee_minor", null=True))
    create_index("ix_confirmed_row_day", "confirmed_row", "account_id", "day")
    create_table(
        "channel_payout",
        ident("id", key=True),
        ident("account_id"),
        ident("company_id", null=True),
        ident("lot_id", null=True),
        big("amount_minor"),
        big("excess_minor"),
        word("currency", 3),
        word("day", 10),
        word("reference", 64),
        word("open_reference", 64, null=True),
        word("state", 24),
        word("reason", 200, null=True),
        big("recorded_at"),
        word("recorded_by", 100),
        big("withdrawn_at", null=True),
        word("withdrawn_by", 100, null=True),
        big("version"),
    )
    create_index("uq_channel_payout", "channel_payout", "account_id", "open_reference", unique=True)
    create_index("ix_channel_payout_account", "channel_payout", "account_id", "id")
    create_table(
        "payout_share",
        ident("id", key=True),
        ident("company_id"),
        ident("lot_id"),
        ident("payout_id"),
        big("amount_minor"),
        word("currency", 3),
    )
    create_index("ix_payout_share_payout", "payout_share", "payout_id")
