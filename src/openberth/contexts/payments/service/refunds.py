"""Use cases and queries of refunds. What nobody owed goes back by itself; all else because a person says so."""

from dataclasses import replace

from openberth.contexts.payments.model import (
    SLIPS,
    Receipt,
    ReceiptMethod,
    Refund,
    RefundCause,
    RefundState,
    ask_refund,
    refund_again,
    refund_by_hand,
    refund_done,
    refund_given_up,
    refund_made,
    refund_stuck,
)
from openberth.contexts.payments.model import ledger as booking
from openberth.contexts.payments.model.prepaid import SUBJECT
from openberth.contexts.payments.model.refunds import BY_PERSON, refundable
from openberth.contexts.payments.model.slips import checked_number
from openberth.contexts.payments.service import channels, ledger, prepaid
from openberth.contexts.payments.service.bills import append, bill_by_id, subject_lock
from openberth.contexts.payments.service.tills import refuse_empty, shift_for
from openberth.contexts.payments.store import receipts as receipt_store
from openberth.contexts.payments.store import refunds as store
from openberth.infra import jobs
from openberth.infra.database import Reader, Unit
from openberth.infra.permitting import by_construction, inner, needs
from openberth.kernel.errors import NotFound, Refused
from openberth.kernel.ids import Id
from openberth.kernel.money import Money
from openberth.kernel.reasons import checked_reason

JOB_REFUND = "payments.refund"
_AT_ONCE = frozenset((ReceiptMethod.CASH, ReceiptMethod.PREPAID))  # handed over, or put back where it came from
SURPLUS_WORDS = "重复或多付，自动退款"


@inner
def send_surplus_back(unit: Unit, receipt: Receipt) -> None:
    """Have the part of a receipt that nobody owed go back; called in the unit that records it."""
    if receipt.surplus.minor:
        _asked(unit, receipt, [], receipt.surplus, RefundCause.SURPLUS, SURPLUS_WORDS)


@needs("refund.write")
def refund(unit: Unit, *, receipt: Id, amount: Money, reason: str) -> Refund:
    """Give back a part of what paid a bill; the bill stays settled.

    Cash is handed over at once, out of the till of the caller's shift; what a card terminal took or came otherwise is
    ``stuck`` until a person gave it back (``give_by_hand``). Raises ``NotFound("receipt.not_found")``,
    ``Refused("refund.other_company")`` for money that lies with the contract of the company that the lot was of
    before, ``Refused("till.too_little")``, and as ``shift_for`` and the rule ``ask`` do.
    """
    bill = bill_by_id(unit, bill=receipt_by_id(unit, receipt=receipt).bill)
    puts_in = bill.subject_kind == SUBJECT
    # The account before tills, as everywhere: taking cash for one holds them in that order, too.
    unit.lock(*((subject_lock(bill.subject_id),) if puts_in else ()), ("receipt", receipt))
    found = receipt_by_id(unit, receipt=receipt)
    if not _lies_here(unit, found):
        raise Refused("refund.other_company")
    before = unit.all(store.REFUNDS_OF_RECEIPT, receipt=receipt)
    return _asked(unit, found, before, amount, RefundCause.PAY_OUT if puts_in else RefundCause.BY_HAND, reason)


def _lies_here(reader: Reader, receipt: Receipt) -> bool:
    """Tell whether money lies where its lot's company can give it back from."""
    if receipt.account is None:
        return True
    if receipt.method is ReceiptMethod.PREPAID:
        return prepaid.is_of(reader, account=receipt.account, company=receipt.company)
    return channels.is_contract_of(reader, account=receipt.account, company=receipt.company, lot=receipt.lot)


@needs("refund.write")
def pay_out(unit: Unit, *, account: Id, amount: Money | None, reason: str) -> list[Refund]:
    """Give money of a prepaid account back to who put it in, all of it for None, by its latest receipts first.

    Raises ``NotFound("prepaid.not_found")``; ``Refused``: ``prepaid.too_little`` with what is there, ``prepaid.empty``,
    ``prepaid.many_receipts`` when it takes too many of them: ask for less first.
    """
    unit.lock(subject_lock(account))
    found = prepaid.account_by_id(unit, account=account)
    wanted = found.balance if amount is None else amount
    if amount is None and not wanted:
        raise Refused("prepaid.empty")
    made = []
    for key in prepaid.put_in_by(unit, account=account):
        if wanted.minor <= 0:
            break
        unit.lock(("receipt", key))
        receipt, before = receipt_by_id(unit, receipt=key), unit.all(store.REFUNDS_OF_RECEIPT, receipt=key)
        part = min(wanted, refundable(receipt, before, RefundCause.PAY_OUT))
        if part:
            made.append(_asked(unit, receipt, before, part, RefundCause.PAY_OUT, reason))
            wanted = wanted - part
    if wanted.minor > 0:
        is_there = amount is None or found.balance >= amount
        code = "prepaid.many_receipts" if is_there else "prepaid.too_little"
        raise Refused(code, balance=found.balance.amount_text)
    return made


@needs("refund.write")
def try_again(unit: Unit, *, refund: Id) -> Refund:
    """Let a stuck refund be tried again, by the same number."""
    unit.lock(("refund", refund))
    found = refund_by_id(unit, refund=refund)
    after = refund_again(found)
    _save(unit, after)
    _schedule(unit, after)
    return after


@needs("refund.write")
def give_up(unit: Unit, *, refund: Id, reason: str) -> Refund:
    """End a stuck refund: the channel will never make it, and the money stays here or goes back another way."""
    unit.lock(("refund", refund))
    found = refund_by_id(unit, refund=refund)
    after, events = refund_given_up(found, unit.now, checked_reason(reason))
    _save(unit, after)
    ledger.book(unit, company=found.company, lot=found.lot, transfers=booking.refund_given_up(after))
    if found.cause is RefundCause.PAY_OUT:
        prepaid.put_back(unit, after)
    append(unit, after, events)
    return after


