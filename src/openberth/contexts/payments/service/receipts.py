"""Use cases and queries of receipts: money that came, counted once."""

from dataclasses import dataclass, replace

from openberth.contexts.payments.model import (
    Attempt,
    AttemptState,
    Bill,
    BillState,
    Paid,
    Payment,
    PayPlace,
    Receipt,
    ReceiptMethod,
    ReceiptRecorded,
    change_of,
    differs,
    ended,
    exactly_left,
    receive,
)
from openberth.contexts.payments.model import ledger as booking
from openberth.contexts.payments.model.prepaid import SUBJECT
from openberth.contexts.payments.model.slips import note_of, transaction_of
from openberth.contexts.payments.service import channels, ledger, prepaid
from openberth.contexts.payments.service.attempts import attempt_by_id, attempt_by_number, grace_of, save_attempt
from openberth.contexts.payments.service.bills import (
    JOB_CLOSE,
    append,
    bill_by_id,
    bill_now,
    locked,
    save_bill,
    subject_lock,
)
from openberth.contexts.payments.service.carried import paid_with
from openberth.contexts.payments.service.debts import settle_debt
from openberth.contexts.payments.service.refunds import send_surplus_back
from openberth.contexts.payments.service.tills import shift_for
from openberth.contexts.payments.store import PAGE_MAX
from openberth.contexts.payments.store import attempts as attempt_store
from openberth.contexts.payments.store import receipts as receipt_store
from openberth.infra import jobs
from openberth.infra.database import Reader, Unit
from openberth.infra.permitting import by_construction, inner, needs
from openberth.infra.upcasting import UPCASTERS
from openberth.kernel.errors import NotFound, Refused
from openberth.kernel.ids import Id
from openberth.kernel.money import Money

# Receipts did not tell contracts and tariffs at first, and their events are all that is told of them.
UPCASTERS.add(
    ReceiptRecorded.KIND, 1, lambda body: {**body, "account": None, "tariff_version": None, "subject_kind": None}
)


@dataclass(frozen=True, slots=True)
class Taken:
    """What taking money did."""

    receipt: Receipt
    bill: Bill
    repeated: bool


@by_construction
def record_channel_payment(
    unit: Unit, *, channel: str, number: str, amount: Money, transaction: str, account: Id | None = None
) -> Taken | None:
    """Count what a channel says was paid for an order; however often it says so, once.

    Another sum than the order asked for settles nothing: it is kept and told on, and a person looks (None).
    Raises ``NotFound("attempt.not_found")`` for an order that is not ours or was made by another contract, and
    ``Refused("receipt.differs")``.
    """
    found = attempt_by_number(unit, channel=channel, number=number)
    if found is None or not _is_told_by(unit, found, account):
        raise NotFound("attempt.not_found")
    asked = bill_by_id(unit, bill=found.bill)
    unit.lock(("bill", found.bill), subject_lock(asked.subject_id), ("attempt", found.id))
    payment = Payment(
        method=ReceiptMethod(channel), amount=amount, transaction=transaction, attempt=found.id, account=found.account,
        place=found.place,
    )  # fmt: skip
    if amount != found.amount and _known(unit, payment) is None:
        _differs(unit, attempt_by_id(unit, attempt=found.id), amount, transaction)
        return None
    taken = take(unit, bill_now(unit, found.bill), payment)
    after, events = ended(attempt_by_id(unit, attempt=found.id), AttemptState.PAID, unit.now)
    if events:
        save_attempt(unit, after)
        append(unit, found, events)
    return taken


def _is_told_by(unit: Unit, attempt: Attempt, account: Id | None) -> bool:
    """Tell whether a contract may speak of an order; of those from before contracts were rows, the platform's may."""
    if attempt.account is not None or account is None:
        return attempt.account == account
    return channels.account_by_id(unit, account=account).node.company is None


def _differs(unit: Unit, found: Attempt, told: Money, transaction: str) -> None:
    after, events = differs(found, told, transaction, unit.now)
    if events:
        save_attempt(unit, after)
        append(unit, found, events)


@needs("cash.take")
def take_cash(unit: Unit, *, bill: Id, tendered: Money) -> tuple[Taken, Money]:
    """Take cash for a bill; returns what that did and the change to hand back.

    It lies in the till of the caller's shift, or in the common till of the lot. Raises as ``change_of`` and
    ``shift_for`` do.
    """
    found = locked(unit, bill)
    kept, change = change_of(found, tendered)
    method = ReceiptMethod.CASH
    shift = shift_for(unit, company=found.company, lot=found.lot, method=method, currency=kept.currency)
    payment = Payment(method=method, amount=kept, transaction=unit.new_id().hex, shift=shift, place=PayPlace.CASH)
    return take(unit, found, payment), change


def receipt_of_source(reader: Reader, *, source: str) -> Receipt | None:
    """Return the receipt of money by the key under which it is counted once."""
    return reader.one(receipt_store.RECEIPT_BY_SOURCE, source=source)


