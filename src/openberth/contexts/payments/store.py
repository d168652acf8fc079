"""Tables and statements of payments. A receipt's ``source`` is unique: money is counted once."""

from typing import Any

from sqlalchemy import BigInteger, Column, Index, and_, bindparam, func, or_, select, update

from openberth.contexts.payments.model import (
    LIVE,
    Attempt,
    AttemptState,
    Bill,
    BillState,
    Receipt,
    ReceiptMethod,
    source_of,
)
from openberth.infra.database.schema import business_table
from openberth.infra.database.statement import Query, Write, insert_into
from openberth.infra.database.types import enum_column, id_column, instant_column, json_column, word_column
from openberth.kernel.money import Money

PAGE_MAX = 200

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


def _bill(*columns: Any) -> Bill:
    row = dict(zip(bill.c.keys(), columns, strict=True))
    currency = row["currency"]
    return Bill(
        id=row["id"], company=row["company_id"], lot=row["lot_id"], subject_kind=row["subject_kind"],
        subject_id=row["subject_id"], number=row["number"], due=Money(row["due_minor"], currency),
        paid=Money(row["paid_minor"], currency), state=row["state"], tariff_version=row["tariff_version"],
        quote=row["quote"], quoted_at=row["quoted_at"], valid_until=row["valid_until"], issued_at=row["issued_at"],
        settled_at=row["settled_at"], version=row["version"],
    )  # fmt: skip


def _attempt(*columns: Any) -> Attempt:
    row = dict(zip(attempt.c.keys(), columns, strict=True))
    return Attempt(
        id=row["id"], company=row["company_id"], lot=row["lot_id"], bill=row["bill_id"], channel=row["channel"],
        number=row["number"], amount=Money(row["amount_minor"], row["currency"]), state=row["state"],
        created_at=row["created_at"], expires_at=row["expires_at"], pay_url=row["pay_url"],
        channel_order=row["channel_order"], ended_at=row["ended_at"], reason=row["reason"], version=row["version"],
    )  # fmt: skip


def _receipt(*columns: Any) -> Receipt:
    row = dict(zip(receipt.c.keys(), columns, strict=True))
    currency = row["currency"]
    return Receipt(
        id=row["id"], company=row["company_id"], lot=row["lot_id"], bill=row["bill_id"], attempt=row["attempt_id"],
        method=row["method"], amount=Money(row["amount_minor"], currency),
        surplus=Money(row["surplus_minor"], currency), transaction=row["transaction"], received_at=row["received_at"],
    )  # fmt: skip


def bill_row(found: Bill) -> dict[str, Any]:
    """Return the columns of a bill. ``open_key`` is set while it is open: a subject has one open bill at most."""
    return {
        "id": found.id, "company_id": found.company, "lot_id": found.lot, "subject_kind": found.subject_kind,
        "subject_id": found.subject_id, "number": found.number, "due_minor": found.due.minor,
        "paid_minor": found.paid.minor, "currency": found.due.currency, "state": found.state,
        "tariff_version": found.tariff_version, "quote": found.quote, "quoted_at": found.quoted_at,
        "valid_until": found.valid_until, "issued_at": found.issued_at, "settled_at": found.settled_at,
        "version": found.version, "open_key": open_key(found),
    }  # fmt: skip


def open_key(found: Bill) -> str | None:
    """Return what is unique among open bills, None for a bill that is not open."""
    return f"{found.subject_kind}:{found.subject_id.hex}" if found.state is BillState.OPEN else None


def attempt_row(found: Attempt) -> dict[str, Any]:
    """Return the columns of an attempt."""
    return {
        "id": found.id, "company_id": found.company, "lot_id": found.lot, "bill_id": found.bill,
        "channel": found.channel, "number": found.number, "amount_minor": found.amount.minor,
        "currency": found.amount.currency, "state": found.state, "created_at": found.created_at,
        "expires_at": found.expires_at, "pay_url": found.pay_url, "channel_order": found.channel_order,
        "ended_at": found.ended_at, "reason": found.reason, "version": found.version,
    }  # fmt: skip


def receipt_row(found: Receipt) -> dict[str, Any]:
    """Return the columns of a receipt."""
    return {
        "id": found.id, "company_id": found.company, "lot_id": found.lot, "bill_id": found.bill,
        "attempt_id": found.attempt, "method": found.method, "amount_minor": found.amount.minor,
        "surplus_minor": found.surplus.minor, "currency": found.amount.currency, "transaction": found.transaction,
        "source": source_of(found.method, found.transaction), "received_at": found.received_at,
    }  # fmt: skip


