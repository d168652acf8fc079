"""Payments: what is owed, the tries to pay it, and the money that came.

Words: a *bill* says what is owed for a subject (payments does not know what a stay is) and keeps the quote that
explains it; an *attempt* is one order at a channel, known there by its number; a *receipt* is money that came,
counted once by its source; what no bill owed is *surplus* and waits for its way back; a *debt* is a bill of a car that
has left, until it is paid, waived or lapsed; a *shift* is one person's cash at a lot from its float to its hand-over:
it lies in its *till* and then in the lot's *safe*; a *prepaid account* is money held for a person, spent by *holds*.
Invariants: a bill is never paid more than is due; every unit of money received is either paid on a bill or surplus;
a channel's transaction is one receipt, however often it is told; money that arrives late is still counted; the sums on
an *electronic receipt* add up.
Events out: ``bill_issued``, ``bill_settled``, ``bill_withdrawn``, ``bill_written_off``, ``attempt_opened``,
``attempt_ended``, ``receipt_recorded``, ``surplus_received``, ``refund_made``, ``shift_opened``,
``shift_handed_over``, all of kind ``payments.*``.
"""

from openberth.contexts.payments.model import (
    Attempt,
    AttemptState,
    Bill,
    BillState,
    Paid,
    PayPlace,
    Receipt,
    ReceiptMethod,
    Refund,
)
from openberth.contexts.payments.model.debts import Debt, DebtState
from openberth.contexts.payments.model.prepaid import SUBJECT as PREPAID
from openberth.contexts.payments.service.attempts import attempt_by_id, begin_attempt
from openberth.contexts.payments.service.bills import (
    bill_by_id,
    bill_now,
    bills_of,
    issue_bill,
    open_bill_of,
    subject_lock,
    withdraw_bill,
)
from openberth.contexts.payments.service.carried import asked_elsewhere, carried_by, credits_of
from openberth.contexts.payments.service.carrying import carry_bills, carry_lot, refuse_closing
from openberth.contexts.payments.service.channels import accounts as channel_accounts
from openberth.contexts.payments.service.channels import ensure_platform_account
from openberth.contexts.payments.service.debts import (
    contest_debt,
    debt_by_id,
    debt_of_bill,
    debts_of,
    debts_of_plate,
    debts_to_ask,
    move_debt,
    owe_less,
    owed_by_plate,
    raise_debt,
)
from openberth.contexts.payments.service.deducting import capture, pay_by_account
from openberth.contexts.payments.service.e_receipts import (
    PLACE,
    LinkKind,
    ReceiptLinks,
    e_receipt_of,
    link_ends,
    receipt_named,
)
from openberth.contexts.payments.service.keeping import PrepaidKeeper
from openberth.contexts.payments.service.ledger import booked_of_lot
from openberth.contexts.payments.service.listing import (
    listed_bills,
    listed_debts,
    listed_receipts,
    listed_refunds,
)
from openberth.contexts.payments.service.mine import fill_own, held_prepaid, prepaid_of_holder
from openberth.contexts.payments.service.money import Received, Totals, received_since, totals
from openberth.contexts.payments.service.prepaid import account_by_id as prepaid_by_id
from openberth.contexts.payments.service.prepaid import hold, let_go, plates_of
from openberth.contexts.payments.service.receipts import Taken, paid_for, receipts_of, receipts_of_subject, take_cash
from openberth.contexts.payments.service.refunds import refunds_of
from openberth.contexts.payments.service.verifying import CHECKS

__all__ = [
    "CHECKS",
    "PLACE",
    "PREPAID",
    "Attempt",
    "AttemptState",
    "Bill",
    "BillState",
    "Debt",
    "DebtState",
    "LinkKind",
    "Paid",
    "PayPlace",
    "PrepaidKeeper",
    "Receipt",
    "ReceiptLinks",
    "ReceiptMethod",
    "Received",
    "Refund",
    "Taken",
    "Totals",
    "asked_elsewhere",
    "attempt_by_id",
    "begin_attempt",
    "bill_by_id",
    "bill_now",
    "bills_of",
    "booked_of_lot",
    "capture",
    "carried_by",
    "carry_bills",
    "carry_lot",
    "channel_accounts",
    "contest_debt",
    "credits_of",
    "debt_by_id",
    "debt_of_bill",
    "debts_of",
    "debts_of_plate",
    "debts_to_ask",
    "e_receipt_of",
    "ensure_platform_account",
    "fill_own",
    "held_prepaid",
    "hold",
    "issue_bill",
    "let_go",
    "link_ends",
    "listed_bills",
    "listed_debts",
    "listed_receipts",
    "listed_refunds",
    "move_debt",
    "open_bill_of",
    "owe_less",
    "owed_by_plate",
    "paid_for",
    "pay_by_account",
    "plates_of",
    "prepaid_by_id",
    "prepaid_of_holder",
    "raise_debt",
    "receipt_named",
    "receipts_of",
    "receipts_of_subject",
    "received_since",
    "refunds_of",
    "refuse_closing",
    "subject_lock",
    "take_cash",
    "totals",
    "withdraw_bill",
]