@needs("refund.write")
def give_by_hand(unit: Unit, *, refund: Id, reference: str) -> Refund:
    """Take note that a person gave back what a card terminal took or what came otherwise, by the number of its slip.

    The same again changes nothing. Raises ``NotFound("refund.not_found")``, ``Malformed("offline.reference")`` and as
    the rule ``by_hand`` does.
    """
    number = checked_number(reference)
    unit.lock(("refund", refund))
    found = refund_by_id(unit, refund=refund)
    shift = None
    if found.method in SLIPS:
        shift = shift_for(
            unit, company=found.company, lot=found.lot, method=found.method, currency=found.amount.currency
        )
    return _done(unit, refund_by_hand(found, number, shift), number)


@by_construction
def refund_went(unit: Unit, *, refund: Id, channel_refund: str | None) -> Refund:
    """Take note that a channel gave the money back."""
    unit.lock(("refund", refund))
    return _done(unit, refund_by_id(unit, refund=refund), channel_refund)


@by_construction
def refund_does_not_go(unit: Unit, *, refund: Id, detail: str) -> Refund:
    """Take note that a refund does not go on by itself."""
    unit.lock(("refund", refund))
    found = refund_by_id(unit, refund=refund)
    after, events = refund_stuck(found, detail[:200])
    if after is not found:
        _save(unit, after)
        append(unit, found, events)
    return after


@by_construction
def look_at(unit: Unit, *, method: str, number: str) -> None:
    """Have a refund asked after now: its channel said that something became of it. What is not ours is passed over."""
    found = refund_by_number(unit, method=ReceiptMethod(method), number=number)
    if found is None or found.state is RefundState.DONE:
        return
    if found.state is RefundState.ASKED:
        jobs.hurry(unit, kind=JOB_REFUND, unique_key=found.number)
    else:  # nobody asks after it any more, and money may go back all the same
        _schedule(unit, found)


def refund_by_id(reader: Reader, *, refund: Id) -> Refund:
    """Return a refund. Raises ``NotFound("refund.not_found")``."""
    found = reader.one(store.REFUND, refund_id=refund)
    if found is None:
        raise NotFound("refund.not_found")
    return found


def refund_by_number(reader: Reader, *, method: ReceiptMethod, number: str) -> Refund | None:
    """Return the refund behind a channel's refund."""
    return reader.one(store.REFUND_BY_NUMBER, method=method, number=number)


def refunds_of(reader: Reader, *, receipt: Id) -> list[Refund]:
    """Return what of a receipt went back or will, oldest first, as far as the caller may see it."""
    return reader.all(store.REFUNDS_OF_RECEIPT_HERE, receipt=receipt)


def receipt_by_id(reader: Reader, *, receipt: Id) -> Receipt:
    """Return a receipt. Raises ``NotFound("receipt.not_found")``."""
    found = reader.one(receipt_store.RECEIPT, receipt_id=receipt)
    if found is None:
        raise NotFound("receipt.not_found")
    return found


def _asked(
    unit: Unit, receipt: Receipt, before: list[Refund], amount: Money, cause: RefundCause, reason: str
) -> Refund:
    by = None if cause is RefundCause.SURPLUS else unit.caller.actor.hand
    asked, events = ask_refund(
        receipt, before, id=unit.new_id(), amount=amount, cause=cause, reason=reason, now=unit.now, by=by
    )
    if asked.method is ReceiptMethod.CASH:
        shift = shift_for(unit, company=asked.company, lot=asked.lot, method=asked.method, currency=amount.currency)
        refuse_empty(unit, shift=shift, amount=amount)
        asked = replace(asked, shift=shift)
    elif asked.method in SLIPS:
        asked, waits = refund_stuck(asked, BY_PERSON)
        events += waits
    unit.run(store.INSERT_REFUND, **store.refund_row(asked))
    if cause is RefundCause.PAY_OUT:
        prepaid.take_out(unit, asked)
    ledger.book(unit, company=receipt.company, lot=receipt.lot, transfers=booking.refund_asked(asked))
    append(unit, asked, events)
    if asked.method in _AT_ONCE:
        return _done(unit, asked, None)
    if asked.state is RefundState.ASKED:
        _schedule(unit, asked)
    return asked


def _done(unit: Unit, found: Refund, channel_refund: str | None) -> Refund:
    after, events = refund_done(found, unit.now, channel_refund=channel_refund)
    if after is not found:
        _save(unit, after)
        was_given_up = found.state is RefundState.GIVEN_UP
        if was_given_up and found.cause is RefundCause.PAY_OUT:
            prepaid.take_out_after_all(unit, found)
        transfers = booking.refund_done_after_all(after) if was_given_up else booking.refund_done(after)
        ledger.book(unit, company=found.company, lot=found.lot, transfers=transfers)
        if found.method is ReceiptMethod.PREPAID:
            prepaid.came_back(unit, after)
        tariff = bill_by_id(unit, bill=found.bill).tariff_version
        append(unit, found, (*events, refund_made(after, tariff_version=tariff)))
    return after


def _schedule(unit: Unit, asked: Refund) -> None:
    jobs.schedule(unit, kind=JOB_REFUND, body={"refund": str(asked.id)}, unique_key=asked.number)


def _save(unit: Unit, refund: Refund) -> None:
    unit.save(
        store.UPDATE_REFUND, refund_id=refund.id, old_version=refund.version, new_state=refund.state,
        new_ended_at=refund.ended_at, new_channel_refund=refund.channel_refund, new_detail=refund.detail,
        new_shift=refund.shift,
    )  # fmt: skip
