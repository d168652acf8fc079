"""Money for a bill in any order and number of repeats: conserved to the last minor unit, counted once."""

from collections import Counter
from collections.abc import Iterable
from contextlib import suppress

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from openberth.contexts.payments.model import (
    BillSettled,
    BillState,
    Payment,
    Receipt,
    ReceiptMethod,
    ReceiptRecorded,
    SurplusReceived,
    issue,
    receive,
    withdraw,
)
from openberth.kernel.errors import Refused
from openberth.kernel.events import Event
from openberth.kernel.ids import Id, uuid7
from openberth.kernel.money import Money
from openberth.kernel.time import Instant

AMOUNTS = st.integers(1, 2_000)
CURRENCIES = st.sampled_from(["CNY", "CNY", "CNY", "HKD"])


def new_id(n: int) -> Id:
    return uuid7(1_790_000_000_000 + n, 0, n)


class OneBill(RuleBasedStateMachine):
    """A bill whose channel tells transactions again and again, while people withdraw it."""

    @initialize(due=st.integers(0, 3_000))
    def issued(self, due: int) -> None:
        self.told: dict[str, Payment] = {}
        self.receipts: dict[str, Receipt] = {}
        self.ticks = 10
        self.bill, events = issue(
            id=new_id(1), company=new_id(2), lot=new_id(3), subject_kind="stay", subject_id=new_id(4), number="B1",
            due=Money(due, "CNY"), tariff_version=None, quote={}, quoted_at=Instant(0), valid_until=Instant(9),
            now=Instant(0),
        )  # fmt: skip
        self.events: list[Event] = list(events)

    @rule(amount=AMOUNTS, currency=CURRENCIES, method=st.sampled_from(ReceiptMethod))
    def money_comes(self, amount: int, currency: str, method: ReceiptMethod) -> None:
        payment = Payment(
            method=method, amount=Money(amount, currency), transaction=f"T{len(self.told)}", lot=new_id(3)
        )
        self.told[payment.source] = payment
        self.receive(payment)

    @rule()
    def exactly_the_rest_comes(self) -> None:
        if self.bill.left:
            self.money_comes(self.bill.left.minor, "CNY", ReceiptMethod.SANDPAY)

    @rule(data=st.data())
    def told_again(self, data: st.DataObject) -> None:
        if self.told:
            before = self.bill
            repeated = self.receive(data.draw(st.sampled_from(list(self.told.values()))))
            assert repeated
            assert self.bill is before

    @rule(into=st.sampled_from([BillState.VOID, BillState.SUPERSEDED]))
    def withdrawn(self, into: BillState) -> None:
        before = self.bill
        with suppress(Refused):
            self.bill = withdraw(before, into)
        assert self.bill.paid == before.paid
        assert self.bill.state in (before.state, into)

    def receive(self, payment: Payment) -> bool:
        self.ticks += 1
        known = self.receipts.get(payment.source)
        result = receive(
            self.bill, payment, known=known, receipt_id=new_id(self.ticks), now=Instant(self.ticks)
        )  # fmt: skip
        self.bill = result.bill
        self.receipts[result.receipt.source] = result.receipt
        self.events += result.events
        return result.repeated

    @invariant()
    def nothing_is_lost_or_invented(self) -> None:
        receipts = self.receipts.values()
        came = sums(payment.amount for payment in self.told.values())
        assert sums(receipt.amount for receipt in receipts) == came
        assert sums(receipt.applied for receipt in receipts) + sums(receipt.surplus for receipt in receipts) == came
        assert sums(receipt.applied for receipt in receipts) == sums([self.bill.paid])

    @invariant()
    def never_charged_twice(self) -> None:
        assert len(self.receipts) == len(self.told)
        assert self.bill.paid <= self.bill.due
        assert (self.bill.state is BillState.SETTLED) == (
            self.bill.paid == self.bill.due and self.bill.settled_at is not None
        )

    @invariant()
    def the_events_tell_the_same(self) -> None:
        recorded = [event for event in self.events if isinstance(event, ReceiptRecorded)]
        assert sorted(event.receipt for event in recorded) == sorted(receipt.id for receipt in self.receipts.values())
        settled = [event for event in self.events if isinstance(event, BillSettled)]
        assert len(settled) == (self.bill.state is BillState.SETTLED)
        surplus = {e.receipt: e.surplus_minor for e in self.events if isinstance(e, SurplusReceived)}
        assert surplus == {r.id: r.surplus.minor for r in self.receipts.values() if r.surplus}


def sums(amounts: Iterable[Money]) -> Counter[str]:
    result: Counter[str] = Counter()
    for amount in amounts:
        result[amount.currency] += amount.minor
    return +result


OneBill.TestCase.settings = settings(max_examples=150, stateful_step_count=20, deadline=None)
TestOneBill = OneBill.TestCase
