"""The tables of payments. A receipt's ``source`` is unique: money is counted once."""

from sqlalchemy import BigInteger, Column, Index

from openberth.contexts.payments.model import AttemptState, BillState, ReceiptMethod
from openberth.infra.database.schema import business_table
from openberth.infra.database.types import enum_column, id_column, instant_column, json_column, word_column

bill = business_table(
    "bill",
    word_column("subject_kind", 20),
    id_column("subject_id"),
    word_column("open_key", 60, nullable=True),
    word_column("number", 24),
    Column("due_minor", BigInteger, nullable=False),
    Column("paid_minor", BigInteger, nullable=False),
    word_column("currency", 3),
    enum_column("state", BillState),
    id_column("tariff_version", nullable=True),
    json_column("quote"),
    instant_column("quoted_at"),
    instant_column("valid_until"),
    instant_column("issued_at"),
    instant_column("settled_at", nullable=True),
    Column("version", BigInteger, nullable=False),
)
Index("uq_bill_open_key", bill.c.open_key, unique=True)
Index("uq_bill_number", bill.c.lot_id, bill.c.number, unique=True)
Index("ix_bill_subject", bill.c.subject_id)
Index("ix_bill_lot", bill.c.lot_id, bill.c.id)

attempt = business_table(
    "attempt",
    id_column("bill_id"),
    word_column("channel", 20),
    word_column("number", 40),
    Column("amount_minor", BigInteger, nullable=False),
    word_column("currency", 3),
    enum_column("state", AttemptState),
    instant_column("created_at"),
    instant_column("expires_at"),
    word_column("pay_url", 500, nullable=True),
    word_column("channel_order", 80, nullable=True),
    instant_column("ended_at", nullable=True),
    word_column("reason", 200, nullable=True),
    Column("version", BigInteger, nullable=False),
)
Index("uq_attempt_number", attempt.c.channel, attempt.c.number, unique=True)
Index("ix_attempt_bill", attempt.c.bill_id)

receipt = business_table(
    "receipt",
    id_column("bill_id"),
    id_column("attempt_id", nullable=True),
    enum_column("method", ReceiptMethod),
    Column("amount_minor", BigInteger, nullable=False),
    Column("surplus_minor", BigInteger, nullable=False),
    word_column("currency", 3),
    word_column("transaction", 100),
    word_column("source", 120),
    instant_column("received_at"),
)
Index("uq_receipt_source", receipt.c.source, unique=True)
Index("ix_receipt_bill", receipt.c.bill_id)
Index("ix_receipt_lot", receipt.c.lot_id, receipt.c.id)
