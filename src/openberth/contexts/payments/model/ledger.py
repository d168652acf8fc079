"""Double entry (ADR 0008): what happens with money is a transfer from one account to another, never half of one.

A transfer adds its amount to the account that is debited and takes it from the one that is credited, so all accounts
together are always worth nothing. An account is named by company, lot, code, party and currency and needs no row; its
balance is what was debited less what was credited.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

from openberth.contexts.payments.model.entities import Bill, Receipt, ReceiptMethod
from openberth.contexts.payments.model.prepaid import SUBJECT, Hold
from openberth.contexts.payments.model.refunds import Refund, RefundCause
from openberth.kernel.ids import Id
from openberth.kernel.money import Money


class AccountCode(StrEnum):
    """The accounts there are. In brackets the party that each is kept for."""

    RECEIVABLE = "receivable"  # what is owed to us [bill]
    CLEARING = "clearing"  # what a channel has taken for us and still owes [channel account]
    TILL = "till"  # cash in hand [shift; the lot's common till has no party]
    SAFE = "safe"  # cash that was handed over [safe]
    BANK = "bank"  # what was carried to the bank, and what came from there
    CASH_VARIANCE = "cash_variance"  # cash that was counted less than it should be [shift]
    POS_CLEARING = "pos_clearing"  # what card terminals have taken and their acquirer owes
    OTHER_CLEARING = "other_clearing"  # what came otherwise, as a person vouches
    CHANNEL_FEE = "channel_fee"  # what channels keep of what they take for us [channel account]
    REVENUE = "revenue"  # what was earned
    SURPLUS = "surplus"  # money that nobody owed: we owe it back [receipt]
    REFUNDING = "refunding"  # money on its way back [refund]
    WRITTEN_OFF = "written_off"  # what was owed and never came
    PREPAID_LOST = "prepaid_lost"  # what was put back, spent, and paid out after all [prepaid account]
    TOPPING_UP = "topping_up"  # what a bill asks for that puts money in, until it is paid [bill]
    PREPAID = "prepaid"  # money of others that they may spend [prepaid account]
    HELD = "held"  # the part of it that is kept for something [prepaid account]


@dataclass(frozen=True, slots=True)
class Account:
    """One account of a company's lot."""

    code: AccountCode
    party: Id | None = None


@dataclass(frozen=True, slots=True)
class Transfer:
    """``amount`` from ``credit`` to ``debit``, because of a deed that the subject has once."""

    deed: str
    subject: Id
    debit: Account
    credit: Account
    amount: Money

    def __post_init__(self) -> None:
        if self.amount.minor <= 0 or self.debit == self.credit:
            raise ValueError("a transfer moves something to another account")


REVENUE = Account(AccountCode.REVENUE)


def issued(bill: Bill) -> Iterator[Transfer]:
    """Yield what a new bill books: it is owed, and earned, or will be somebody's own money."""
    yield from moved("bill.issued", bill.id, _receivable(bill.id), _owed_for(bill), bill.due)


def withdrawn(bill: Bill) -> Iterator[Transfer]:
    """Yield what withdrawing an open bill books: the rest is owed no more. ``bill`` is as it was before."""
    yield from let_go(bill)


def let_go(bill: Bill) -> Iterator[Transfer]:
    """Yield what was booked when a bill, as it is now or was before, was withdrawn: what it had not been paid."""
    yield from moved("bill.withdrawn", bill.id, _owed_for(bill), _receivable(bill.id), bill.due - bill.paid)


def written_off(bill: Bill) -> Iterator[Transfer]:
    """Yield what letting a debt go books: the rest was earned and never comes. ``bill`` is as it was before."""
    written_off_to = Account(AccountCode.WRITTEN_OFF)
    yield from moved("bill.written_off", bill.id, written_off_to, _receivable(bill.id), bill.left)


def received(receipt: Receipt) -> Iterator[Transfer]:
    """Yield what money that came books: a part pays the bill, the rest is owed back."""
    holder = taken_to(receipt)
    yield from moved("receipt.applied", receipt.id, holder, _receivable(receipt.bill), receipt.applied)
    yield from moved("receipt.surplus", receipt.id, holder, _surplus(receipt.id), receipt.surplus)


def refund_asked(refund: Refund) -> Iterator[Transfer]:
    """Yield what asking for a refund books: the money is on its way."""
    yield from moved("refund.asked", refund.id, _source_of(refund), _refunding(refund.id), refund.amount)


def refund_done(refund: Refund) -> Iterator[Transfer]:
    """Yield what a refund that arrived books."""
    holder = holder_of(refund.method, refund.account, refund.shift)
    yield from moved("refund.done", refund.id, _refunding(refund.id), holder, refund.amount)


