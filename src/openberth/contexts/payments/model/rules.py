"""How bills and attempts change, and what money that comes does to them.

Each rule returns the entity as it is afterwards, with the events that say so; one that changes nothing returns the
very same entity.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from openberth.contexts.payments.model.entities import (
    LIVE,
    Attempt,
    AttemptState,
    Bill,
    BillState,
    Payment,
    Receipt,
    SurplusReason,
)
from openberth.contexts.payments.model.events import (
    AttemptEnded,
    AttemptOpened,
    BillIssued,
    BillSettled,
    BillWithdrawn,
    BillWrittenOff,
    PaymentDiffers,
    ReceiptRecorded,
    SurplusReceived,
)
from openberth.kernel.errors import Malformed, Refused
from openberth.kernel.events import Event
from openberth.kernel.ids import Id
from openberth.kernel.money import Money
from openberth.kernel.time import Instant


def issue(
    *,
    id: Id,  # noqa: A002 - named as the field it becomes
    company: Id,
    lot: Id,
    subject_kind: str,
    subject_id: Id,
    number: str,
    due: Money,
    tariff_version: Id | None,
    quote: Mapping[str, Any],
    quoted_at: Instant,
    valid_until: Instant,
    now: Instant,
) -> tuple[Bill, tuple[Event, ...]]:
    """Write a bill. One that asks for nothing is settled at once; one that asks for less is a ``ValueError``."""
    free = due.minor == 0
    bill = Bill(
        id=id,
        company=company,
        lot=lot,
        subject_kind=subject_kind,
        subject_id=subject_id,
        number=number,
        due=due,
        paid=Money(0, due.currency),
        state=BillState.SETTLED if free else BillState.OPEN,
        tariff_version=tariff_version,
        quote=quote,
        quoted_at=quoted_at,
        valid_until=valid_until,
        issued_at=now,
        settled_at=now if free else None,
    )
    issued = BillIssued(id, subject_kind, subject_id, number, due.minor, due.currency, tariff_version, int(valid_until))
    return bill, (issued, _settled(bill, now)) if free else (issued,)


def withdraw(bill: Bill, into: BillState) -> Bill:
    """Make an open bill void or superseded; the same again changes nothing.

    Raises ``Refused``: ``bill.settled``, ``bill.void`` or ``bill.superseded`` when it is no longer open, and
    ``bill.partly_paid`` for voiding a bill that took money, which would be owed back without a trace.
    """
    if into not in (BillState.VOID, BillState.SUPERSEDED):
        raise ValueError("a bill is withdrawn by voiding or superseding it")
    if bill.state is into:
        return bill
    if bill.state is not BillState.OPEN:
        raise Refused(f"bill.{bill.state}", bill=bill.number)
    if into is BillState.VOID and bill.paid:
        raise Refused("bill.partly_paid", bill=bill.number)
    return replace(bill, state=into)


def withdrawn(bill: Bill, into: BillState, at: Instant) -> BillWithdrawn:
    """Tell that a bill was withdrawn. ``bill`` is as it is now or was before: what it had not been paid is let go."""
    left = bill.due - bill.paid
    return BillWithdrawn(
        bill.id, into.value, left.minor, left.currency, bill.tariff_version, int(at), bill.subject_kind
    )


def written_off(bill: Bill, at: Instant) -> BillWrittenOff:
    """Tell that a bill was written off. ``bill`` is as it is now or was before: what it had not been paid is lost."""
    left = bill.due - bill.paid
    return BillWrittenOff(bill.id, left.minor, left.currency, bill.tariff_version, int(at))


@dataclass(frozen=True, slots=True)
class Settlement:
    """What a payment did: the bill afterwards, its receipt, the events; ``repeated`` when it was known before."""

    bill: Bill
    receipt: Receipt
    events: tuple[Event, ...] = ()
    repeated: bool = False


def receive(bill: Bill, payment: Payment, *, known: Receipt | None, receipt_id: Id, now: Instant) -> Settlement:
    """Count money that came for a bill, once.

    ``known`` is the receipt already held under ``payment.source``, if any: then nothing changes, and if it tells of
    other money, ``Refused("receipt.differs")``. What is left to pay is paid, the rest is surplus: all of it when the
    bill is not open or has another currency. Less than is left keeps the bill open with what was paid so far.
    """
    if known is not None:
        if (known.source, known.amount, known.bill) != (payment.source, payment.amount, bill.id):
            raise Refused("receipt.differs", receipt=str(known.id))
        return Settlement(bill, known, repeated=True)
    applied, reason = _split(bill, payment.amount)
    surplus = payment.amount - applied
    receipt = Receipt(
        id=receipt_id,
        company=bill.company,
        lot=bill.lot,
        bill=bill.id,
        attempt=payment.attempt,
        method=payment.method,
        amount=payment.amount,
        surplus=surplus,
        transaction=payment.transaction,
        received_at=now,
        account=payment.account,
        place=payment.place,
        grace_minutes=payment.grace_minutes,
        shift=payment.shift,
        note=payment.note,
    )
    method, came, currency = payment.method.value, payment.amount.minor, payment.amount.currency
    recorded = ReceiptRecorded(
        receipt_id, bill.id, payment.attempt, method, came, surplus.minor, currency, payment.account,
        bill.tariff_version, bill.subject_kind,
    )  # fmt: skip
    events: list[Event] = [recorded]
    if applied:
        paid = bill.paid + applied
        done = paid == bill.due
        state, settled_at = (BillState.SETTLED, now) if done else (bill.state, None)
        bill = replace(bill, paid=paid, state=state, settled_at=settled_at)
        if done:
            events.append(_settled(bill, now))
    if surplus:
        events.append(SurplusReceived(receipt_id, bill.id, surplus.minor, currency, reason.value))
    return Settlement(bill, receipt, tuple(events))


def change_of(bill: Bill, tendered: Money) -> tuple[Money, Money]:
    """Split cash on the counter into what is kept for the bill and the change to hand back.

    Raises ``Refused``: ``bill.settled``, ``bill.void``, ``bill.superseded`` (nothing to take), ``bill.currency``; and
    ``Malformed``: ``cash.not_positive``; less than is left is ``Refused("cash.too_little")``.
    """
    if tendered.minor <= 0:
        raise Malformed("cash.not_positive")
    if bill.state is not BillState.OPEN:
        raise Refused(f"bill.{bill.state}", bill=bill.number)
    if tendered.currency != bill.due.currency:
        raise Refused("bill.currency", bill=bill.number, currency=bill.due.currency)
    if tendered < bill.left:
        # A part taken in cash and sent twice would be booked twice; the guard asks for the rest instead.
        raise Refused("cash.too_little", bill=bill.number, missing=(bill.left - tendered).amount_text)
    return bill.left, tendered - bill.left


def exactly_left(bill: Bill, amount: Money) -> None:
    """Refuse money of a slip that is not all that is left: a card gets no change, and no part is taken twice.

    Raises ``Refused``: ``bill.settled``, ``bill.void``, ``bill.superseded``, ``bill.currency``, ``offline.not_exact``.
    """
    if bill.state is not BillState.OPEN:
        raise Refused(f"bill.{bill.state}", bill=bill.number)
    if amount.currency != bill.due.currency:
        raise Refused("bill.currency", bill=bill.number, currency=bill.due.currency)
    if amount != bill.left:
        raise Refused("offline.not_exact", bill=bill.number, left=bill.left.amount_text)


def opened(attempt: Attempt, *, pay_url: str | None, channel_order: str | None) -> tuple[Attempt, tuple[Event, ...]]:
    """Take note that the channel opened the order. Only an opening attempt changes: its end may have come before."""
    if attempt.state is not AttemptState.OPENING:
        return attempt, ()
    after = replace(attempt, state=AttemptState.OPEN, pay_url=pay_url, channel_order=channel_order)
    minor, currency, until = attempt.amount.minor, attempt.amount.currency, int(attempt.expires_at)
    event = AttemptOpened(attempt.id, attempt.bill, attempt.channel, attempt.number, minor, currency, until)
    return after, (event,)


def ended(
    attempt: Attempt, state: AttemptState, now: Instant, reason: str | None = None
) -> tuple[Attempt, tuple[Event, ...]]:
    """End an attempt. The first end stays, except that ``paid`` replaces every other: facts arrive in any order."""
    if state in LIVE:
        raise ValueError(f"{state} is not an end")
    if attempt.state not in LIVE and (state is not AttemptState.PAID or attempt.state is AttemptState.PAID):
        return attempt, ()
    after = replace(attempt, state=state, ended_at=now, reason=reason)
    return after, (AttemptEnded(attempt.id, attempt.bill, state.value, reason),)


def differs(attempt: Attempt, told: Money, transaction: str, now: Instant) -> tuple[Attempt, tuple[Event, ...]]:
    """Take note that a channel tells of another sum than was asked for. It is told on once; what is paid stays paid."""
    if attempt.state in (AttemptState.DIFFERS, AttemptState.PAID):
        return attempt, ()
    after = replace(attempt, state=AttemptState.DIFFERS, ended_at=now, reason=f"{told}")
    asked = attempt.amount
    event = PaymentDiffers(
        attempt.id, attempt.bill, attempt.channel, transaction, asked.minor, asked.currency, told.minor, told.currency
    )
    return after, (AttemptEnded(attempt.id, attempt.bill, after.state.value, after.reason), event)


def _split(bill: Bill, amount: Money) -> tuple[Money, SurplusReason]:
    nothing = Money(0, amount.currency)
    if bill.state is not BillState.OPEN:
        return nothing, SurplusReason(bill.state.value)
    if amount.currency != bill.due.currency:
        return nothing, SurplusReason.CURRENCY
    return min(amount, bill.left), SurplusReason.EXCESS


def _settled(bill: Bill, now: Instant) -> BillSettled:
    return BillSettled(bill.id, bill.subject_kind, bill.subject_id, bill.paid.minor, bill.paid.currency, int(now))
