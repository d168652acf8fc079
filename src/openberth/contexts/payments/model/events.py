"""What payments tells the others. Fields are ids, whole minor units and words; instants are plain microseconds."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

from openberth.kernel.ids import Id


@dataclass(frozen=True, slots=True)
class BillIssued:
    """Something is owed."""

    KIND: ClassVar[str] = "payments.bill_issued"
    VERSION: ClassVar[int] = 1
    bill: Id
    subject_kind: str
    subject_id: Id
    number: str
    due_minor: int
    currency: str
    tariff_version: Id | None
    valid_until: int


@dataclass(frozen=True, slots=True)
class BillSettled:
    """Nothing is left to pay on a bill. Told exactly once for each bill that gets there."""

    KIND: ClassVar[str] = "payments.bill_settled"
    VERSION: ClassVar[int] = 1
    bill: Id
    subject_kind: str
    subject_id: Id
    paid_minor: int
    currency: str
    settled_at: int


@dataclass(frozen=True, slots=True)
class BillWithdrawn:
    """A bill is void or superseded, and ``left_minor`` of it is owed no more. ``at`` is when, told once for a bill;
    ``subject_kind`` is what it was for.
    """

    KIND: ClassVar[str] = "payments.bill_withdrawn"
    VERSION: ClassVar[int] = 1
    bill: Id
    state: str
    left_minor: int
    currency: str
    tariff_version: Id | None
    at: int
    subject_kind: str


@dataclass(frozen=True, slots=True)
class BillWrittenOff:
    """What was left of a bill was let go or has lapsed: it was earned and never comes. Told once for a bill."""

    KIND: ClassVar[str] = "payments.bill_written_off"
    VERSION: ClassVar[int] = 1
    bill: Id
    left_minor: int
    currency: str
    tariff_version: Id | None
    at: int


@dataclass(frozen=True, slots=True)
class AttemptOpened:
    """A try to pay can be paid at its channel now."""

    KIND: ClassVar[str] = "payments.attempt_opened"
    VERSION: ClassVar[int] = 1
    attempt: Id
    bill: Id
    channel: str
    number: str
    amount_minor: int
    currency: str
    expires_at: int


@dataclass(frozen=True, slots=True)
class AttemptEnded:
    """A try to pay has ended; told again when money comes for one that had ended without."""

    KIND: ClassVar[str] = "payments.attempt_ended"
    VERSION: ClassVar[int] = 1
    attempt: Id
    bill: Id
    state: str
    reason: str | None


@dataclass(frozen=True, slots=True)
class ReceiptRecorded:
    """Money came, ``surplus_minor`` of it not owed. ``account`` is the channel's contract or the prepaid account,
    ``tariff_version`` the bill's and ``subject_kind`` what that is for; those from before version 2 do not say.
    """

    KIND: ClassVar[str] = "payments.receipt_recorded"
    VERSION: ClassVar[int] = 2
    receipt: Id
    bill: Id
    attempt: Id | None
    method: str
    amount_minor: int
    surplus_minor: int
    currency: str
    account: Id | None
    tariff_version: Id | None
    subject_kind: str | None


@dataclass(frozen=True, slots=True)
class PaymentDiffers:
    """A channel says that another sum was paid than was asked for: nothing is settled, a person has to look."""

    KIND: ClassVar[str] = "payments.payment_differs"
    VERSION: ClassVar[int] = 1
    attempt: Id
    bill: Id
    channel: str
    transaction: str
    asked_minor: int
    asked_currency: str
    told_minor: int
    told_currency: str


@dataclass(frozen=True, slots=True)
class SurplusReceived:
    """Money came that nobody owed: it has to go back."""

    KIND: ClassVar[str] = "payments.surplus_received"
    VERSION: ClassVar[int] = 1
    receipt: Id
    bill: Id
    surplus_minor: int
    currency: str
    reason: str


@dataclass(frozen=True, slots=True)
class RefundAsked:
    """Money is to go back."""

    KIND: ClassVar[str] = "payments.refund_asked"
    VERSION: ClassVar[int] = 1
    refund: Id
    receipt: Id
    bill: Id
    amount_minor: int
    currency: str
    cause: str


@dataclass(frozen=True, slots=True)
class RefundStuck:
    """Money that is to go back does not go by itself: a person is needed."""

    KIND: ClassVar[str] = "payments.refund_stuck"
    VERSION: ClassVar[int] = 1
    refund: Id
    receipt: Id
    bill: Id
    amount_minor: int
    currency: str
    reason: str


@dataclass(frozen=True, slots=True)
class RefundEnded:
    """A refund is ``done``, or was ``given_up`` for a reason. Told once."""

    KIND: ClassVar[str] = "payments.refund_ended"
    VERSION: ClassVar[int] = 1
    refund: Id
    receipt: Id
    bill: Id
    amount_minor: int
    currency: str
    state: str
    reason: str | None


@dataclass(frozen=True, slots=True)
class RefundMade:
    """Money went back: what ``refund_ended`` tells of the refund, told of the money. Once for a refund.

    ``asked_by`` is whose hand asked for it, None for what goes back by itself.
    """

    KIND: ClassVar[str] = "payments.refund_made"
    VERSION: ClassVar[int] = 1
    refund: Id
    receipt: Id
    bill: Id
    method: str
    account: Id | None
    cause: str
    amount_minor: int
    currency: str
    tariff_version: Id | None
    asked_by: str | None
    at: int


@dataclass(frozen=True, slots=True)
class ChannelAccountChanged:
    """A contract with a channel was made, changed, paused, resumed or closed. Secrets are told apart, not told."""

    KIND: ClassVar[str] = "payments.channel_account_changed"
    VERSION: ClassVar[int] = 1
    account: Id
    kind_of_channel: str
    level: str
    node: Id
    what: str
    before: Mapping[str, str]
    after: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class DifferenceFound:
    """A channel's statement and our books differ."""

    KIND: ClassVar[str] = "payments.difference_found"
    VERSION: ClassVar[int] = 1
    difference: Id
    account: Id
    day: str
    difference_kind: str
    amount_minor: int
    currency: str


