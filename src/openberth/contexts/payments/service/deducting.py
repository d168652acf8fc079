"""Paying from prepaid accounts: what is held is captured, and counted like all other money that comes."""

from openberth.contexts.payments.model import Bill, BillState, Payment, PayPlace, ReceiptMethod
from openberth.contexts.payments.model.entities import source_of
from openberth.contexts.payments.service import prepaid
from openberth.contexts.payments.service.bills import locked
from openberth.contexts.payments.service.receipts import Taken, receipt_of_source, take
from openberth.infra.database import Unit
from openberth.infra.permitting import inner
from openberth.kernel.errors import Refused
from openberth.kernel.ids import Id
from openberth.kernel.time import HOUR_US


@inner
def capture(unit: Unit, *, hold: Id, bill: Id, place: PayPlace = PayPlace.EXIT) -> Taken:
    """Pay a bill out of what is held for its subject; what is held beyond that goes back to the account.

    The same again is the same payment. Raises ``Refused``: ``prepaid.hold_too_small`` when it does not cover the bill,
    ``prepaid.hold_ended``, and ``bill.settled`` and its like.
    """
    found = locked(unit, bill)
    held = prepaid.hold_by_id(unit, hold=hold)
    known = receipt_of_source(unit, source=source_of(ReceiptMethod.PREPAID, hold.hex, held.account))
    if known is not None:
        return Taken(known, found, repeated=True)
    if found.state is not BillState.OPEN:
        raise Refused(f"bill.{found.state}", bill=found.number)
    payment = Payment(
        method=ReceiptMethod.PREPAID, amount=found.left, transaction=hold.hex, account=held.account, place=place
    )
    prepaid.captured(unit, held, payment.amount)
    return take(unit, found, payment)


@inner
def pay_by_account(unit: Unit, *, bill: Bill, plate: Id) -> Bill | None:
    """Pay an open bill from the account of a plate (its id in the vault), when it has one that pays by itself and has
    enough; None else: too little pays nothing, so that nobody has to add up.
    """
    found = prepaid.account_of_plate(unit, company=bill.company, plate=plate)
    if found is None or not found.pays_by_itself or not found.pays_at(bill.lot) or not bill.left:
        return None
    try:
        held = prepaid.hold(
            unit, company=bill.company, account=found.id, lot=bill.lot, amount=bill.left, kind=bill.subject_kind,
            subject=bill.subject_id, lasts_us=HOUR_US, at_once=True,
        )  # fmt: skip
    except Refused:
        return None
    return capture(unit, hold=held.id, bill=bill.id).bill
