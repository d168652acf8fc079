"""What payments keeps: bills, attempts and receipts, each with what must hold for it at any time."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from openberth.kernel.ids import Id
from openberth.kernel.money import Money
from openberth.kernel.time import Instant

NUMBER_LENGTH = 24


class BillState(StrEnum):
    """What became of a bill. Only an open one takes money."""

    OPEN = "open"
    SETTLED = "settled"
    VOID = "void"  # withdrawn: nothing is owed
    SUPERSEDED = "superseded"  # a later bill of the same subject asks for the rest
    WRITTEN_OFF = "written_off"  # its car has left, and what was left of it was waived or has lapsed


class AttemptState(StrEnum):
    """What became of a try to pay. ``paid`` wins over every other end, for money that came is a fact."""

    OPENING = "opening"  # written down; the channel has not answered yet
    OPEN = "open"
    PAID = "paid"
    FAILED = "failed"  # the channel refused it
    EXPIRED = "expired"  # its time ran out at the channel
    CLOSED = "closed"  # we closed it at the channel
    DIFFERS = "differs"  # the channel tells of another sum than was asked for: nothing is settled, a person looks


LIVE = frozenset({AttemptState.OPENING, AttemptState.OPEN})


class ReceiptMethod(StrEnum):
    """How money came."""

    CASH = "cash"
    POS = "pos"  # a card terminal of an acquirer
    OTHER = "other"  # what a person vouches for: a bank transfer, a voucher
    SANDPAY = "sandpay"
    WECHATPAY = "wechatpay"
    ALIPAY = "alipay"
    PREPAID = "prepaid"  # from an account that money was put into before


# Told by people and not in a till: counted once by the number of a slip at its lot.
SLIPS = frozenset((ReceiptMethod.POS, ReceiptMethod.OTHER))


class PayPlace(StrEnum):
    """Where the payer stood. A lot may give each place minutes of its own to leave in."""

    PREPAY = "prepay"  # anywhere, before going to the car
    EXIT = "exit"  # at an exit, in the car
    CASH = "cash"  # at a person's desk


class SurplusReason(StrEnum):
    """Why money that came was not owed."""

    SETTLED = "settled"
    VOID = "void"
    SUPERSEDED = "superseded"
    WRITTEN_OFF = "written_off"
    EXCESS = "excess"  # more than was left to pay
    CURRENCY = "currency"  # another currency than the bill's


@dataclass(frozen=True, slots=True, kw_only=True)
class Bill:
    """What is owed for one subject, by one quote.

    ``number`` is what people read, at most 24 characters. ``quote`` holds the lines that explain ``due`` as plain JSON.
    Until ``valid_until`` the price stands; a payment that comes later still settles this bill, and the subject's owner
    asks for the difference. ``carried`` is the part of ``due`` that other subjects of the same payer left unpaid before
    (None: nothing); what comes pays the bill's own part first. Instants are business time.
    """

    id: Id
    company: Id
    lot: Id
    subject_kind: str
    subject_id: Id
    number: str
    due: Money
    paid: Money
    state: BillState
    tariff_version: Id | None
    quote: Mapping[str, Any]
    quoted_at: Instant
    valid_until: Instant
    issued_at: Instant
    settled_at: Instant | None = None
    version: int = 1
    carried: Money | None = None

    def __post_init__(self) -> None:
        if not 0 < len(self.number) <= NUMBER_LENGTH:
            raise ValueError(f"a bill number has 1 to {NUMBER_LENGTH} characters")
        if not Money(0, self.due.currency) <= self.paid <= self.due:
            raise ValueError("a bill is paid between nothing and what is due")
        settled = self.state is BillState.SETTLED
        if settled != (self.settled_at is not None) or (settled and self.paid != self.due):
            raise ValueError("a settled bill is paid in full and knows when")
        if self.state is BillState.OPEN and self.paid == self.due:
            raise ValueError("a bill without anything left to pay is not open")

    @property
    def left(self) -> Money:
        """What may still be paid: nothing unless the bill is open."""
        return self.due - self.paid if self.state is BillState.OPEN else Money(0, self.due.currency)

    @property
    def own_due(self) -> Money:
        """What is due for the bill's own subject."""
        return self.due if self.carried is None else self.due - self.carried

    @property
    def own_left(self) -> Money:
        """What may still be paid for the bill's own subject."""
        return self.left if self.carried is None else max(Money(0, self.due.currency), self.own_due - self.paid)

    def stands(self, now: Instant) -> bool:
        """Tell whether its price may still be asked for."""
        return self.state is BillState.OPEN and now < self.valid_until


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempt:
    """One order at a channel to pay a bill.

    ``number`` is the order's number at the channel, see ``order_number``; ``account`` is whose account there, None for
    one made before contracts were rows. ``payer`` is the vault's id of who alone can pay it. ``channel_order`` and
    ``pay_url`` are known once it is open. ``expires_at`` is machine time, the time of the channel; the other instants
    are business time.
    """

    id: Id
    company: Id
    lot: Id
    bill: Id
    channel: str
    number: str
    amount: Money
    state: AttemptState
    created_at: Instant
    expires_at: Instant
    pay_url: str | None = None
    channel_order: str | None = None
    ended_at: Instant | None = None
    reason: str | None = None
    account: Id | None = None
    scene: str = "code"
    payer: Id | None = None
    version: int = 1
    place: PayPlace = PayPlace.PREPAY

    def __post_init__(self) -> None:
        if self.amount.minor <= 0:
            raise ValueError("an attempt asks for something")
        if (self.state in LIVE) != (self.ended_at is None):
            raise ValueError("an attempt that has ended knows when, and only that")