@needs("cash.take")
def take_slip(
    unit: Unit, *, bill: Id, method: ReceiptMethod, amount: Money, reference: str, terminal: str | None = None,
    note: str | None = None,
) -> Taken:  # fmt: skip
    """Count what a card terminal took for a bill, or what came otherwise, once by the number of its slip.

    It is all that is left of the bill. The same slip again changes nothing. Raises as ``transaction_of``, ``note_of``
    and ``exactly_left`` do, and ``Refused("receipt.differs")`` for a slip that paid another sum or another stay.
    """
    transaction, words = transaction_of(method, terminal=terminal, reference=reference), note_of(method, note)
    found = locked(unit, bill)
    unit.lock(("slips", found.lot))
    payment = Payment(
        method=method, amount=amount, transaction=transaction, lot=found.lot, note=words, place=PayPlace.CASH
    )
    known = _known(unit, payment)
    if known is None:
        exactly_left(found, amount)
        shift = shift_for(unit, company=found.company, lot=found.lot, method=method, currency=amount.currency)
        return take(unit, found, replace(payment, shift=shift))
    if bill_by_id(unit, bill=known.bill).subject_id != found.subject_id:
        raise Refused("receipt.differs", receipt=str(known.id))
    return take(unit, found, payment)


def receipts_of(reader: Reader, *, bill: Id) -> list[Receipt]:
    """Return the receipts of a bill, oldest first."""
    return reader.all(receipt_store.RECEIPTS_OF_BILL, bill_id=bill)


def receipts_of_subject(reader: Reader, *, subject: Id, before: Id, limit: int) -> list[Receipt]:
    """Return a page of what was paid on the bills of a subject, newest first."""
    return reader.all(receipt_store.RECEIPTS_OF_SUBJECT, subject=subject, before=before, limit=min(limit, PAGE_MAX))


def paid_for(reader: Reader, *, subject: Id) -> list[Paid]:
    """Return what was paid for a subject: money applied to its bills.

    Whoever pays while a bill stands pays the price it shows. Whoever pays an order pays the price of the bill that it
    was made for, whichever bill the money pays by then, and has paid before that price fell: channels tell of it late.
    """
    found, left = [], dict[Id, int]()
    for bill, own, paid in reader.all(receipt_store.PAID_FOR_SUBJECT, subject=subject):
        part = min(paid.amount.minor, left.setdefault(bill, own))  # the rest paid what was left unpaid before
        left[bill] -= part
        if part:
            found.append(replace(paid, amount=Money(part, paid.amount.currency)))
    return found


@inner
def take(unit: Unit, bill: Bill, payment: Payment) -> Taken:
    """Count money for a bill whose locks are held, once; all that follows is written with it."""
    known = _known(unit, payment)
    if known is not None and known.bill != bill.id:  # told again after the bill was superseded
        bill = bill_by_id(unit, bill=known.bill)
    if known is None:
        payment = replace(payment, grace_minutes=grace_of(unit, bill=bill, place=payment.place))
    done = receive(bill, payment, known=known, receipt_id=unit.new_id(), now=unit.now)
    if not done.repeated:
        unit.run(receipt_store.INSERT_RECEIPT, **receipt_store.receipt_row(done.receipt))
        if done.bill is not bill:
            save_bill(unit, done.bill)
        append(unit, bill, done.events)
        settled = done.bill is not bill and done.bill.state is BillState.SETTLED
        if settled:
            settle_debt(unit, done.bill)
            if bill.carried is not None:
                paid_with(unit, done.bill)
        _close_outdated(unit, done.bill)
        ledger.book(unit, company=bill.company, lot=bill.lot, transfers=booking.received(done.receipt))
        if settled and bill.subject_kind == SUBJECT:
            prepaid.put_in(unit, done.bill)
        send_surplus_back(unit, done.receipt)
    return Taken(done.receipt, done.bill, done.repeated)


def _known(unit: Unit, payment: Payment) -> Receipt | None:
    """Return the receipt of money that is told again. Raises ``Refused("receipt.differs")`` for another order's."""
    found = receipt_of_source(unit, source=payment.source)
    if found is None and payment.attempt is not None:
        same = {"attempt": payment.attempt, "transaction": payment.transaction}
        found = unit.one(receipt_store.RECEIPT_OF_ATTEMPT, **same)
    if found is not None and found.attempt != payment.attempt:
        raise Refused("receipt.differs", receipt=str(found.id))
    return found


def _close_outdated(unit: Unit, bill: Bill) -> None:
    """Have orders closed that ask for another amount than is left now: nobody shall pay them by mistake."""
    for live in unit.all(attempt_store.LIVE_ATTEMPTS, bill_id=bill.id):
        if live.amount != bill.left:
            jobs.schedule(unit, kind=JOB_CLOSE, body={"attempt": str(live.id)}, unique_key=live.number)
