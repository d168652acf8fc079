"""Telling once what nobody told: bills that were withdrawn or written off, and refunds that were done, before these
ends had events of their own. A revision of the database has listed them.
"""

from openberth.contexts.payments.model import Bill, BillState, refund_made, withdrawn, written_off
from openberth.contexts.payments.service.bills import append, bill_by_id
from openberth.contexts.payments.service.refunds import refund_by_id
from openberth.contexts.payments.store import untold as store
from openberth.infra.database import Reader, Unit
from openberth.infra.permitting import by_construction
from openberth.kernel.ids import Id

PAGE = 100
JOB_TELLING = "payments.tell_untold"


def is_told(reader: Reader) -> bool:
    """Tell whether nothing is left to tell."""
    return not reader.all(store.UNTOLD, limit=1)


@by_construction
def tell_some(unit: Unit) -> bool:
    """Tell the next page of what is untold; whether there may be more."""
    found = unit.all(store.UNTOLD, limit=PAGE)
    for subject, kind in found:
        if unit.run(store.DELETE, told=subject):  # else another process has told it
            _tell_bill(unit, subject) if kind == "bill" else _tell_refund(unit, subject)
    return len(found) == PAGE


def _tell_bill(unit: Unit, subject: Id) -> None:
    """Tell the end of a bill as the books have it: when, and under which company, which may have changed since."""
    bill = bill_by_id(unit, bill=subject)
    is_lost = bill.state is BillState.WRITTEN_OFF
    deed = "bill.written_off" if is_lost else "bill.withdrawn"
    company, lot, at = unit.one(store.BOOKED, subject=subject, deed=deed) or (bill.company, bill.lot, unit.now)
    event = written_off(bill, at) if is_lost else withdrawn(bill, bill.state, at)
    unit.append(event, company=company, lot=lot, key=bill.id)


def _tell_refund(unit: Unit, subject: Id) -> None:
    refund = refund_by_id(unit, refund=subject)
    bill: Bill = bill_by_id(unit, bill=refund.bill)
    append(unit, refund, (refund_made(refund, tariff_version=bill.tariff_version),))