@dataclass(frozen=True, slots=True, kw_only=True)
class Receipt:
    """Money that came. ``surplus`` is the part of ``amount`` that the bill did not owe; the rest was paid on it.

    ``transaction`` is the channel's own number of the payment, for cash a reference of the booth, else what the slip
    says; ``account`` is the channel account that took it, or the prepaid account that it came from; ``shift`` the
    one in which a person took it. ``place`` is where the payer stood (None: not known), ``grace_minutes`` what the lot
    gave from there to leave in when the money came (None: what the tariff says).
    """

    id: Id
    company: Id
    lot: Id
    bill: Id
    attempt: Id | None
    method: ReceiptMethod
    amount: Money
    surplus: Money
    transaction: str
    received_at: Instant
    account: Id | None = None
    place: PayPlace | None = None
    grace_minutes: int | None = None
    shift: Id | None = None
    note: str | None = None

    def __post_init__(self) -> None:
        if not Money(0, self.amount.currency) <= self.surplus <= self.amount or not self.amount:
            raise ValueError("a receipt is more than nothing and its surplus a part of it")

    @property
    def is_surplus(self) -> bool:
        """Tell whether any of it was not owed."""
        return bool(self.surplus)

    @property
    def applied(self) -> Money:
        """The part that was paid on the bill."""
        return self.amount - self.surplus

    @property
    def source(self) -> str:
        """The key under which money is counted once, unique among all receipts."""
        return source_of(self.method, self.transaction, self.account, self.lot)


@dataclass(frozen=True, slots=True)
class Paid:
    """Money that paid for a subject: how much, when it came, the moment it was priced at (business time), and the
    minutes that were given to leave in (None: what the tariff says).

    Money for an order came while the price stood that it was made for; ``told_at`` is when it was told of after that.
    """

    amount: Money
    at: Instant
    priced_at: Instant
    grace_minutes: int | None = None
    told_at: Instant | None = None

    def grace_or(self, of_tariff: int) -> int:
        """Return the minutes to leave in."""
        return of_tariff if self.grace_minutes is None else self.grace_minutes


@dataclass(frozen=True, slots=True, kw_only=True)
class Payment:
    """Money as it is told to us, before it is known what it pays. What a slip says is said at a ``lot``."""

    method: ReceiptMethod
    amount: Money
    transaction: str
    attempt: Id | None = None
    account: Id | None = None
    place: PayPlace = PayPlace.PREPAY
    grace_minutes: int | None = None
    lot: Id | None = None
    shift: Id | None = None
    note: str | None = None

    def __post_init__(self) -> None:
        if self.amount.minor <= 0:
            raise ValueError("a payment is more than nothing")
        if self.method in SLIPS and self.lot is None:
            raise ValueError("what a slip says is said at a lot")

    @property
    def source(self) -> str:
        """The key under which money is counted once: look for a receipt with it before ``receive``."""
        return source_of(self.method, self.transaction, self.account, self.lot)


def source_of(method: ReceiptMethod, transaction: str, account: Id | None, lot: Id | None = None) -> str:
    """Return the key under which money is counted once. Numbers of transactions are unique at a contract only, those
    of slips at a lot: what one company's channel tells must never stand for another's money.
    """
    if method in SLIPS and lot is not None:
        return f"{method}:{lot.hex[-16:]}:{transaction}"
    return f"{method if account is None else account.hex[-16:]}:{transaction}"


def bill_number(bill: Id, day: str) -> str:
    """Return what people call a bill: its day and the random half of its id. The other half is time, which repeats."""
    return f"{day}-{bill.hex[-16:]}".upper()


def order_number(attempt: Id) -> str:
    """Return the number of an attempt's order at its channel: 32 letters and digits, which every channel accepts."""
    return attempt.hex
