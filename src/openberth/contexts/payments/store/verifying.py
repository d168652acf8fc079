"""Statements that walk bills, receipts, refunds and attempts in the order of their ids, and what the ledger says."""

from typing import Any

from sqlalchemy import Table, bindparam, func, select

from openberth.contexts.payments.model import Attempt, Bill, Receipt, Refund
from openberth.contexts.payments.store.attempts import read_attempt
from openberth.contexts.payments.store.bills import read_bill
from openberth.contexts.payments.store.receipts import read_receipt
from openberth.contexts.payments.store.refunds import read_refund
from openberth.contexts.payments.store.tables import attempt, bill, ledger_transfer, receipt, refund
from openberth.infra.database.statement import Query
from openberth.kernel.ids import Id

Count = tuple[Id, int]


def _in_order(table: Table) -> Any:
    return select(table).where(table.c.id > bindparam("after")).order_by(table.c.id).limit(bindparam("limit"))


def _count(key: Id, number: Any) -> Count:
    return key, int(number)


BILLS: Query[Bill] = Query(_in_order(bill), read_bill)
RECEIPTS: Query[Receipt] = Query(_in_order(receipt), read_receipt)
REFUNDS: Query[Refund] = Query(_in_order(refund), read_refund)
ATTEMPTS: Query[Attempt] = Query(_in_order(attempt), read_attempt)
REFUNDS_OF_RECEIPTS: Query[Refund] = Query(
    select(refund).where(refund.c.receipt_id >= bindparam("first"), refund.c.receipt_id <= bindparam("last")),
    read_refund,
)
BOOKED_OF_SUBJECTS: Query[Count] = Query(
    select(ledger_transfer.c.subject_id, func.sum(ledger_transfer.c.amount_minor))
    .where(ledger_transfer.c.subject_id >= bindparam("first"), ledger_transfer.c.subject_id <= bindparam("last"))
    .group_by(ledger_transfer.c.subject_id),
    _count,
)
RECEIPTS_OF_ATTEMPTS: Query[Count] = Query(
    select(receipt.c.attempt_id, func.count())
    .where(receipt.c.attempt_id >= bindparam("first"), receipt.c.attempt_id <= bindparam("last"))
    .group_by(receipt.c.attempt_id),
    _count,
)
