"""Statements that walk bills, receipts, refunds and attempts in the order of their ids, and what the ledger says."""

from typing import Any

from sqlalchemy import Table, bindparam, func, or_, select

from openberth.contexts.payments.model import Attempt, Bill, Receipt, Refund, RefundState
from openberth.contexts.payments.model.shifts import Check, Shift
from openberth.contexts.payments.store.attempts import read_attempt
from openberth.contexts.payments.store.bills import read_bill
from openberth.contexts.payments.store.receipts import read_receipt
from openberth.contexts.payments.store.refunds import read_refund
from openberth.contexts.payments.store.shift_tables import shift, shift_check
from openberth.contexts.payments.store.shifts import read_check, read_shift
from openberth.contexts.payments.store.tables import attempt, bill, ledger_transfer, receipt, refund
from openberth.infra.database.statement import Query
from openberth.kernel.ids import Id

Count = tuple[Id, int]
Place = tuple[Id, str, Id | None, int]


def in_order(table: Table) -> Any:
    """Return the next rows of a table by id."""
    return select(table).where(table.c.id > bindparam("after")).order_by(table.c.id).limit(bindparam("limit"))


def count(key: Id, number: Any) -> Count:
    """Return an id with its number."""
    return key, int(number)


BILLS: Query[Bill] = Query(in_order(bill), read_bill)
RECEIPTS: Query[Receipt] = Query(in_order(receipt), read_receipt)
REFUNDS: Query[Refund] = Query(in_order(refund), read_refund)
ATTEMPTS: Query[Attempt] = Query(in_order(attempt), read_attempt)
REFUNDS_OF_RECEIPTS: Query[Refund] = Query(
    select(refund).where(refund.c.receipt_id >= bindparam("first"), refund.c.receipt_id <= bindparam("last")),
    read_refund,
)
BOOKED_OF_SUBJECTS: Query[Count] = Query(
    select(ledger_transfer.c.subject_id, func.sum(ledger_transfer.c.amount_minor))
    .where(
        ledger_transfer.c.subject_id >= bindparam("first"),
        ledger_transfer.c.subject_id <= bindparam("last"),
        or_(ledger_transfer.c.deed == "receipt.applied", ledger_transfer.c.deed == "receipt.surplus"),
    )
    .group_by(ledger_transfer.c.subject_id),
    count,
)


def _places(side: str, *deeds: str) -> Query[Place]:
    """Return where money of some deeds went (``debit``) or came from (``credit``), by subject."""
    transfer = ledger_transfer.c
    return Query(
        select(transfer.subject_id, transfer[side], transfer[f"{side}_party"], func.sum(transfer.amount_minor))
        .where(
            transfer.subject_id >= bindparam("first"), transfer.subject_id <= bindparam("last"),
            or_(*(transfer.deed == deed for deed in deeds)),
        )
        .group_by(transfer.subject_id, transfer[side], transfer[f"{side}_party"]),
        lambda subject, code, party, minor: (subject, code, party, int(minor)),
    )  # fmt: skip


def _cash(table: Table, *more: Any) -> Query[Count]:
    """Return the cash of shifts in a table of receipts or refunds; it stays theirs when a lot moves."""
    return Query(
        select(table.c.shift_id, func.sum(table.c.amount_minor))
        .where(
            table.c.shift_id >= bindparam("first"), table.c.shift_id <= bindparam("last"),
            table.c.method == bindparam("method"), *more,
        )
        .group_by(table.c.shift_id),
        count,
    )  # fmt: skip


HOLDERS_OF_RECEIPTS = _places("debit", "receipt.applied", "receipt.surplus")
PAYERS_OF_REFUNDS = _places("credit", "refund.done", "refund.done_after_all")
SHIFTS: Query[Shift] = Query(in_order(shift), read_shift)
CASH_TAKEN, CASH_GIVEN = _cash(receipt), _cash(refund, refund.c.state == RefundState.DONE)
PASSED_ON: Query[Count] = Query(
    select(shift.c.next_id, func.sum(shift.c.passed_minor))
    .where(shift.c.next_id >= bindparam("first"), shift.c.next_id <= bindparam("last"))
    .group_by(shift.c.next_id),
    count,
)
CHECKS_OF_SHIFTS: Query[Check] = Query(
    select(shift_check)
    .where(shift_check.c.shift_id >= bindparam("first"), shift_check.c.shift_id <= bindparam("last"))
    .order_by(shift_check.c.shift_id, shift_check.c.number),
    read_check,
)
RECEIPTS_OF_ATTEMPTS: Query[Count] = Query(
    select(receipt.c.attempt_id, func.count())
    .where(receipt.c.attempt_id >= bindparam("first"), receipt.c.attempt_id <= bindparam("last"))
    .group_by(receipt.c.attempt_id),
    count,
)
