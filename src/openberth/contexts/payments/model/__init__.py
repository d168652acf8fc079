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
    Payment,
    Receipt,
    ReceiptMethod,
    SurplusReason,
    order_number,
    source_of,
)
from openberth.contexts.payments.model.events import (
    AttemptEnded,
    AttemptOpened,
    BillIssued,
    BillSettled,
    ReceiptRecorded,
    SurplusReceived,
)
from openberth.contexts.payments.model.rules import Settlement, change_of, ended, issue, opened, receive, withdraw

__all__ = [
    "LIVE",
    "NUMBER_LENGTH",
    "Attempt",
    "AttemptEnded",
    "AttemptOpened",
    "AttemptState",
    "Bill",
    "BillIssued",
    "BillSettled",
    "BillState",
    "Payment",
    "Receipt",
    "ReceiptMethod",
    "ReceiptRecorded",
    "Settlement",
    "SurplusReason",
    "SurplusReceived",
    "change_of",
    "ended",
    "issue",
    "opened",
    "order_number",
    "receive",
    "source_of",
    "withdraw",
]
