"""Prepaid accounts on a real database: filled once, spent at the exit without a phone, held, returned and paid out."""

import threading
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any

import pytest

from openberth.contexts import facility, payments
from openberth.contexts.payments.model import PayPlace, ReceiptMethod, RefundState
from openberth.contexts.payments.model.prepaid import Hold, HoldState, PrepaidAccount, PrepaidState, Spending
from openberth.contexts.payments.service import prepaid, refunds
from openberth.contexts.payments.service.attempts import begin_attempt
from openberth.contexts.payments.service.receipts import record_channel_payment
from openberth.contexts.payments.store import prepaid as store
from openberth.contexts.stays.model.entities import Action
from openberth.contexts.tenancy.model.organisation import Node
from openberth.contexts.tenancy.service.settings import set_setting
from openberth.entrypoints.cli.ledger import compared
from openberth.infra.database import Database, Unit
from openberth.kernel.errors import NotFound, Problem, Refused
from openberth.kernel.ids import BEYOND_ALL, Id
from openberth.kernel.money import Money
from openberth.kernel.plates import Plate
from openberth.kernel.time import HOUR_US, Instant
from tests.service.acting import COMPANY, SYSTEM, events, lot_file, of_company, read, receipts_in, refunds_in, write
from tests.service.databases import ONCE
from tests.service.payments.test_debts import balances, verified
from tests.service.stays.street import CAR, OTHER_CAR, Street
from tests.service.tenancy.trail import sql
from tests.waiting import PATIENCE_S


def yuan(amount: int) -> Money:
    return Money(amount * 100, "CNY")


def opened(street: Street, *plates: str, code: str = "A-1203", **changes: Any) -> PrepaidAccount:
    found: PrepaidAccount = write(
        street.db, prepaid.open_account, lot=changes.pop("lot", street.lot), code=code,
        plates=[Plate.read(each) for each in plates], **changes,
    )  # fmt: skip
    return found


def filled(street: Street, account: PrepaidAccount, amount: Money, transaction: str = "t-1") -> payments.Bill:
    """Put money in by a channel, told twice."""
    bill: payments.Bill = write(street.db, prepaid.top_up, account=account.id, amount=amount)
    attempt = write(street.db, begin_attempt, bill=bill.id, channel="sandpay")
    for _ in range(2):
        write(
            street.db, record_channel_payment, channel="sandpay", number=attempt.number, amount=amount,
            transaction=transaction,
        )  # fmt: skip
    street.react()
    return bill


def now(street: Street, account: PrepaidAccount) -> tuple[int, int]:
    """Return what an account can spend, and what is held of it."""
    found = read(street.db, prepaid.account_by_id, account=account.id)
    return found.balance.minor, found.held.minor


def stays_an_hour(street: Street, plate: str = CAR) -> Any:
    street.arrive("in-1", plate)
    street.pass_minutes(61)
    answer = street.arrive("out-1", plate)
    street.react()
    return answer


def test_what_is_put_in_is_the_accounts_own_once_and_no_revenue(street: Street) -> None:
    account = opened(street, CAR)
    bill = filled(street, account, yuan(100))
    assert now(street, account) == (10_000, 0)
    assert read(street.db, payments.bill_by_id, bill=bill.id).state is payments.BillState.SETTLED
    assert balances(street) == {"clearing": 10_000, "prepaid": -10_000}
    assert verified(street)


def test_a_car_with_an_account_leaves_without_a_phone(street: Street) -> None:
    account = opened(street, CAR)
    filled(street, account, yuan(100))
    answer = stays_an_hour(street)
    assert (answer.action, answer.reason) == (Action.OPEN, "exit.prepaid")
    assert now(street, account) == (9_250, 0)
    assert len(street.commands()) == 2  # the entry's and the exit's, once
    [stay] = street.closed()
    assert (stay.price_minor, stay.paid_minor) == (750, 750)
    receipt, *_ = receipts_in(street.db, street.lot)
    assert (receipt.method, receipt.amount, receipt.place) == (ReceiptMethod.PREPAID, Money(750, "CNY"), PayPlace.EXIT)
    assert balances(street) == {"clearing": 10_000, "prepaid": -9_250, "revenue": -750}
    assert verified(street)
    assert (street.cases(), street.inside()) == ([], [])


