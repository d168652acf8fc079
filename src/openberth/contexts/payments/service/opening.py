"""Opening the books: what happened before there was a ledger enters it afterwards, newest first, in small units."""

from openberth.contexts.payments.model import Bill, BillState
from openberth.contexts.payments.model import ledger as booking
from openberth.contexts.payments.service import ledger
from openberth.contexts.payments.store import opening as store
from openberth.contexts.payments.store import receipts as receipt_store
from openberth.infra.database import Reader, Unit
from openberth.infra.permitting import by_construction
from openberth.kernel.ids import Id

PAGE = 100
JOB_OPENING = "payments.open_books"


def is_opened(reader: Reader) -> bool:
    """Tell whether everything is in the ledger: the books are opened from the newest bill down to the oldest."""
    oldest = reader.one(store.OLDEST)
    return oldest is None or bool(reader.all(store.BOOKED, first=oldest, last=oldest))


@by_construction
def open_books(unit: Unit, *, before: Id) -> Id | None:
    """Book the bills of the next page, with what was paid on them; return where to go on, None at the end."""
    bills = unit.all(store.BILLS_BEFORE, before=before, limit=PAGE)
    if not bills:
        return None
    booked = set(unit.all(store.BOOKED, first=bills[-1].id, last=bills[0].id))
    for bill in bills:
        if bill.id not in booked and bill.due.minor:
            _book(unit, bill)
    return bills[-1].id if len(bills) == PAGE else None


def _book(unit: Unit, bill: Bill) -> None:
    transfers = [*booking.issued(bill)]
    for receipt in unit.all(receipt_store.RECEIPTS_OF_BILL, bill_id=bill.id):
        transfers += booking.received(receipt)
    if bill.state in (BillState.VOID, BillState.SUPERSEDED):
        transfers += booking.let_go(bill)
    ledger.book(unit, company=bill.company, lot=bill.lot, transfers=transfers)
