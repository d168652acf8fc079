"""Statements that give the bills of a subject to another company."""

from typing import Any

from sqlalchemy import bindparam, func, select, update

from openberth.contexts.payments.model.refunds import ENDED
from openberth.contexts.payments.store.tables import attempt, bill, receipt, refund
from openberth.infra.database.statement import Query, Write, one_id

_BILLS = select(bill.c.id).where(bill.c.subject_id == bindparam("subject"))
_RECEIPTS = select(receipt.c.id).where(receipt.c.bill_id.in_(_BILLS))

UNENDED_REFUNDS = Query(
    select(refund.c.id).where(
        refund.c.receipt_id.in_(_RECEIPTS), *(refund.c.state != state for state in sorted(ENDED))
    ),
    one_id,
)  # fmt: skip

UNENDED_OF_COMPANY = Query(
    select(func.count()).where(
        refund.c.company_id == bindparam("company"), *(refund.c.state != state for state in sorted(ENDED))
    ),
    int,
)  # fmt: skip


def _moved(target: Any, condition: Any) -> Write:
    return Write(update(target).where(condition).values(company_id=bindparam("new_company")))


MOVE_ATTEMPTS = _moved(attempt, attempt.c.bill_id.in_(_BILLS))
MOVE_RECEIPTS = _moved(receipt, receipt.c.bill_id.in_(_BILLS))
MOVE_BILLS = _moved(bill, bill.c.subject_id == bindparam("subject"))
