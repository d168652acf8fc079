"""Statements of bills."""

from typing import Any

from sqlalchemy import bindparam, func, select, update

from openberth.contexts.payments.model import Bill, BillState
from openberth.contexts.payments.store import PAGE_MAX
from openberth.contexts.payments.store.tables import bill
from openberth.infra.database.statement import Query, Write, insert_into
from openberth.kernel.money import Money


def read_bill(*columns: Any) -> Bill:
    """Return the bill of a row."""
    row = dict(zip(bill.c.keys(), columns, strict=True))
    currency = row["currency"]
    return Bill(
        id=row["id"], company=row["company_id"], lot=row["lot_id"], subject_kind=row["subject_kind"],
        subject_id=row["subject_id"], number=row["number"], due=Money(row["due_minor"], currency),
        paid=Money(row["paid_minor"], currency), state=row["state"], tariff_version=row["tariff_version"],
        quote=row["quote"], quoted_at=row["quoted_at"], valid_until=row["valid_until"], issued_at=row["issued_at"],
        settled_at=row["settled_at"], version=row["version"],
        carried=None if row["carried_minor"] is None else Money(row["carried_minor"], currency),
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
        "carried_minor": None if found.carried is None else found.carried.minor,
    }  # fmt: skip


def open_key(found: Bill) -> str | None:
    """Return what is unique among open bills, None for a bill that is not open."""
    return f"{found.subject_kind}:{found.subject_id.hex}" if found.state is BillState.OPEN else None


INSERT_BILL = insert_into(bill)
BILL = Query(select(bill).where(bill.c.id == bindparam("bill_id")), read_bill)
OPEN_BILL = Query(select(bill).where(bill.c.open_key == bindparam("key")), read_bill)
BILLS_OF_SUBJECT = Query(
    select(bill).where(bill.c.subject_id == bindparam("subject")).order_by(bill.c.id).limit(PAGE_MAX), read_bill
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
BILLED = Query(
    select(bill.c.state, func.count(), func.sum(bill.c.due_minor), func.sum(bill.c.paid_minor))
    .where(bill.c.lot_id == bindparam("lot"))
    .group_by(bill.c.state),
    lambda state, count, due, paid: (state, int(count), int(due), int(paid)),
)
# By the index of open bills, which are few however long the history is.
OPEN_OF_COMPANY = Query(
    select(func.count()).where(bill.c.open_key.is_not(None), bill.c.company_id == bindparam("company")), int
)
