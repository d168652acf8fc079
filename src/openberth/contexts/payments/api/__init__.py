"""Routes of payments."""

from openberth.contexts.payments.api.channels import ChannelsApi
from openberth.contexts.payments.api.debts import DebtsApi
from openberth.contexts.payments.api.hooks import ChannelHooks
from openberth.contexts.payments.api.money import BillView, PaymentsApi, ReceiptView, bill_view, receipt_view
from openberth.contexts.payments.api.payouts import PayoutsApi
from openberth.contexts.payments.api.prepaid import PrepaidApi
from openberth.contexts.payments.api.reconciliation import ReconciliationApi
from openberth.contexts.payments.api.refunds import RefundsApi
from openberth.contexts.payments.api.shifts import ShiftsApi
from openberth.contexts.payments.api.slips import SlipsApi
from openberth.contexts.payments.api.verification import VerificationApi

__all__ = [
    "BillView",
    "ChannelHooks",
    "ChannelsApi",
    "DebtsApi",
    "PaymentsApi",
    "PayoutsApi",
    "PrepaidApi",
    "ReceiptView",
    "ReconciliationApi",
    "RefundsApi",
    "ShiftsApi",
    "SlipsApi",
    "VerificationApi",
    "bill_view",
    "receipt_view",
]
