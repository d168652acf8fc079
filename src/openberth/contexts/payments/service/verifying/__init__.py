"""What payments has to prove: a check is one function in this folder and one line here (ADR 0008).

Every row of the ledger is a debit and a credit, so its sum is nothing whatever happens. What can be wrong is that a
deed was booked twice, otherwise, or not at all: then an account does not hold what its party says.
"""

from openberth.contexts.payments.service.verifying import cash, channels, money, prepaid
from openberth.infra.verifying import Check

CHECKS = (
    Check("bills", money.bills),
    Check("receipts", money.receipts),
    Check("refunds", money.refunds),
    Check("attempts", money.attempts),
    Check("shifts", cash.shifts),
    Check("safes", cash.safes),
    Check("prepaid", prepaid.accounts),
    Check("fees", channels.fees),
    Check("days", channels.days, page=10, young=False),
    Check("payouts", channels.payouts, page=50),
    Check("contracts", channels.contracts, page=1, young=False),
)