@ONCE
@pytest.mark.parametrize(
    "why",
    ["too_little", "paused", "closed", "by_request", "another_lot", "another_car"],
)
def test_an_account_that_does_not_pay_leaves_the_whole_bill_to_the_driver(street: Street, why: str) -> None:
    other = write(street.db, facility.apply_lot, company=COMPANY, lot=lot_file("office")).lot
    account = opened(
        street, OTHER_CAR if why == "another_car" else CAR, pays_by_itself=why != "by_request",
        lot=other if why == "another_lot" else street.lot,
        spending=Spending.LOT if why == "another_lot" else Spending.COMPANY,
    )  # fmt: skip
    filled(street, account, Money(749, "CNY") if why == "too_little" else yuan(100))
    before = now(street, account)
    if why == "paused":
        write(
            street.db, prepaid.change_account, account=account.id, plates=[Plate.read(CAR)], holder=None,
            spending=Spending.COMPANY, pays_by_itself=True, state=PrepaidState.PAUSED,
        )  # fmt: skip
    if why == "closed":
        write(street.db, prepaid.close_account, account=account.id, reason="搬家")
    answer = stays_an_hour(street)
    assert (answer.action, answer.reason) == (Action.HOLD, "exit.unpaid")
    assert street.bill_at("out-1").left == Money(750, "CNY")
    assert now(street, account) == before
    assert verified(street)


def test_an_account_of_the_company_pays_at_every_lot_of_it(street: Street) -> None:
    other = write(street.db, facility.apply_lot, company=COMPANY, lot=lot_file("office")).lot
    account = opened(street, CAR, lot=other)
    filled(street, account, yuan(10))
    assert stays_an_hour(street).reason == "exit.prepaid"  # told by a camera that may touch this lot only
    assert now(street, account) == (250, 0)
    [row] = [
        each
        for each in read(street.db, prepaid.movements, account=account.id, before=BEYOND_ALL, limit=9)
        if each[3] < 0
    ]
    assert row[1:4:2] == ("hold.made", -750)
    assert verified(street)
    elsewhere = of_company(COMPANY, street.lot)
    for look in (prepaid.account_seen, partial(prepaid.movements, before=BEYOND_ALL, limit=9)):
        with pytest.raises(NotFound, match=r"prepaid\.not_found"):
            read(street.db, look, by=elsewhere, account=account.id)


@ONCE
def test_filled_at_the_barrier_it_opens(street: Street) -> None:
    account = opened(street, CAR)
    assert stays_an_hour(street).reason == "exit.unpaid"
    filled(street, account, yuan(20))
    street.react()
    assert (street.inside(), now(street, account)) == ([], (1_250, 0))
    assert verified(street)


@ONCE
def test_an_exit_told_of_later_is_paid_as_well(street: Street) -> None:
    account = opened(street, CAR)
    filled(street, account, yuan(20))
    street.arrive("in-1", CAR)
    street.pass_minutes(61)
    street.arrive("out-1", CAR, offline=True, opened_by_camera=True)
    street.react()
    assert (street.cases(), now(street, account)) == ([], (1_250, 0))
    assert verified(street)


def test_a_refund_of_what_an_account_paid_comes_back_to_it_at_once(street: Street) -> None:
    account = opened(street, CAR)
    filled(street, account, yuan(20))
    stays_an_hour(street)
    receipt, *_ = receipts_in(street.db, street.lot)
    made = write(street.db, refunds.refund, receipt=receipt.id, amount=Money(250, "CNY"), reason="多收")
    assert (made.state, now(street, account)) == (RefundState.DONE, (1_500, 0))
    assert balances(street) == {"clearing": 2_000, "prepaid": -1_500, "revenue": -500}
    assert verified(street)


