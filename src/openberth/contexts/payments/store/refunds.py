"""Statements of refunds."""

from typing import Any

from sqlalchemy import bindparam, select, update

from openberth.contexts.payments.model import Refund
from openberth.contexts.payments.store import PAGE_MAX
from openberth.contexts.payments.store.tables import refund
from openberth.infra.database.statement import Query, Write, insert_into
from openberth.kernel.money import Money


def read_refund(*columns: Any) -> Refund:
    """Return the refund of a row."""
    row = dict(zip(refund.c.keys(), columns, strict=True))
    return Refund(
        id=row["id"], company=row["company_id"], lot=row["lot_id"], receipt=row["receipt_id"], bill=row["bill_id"],
        attempt=row["attempt_id"], account=row["account_id"], method=row["method"], number=row["number"],
        amount=Money(row["amount_minor"], row["currency"]), cause=row["cause"], reason=row["reason"],
        state=row["state"], asked_at=row["asked_at"], ended_at=row["ended_at"], channel_refund=row["channel_refund"],
        detail=row["detail"], version=row["version"], asked_by=row["asked_by"], shift=row["shift_id"],
    )  # fmt: skip


def refund_row(found: Refund) -> dict[str, Any]:
    """Return the columns of a refund."""
    return {
        "id": found.id, "company_id": found.company, "lot_id": found.lot, "receipt_id": found.receipt,
        "bill_id": found.bill, "attempt_id": found.attempt, "account_id": found.account, "method": found.method,
        "number": found.number, "amount_minor": found.amount.minor, "currency": found.amount.currency,
        "cause": found.cause, "reason": found.reason, "state": found.state, "asked_at": found.asked_at,
        "ended_at": found.ended_at, "channel_refund": found.channel_refund, "detail": found.detail,
        "version": found.version, "asked_by": found.asked_by, "shift_id": found.shift,
    }  # fmt: skip


INSERT_REFUND = insert_into(refund)
REFUND = Query(select(refund).where(refund.c.id == bindparam("refund_id")), read_refund)
REFUND_BY_NUMBER = Query(
    select(refund).where(refund.c.method == bindparam("method"), refund.c.number == bindparam("number")), read_refund
)
# All of them, also those of a company that the lot belonged to before: what went back must never go back again.
REFUNDS_OF_RECEIPT = Query(
    select(refund).where(refund.c.receipt_id == bindparam("receipt")).order_by(refund.c.id), read_refund,
    everywhere=True,
)  # fmt: skip
REFUNDS_OF_RECEIPT_HERE = Query(
    select(refund).where(refund.c.receipt_id == bindparam("receipt")).order_by(refund.c.id).limit(PAGE_MAX), read_refund
)
UPDATE_REFUND = Write(
    update(refund)
    .where(refund.c.id == bindparam("refund_id"), refund.c.version == bindparam("old_version"))
    .values(
        state=bindparam("new_state"),
        ended_at=bindparam("new_ended_at"),
        channel_refund=bindparam("new_channel_refund"),
        detail=bindparam("new_detail"),
        shift_id=bindparam("new_shift"),
        version=refund.c.version + 1,
    )
)
