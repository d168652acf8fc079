"""Bills, attempts and receipts: the rules of money owed and money that came.

Payments knows its subjects (a stay, a charging session) by kind and id only. ``version`` of an entity is the one that
was read; the store checks it when it saves and raises it.
"""

from openberth.contexts.payments.model.entities import (
    LIVE,
    NUMBER_LENGTH,
    Attempt,
    AttemptState,
    Bill,
    BillState,
    Paid,
    Payment,
    PayPlace,
    Receipt,
    ReceiptMethod,
    SurplusReason,
    bill_number,
    order_number,
)
from openberth.contexts.payments.model.events import (
    AttemptEnded,
    AttemptOpened,
    BillIssued,
    BillSettled,
    ChannelAccountChanged,
    DayClosed,
    DebtDisputed,
    DebtEnded,
    DebtRaised,
    DifferenceDecided,
    DifferenceFound,
    PaymentDiffers,
    ReceiptRecorded,
    RefundAsked,
    RefundEnded,
    RefundStuck,
    SurplusReceived,
)
from openberth.contexts.payments.model.ledger import AccountCode
from openberth.contexts.payments.model.refunds import Refund, RefundCause, RefundState
from openberth.contexts.payments.model.refunds import again as refund_again
from openberth.contexts.payments.model.refunds import ask as ask_refund
from openberth.contexts.payments.model.refunds import done as refund_done
from openberth.contexts.payments.model.refunds import given_up as refund_given_up
from openberth.contexts.payments.model.refunds import stuck as refund_stuck
from openberth.contexts.payments.model.rules import (
    Settlement,
    change_of,
    differs,
    ended,
    issue,
    opened,
    receive,
    withdraw,
)

__all__ = [
    "LIVE",
    "NUMBER_LENGTH",
    "AccountCode",
    "Attempt",
    "AttemptEnded",
    "AttemptOpened",
    "AttemptState",
    "Bill",
    "BillIssued",
    "BillSettled",
    "BillState",
    "ChannelAccountChanged",
    "DayClosed",
    "DebtDisputed",
    "DebtEnded",
    "DebtRaised",
    "DifferenceDecided",
    "DifferenceFound",
    "Paid",
    "PayPlace",
    "Payment",
    "PaymentDiffers",
    "Receipt",
    "ReceiptMethod",
    "ReceiptRecorded",
    "Refund",
    "RefundAsked",
    "RefundCause",
    "RefundEnded",
    "RefundState",
    "RefundStuck",
    "Settlement",
    "SurplusReason",
    "SurplusReceived",
    "ask_refund",
    "bill_number",
    "change_of",
    "differs",
    "ended",
    "issue",
    "opened",
    "order_number",
    "receive",
    "refund_again",
    "refund_done",
    "refund_given_up",
    "refund_stuck",
    "withdraw",
]
