"""Receipts are found by their attempts: the ledger is verified attempt by attempt."""

from openberth.migrations.steps import create_index

revision = "0021"
down_revision = "0020"


def upgrade() -> None:
    create_index("ix_receipt_attempt", "receipt", "attempt_id")
