"""Bills, attempts and receipts, rule by rule."""

import secrets
from collections.abc import Mapping
from dataclasses import fields, replace
from typing import Any

import pytest

from openberth.contexts.payments import model
from openberth.contexts.payments.model import (
    NUMBER_LENGTH,
    Attempt,
    AttemptEnded,
    AttemptOpened,
    AttemptState,
    Bill,
    BillIssued,
    BillSettled,
    BillState,
    Payment,
    ReceiptMethod,
    ReceiptRecorded,
    Settlement,
    SurplusReceived,
    bill_number,
    change_of,
    ended,
    issue,
    opened,
    order_number,
    receive,
    withdraw,
)
from openberth.kernel.errors import Malformed, Refused
from openberth.kernel.ids import Id, uuid7
from openberth.kernel.money import Money
from openberth.kernel.time import Instant, later

NOW = Instant(1_790_000_000_000_000)


def new_id(n: int) -> Id:
    return uuid7(1_790_000_000_000 + n, 0, n)


def yuan(text: str) -> Money:
    return Money.of(text, "CNY")


def a_bill(**changed: Any) -> Bill:
    bill, _ = issue(
        id=new_id(1),
        company=new_id(2),
        lot=new_id(3),
        subject_kind="stay",
        subject_id=new_id(4),
        number="ML-20261122-0001",
        due=yuan("10.00"),
        tariff_version=new_id(5),
        quote={"lines": []},
        quoted_at=NOW,
        valid_until=later(NOW, 900_000_000),
        now=NOW,
    )
    return replace(bill, **changed)


def an_attempt(state: AttemptState = AttemptState.OPENING) -> Attempt:
    ended_at = None if state in model.LIVE else NOW
    return Attempt(
        id=new_id(7), company=new_id(2), lot=new_id(3), bill=new_id(1), channel="sandpay",
        number=order_number(new_id(7)),
        amount=yuan("10"), state=state, created_at=NOW, expires_at=later(NOW, 1), ended_at=ended_at,
    )  # fmt: skip


def pay(bill: Bill, amount: str | Money, transaction: str = "T1", n: int = 100) -> Settlement:
    money = amount if isinstance(amount, Money) else yuan(amount)
    payment = Payment(method=ReceiptMethod.SANDPAY, amount=money, transaction=transaction, attempt=new_id(7))
    return receive(bill, payment, known=None, receipt_id=new_id(n), now=NOW)


def kinds(settlement: Settlement) -> list[str]:
    return [event.KIND for event in settlement.events]


def test_a_bill_is_issued_open_with_its_event() -> None:
    bill, events = issue(
        id=new_id(1), company=new_id(2), lot=new_id(3), subject_kind="stay", subject_id=new_id(4), number="B1",
        due=yuan("5"), tariff_version=None, quote={}, quoted_at=NOW, valid_until=later(NOW, 9), now=NOW,
    )  # fmt: skip
    assert (bill.state, bill.left, bill.settled_at) == (BillState.OPEN, yuan("5"), None)
    assert events == (BillIssued(bill.id, "stay", new_id(4), "B1", 500, "CNY", None, NOW + 9),)


def test_a_bill_for_nothing_is_settled_at_once() -> None:
    bill, events = issue(
        id=new_id(1), company=new_id(2), lot=new_id(3), subject_kind="stay", subject_id=new_id(4), number="B1",
        due=yuan("0"), tariff_version=None, quote={}, quoted_at=NOW, valid_until=NOW, now=NOW,
    )  # fmt: skip
    assert (bill.state, bill.settled_at) == (BillState.SETTLED, NOW)
    assert events[1] == BillSettled(bill.id, "stay", new_id(4), 0, "CNY", NOW)


@pytest.mark.parametrize(
    "changed",
    [
        {"number": ""},
        {"number": "x" * 25},
        {"due": yuan("-1")},
        {"paid": yuan("-1")},
        {"paid": yuan("10.01")},
        {"paid": yuan("10.00")},  # and still open
        {"paid": Money(0, "USD")},
        {"settled_at": NOW},
        {"state": BillState.SETTLED, "settled_at": NOW},  # but nothing paid
        {"state": BillState.SETTLED, "paid": yuan("10.00")},  # but when
    ],
)
def test_a_bill_that_contradicts_itself_cannot_be_made(changed: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"bill|mix"):
        a_bill(**changed)


def test_exact_money_settles_once() -> None:
    after = pay(a_bill(), "10.00")
    assert (after.bill.state, after.bill.paid, after.bill.settled_at) == (BillState.SETTLED, yuan("10"), NOW)
    assert (after.receipt.surplus, after.receipt.applied, after.receipt.is_surplus) == (yuan("0"), yuan("10"), False)
    assert kinds(after) == ["payments.receipt_recorded", "payments.bill_settled"]
    assert after.receipt.source == "sandpay:T1"