INSERT_BILL = insert_into(bill)
BILL = Query(select(bill).where(bill.c.id == bindparam("bill_id")), _bill)
OPEN_BILL = Query(select(bill).where(bill.c.open_key == bindparam("key")), _bill)
BILLS_OF_SUBJECT = Query(
    select(bill).where(bill.c.subject_id == bindparam("subject")).order_by(bill.c.id).limit(PAGE_MAX), _bill
)
BILLS_OF_LOT = Query(
    select(bill)
    .where(bill.c.lot_id == bindparam("lot"), bill.c.id < bindparam("before"))
    .order_by(bill.c.id.desc())
    .limit(bindparam("limit")),
    _bill,
)
UPDATE_BILL = Write(
    update(bill)
    .where(bill.c.id == bindparam("bill_id"), bill.c.version == bindparam("old_version"))
    .values(
        state=bindparam("new_state"),
        paid_minor=bindparam("new_paid"),
        settled_at=bindparam("new_settled_at"),
        open_key=bindparam("new_open_key"),
        version=bill.c.version + 1,
    )
)
INSERT_ATTEMPT = insert_into(attempt)
ATTEMPT = Query(select(attempt).where(attempt.c.id == bindparam("attempt_id")), _attempt)
ATTEMPT_BY_NUMBER = Query(
    select(attempt).where(attempt.c.channel == bindparam("channel"), attempt.c.number == bindparam("number")), _attempt
)
LIVE_ATTEMPTS = Query(
    select(attempt)
    .where(attempt.c.bill_id == bindparam("bill_id"), or_(*(attempt.c.state == state for state in sorted(LIVE))))
    .order_by(attempt.c.id)
    .limit(PAGE_MAX),
    _attempt,
)
UPDATE_ATTEMPT = Write(
    update(attempt)
    .where(attempt.c.id == bindparam("attempt_id"), attempt.c.version == bindparam("old_version"))
    .values(
        state=bindparam("new_state"),
        pay_url=bindparam("new_pay_url"),
        channel_order=bindparam("new_channel_order"),
        ended_at=bindparam("new_ended_at"),
        reason=bindparam("new_reason"),
        version=attempt.c.version + 1,
    )
)
INSERT_RECEIPT = insert_into(receipt)
RECEIPT_BY_SOURCE = Query(select(receipt).where(receipt.c.source == bindparam("source")), _receipt)
RECEIPTS_OF_BILL = Query(
    select(receipt).where(receipt.c.bill_id == bindparam("bill_id")).order_by(receipt.c.id).limit(PAGE_MAX), _receipt
)
RECEIPTS_OF_LOT = Query(
    select(receipt)
    .where(receipt.c.lot_id == bindparam("lot"), receipt.c.id < bindparam("before"))
    .order_by(receipt.c.id.desc())
    .limit(bindparam("limit")),
    _receipt,
)
PAID_FOR_SUBJECT = Query(
    select(
        receipt.c.amount_minor - receipt.c.surplus_minor,
        receipt.c.currency,
        receipt.c.received_at,
        bill.c.quoted_at,
        bill.c.valid_until,
    )
    .select_from(receipt.join(bill, and_(bill.c.id == receipt.c.bill_id)))
    .where(bill.c.subject_id == bindparam("subject"), receipt.c.amount_minor > receipt.c.surplus_minor)
    .order_by(receipt.c.id),
    lambda minor, currency, at, quoted_at, valid_until: (
        Money(int(minor), currency),
        at,
        quoted_at if at < valid_until else at,
    ),
)
RECEIVED_BY_METHOD = Query(
    select(
        receipt.c.method,
        receipt.c.currency,
        func.count(),
        func.sum(receipt.c.amount_minor),
        func.sum(receipt.c.surplus_minor),
    )
    .where(receipt.c.lot_id == bindparam("lot"))
    .group_by(receipt.c.method, receipt.c.currency),
    lambda method, currency, count, amount, surplus: (method, currency, int(count), int(amount), int(surplus)),
)
BILLED = Query(
    select(bill.c.state, func.count(), func.sum(bill.c.due_minor), func.sum(bill.c.paid_minor))
    .where(bill.c.lot_id == bindparam("lot"))
    .group_by(bill.c.state),
    lambda state, count, due, paid: (state, int(count), int(due), int(paid)),
)
RECEIVED_SINCE = Query(
    select(func.coalesce(func.sum(receipt.c.amount_minor), 0)).where(
        receipt.c.lot_id == bindparam("lot"),
        receipt.c.currency == bindparam("wanted_currency"),
        receipt.c.id >= bindparam("since_id"),
        receipt.c.received_at >= bindparam("since"),
    ),
    int,
)
