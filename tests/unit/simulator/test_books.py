from random import Random
from typing import Any
from zoneinfo import ZoneInfo

from openberth.simulator.api import BooksView, Sum
from openberth.simulator.books import SANDPAY, Account, Books, Crossing, Fate, Paid, Visit
from openberth.simulator.clock import SECOND_US
from openberth.simulator.comparison import methods_of
from openberth.simulator.devices.vzenith_wire import Reading, Sight
from openberth.simulator.plan import Habits, Lane, LotPlan, Permit
from openberth.simulator.plates import CarPlate

LANE = Lane("in", "entry", "", "main", None, None)
HABITS = Habits((0.0,) * 24, (), {"code": 1.0}, 0, 0, 0)
LIMITS = {"skew_us": 120 * SECOND_US, "slack_us": 1 * SECOND_US}


def lot() -> LotPlan:
    return LotPlan("mall", ZoneInfo("Asia/Shanghai"), "CNY", 120 * SECOND_US, (LANE,), {}, HABITS)


def crossing(stamp_s: int, *, sent_s: int = 1_000, answered_s: int = 1_002, **changes: Any) -> Crossing:
    sight = Sight(1, stamp_s * SECOND_US, Reading("粤B12345"), live=True)
    sight.sent_us, sight.answered_us = sent_s * SECOND_US, answered_s * SECOND_US
    seen = Crossing(LANE, [sight], passed_us=1_010 * SECOND_US)
    for name, value in changes.items():
        setattr(seen, name, value)
    return seen


def test_the_cameras_own_stamp_explains_an_instant() -> None:
    assert crossing(990).explains(990 * SECOND_US, **LIMITS)
    assert not crossing(990).explains(990 * SECOND_US + 1, **LIMITS)


def test_a_clock_too_far_off_may_be_replaced_by_the_time_of_sending_and_no_other() -> None:
    skewed = crossing(400)
    assert skewed.explains(1_001 * SECOND_US, **LIMITS)
    assert not skewed.explains(1_020 * SECOND_US, **LIMITS)
    assert not crossing(950).explains(1_001 * SECOND_US, **LIMITS)  # 50 s off is tolerated, so nothing to replace


def test_a_stored_record_keeps_its_stamp_unless_it_lies_in_the_future() -> None:
    old, future = crossing(400), crossing(5_000)
    old.sights[0].live = future.sights[0].live = False
    assert not old.explains(1_001 * SECOND_US, **LIMITS)
    assert future.explains(1_001 * SECOND_US, **LIMITS)


def test_whoever_had_to_wait_may_be_dated_until_the_passage() -> None:
    assert not crossing(1_000).explains(1_008 * SECOND_US, **LIMITS)
    assert crossing(1_000, waited=True).explains(1_008 * SECOND_US, **LIMITS)
    assert not crossing(1_000, waited=True).explains(1_020 * SECOND_US, **LIMITS)


def test_a_payment_counts_once_and_a_bill_remembers_what_was_paid_before_it() -> None:
    visit = Visit(1, lot(), Random(1), None)
    visit.see_bill("a", 500, 0)
    assert visit.pay(Paid(SANDPAY, 500, "a", 1, "attempt-1"))
    assert not visit.pay(Paid(SANDPAY, 500, "a", 2, "attempt-1"))
    visit.see_bill("b", 250, 0)
    visit.see_bill("b", 999, 0)
    assert (visit.paid_minor, visit.bills["b"].paid_before_minor, visit.bills["b"].due_minor) == (500, 500, 250)


def test_a_permits_car_is_out_once_and_stays_out_while_its_departure_is_unknown() -> None:
    plan = lot()
    plan.permits = [Permit("粤B00001", "resident", None, None)]
    books = Books()
    visit = Visit(1, plan, Random(1), None, permit=plan.permits[0])
    books.open(visit)
    assert books.free_permits(plan) == []
    visit.fate, visit.exit = Fate.LEFT, crossing(1)
    visit.exit.sights[0].stored = True
    books.close(visit)
    assert books.free_permits(plan) == []
    visit.exit.sights[0].stored = False
    books.close(visit)
    assert books.free_permits(plan) == plan.permits
    assert books.received(plan) == {}


def test_a_bill_cannot_name_an_inner_crossing_that_is_still_in_a_cameras_store() -> None:
    visit = Visit(1, lot(), Random(1), None)
    visit.inner = [crossing(1_000), crossing(2_000, answered_s=0)]
    visit.see_bill("a", 500, 0)
    assert (visit.bills["a"].inner_told, visit.bills["a"].inner_before) == (1, 2)
    visit.inner[1].sights[0].answered_us = 1
    visit.see_bill("b", 500, 0)
    assert (visit.bills["b"].inner_told, visit.bills["b"].inner_before) == (2, 2)


def test_every_method_is_compared_that_either_side_knows() -> None:
    zero = Sum(0)
    theirs = BooksView(0, 0, 0, 0, zero, {"alipay": Sum(5), "cash": zero}, zero, zero)
    assert methods_of({"wechatpay": 500}, theirs) == ["alipay", "cash", "wechatpay"]
    assert methods_of({}) == ["cash"]


def test_what_an_account_paid_counts_as_received_and_is_gone_from_it() -> None:
    plan, books = lot(), Books()
    account = Account("a1", "mall-01", plan, CarPlate("粤B00002", 1, 1), fills=[("cash", 5_000), ("alipay", 1_000)])
    books.accounts.append(account)
    visit = Visit(1, plan, Random(1), account.car, account=account)
    books.open(visit)
    assert books.free_accounts(plan) == []
    visit.pay(Paid("cash", 300, "b1", 1, "r1"))
    visit.charged_minor = 700
    assert visit.paid_minor == 1_000
    assert books.received(plan) == {"cash": 5_300, "alipay": 1_000, "prepaid": 700}
    assert books.holds(account) == 5_300
    visit.fate = Fate.LEFT
    books.close(visit)
    assert books.free_accounts(plan) == [account]
    visit.left_unpaid = True
    books.open(visit)
    books.close(visit)
    assert books.free_accounts(plan) == []  # the next exit could ask for what it owes