def test_less_keeps_the_bill_open_and_the_rest_settles_it() -> None:
    first = pay(a_bill(), "4.00")
    assert (first.bill.state, first.bill.paid, first.bill.left) == (BillState.OPEN, yuan("4"), yuan("6"))
    assert kinds(first) == ["payments.receipt_recorded"]
    second = pay(first.bill, "6.00", "T2")
    assert second.bill.state is BillState.SETTLED
    assert isinstance(second.events[1], BillSettled)
    assert second.events[1].paid_minor == 1000


def test_more_settles_and_the_excess_is_surplus() -> None:
    after = pay(a_bill(), "12.50")
    assert (after.bill.paid, after.receipt.surplus, after.receipt.applied) == (yuan("10"), yuan("2.50"), yuan("10"))
    assert after.events[0] == ReceiptRecorded(
        new_id(100), new_id(1), new_id(7), "sandpay", 1250, 250, "CNY", None, new_id(5), "stay"
    )
    assert after.events[2] == SurplusReceived(new_id(100), new_id(1), 250, "CNY", "excess")


@pytest.mark.parametrize("state", [BillState.SETTLED, BillState.VOID, BillState.SUPERSEDED])
def test_money_for_a_bill_that_is_not_open_is_all_surplus(state: BillState) -> None:
    bill = pay(a_bill(), "10").bill if state is BillState.SETTLED else withdraw(a_bill(), state)
    after = pay(bill, "10.00", "T2")
    assert after.bill is bill
    assert after.receipt.surplus == yuan("10")
    assert after.events[1] == SurplusReceived(new_id(100), new_id(1), 1000, "CNY", state.value)


def test_money_of_another_currency_pays_nothing_and_is_not_lost() -> None:
    bill = a_bill()
    after = pay(bill, Money(1000, "HKD"))
    assert after.bill is bill
    assert after.events[1] == SurplusReceived(new_id(100), new_id(1), 1000, "HKD", "currency")


def test_the_same_transaction_counts_once() -> None:
    first = pay(a_bill(), "4.00")
    payment = Payment(method=ReceiptMethod.SANDPAY, amount=yuan("4"), transaction="T1")
    again = receive(first.bill, payment, known=first.receipt, receipt_id=new_id(101), now=later(NOW, 1))
    assert again == Settlement(first.bill, first.receipt, repeated=True)


@pytest.mark.parametrize("told", [{"amount": yuan("4.01")}, {"transaction": "T2"}, {"method": ReceiptMethod.CASH}])
def test_a_repeat_that_tells_other_money_is_refused(told: dict[str, Any]) -> None:
    first = pay(a_bill(), "4.00")
    payment = replace(Payment(method=ReceiptMethod.SANDPAY, amount=yuan("4"), transaction="T1"), **told)
    with pytest.raises(Refused, match=r"receipt\.differs"):
        receive(first.bill, payment, known=first.receipt, receipt_id=new_id(101), now=NOW)


def test_a_payment_of_nothing_cannot_be_made() -> None:
    with pytest.raises(ValueError, match="more than nothing"):
        Payment(method=ReceiptMethod.CASH, amount=yuan("0"), transaction="T1")


def test_withdrawing() -> None:
    void = withdraw(a_bill(), BillState.VOID)
    assert (void.state, void.left) == (BillState.VOID, yuan("0"))
    assert withdraw(void, BillState.VOID) is void
    part = pay(a_bill(), "4.00").bill
    assert withdraw(part, BillState.SUPERSEDED).paid == yuan("4")
    with pytest.raises(Refused, match=r"bill\.partly_paid"):
        withdraw(part, BillState.VOID)
    with pytest.raises(Refused, match=r"bill\.void"):
        withdraw(void, BillState.SUPERSEDED)
    with pytest.raises(Refused, match=r"bill\.settled"):
        withdraw(pay(a_bill(), "10").bill, BillState.VOID)
    with pytest.raises(ValueError, match="voiding or superseding"):
        withdraw(a_bill(), BillState.SETTLED)


def test_a_bill_stands_until_its_price_is_too_old() -> None:
    bill = a_bill()
    assert bill.stands(later(bill.valid_until, -1))
    assert not bill.stands(bill.valid_until)
    assert not withdraw(bill, BillState.VOID).stands(NOW)


