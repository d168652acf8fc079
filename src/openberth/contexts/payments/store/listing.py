"""Bills, receipts, refunds and debts as lists."""

from sqlalchemy import bindparam

from openberth.contexts.payments.model import Bill, Receipt, Refund
from openberth.contexts.payments.model.debts import Debt
from openberth.contexts.payments.store.bills import read_bill
from openberth.contexts.payments.store.debts import read_debt
from openberth.contexts.payments.store.receipts import read_receipt
from openberth.contexts.payments.store.refunds import read_refund
from openberth.contexts.payments.store.tables import bill, debt, receipt, refund
from openberth.infra.lists import Listing

BILLS: Listing[Bill] = Listing(
    bill, bill.c.issued_at, read_bill, filters={"state": bill.c.state == bindparam("state")}, indexed=("state",)
)
RECEIPTS: Listing[Receipt] = Listing(
    receipt, receipt.c.received_at, read_receipt, filters={"method": receipt.c.method == bindparam("method")},
    indexed=("method",),
)  # fmt: skip
REFUNDS: Listing[Refund] = Listing(
    refund, refund.c.asked_at, read_refund,
    filters={
        "state": refund.c.state == bindparam("state"),
        "method": refund.c.method == bindparam("method"),
        "cause": refund.c.cause == bindparam("cause"),
    },
    indexed=("state",),
)  # fmt: skip
DEBTS: Listing[Debt] = Listing(
    debt, debt.c.raised_at, read_debt, filters={"state": debt.c.state == bindparam("state")}, indexed=("state",)
)