def test_money_is_paid_out_by_the_receipts_that_brought_it_the_latest_first(street: Street) -> None:
    account = opened(street, CAR)
    filled(street, account, yuan(30), "t-1")
    filled(street, account, yuan(20), "t-2")
    out = partial(write, street.db, refunds.pay_out, account=account.id, reason="搬家")
    with pytest.raises(Refused, match=r"prepaid\.too_little"):
        out(amount=yuan(51))
    assert now(street, account) == (5_000, 0)
    made = out(amount=yuan(25))
    assert [each.amount for each in made] == [yuan(20), yuan(5)]
    assert (now(street, account), verified(street)) == ((2_500, 0), True)
    write(street.db, refunds.refund_went, refund=made[0].id, channel_refund="c-1")
    write(street.db, refunds.refund_does_not_go, refund=made[1].id, detail="card_closed")
    write(street.db, refunds.give_up, refund=made[1].id, reason="银行退回")
    assert (now(street, account), verified(street)) == ((3_000, 0), True)
    write(street.db, refunds.refund_went, refund=made[1].id, channel_refund="c-2")  # made after all
    assert (now(street, account), verified(street)) == ((2_500, 0), True)
    write(street.db, prepaid.close_account, account=account.id, reason="搬家")
    assert [each.amount for each in out(amount=None)] == [yuan(25)]
    with pytest.raises(Refused, match=r"prepaid\.empty"):
        out(amount=None)
    assert (now(street, account), verified(street)) == ((0, 0), True)


def test_a_refund_that_was_given_up_and_spent_meanwhile_is_lost_and_booked_so(street: Street) -> None:
    account = opened(street, CAR)
    filled(street, account, yuan(10))
    [made] = write(street.db, refunds.pay_out, account=account.id, amount=None, reason="搬家")
    write(street.db, refunds.refund_does_not_go, refund=made.id, detail="card_closed")
    write(street.db, refunds.give_up, refund=made.id, reason="银行退回")
    stays_an_hour(street)
    write(street.db, refunds.refund_went, refund=made.id, channel_refund="c-1")
    assert now(street, account) == (0, 0)
    # What debts lost is another account: nobody owed this, it was paid out and spent.
    assert balances(street) == {"revenue": -750, "prepaid_lost": 750}
    assert verified(street)


def test_what_went_back_twice_does_not_keep_the_rest_from_being_paid_out(street: Street) -> None:
    account = opened(street, CAR)
    filled(street, account, yuan(30), "t-1")
    filled(street, account, yuan(10), "t-2")
    stays_an_hour(street)
    spent, *_ = receipts_in(street.db, street.lot)
    out = partial(write, street.db, refunds.pay_out, account=account.id, reason="搬家")
    [first] = out(amount=yuan(10))
    write(street.db, refunds.refund_does_not_go, refund=first.id, detail="card_closed")
    write(street.db, refunds.give_up, refund=first.id, reason="银行退回")
    for made in out(amount=None):
        write(street.db, refunds.refund_went, refund=made.id, channel_refund=None)
    write(street.db, refunds.refund_went, refund=first.id, channel_refund="c-1")  # made after all, out of nothing
    assert balances(street)["prepaid_lost"] == 1_000
    assert verified(street), "a channel's deed is a fact, and no difference"
    write(street.db, refunds.refund, receipt=spent.id, amount=Money(250, "CNY"), reason="多收")
    assert now(street, account) == (250, 0)
    twice = first.receipt
    with pytest.raises(Refused, match=r"refund\.too_much") as refused:
        write(street.db, refunds.refund, receipt=twice, amount=Money(1, "CNY"), reason="x")
    assert refused.value.params["left"] == "0.00"
    assert [each.amount.minor for each in out(amount=None)] == [250]
    assert (now(street, account), verified(street)) == ((0, 0), True)


def test_two_who_pay_all_of_an_account_out_at_once_pay_it_out_once(street: Street) -> None:
    account = opened(street, CAR)
    filled(street, account, yuan(30))
    start = threading.Barrier(2)

    def at_once() -> str:
        start.wait(PATIENCE_S)
        try:
            write(street.db, refunds.pay_out, account=account.id, amount=None, reason="搬家")
        except Refused as problem:
            return problem.code
        return ""

    with ThreadPoolExecutor(2) as threads:
        told = [each.result(60) for each in [threads.submit(at_once) for _ in range(2)]]
    assert sorted(told) == ["", "prepaid.empty"]
    assert (now(street, account), verified(street)) == ((0, 0), True)


def test_a_hold_that_ended_since_it_was_read_is_not_captured(street: Street) -> None:
    account = opened(street, CAR)
    filled(street, account, yuan(50))
    stays_an_hour(street, OTHER_CAR)
    bill = street.bill_at("out-1")

    def make(unit: Unit) -> Hold:
        return payments.hold(
            unit, company=COMPANY, account=account.id, lot=street.lot, amount=yuan(10), kind="stay",
            subject=bill.subject_id, lasts_us=HOUR_US,
        )  # fmt: skip

    read_before = street.db.write_now(make, by=SYSTEM)
    write(street.db, payments.let_go, hold=read_before.id)
    with pytest.raises(Refused, match=r"prepaid\.hold_ended"):
        write(street.db, prepaid.captured, found=read_before, amount=bill.left)
    assert (now(street, account), verified(street)) == ((5_000, 0), True)


