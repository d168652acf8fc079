"""Money that a channel tells of late, beside everything else that may be asked for: nobody pays more or less by it."""

import pytest

from openberth.contexts import payments, tariffs
from openberth.contexts.payments.service.receipts import record_channel_payment
from openberth.contexts.permits.model import PermitKind
from openberth.contexts.tariffs.document import read_tariff
from openberth.contexts.tenancy.model.organisation import Node
from openberth.contexts.tenancy.service.settings import set_setting
from openberth.entrypoints.cli.ledger import compared
from openberth.kernel.time import DAY_US, MINUTE_US, Instant, Period, later
from tests.service.acting import COMPANY, ROOT, read, write
from tests.service.stays.hard_cases.scene import debts
from tests.service.stays.street import CAR, Street
from tests.service.stays.test_lanes import open_bills, told_late


@pytest.mark.parametrize(("ordered", "told"), [(14, 9), (19, 0)])
def test_who_pays_what_is_asked_by_then_has_all_minutes_to_leave_in(street: Street, ordered: int, told: int) -> None:
    """The price of the 61st minute stands for 15 and is that of the 90th: paid in time or not, the money covers it."""
    street.arrive("in-1", CAR)
    street.pass_minutes(61)
    bill, _ = street.bill_in_advance(CAR)
    street.pass_minutes(ordered)
    write(street.db, record_channel_payment, **told_late(street, bill, told))
    street.pass_minutes(14)
    assert street.arrive("out-1", CAR).reason == "exit.nothing_due"


def test_money_that_covers_no_price_but_its_own_counts_while_that_stood(street: Street) -> None:
    street.arrive("in-1", CAR)
    street.pass_minutes(61)
    bill, _ = street.bill_in_advance(CAR)
    write(street.db, record_channel_payment, **told_late(street, bill, 31))
    assert street.arrive("out-1", CAR).reason == "exit.unpaid"
    assert street.bill_at("out-1").left.minor == 250


def test_debts_of_before_keep_no_car_that_has_paid_this_visit_in_time(street: Street) -> None:
    """Its bill asks for both; told in time, there would have been none to ask for them with."""
    node = Node.of_company(COMPANY)
    write(street.db, set_setting, node=node, key="debts.at_exit", value="ask")
    street.arrive("in-1", CAR)
    street.pass_minutes(61)
    street.arrive("out-1", CAR)
    street.open_by_hand("out-1")
    street.react()
    street.pass_minutes(1_000)
    street.arrive("in-1", CAR)
    street.pass_minutes(85)
    bill, _ = street.bill_in_advance(CAR)
    paid = told_late(street, bill, 10)
    street.arrive("out-1", CAR)
    asked = street.bill_at("out-1")
    assert (bill.due.minor, asked.own_due.minor, asked.due.minor) == (750, 1_000, 1_750)
    write(street.db, record_channel_payment, **paid)
    street.react()
    assert not street.standing("out-1").waiting
    before, now = sorted(street.closed(), key=lambda each: each.entered_at)
    assert (now.price_minor, now.paid_minor, open_bills(street, now.id)) == (750, 750, [])
    assert [each.is_owed for each in debts(street)] == [True]
    assert open_bills(street, before.id) == [750]
    assert compared(street.db)[1] == []


def test_a_part_that_pays_all_of_this_visit_leaves_the_debts_to_be_asked_for(street: Street) -> None:
    """The car that does not pay what it left unpaid before is still kept where the lot wants that."""
    node = Node.of_company(COMPANY)
    write(street.db, set_setting, node=node, key="debts.at_exit", value="ask")
    street.arrive("in-1", CAR)
    street.pass_minutes(61)
    street.arrive("out-1", CAR)
    street.open_by_hand("out-1")
    street.react()
    street.pass_minutes(1_000)
    street.arrive("in-1", CAR)
    street.pass_minutes(85)
    street.arrive("out-1", CAR)
    street.pay_a_part("out-1", 750)
    assert (street.standing("out-1").waiting, street.bill_at("out-1").left.minor) == (True, 750)


@pytest.mark.parametrize("told", ["before it came back", "while it was inside", "after it had left"])
def test_a_visit_that_went_on_costs_the_same_whenever_its_money_is_told_of(street: Street, told: str) -> None:
    with_reentry = (ROOT / "tariffs" / "mall.yaml").read_text(encoding="utf-8") + "reentry_minutes: 20\n"
    write(street.db, tariffs.publish, company=COMPANY, tariff=read_tariff(with_reentry, name="mall"))
    street.arrive("in-1", CAR)
    street.pass_minutes(85)
    bill, _ = street.bill_in_advance(CAR)
    paid = told_late(street, bill, 7)
    street.arrive("out-1", CAR)
    street.open_by_hand("out-1")
    street.react()

    def tell() -> None:
        write(street.db, record_channel_payment, **paid)
        street.react()

    if told == "before it came back":
        tell()
    street.pass_minutes(10)
    street.arrive("in-1", CAR)
    street.pass_minutes(60)
    if told == "while it was inside":
        tell()
    street.arrive("out-1", CAR)
    street.pay_cash("out-1")
    if told == "after it had left":
        tell()
    visits = street.closed()
    assert sum(each.price_minor for each in visits) == 1_500
    owed = sum(sum(open_bills(street, each.id)) for each in visits)
    assert sum(each.paid_minor for each in visits) + owed == 1_500
    assert compared(street.db)[1] == []


def test_a_price_that_would_be_another_one_today_takes_nothing_off_a_debt(street: Street) -> None:
    """Its permit is prolonged into the visit: what was asked for then stands, until a person decides otherwise."""
    now = street.business.now()
    start = Instant(now - DAY_US)
    street.permit(CAR, PermitKind.RESIDENT, Period(start, later(now, 30 * MINUTE_US)))
    street.arrive("in-1", CAR)
    street.pass_minutes(61)
    bill, _ = street.bill_in_advance(CAR)
    paid = told_late(street, bill, 60)
    street.arrive("out-1", CAR)
    street.open_by_hand("out-1")
    street.react()
    street.permit(CAR, PermitKind.RESIDENT, Period(start, later(now, 60 * MINUTE_US)))
    write(street.db, record_channel_payment, **paid)
    street.react()
    [stay] = street.closed()
    assert (stay.price_minor, stay.paid_minor, open_bills(street, stay.id)) == (1_000, 500, [500])


def test_the_receipt_of_money_in_time_asks_for_nothing_more(street: Street) -> None:
    street.arrive("in-1", CAR)
    street.pass_minutes(85)
    bill, _ = street.bill_in_advance(CAR)
    paid = told_late(street, bill, 10)
    street.arrive("out-1", CAR)
    taken = write(street.db, record_channel_payment, **paid)
    street.react()
    assert taken is not None
    told = read(street.db, payments.e_receipt_of, receipt=taken.receipt.id)
    assert (told.applied.minor, told.left.minor, told.dropped.minor) == (750, 0, 250)
