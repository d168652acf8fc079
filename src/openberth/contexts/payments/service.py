"""Use cases and queries of payments: each loads, asks the pure rules, writes."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from openberth.contexts.payments import store
from openberth.contexts.payments.model import (
    Attempt,
    AttemptState,
    Bill,
    BillState,
    Payment,
    Receipt,
    ReceiptMethod,
    change_of,
    ended,
    issue,
    opened,
    order_number,
    receive,
    withdraw,
)
from openberth.infra import jobs
from openberth.infra.database import Reader, Unit
from openberth.infra.permitting import by_construction, inner, needs
from openberth.kernel.errors import NotFound, Refused
from openberth.kernel.events import Event
from openberth.kernel.ids import Id, lowest_at
from openberth.kernel.money import Money
from openberth.kernel.time import MINUTE_US, SECOND_US, Instant, as_datetime, later

ATTEMPT_LIFE_US = 10 * MINUTE_US
ATTEMPTS_MAX = 20  # of one bill; more is somebody playing with the button
CHECK_AFTER_US = 5 * SECOND_US
JOB_CHECK = "payments.check_attempt"
JOB_CLOSE = "payments.close_attempt"


@inner
def issue_bill(
    unit: Unit, *, company: Id, lot: Id, kind: str, subject: Id, due: Money, tariff_version: Id | None,
    quote: Mapping[str, Any], quoted_at: Instant, valid_until: Instant,
) -> Bill:  # fmt: skip
    """Write a bill for a subject (its kind and id). A subject has one open bill at most."""
    bill_id = unit.new_id()
    day = as_datetime(unit.now).strftime("%y%m%d")
    bill, events = issue(
        id=bill_id, company=company, lot=lot, subject_kind=kind, subject_id=subject,
        number=f"{day}-{bill_id.hex[:12]}{bill_id.hex[-4:]}".upper(), due=due, tariff_version=tariff_version,
        quote=quote, quoted_at=quoted_at, valid_until=valid_until, now=unit.now,
    )  # fmt: skip
    unit.run(store.INSERT_BILL, **store.bill_row(bill))
    _append(unit, bill, events)
    return bill


@inner
def withdraw_bill(unit: Unit, *, bill: Id, into: BillState) -> Bill:
    """Void or supersede an open bill; its live attempts are closed at their channels. The same again changes
    nothing.
    """
    found = bill_by_id(unit, bill=bill)
    after = withdraw(found, into)
    if after is not found:
        _save_bill(unit, after)
        for live in unit.all(store.LIVE_ATTEMPTS, bill_id=bill):
            jobs.schedule(unit, kind=JOB_CLOSE, body={"attempt": str(live.id)}, unique_key=live.number)
    return after


def bill_by_id(reader: Reader, *, bill: Id) -> Bill:
    """Return a bill. Raises ``NotFound("bill.not_found")``."""
    found = reader.one(store.BILL, bill_id=bill)
    if found is None:
        raise NotFound("bill.not_found")
    return found


def open_bill_of(reader: Reader, *, kind: str, subject: Id) -> Bill | None:
    """Return the open bill of a subject."""
    return reader.one(store.OPEN_BILL, key=f"{kind}:{subject.hex}")


def bills_of(reader: Reader, *, subject: Id) -> list[Bill]:
    """Return all bills of a subject, oldest first."""
    return reader.all(store.BILLS_OF_SUBJECT, subject=subject)


def paid_for(reader: Reader, *, kind: str, subject: Id) -> list[tuple[Money, Instant, Instant]]:
    """Return what was paid for a subject: money applied to its bills, when it came, and the moment it was priced at.

    Whoever pays while a bill stands pays the price it shows, however long the money took. Business time.
    """
    return reader.all(store.PAID_FOR_SUBJECT, subject=subject)


def receipts_of(reader: Reader, *, bill: Id) -> list[Receipt]:
    """Return the receipts of a bill, oldest first."""
    return reader.all(store.RECEIPTS_OF_BILL, bill_id=bill)


@needs("sign.use")
def begin_attempt(unit: Unit, *, bill: Id, channel: str) -> Attempt:
    """Write a try to pay down before its channel is called; one that is open and asks for the same is used again.

    Raises ``NotFound("bill.not_found")``, ``Refused("bill.settled")`` and its like, and
    ``Refused("bill.too_many_attempts")``.
    """
    found = _locked(unit, bill)
    if found.state is not BillState.OPEN:
        raise Refused(f"bill.{found.state}", bill=found.number)
    live = unit.all(store.LIVE_ATTEMPTS, bill_id=bill)
    for one in live:
        fits = one.channel == channel and one.amount == found.left
        if fits and one.expires_at - unit.machine_now > ATTEMPT_LIFE_US // 5:
            return one
    if len(live) >= ATTEMPTS_MAX:
        raise Refused("bill.too_many_attempts", bill=found.number)
    attempt_id = unit.new_id()
    begun = Attempt(
        id=attempt_id, company=found.company, lot=found.lot, bill=bill, channel=channel,
        number=order_number(attempt_id), amount=found.left, state=AttemptState.OPENING, created_at=unit.now,
        expires_at=later(unit.machine_now, ATTEMPT_LIFE_US),
    )  # fmt: skip
    unit.run(store.INSERT_ATTEMPT, **store.attempt_row(begun))
    # Notifications get lost: the order is asked after by itself until its end is known.
    jobs.schedule(
        unit, kind=JOB_CHECK, body={"attempt": str(attempt_id)}, due_at=later(unit.machine_now, CHECK_AFTER_US),
        unique_key=begun.number,
    )  # fmt: skip
    return begun


@needs("sign.use")
def attempt_opened(unit: Unit, *, attempt: Id, pay_url: str | None, channel_order: str | None) -> Attempt:
    """Take note that the channel opened the order."""
    unit.lock(("attempt", attempt))
    found = attempt_by_id(unit, attempt=attempt)
    after, events = opened(found, pay_url=pay_url, channel_order=channel_order)
    if after is not found:
        _save_attempt(unit, after)
        _append(unit, found, events)
    return after


@by_construction
def end_attempt(unit: Unit, *, attempt: Id, state: AttemptState, reason: str | None = None) -> Attempt:
    """Give an attempt its end: ``failed``, ``expired`` or ``closed``. The first end stays; ``paid`` comes by a
    receipt.
    """
    unit.lock(("attempt", attempt))
    found = attempt_by_id(unit, attempt=attempt)
    after, events = ended(found, state, unit.now, reason)
    if after is not found:
        _save_attempt(unit, after)
        _append(unit, found, events)
    return after


def attempt_by_id(reader: Reader, *, attempt: Id) -> Attempt:
    """Return an attempt. Raises ``NotFound("attempt.not_found")``."""
    found = reader.one(store.ATTEMPT, attempt_id=attempt)
    if found is None:
        raise NotFound("attempt.not_found")
    return found


def attempt_by_number(reader: Reader, *, channel: str, number: str) -> Attempt | None:
    """Return the attempt behind a channel's order."""
    return reader.one(store.ATTEMPT_BY_NUMBER, channel=channel, number=number)