def test_what_an_account_pays_is_not_money_of_the_day_a_second_time(street: Street) -> None:
    account = opened(street, CAR)
    filled(street, account, yuan(100))
    stays_an_hour(street)
    today = read(street.db, payments.received_since, lot=street.lot, currency="CNY", since=Instant(0))
    assert today == yuan(100)


def test_what_is_held_is_captured_in_part_or_let_go_by_itself(street: Street) -> None:
    account = opened(street, CAR)
    filled(street, account, yuan(50))
    stays_an_hour(street, OTHER_CAR)
    bill = street.bill_at("out-1")

    def held(minor: int) -> Id:
        def make(unit: Unit) -> Id:
            return payments.hold(
                unit, company=COMPANY, account=account.id, lot=street.lot, amount=Money(minor, "CNY"), kind="stay",
                subject=bill.subject_id, lasts_us=HOUR_US,
            ).id  # fmt: skip

        return street.db.write_now(make, by=SYSTEM)

    first, second = held(3_000), held(700)
    assert (now(street, account), verified(street)) == ((1_300, 3_700), True)
    with pytest.raises(Refused, match=r"prepaid\.too_little"):
        held(1_301)
    with pytest.raises(Refused, match=r"prepaid\.hold_too_small"):
        write(street.db, payments.capture, hold=second, bill=bill.id)
    with pytest.raises(Refused, match=r"prepaid\.money_held"):
        write(street.db, prepaid.close_account, account=account.id, reason="搬家")
    taken = write(street.db, payments.capture, hold=first, bill=bill.id)
    assert (taken.receipt.amount, taken.repeated, now(street, account)) == (Money(750, "CNY"), False, (3_550, 700))
    assert write(street.db, payments.capture, hold=first, bill=bill.id).repeated
    for _ in range(2):
        write(street.db, payments.let_go, hold=second)
    assert read(street.db, prepaid.hold_by_id, hold=second).state is HoldState.RELEASED
    with pytest.raises(Refused, match=r"bill\.settled"):
        write(street.db, payments.capture, hold=second, bill=bill.id)
    assert (now(street, account), verified(street)) == ((4_250, 0), True)


@ONCE
def test_a_top_up_that_nobody_pays_is_withdrawn_and_late_money_goes_back(street: Street) -> None:
    account = opened(street, CAR)
    bill = write(street.db, prepaid.top_up, account=account.id, amount=yuan(10))
    assert write(street.db, prepaid.top_up, account=account.id, amount=yuan(10)).id == bill.id
    attempt = write(street.db, begin_attempt, bill=bill.id, channel="sandpay")
    assert verified(street)
    other = write(street.db, prepaid.top_up, account=account.id, amount=yuan(20))
    write(
        street.db, record_channel_payment, channel="sandpay", number=attempt.number, amount=yuan(10), transaction="t-1"
    )
    gone, *_ = refunds_in(street.db, street.lot)
    assert (gone.amount, now(street, account), verified(street)) == (yuan(10), (0, 0), True)
    for _ in range(2):
        write(street.db, prepaid.withdraw_top_up, bill=other.id)
    assert read(street.db, payments.bill_by_id, bill=other.id).state is payments.BillState.VOID
    assert verified(street)


