"""Routes of payments."""

from openberth.contexts.payments.api.bill import BillApi
from openberth.contexts.payments.api.channels import ChannelsApi
from openberth.contexts.payments.api.debts import DebtsApi, DebtView, debt_view
from openberth.contexts.payments.api.hooks import ChannelHooks
from openberth.contexts.payments.api.mine import MyPrepaidApi, OwnBillView, OwnLotView, own_bill_view, own_lot_view
from openberth.contexts.payments.api.money import BillView, PaymentsApi, ReceiptView, bill_view, receipt_view
from openberth.contexts.payments.api.payouts import PayoutsApi
from openberth.contexts.payments.api.prepaid import PrepaidApi
from openberth.contexts.payments.api.reconciliation import ReconciliationApi
from openberth.contexts.payments.api.refunds import RefundsApi, RefundView, refund_view
from openberth.contexts.payments.api.shifts import ShiftsApi
from openberth.contexts.payments.api.slips import SlipsApi
from openberth.contexts.payments.api.verification import VerificationApi

__all__ = [
    "BillApi",
    "BillView",
    "ChannelHooks",
    "ChannelsApi",
    "DebtView",
    "DebtsApi",
    "MyPrepaidApi",
    "OwnBillView",
    "OwnLotView",
    "PaymentsApi",
    "PayoutsApi",
    "PrepaidApi",
    "ReceiptView",
    "ReconciliationApi",
    "RefundView",
    "RefundsApi",
    "ShiftsApi",
    "SlipsApi",
    "VerificationApi",
    "bill_view",
    "debt_view",
    "own_bill_view",
    "own_lot_view",
    "receipt_view",
    "refund_view",
]
