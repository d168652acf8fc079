"""Receipts are found by their attempts: the ledger is verified attempt by attempt."""

from openberth.migrations.steps import create_index

revision = "0023"
down_revision = "0022"


def upgrade() -> None:
    create_index("ix_receipt_attempt", "receipt", "attempt_id")