def test_change_at_the_counter() -> None:
    bill = pay(a_bill(), "4.00").bill
    assert change_of(bill, yuan("20")) == (yuan("6"), yuan("14"))
    with pytest.raises(Refused, match=r"cash\.too_little"):
        change_of(bill, yuan("5"))
    with pytest.raises(Refused, match=r"bill\.void"):
        change_of(withdraw(a_bill(), BillState.VOID), yuan("1"))
    with pytest.raises(Refused, match=r"bill\.currency"):
        change_of(bill, Money(1, "USD"))
    with pytest.raises(Malformed, match=r"cash\.not_positive"):
        change_of(bill, yuan("0"))


def test_an_attempt_opens_once() -> None:
    after, events = opened(an_attempt(), pay_url="http://x/1", channel_order="SP1")
    assert (after.state, after.pay_url, after.channel_order) == (AttemptState.OPEN, "http://x/1", "SP1")
    assert events == (
        AttemptOpened(after.id, after.bill, "sandpay", after.number, 1000, "CNY", after.expires_at),
    )  # fmt: skip
    assert opened(after, pay_url="http://x/2", channel_order="SP2") == (after, ())


def test_a_payment_told_before_the_order_was_answered_is_not_undone() -> None:
    paid, events = ended(an_attempt(), AttemptState.PAID, NOW)
    assert events == (AttemptEnded(paid.id, paid.bill, "paid", None),)
    assert opened(paid, pay_url="http://x/1", channel_order="SP1") == (paid, ())


@pytest.mark.parametrize("end", [AttemptState.FAILED, AttemptState.EXPIRED, AttemptState.CLOSED])
def test_the_first_end_stays_but_paid_wins(end: AttemptState) -> None:
    attempt, _ = ended(an_attempt(AttemptState.OPEN), end, NOW, "why")
    assert (attempt.state, attempt.reason, attempt.ended_at) == (end, "why", NOW)
    for other in (AttemptState.FAILED, AttemptState.EXPIRED, AttemptState.CLOSED):
        assert ended(attempt, other, later(NOW, 1)) == (attempt, ())
        paid, _ = ended(an_attempt(AttemptState.OPEN), AttemptState.PAID, NOW)
        assert ended(paid, other, later(NOW, 1)) == (paid, ())
    after, events = ended(attempt, AttemptState.PAID, later(NOW, 1))
    assert (after.state, after.reason, len(events)) == (AttemptState.PAID, None, 1)


def test_an_attempt_cannot_end_alive_or_ask_for_nothing() -> None:
    with pytest.raises(ValueError, match="not an end"):
        ended(an_attempt(), AttemptState.OPEN, NOW)
    with pytest.raises(ValueError, match="asks for something"):
        replace(an_attempt(), amount=yuan("0"))
    with pytest.raises(ValueError, match="knows when"):
        replace(an_attempt(), state=AttemptState.CLOSED)


def test_order_numbers_suit_every_channel() -> None:
    number = order_number(new_id(7))
    assert len(number) == 32
    assert number.isascii()
    assert number.isalnum()


def test_events_hold_ids_and_plain_values_only() -> None:
    events = [value for name, value in vars(model).items() if hasattr(value, "KIND") and name in model.__all__]
    assert sorted(event.KIND for event in events) == [
        "payments.attempt_ended",
        "payments.attempt_opened",
        "payments.bill_issued",
        "payments.bill_settled",
        "payments.bill_withdrawn",
        "payments.bill_written_off",
        "payments.channel_account_changed",
        "payments.day_closed",
        "payments.debt_disputed",
        "payments.debt_ended",
        "payments.debt_raised",
        "payments.difference_decided",
        "payments.difference_found",
        "payments.payment_differs",
        "payments.payout_recorded",
        "payments.payout_withdrawn",
        "payments.prepaid_changed",
        "payments.prepaid_moved",
        "payments.receipt_recorded",
        "payments.refund_asked",
        "payments.refund_ended",
        "payments.refund_made",
        "payments.refund_stuck",
        "payments.surplus_received",
    ]
    for event in events:
        assert event.VERSION >= 1
        for field in fields(event):
            assert field.type in (Id, Id | None, str, str | None, int, bool, Mapping[str, str])
    settled = pay(a_bill(), "12")
    assert {type(value) for event in settled.events for value in vars_of(event)} <= {Id, str, int, type(None)}


def vars_of(event: Any) -> list[object]:
    return [getattr(event, field.name) for field in fields(event)]


def test_numbers_of_bills_are_as_many_as_ids() -> None:
    """Bills of one millisecond share the half of their ids that is time."""
    ids = [uuid7(1_790_000_000_000, counter, secrets.randbits(62)) for counter in range(4_000)]
    numbers = {bill_number(each, "260926") for each in ids}
    assert len(numbers) == len(ids)
    assert all(len(number) <= NUMBER_LENGTH for number in numbers)
