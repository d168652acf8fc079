"""Debts on a real database: raised when a car leaves unpaid, ended by money, a person or time; the books agree."""

from functools import partial
from typing import Any

import pytest

from openberth.contexts import payments
from openberth.contexts.payments.model.debts import Debt, DebtState
from openberth.contexts.payments.service import debts, ledger
from openberth.contexts.payments.service.attempts import begin_attempt
from openberth.contexts.payments.service.receipts import record_channel_payment
from openberth.contexts.tenancy.model.organisation import Node
from openberth.contexts.tenancy.service.settings import set_setting
from openberth.entrypoints.cli.ledger import compared
from openberth.kernel.errors import NotFound, Problem
from openberth.kernel.ids import Id
from openberth.kernel.money import Money
from openberth.kernel.time import DAY_US
from tests.service.acting import COMPANY, debts_in, events, read, write
from tests.service.stays.street import CAR, Street


@pytest.fixture
def left(street: Street) -> Street:
    """A car was let out by hand and owes 7.50."""
    street.arrive("in-1", CAR)
    street.pass_minutes(61)
    street.arrive("out-1", CAR)
    street.open_by_hand("out-1")
    return street


def the_debt(street: Street) -> Debt:
    [found] = debts_in(street.db, street.lot)
    assert isinstance(found, Debt)
    return found


def begin(street: Street, bill: Id) -> str:
    made = write(street.db, begin_attempt, bill=bill, channel="sandpay")
    assert isinstance(made, payments.Attempt)
    return made.number


def pay(street: Street, number: str) -> None:
    paid = partial(record_channel_payment, channel="sandpay", number=number)
    write(street.db, paid, amount=Money(750, "CNY"), transaction="t-1")
    street.react()


def balances(street: Street) -> dict[str, int]:
    found: dict[Any, int] = read(street.db, ledger.balances, lot=street.lot)
    return {code: minor for (code, _), minor in found.items()}


def verified(street: Street) -> bool:
    return compared(street.db)[1] == []


def test_a_car_that_leaves_unpaid_leaves_a_debt_with_its_evidence(left: Street) -> None:
    found = the_debt(left)
    assert (found.amount, found.state) == (Money(750, "CNY"), DebtState.OPEN)
    assert len(found.evidence["passages"]) == 2
    assert found.lapses_at - found.raised_at == 1_095 * DAY_US
    assert balances(left) == {"receivable": 750, "revenue": -750}
    assert left.case_kinds() == ["left_unpaid"]
    [told] = [one for one in events(left.db) if one.kind == "payments.debt_raised"]
    assert CAR not in str(told.body)


def test_a_debt_that_is_paid_ends_by_itself(left: Street) -> None:
    pay(left, begin(left, the_debt(left).bill))
    left.react()
    assert the_debt(left).state is DebtState.PAID
    assert left.case_kinds() == []
    assert verified(left)
    with pytest.raises(Problem, match=r"debt\.ended"):
        write(left.db, debts.waive_debt, debt=the_debt(left).id, reason="迟了")


def test_a_debt_is_paid_in_cash(left: Street) -> None:
    write(left.db, payments.take_cash, bill=the_debt(left).bill, tendered=Money(1000, "CNY"))
    assert the_debt(left).state is DebtState.PAID


def test_a_debt_is_waived_for_a_reason_and_written_off(left: Street) -> None:
    with pytest.raises(Problem, match=r"debt\.reason"):
        write(left.db, debts.waive_debt, debt=the_debt(left).id, reason="  ")
    write(left.db, debts.waive_debt, debt=the_debt(left).id, reason="设备故障")
    found = the_debt(left)
    assert (found.state, found.reason) == (DebtState.WAIVED, "设备故障")
    assert balances(left) == {"revenue": -750, "written_off": 750}
    assert verified(left)
    left.react()
    assert left.case_kinds() == []
    with pytest.raises(Problem, match=r"bill\.written_off"):
        write(left.db, payments.take_cash, bill=found.bill, tendered=Money(750, "CNY"))


def test_money_for_a_debt_that_was_waived_goes_back(left: Street) -> None:
    number = begin(left, the_debt(left).bill)
    write(left.db, debts.waive_debt, debt=the_debt(left).id, reason="设备故障")
    pay(left, number)
    assert the_debt(left).state is DebtState.WAIVED
    assert balances(left) == {"clearing": 750, "refunding": -750, "revenue": -750, "written_off": 750}
    assert verified(left)


def test_a_disputed_debt_can_be_upheld_waived_or_paid(left: Street) -> None:
    write(left.db, debts.dispute_debt, debt=the_debt(left).id, reason="车已转让")
    assert (the_debt(left).state, the_debt(left).reason) == (DebtState.DISPUTED, "车已转让")
    write(left.db, debts.uphold_debt, debt=the_debt(left).id)
    assert the_debt(left).state is DebtState.OPEN
    with pytest.raises(Problem, match=r"debt\.not_disputed"):
        write(left.db, debts.uphold_debt, debt=the_debt(left).id)
    write(left.db, debts.dispute_debt, debt=the_debt(left).id, reason="车已转让")
    pay(left, begin(left, the_debt(left).bill))
    assert the_debt(left).state is DebtState.PAID


