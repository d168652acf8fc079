"""Statements that find what happened before there was a ledger."""

from sqlalchemy import bindparam, select

from openberth.contexts.payments.model import Bill
from openberth.contexts.payments.store.bills import read_bill
from openberth.contexts.payments.store.tables import bill, ledger_transfer
from openberth.infra.database.statement import Query, one_id
from openberth.kernel.ids import Id

# A bill over nothing is booked nowhere.
OLDEST: Query[Id] = Query(select(bill.c.id).where(bill.c.due_minor > 0).order_by(bill.c.id).limit(1), one_id)
BILLS_BEFORE: Query[Bill] = Query(
    select(bill).where(bill.c.id < bindparam("before")).order_by(bill.c.id.desc()).limit(bindparam("limit")), read_bill
)
BOOKED: Query[Id] = Query(
    select(ledger_transfer.c.subject_id).where(
        ledger_transfer.c.subject_id >= bindparam("first"),
        ledger_transfer.c.subject_id <= bindparam("last"),
        ledger_transfer.c.deed == "bill.issued",
    ),
    one_id,
)
