"""Statements of receipts."""

from typing import Any

from sqlalchemy import and_, bindparam, func, select

from openberth.contexts.payments.model import Paid, Receipt, ReceiptMethod
from openberth.contexts.payments.store import PAGE_MAX
from openberth.contexts.payments.store.tables import attempt, bill, receipt
from openberth.infra.database.statement import Query, insert_into
from openberth.kernel.money import Money


def read_receipt(*columns: Any) -> Receipt:
    """Return the receipt of a row."""
    row = dict(zip(receipt.c.keys(), columns, strict=True))
    currency = row["currency"]
    return Receipt(
        id=row["id"], company=row["company_id"], lot=row["lot_id"], bill=row["bill_id"], attempt=row["attempt_id"],
        method=row["method"], amount=Money(row["amount_minor"], currency),
        surplus=Money(row["surplus_minor"], currency), transaction=row["transaction"], received_at=row["received_at"],
        account=row["account_id"], place=row["place"], grace_minutes=row["grace_minutes"],
        shift=row["shift_id"], note=row["note"],
    )  # fmt: skip


def receipt_row(found: Receipt) -> dict[str, Any]:
    """Return the columns of a receipt."""
    return {
        "id": found.id, "company_id": found.company, "lot_id": found.lot, "bill_id": found.bill,
        "attempt_id": found.attempt, "method": found.method, "amount_minor": found.amount.minor,
        "surplus_minor": found.surplus.minor, "currency": found.amount.currency, "transaction": found.transaction,
        "source": found.source, "received_at": found.received_at,
        "account_id": found.account, "place": found.place, "grace_minutes": found.grace_minutes,
        "shift_id": found.shift, "note": found.note,
    }  # fmt: skip


INSERT_RECEIPT = insert_into(receipt)
RECEIPT_BY_SOURCE = Query(select(receipt).where(receipt.c.source == bindparam("source")), read_receipt)
# Finds those, too, that were written when the source did not name the contract.
RECEIPT_OF_ATTEMPT = Query(
    select(receipt).where(
        receipt.c.attempt_id == bindparam("attempt"), receipt.c.transaction == bindparam("transaction")
    ),
    read_receipt,
)  # fmt: skip
RECEIPTS_OF_ATTEMPT = Query(
    select(receipt).where(receipt.c.attempt_id == bindparam("attempt")).order_by(receipt.c.id).limit(PAGE_MAX),
    read_receipt,
)
RECEIPT = Query(select(receipt).where(receipt.c.id == bindparam("receipt_id")), read_receipt)
RECEIPTS_OF_BILL = Query(
    select(receipt).where(receipt.c.bill_id == bindparam("bill_id")).order_by(receipt.c.id).limit(PAGE_MAX),
    read_receipt,
)
RECEIPTS_OF_SUBJECT = Query(
    select(receipt)
    .select_from(receipt.join(bill, bill.c.id == receipt.c.bill_id))
    .where(bill.c.subject_id == bindparam("subject"), receipt.c.id < bindparam("before"))
    .order_by(receipt.c.id.desc())
    .limit(bindparam("limit")),
    read_receipt,
)


def _of_ordered(column: Any) -> Any:
    """Return a column of the bill that an order was made for: its money may pay the bill that took its place."""
    ordered = select(column).join(attempt, attempt.c.bill_id == bill.c.id).where(attempt.c.id == receipt.c.attempt_id)
    return ordered.correlate(receipt).scalar_subquery()


PAID_FOR_SUBJECT = Query(
    select(
        bill.c.id,
        bill.c.due_minor - func.coalesce(bill.c.carried_minor, 0),
        receipt.c.amount_minor - receipt.c.surplus_minor,
        receipt.c.currency,
        receipt.c.received_at,
        bill.c.quoted_at,
        bill.c.valid_until,
        receipt.c.grace_minutes,
        _of_ordered(bill.c.quoted_at),
        _of_ordered(bill.c.valid_until),
    )
    .select_from(receipt.join(bill, and_(bill.c.id == receipt.c.bill_id)))
    .where(bill.c.subject_id == bindparam("subject"), receipt.c.amount_minor > receipt.c.surplus_minor)
    .order_by(receipt.c.id),
    lambda bill_id, own, minor, currency, at, quoted_at, valid_until, grace, ordered_at, stood_until: (
        bill_id,
        int(own),
        Paid(Money(int(minor), currency), at, quoted_at if at < valid_until else at, grace)
        if ordered_at is None
        else Paid(
            Money(int(minor), currency), min(at, stood_until), ordered_at, grace, at if at > stood_until else None
        ),
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
RECEIVED_SINCE = Query(
    select(func.coalesce(func.sum(receipt.c.amount_minor), 0)).where(
        receipt.c.lot_id == bindparam("lot"),
        receipt.c.currency == bindparam("wanted_currency"),
        receipt.c.id >= bindparam("since_id"),
        receipt.c.received_at >= bindparam("since"),
        receipt.c.method != ReceiptMethod.PREPAID,  # it came when the account was filled
    ),
    int,
)