@dataclass(frozen=True, slots=True)
class Taken:
    """What taking money did."""

    receipt: Receipt
    bill: Bill
    repeated: bool


@by_construction
def record_channel_payment(unit: Unit, *, channel: str, number: str, amount: Money, transaction: str) -> Taken:
    """Count what a channel says was paid for an order; however often it says so, once.

    Raises ``NotFound("attempt.not_found")`` for an order that is not ours and ``Refused("receipt.differs")``.
    """
    found = attempt_by_number(unit, channel=channel, number=number)
    if found is None:
        raise NotFound("attempt.not_found")
    asked = bill_by_id(unit, bill=found.bill)
    unit.lock(("bill", found.bill), subject_lock(asked.subject_id), ("attempt", found.id))
    payment = Payment(method=ReceiptMethod(channel), amount=amount, transaction=transaction, attempt=found.id)
    taken = _take(unit, _bill_now(unit, found.bill), payment)
    after, events = ended(attempt_by_id(unit, attempt=found.id), AttemptState.PAID, unit.now)
    if events:
        _save_attempt(unit, after)
        _append(unit, found, events)
    return taken


@needs("cash.take")
def take_cash(unit: Unit, *, bill: Id, tendered: Money) -> tuple[Taken, Money]:
    """Take cash for a bill; returns what that did and the change to hand back. Raises as ``change_of`` does."""
    found = _locked(unit, bill)
    kept, change = change_of(found, tendered)
    payment = Payment(method=ReceiptMethod.CASH, amount=kept, transaction=unit.new_id().hex)
    return _take(unit, found, payment), change


def bills_of_lot(reader: Reader, *, lot: Id, before: Id, limit: int) -> list[Bill]:
    """Return a page of a lot's bills, newest first."""
    return reader.all(store.BILLS_OF_LOT, lot=lot, before=before, limit=min(limit, store.PAGE_MAX))


def receipts_of_lot(reader: Reader, *, lot: Id, before: Id, limit: int) -> list[Receipt]:
    """Return a page of a lot's receipts, newest first."""
    return reader.all(store.RECEIPTS_OF_LOT, lot=lot, before=before, limit=min(limit, store.PAGE_MAX))