def refund_done_after_all(refund: Refund) -> Iterator[Transfer]:
    """Yield what a refund books that arrived after it was given up: what had come back to its source is gone."""
    holder = holder_of(refund.method, refund.account, refund.shift)
    yield from moved("refund.done_after_all", refund.id, _source_of(refund), holder, refund.amount)


def refund_given_up(refund: Refund) -> Iterator[Transfer]:
    """Yield what a refund that will never arrive books: the money stays where it was."""
    yield from moved("refund.given_up", refund.id, _refunding(refund.id), _source_of(refund), refund.amount)


_CLEARED = {ReceiptMethod.POS: AccountCode.POS_CLEARING, ReceiptMethod.OTHER: AccountCode.OTHER_CLEARING}


def holder_of(method: ReceiptMethod, account: Id | None, shift: Id | None) -> Account:
    """Return where money of a method lies and goes back to: the till of a shift (None: the lot's common one), a
    channel, whoever runs card terminals, or a prepaid account.
    """
    if method is ReceiptMethod.CASH:
        return till_of(shift)
    if method is ReceiptMethod.PREPAID:
        return Account(AccountCode.PREPAID, account)
    return Account(_CLEARED[method]) if method in _CLEARED else Account(AccountCode.CLEARING, account)


def taken_to(receipt: Receipt) -> Account:
    """Return the account from which the books say that the money of a receipt came."""
    if receipt.method is ReceiptMethod.PREPAID:
        return Account(AccountCode.HELD, receipt.account)
    return holder_of(receipt.method, receipt.account, receipt.shift)


def till_of(shift: Id | None) -> Account:
    """Return the till of a shift, or the common one of a lot."""
    return Account(AccountCode.TILL, shift)


def topped_up(bill: Bill) -> Iterator[Transfer]:
    """Yield what a paid bill books that puts money in: it is its subject's own now."""
    yield from moved("bill.topped_up", bill.id, _topping_up(bill.id), prepaid(bill.subject_id), bill.due)


def held(hold: Hold) -> Iterator[Transfer]:
    """Yield what holding money of a prepaid account books."""
    yield from moved("hold.made", hold.id, prepaid(hold.account), _held(hold.account), hold.amount)


def let_hold_go(hold: Hold) -> Iterator[Transfer]:
    """Yield what is booked when a hold has ended: what it did not pay goes back."""
    yield from moved("hold.released", hold.id, _held(hold.account), prepaid(hold.account), hold.amount - hold.captured)


def paid_out(refund: Refund, account: Id) -> Iterator[Transfer]:
    """Yield what taking money out of a prepaid account books, before its refund is asked for."""
    yield from moved("refund.paid_out", refund.id, prepaid(account), _topping_up(refund.bill), refund.amount)


def put_back(refund: Refund, account: Id) -> Iterator[Transfer]:
    """Yield what is booked when money that was taken out of a prepaid account will never arrive."""
    yield from moved("refund.put_back", refund.id, _topping_up(refund.bill), prepaid(account), refund.amount)


def paid_out_after_all(refund: Refund, account: Id, from_account: Money) -> Iterator[Transfer]:
    """Yield what is booked when money arrived that had been put back: what the account has of it, the rest is lost."""
    source = _topping_up(refund.bill)
    yield from moved("refund.paid_out_again", refund.id, prepaid(account), source, from_account)
    lost = Account(AccountCode.PREPAID_LOST, account)
    yield from moved("refund.lost", refund.id, lost, source, refund.amount - from_account)


def prepaid(account: Id) -> Account:
    """Return where a prepaid account's money lies."""
    return Account(AccountCode.PREPAID, account)


def _held(account: Id) -> Account:
    return Account(AccountCode.HELD, account)


def _topping_up(bill: Id) -> Account:
    return Account(AccountCode.TOPPING_UP, bill)


def _owed_for(bill: Bill) -> Account:
    return _topping_up(bill.id) if bill.subject_kind == SUBJECT else REVENUE


def _source_of(refund: Refund) -> Account:
    if refund.cause is RefundCause.PAY_OUT:
        return _topping_up(refund.bill)
    return _surplus(refund.receipt) if refund.cause is RefundCause.SURPLUS else REVENUE


def _receivable(bill: Id) -> Account:
    return Account(AccountCode.RECEIVABLE, bill)


def _surplus(receipt: Id) -> Account:
    return Account(AccountCode.SURPLUS, receipt)


def _refunding(refund: Id) -> Account:
    return Account(AccountCode.REFUNDING, refund)


def moved(deed: str, subject: Id, debit: Account, credit: Account, amount: Money) -> Iterator[Transfer]:
    """Yield the transfer of an amount, nothing for nothing."""
    if amount.minor:
        yield Transfer(deed, subject, debit, credit, amount)