@dataclass(frozen=True, slots=True)
class DifferenceDecided:
    """A person said what a difference was."""

    KIND: ClassVar[str] = "payments.difference_decided"
    VERSION: ClassVar[int] = 1
    difference: Id
    account: Id
    day: str
    difference_kind: str
    reason: str


@dataclass(frozen=True, slots=True)
class DayClosed:
    """A day of a contract is closed and never changes again; ``by`` is ``-`` where nothing differed."""

    KIND: ClassVar[str] = "payments.day_closed"
    VERSION: ClassVar[int] = 1
    account: Id
    day: str
    by: str


@dataclass(frozen=True, slots=True)
class PayoutRecorded:
    """A channel paid out to the bank, a person says. ``reason`` says why it is more than the channel owed."""

    KIND: ClassVar[str] = "payments.payout_recorded"
    VERSION: ClassVar[int] = 1
    payout: Id
    account: Id
    amount_minor: int
    currency: str
    day: str
    reference: str
    reason: str | None


@dataclass(frozen=True, slots=True)
class PayoutWithdrawn:
    """A payout was written down by mistake and counts no more."""

    KIND: ClassVar[str] = "payments.payout_withdrawn"
    VERSION: ClassVar[int] = 1
    payout: Id
    account: Id
    amount_minor: int
    currency: str
    reason: str


@dataclass(frozen=True, slots=True)
class DebtRaised:
    """A car left and did not pay its bill."""

    KIND: ClassVar[str] = "payments.debt_raised"
    VERSION: ClassVar[int] = 1
    debt: Id
    bill: Id
    subject: Id
    amount_minor: int
    currency: str
    lapses_at: int


@dataclass(frozen=True, slots=True)
class DebtDisputed:
    """Somebody says that a debt is not owed."""

    KIND: ClassVar[str] = "payments.debt_disputed"
    VERSION: ClassVar[int] = 1
    debt: Id
    bill: Id
    reason: str


@dataclass(frozen=True, slots=True)
class DebtEnded:
    """A debt is ``paid``, was ``waived`` for a reason, or has ``lapsed``. Told once."""

    KIND: ClassVar[str] = "payments.debt_ended"
    VERSION: ClassVar[int] = 1
    debt: Id
    bill: Id
    subject: Id
    amount_minor: int
    currency: str
    state: str
    reason: str | None


@dataclass(frozen=True, slots=True)
class PrepaidChanged:
    """A prepaid account was ``opened``, ``changed`` or ``closed``. Plates are told by number only."""

    KIND: ClassVar[str] = "payments.prepaid_changed"
    VERSION: ClassVar[int] = 1
    account: Id
    what: str
    code: str
    holder: Id | None
    spending: str
    pays_by_itself: bool
    state: str
    plates: int
    reason: str | None


@dataclass(frozen=True, slots=True)
class PrepaidMoved:
    """Money of a prepaid account moved because of a subject: a bill, a hold or a refund.

    ``by_minor`` is what its balance rose by; ``balance_minor`` and ``held_minor`` are what it has afterwards.
    """

    KIND: ClassVar[str] = "payments.prepaid_moved"
    VERSION: ClassVar[int] = 1
    account: Id
    why: str
    subject: Id
    by_minor: int
    balance_minor: int
    held_minor: int
    currency: str