def test_a_debt_lapses_at_its_instant_and_not_before(left: Street) -> None:
    found = the_debt(left)
    write(left.db, debts.lapse_debt, debt=found.id)
    assert the_debt(left).state is DebtState.OPEN
    left.business.set(found.lapses_at)
    for _ in range(2):
        write(left.db, debts.lapse_debt, debt=found.id)
    assert the_debt(left).state is DebtState.LAPSED
    assert balances(left) == {"revenue": -750, "written_off": 750}
    assert verified(left)


def test_a_debt_that_nobody_knows(left: Street) -> None:
    with pytest.raises(NotFound, match=r"debt\.not_found"):
        write(left.db, debts.waive_debt, debt=left.lot, reason="无")


def asks_at_exit(street: Street, how: str = "ask") -> None:
    write(street.db, set_setting, node=Node.of_lot(COMPANY, street.lot), key="debts.at_exit", value=how)


def comes_again(street: Street, minutes: int = 61) -> payments.Bill:
    street.pass_minutes(600)
    street.arrive("in-1", CAR)
    street.pass_minutes(minutes)
    street.arrive("out-1", CAR)
    return street.bill_at("out-1")


def owed(street: Street) -> list[tuple[DebtState, int]]:
    found = debts_in(street.db, street.lot)
    bills = [read(street.db, payments.bill_by_id, bill=each.bill) for each in found]
    return [(debt.state, bill.left.minor) for debt, bill in zip(found, bills, strict=True)]


def test_a_debt_is_paid_with_the_next_stay_in_one_payment(left: Street) -> None:
    asks_at_exit(left)
    bill = comes_again(left)
    assert (bill.due.minor, bill.own_due.minor) == (1500, 750)
    assert [line["amount"]["minor"] for line in bill.quote["lines"] if line["code"] == "bill.line.debt"] == [750]
    assert owed(left) == [(DebtState.OPEN, 0)]  # asked for once: its own bill is superseded
    assert balances(left) == {"receivable": 1500, "revenue": -1500}
    assert verified(left)
    with pytest.raises(Problem, match=r"debt\.being_paid"):
        write(left.db, debts.waive_debt, debt=the_debt(left).id, reason="设备故障")
    left.pay_by_phone(left.bill_at("out-1"))
    left.react()
    assert the_debt(left).state is DebtState.PAID
    assert [(stay.price_minor, stay.paid_minor) for stay in left.closed()] == [(750, 750)] * 2
    assert (left.inside(), left.case_kinds()) == ([], [])
    assert balances(left) == {"clearing": 1500, "revenue": -1500}
    assert verified(left)


def test_who_leaves_unpaid_again_owes_twice_and_nothing_twice(left: Street) -> None:
    asks_at_exit(left)
    comes_again(left)
    left.open_by_hand("out-1")
    left.react()
    assert owed(left) == [(DebtState.OPEN, 750), (DebtState.OPEN, 750)]
    assert balances(left) == {"receivable": 1500, "revenue": -1500}
    assert verified(left)
    third = comes_again(left)
    assert (third.due.minor, third.own_due.minor) == (2250, 750)
    left.pay_cash("out-1", 2250)
    left.react()
    assert owed(left) == [(DebtState.PAID, 0), (DebtState.PAID, 0)]
    assert [stay.paid_minor for stay in left.closed()] == [750] * 3
    assert verified(left)


def test_a_bill_that_is_priced_anew_asks_for_the_debt_once(left: Street) -> None:
    asks_at_exit(left)
    first = comes_again(left)
    left.pass_minutes(120)
    left.arrive("out-1", CAR)
    second = left.bill_at("out-1")
    assert second.id != first.id
    assert second.due.minor - second.own_due.minor == 750
    assert second.own_due > first.own_due
    assert balances(left) == {"receivable": second.due.minor, "revenue": -second.due.minor}
    assert verified(left)


def test_a_part_that_comes_pays_the_stay_first(left: Street) -> None:
    asks_at_exit(left)
    comes_again(left)
    left.pay_a_part("out-1", 1000)
    assert verified(left)
    [stay] = left.inside()
    assert sum(each.amount.minor for each in read(left.db, payments.paid_for, subject=stay.id)) == 750
    left.open_by_hand("out-1")
    left.react()
    assert (the_debt(left).state, the_debt(left).credited_minor) == (DebtState.OPEN, 250)
    assert owed(left) == [(DebtState.OPEN, 500)]
    assert balances(left) == {"clearing": 1000, "receivable": 500, "revenue": -1500}
    assert verified(left)
    write(left.db, payments.take_cash, bill=the_debt(left).bill, tendered=Money(500, "CNY"))
    left.react()
    assert the_debt(left).state is DebtState.PAID
    assert [stay.paid_minor for stay in left.closed()] == [750, 750]
    assert verified(left)


@pytest.mark.parametrize("how", ["tell", "ignore"])
def test_a_lot_that_does_not_ask_lets_the_car_pay_its_stay_alone(left: Street, how: str) -> None:
    asks_at_exit(left, how)
    assert comes_again(left).due.minor == 750
    assert owed(left) == [(DebtState.OPEN, 750)]


def test_a_disputed_debt_is_not_asked_for_at_the_next_exit(left: Street) -> None:
    asks_at_exit(left)
    write(left.db, debts.dispute_debt, debt=the_debt(left).id, reason="车已转让")
    assert comes_again(left).due.minor == 750