@ONCE
def test_bounds_of_an_account(street: Street) -> None:
    account = opened(street, CAR)
    put = partial(write, street.db, prepaid.top_up, account=account.id)
    say = partial(write, street.db, set_setting, node=Node.of_lot(COMPANY, street.lot), key="prepaid.balance_most")
    with pytest.raises(Refused, match=r"prepaid\.too_much"):
        put(amount=Money(500_001, "CNY"))
    say(value=1_500)
    filled(street, account, yuan(10))
    with pytest.raises(Refused, match=r"prepaid\.too_much") as refused:
        put(amount=Money(501, "CNY"))
    assert refused.value.params["room"] == "5.00"
    with pytest.raises(Problem, match=r"prepaid\.amount"):
        put(amount=Money(0, "CNY"))
    with pytest.raises(Refused, match=r"prepaid\.currency"):
        put(amount=Money(100, "SGD"))
    with pytest.raises(Refused, match=r"prepaid\.plate_taken"):
        opened(street, OTHER_CAR, CAR, code="A-1204")
    with pytest.raises(Refused, match=r"prepaid\.code_taken"):
        opened(street, OTHER_CAR)
    with pytest.raises(Problem, match=r"prepaid\.plates"):
        opened(street, OTHER_CAR, OTHER_CAR, code="A-1204")
    with pytest.raises(Problem, match=r"prepaid\.code"):
        opened(street, OTHER_CAR, code=" ")
    write(street.db, prepaid.close_account, account=account.id, reason="搬家")
    with pytest.raises(Refused, match=r"prepaid\.closed"):
        put(amount=yuan(1))
    assert opened(street, CAR, code="A-1204").balance.minor == 0  # a closed account gives its plates up


@ONCE
def test_plates_are_never_told(street: Street) -> None:
    account = opened(street, CAR, OTHER_CAR)
    filled(street, account, yuan(10))
    stays_an_hour(street)
    told = events(street.db, "payments.prepaid_changed", "payments.prepaid_moved")
    assert [each.body.get("why", each.body.get("what")) for each in told] == ["opened", "top_up", "hold", "capture"]
    assert not any(plate in str(each.body) for each in told for plate in (CAR, OTHER_CAR, CAR[1:]))
    assert read(street.db, prepaid.account_seen, account=account.id)[1] == ["粤B·**345", "粤B·**890"]


def test_who_names_an_account_by_a_plate_or_a_number_does_not_put_it_into_the_log(street: Street) -> None:
    account = opened(street, CAR, code=f"{CAR} 13812345678")
    bill = filled(street, account, yuan(10))
    write(street.db, prepaid.close_account, account=account.id, reason=f"{OTHER_CAR} sold, call 13812345678")
    told = [each.body for each in events(street.db, "payments.prepaid_changed")]
    told.append(read(street.db, payments.bill_by_id, bill=bill.id).quote)
    assert [value for value in (CAR, OTHER_CAR, "13812345678") if value in str(told)] == []
    assert [each["reason"] for each in told[:2]] == [None, "粤B·**890 sold, call 138****5678"]
    assert read(street.db, prepaid.account_by_id, account=account.id).code == f"{CAR} 13812345678"


def test_a_company_with_money_of_others_is_not_closed(street: Street) -> None:
    account = opened(street, CAR)
    filled(street, account, yuan(10))
    with pytest.raises(Refused, match=r"company\.prepaid_open"):
        read(street.db, partial(_closing, company=COMPANY))


def _closing(reader: Any, company: Id) -> None:
    payments.refuse_closing(reader, company)


@pytest.mark.usefixtures("street")
def test_two_cars_at_two_exits_spend_one_account_once_each(street: Street, db: Database) -> None:
    account = opened(street, CAR, OTHER_CAR)
    filled(street, account, yuan(10))
    for plate in (CAR, OTHER_CAR):
        street.arrive("in-1", plate)
    street.pass_minutes(61)
    answers = [street.arrive(lane, plate).reason for lane, plate in (("out-1", CAR), ("out-2", OTHER_CAR))]
    assert sorted(answers) == ["exit.prepaid", "exit.unpaid"]
    assert now(street, account) == (250, 0)
    assert verified(street)
    assert db.read_now(lambda reader: reader.all(store.LEFT_OF_COMPANY, company=COMPANY), by=SYSTEM) == [1]


@ONCE
@pytest.mark.parametrize(
    ("break_it", "what"),
    [
        ("UPDATE prepaid_account SET balance_minor = balance_minor + 1", ["prepaid.balance"]),
        ("UPDATE prepaid_account SET held_minor = held_minor + 1", ["prepaid.held", "prepaid.holds"]),
        ("UPDATE bill SET subject_kind = 'stay' WHERE state = 'open'", ["bill.topping_up"]),
    ],
)
def test_an_account_that_says_otherwise_is_found(street: Street, break_it: str, what: list[str]) -> None:
    account = opened(street, CAR)
    filled(street, account, yuan(10))
    stays_an_hour(street)
    write(street.db, prepaid.top_up, account=account.id, amount=yuan(5))
    assert verified(street)
    sql(street.db, break_it)
    assert sorted(one.what for one in compared(street.db)[1]) == what