@dataclass(frozen=True, slots=True)
class Received:
    """Money that came by one method in one currency: how many receipts, how much, and what of it was not owed."""

    method: str
    count: int
    amount: Money
    surplus: Money


@dataclass(frozen=True, slots=True)
class Totals:
    """The money of a lot: what came, and by bill state (count, due, paid) in minor units of the lot's currency."""

    received: Sequence[Received]
    billed: Mapping[str, tuple[int, int, int]]


def totals(reader: Reader, *, lot: Id) -> Totals:
    """Return the money totals of a lot since its beginning."""
    received = reader.all(store.RECEIVED_BY_METHOD, lot=lot)
    billed = reader.all(store.BILLED, lot=lot)
    return Totals(
        [
            Received(method.value, count, Money(amount, currency), Money(surplus, currency))
            for method, currency, count, amount, surplus in received
        ],
        {state.value: (count, due, paid) for state, count, due, paid in billed},
    )


def received_since(reader: Reader, *, lot: Id, currency: str, since: Instant) -> Money:
    """Return the money of a currency that came since an instant of business time, what was not owed included.

    Reads the receipts of that span only, by their time-ordered ids: ids carry machine time, and business time since
    then is never shorter than machine time.
    """
    earliest = max(0, reader.machine_now - max(0, reader.now - since)) // 1_000
    found = reader.all(
        store.RECEIVED_SINCE, lot=lot, wanted_currency=currency, since_id=lowest_at(earliest), since=since
    )
    return Money(found[0], currency)


def _locked(unit: Unit, bill: Id) -> Bill:
    """Return a bill as it is once nobody else can bill or take money for its subject until the unit ends."""
    subject = bill_by_id(unit, bill=bill).subject_id
    unit.lock(("bill", bill), subject_lock(subject))
    return bill_by_id(unit, bill=bill)


def subject_lock(subject: Id) -> tuple[str, Id]:
    """Return the lock under which a subject is billed, paid and closed; taken after every lock of its owner."""
    return ("subject", subject)


def _bill_now(reader: Reader, bill: Id) -> Bill:
    """Return the bill that money for ``bill`` pays today: the open one that took its place, if it was superseded.

    Somebody who pays the price shown a moment ago pays for the same stay; asking twice would be charging twice.
    """
    found = bill_by_id(reader, bill=bill)
    if found.state is not BillState.SUPERSEDED:
        return found
    return open_bill_of(reader, kind=found.subject_kind, subject=found.subject_id) or found


def _take(unit: Unit, bill: Bill, payment: Payment) -> Taken:
    known = unit.one(store.RECEIPT_BY_SOURCE, source=payment.source)
    if known is not None and known.bill != bill.id:  # told again after the bill was superseded
        bill = bill_by_id(unit, bill=known.bill)
    done = receive(bill, payment, known=known, receipt_id=unit.new_id(), now=unit.now)
    if not done.repeated:
        unit.run(store.INSERT_RECEIPT, **store.receipt_row(done.receipt))
        if done.bill is not bill:
            _save_bill(unit, done.bill)
        _append(unit, bill, done.events)
        _close_outdated(unit, done.bill)
    return Taken(done.receipt, done.bill, done.repeated)


def _close_outdated(unit: Unit, bill: Bill) -> None:
    """Have orders closed that ask for another amount than is left now: nobody shall pay them by mistake."""
    for live in unit.all(store.LIVE_ATTEMPTS, bill_id=bill.id):
        if live.amount != bill.left:
            jobs.schedule(unit, kind=JOB_CLOSE, body={"attempt": str(live.id)}, unique_key=live.number)


def _save_bill(unit: Unit, bill: Bill) -> None:
    unit.save(
        store.UPDATE_BILL, bill_id=bill.id, old_version=bill.version, new_state=bill.state, new_paid=bill.paid.minor,
        new_settled_at=bill.settled_at, new_open_key=store.open_key(bill),
    )  # fmt: skip


def _save_attempt(unit: Unit, attempt: Attempt) -> None:
    unit.save(
        store.UPDATE_ATTEMPT, attempt_id=attempt.id, old_version=attempt.version, new_state=attempt.state,
        new_pay_url=attempt.pay_url, new_channel_order=attempt.channel_order, new_ended_at=attempt.ended_at,
        new_reason=attempt.reason,
    )  # fmt: skip


def _append(unit: Unit, owner: Bill | Attempt, events: Iterable[Event]) -> None:
    key = owner.bill if isinstance(owner, Attempt) else owner.id
    for event in events:
        unit.append(event, company=owner.company, lot=owner.lot, key=key)
