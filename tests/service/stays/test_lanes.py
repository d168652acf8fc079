"""The whole line: recognised, admitted, priced, billed, paid, gone. On every database."""

import dataclasses
from functools import partial
from typing import Any

import pytest

from openberth.contexts import facility, payments, stays
from openberth.contexts.facility import CommandState, LotState, Outcome
from openberth.contexts.payments import PayPlace
from openberth.contexts.payments.model import BillState
from openberth.contexts.payments.service.attempts import begin_attempt
from openberth.contexts.payments.service.receipts import record_channel_payment, take_cash
from openberth.contexts.permits.model import PermitKind
from openberth.contexts.stays.model.entities import Action, Ask, PassageState
from openberth.contexts.tenancy.model.organisation import Node
from openberth.contexts.tenancy.service.settings import set_setting
from openberth.kernel.errors import NotFound, Refused
from openberth.kernel.ids import Id
from openberth.kernel.money import Money
from openberth.kernel.time import DAY_US, HOUR_US, MINUTE_US, SECOND_US, Instant, Period
from tests.service.acting import COMPANY, events, lot_file, read, write
from tests.service.stays.street import CAR, OTHER_CAR, THIRD_CAR, Street


def test_a_car_comes_in_stays_pays_in_cash_and_leaves(street: Street) -> None:
    entry = street.arrive("in-1", CAR)
    assert (entry.action, entry.reason, entry.opens) == (Action.OPEN, "entry.casual", False)  # a barrier opens in-1
    assert street.counts()["ground"].count == 1

    street.pass_minutes(95)
    leaving = street.arrive("out-1", CAR)
    assert (leaving.action, leaving.ask, leaving.opens) == (Action.HOLD, Ask.PAY, False)
    bill = street.bill_at("out-1")
    assert bill.due.minor == 1000  # four begun half hours at 2.50
    assert sum(line["amount"]["minor"] for line in bill.quote["lines"]) == 1000

    assert street.pay_cash("out-1", 2000).minor == 1000
    assert street.inside() == []
    [stay] = street.closed()
    assert (stay.price_minor, stay.paid_minor, stay.left_at - stay.entered_at) == (1000, 1000, 95 * MINUTE_US)
    assert street.counts()["ground"].count == 0
    assert not street.standing("out-1").waiting
    opened = street.commands()[0]
    assert (opened.lane_id, opened.state) == (street.ids["out-1"], CommandState.WAITING)
    assert street.cases() == []


def test_free_minutes_need_no_bill(street: Street) -> None:
    street.arrive("in-2", CAR)
    street.pass_minutes(15)
    leaving = street.arrive("out-2", CAR)
    assert (leaving.action, leaving.reason, leaving.opens) == (Action.OPEN, "exit.nothing_due", True)
    assert street.closed()[0].price_minor == 0


def test_the_answer_of_a_camera_with_a_relay_is_the_command(street: Street) -> None:
    answer = street.arrive("in-2", CAR)
    assert answer.opens
    [command] = street.commands()
    assert (command.state, command.born_sent) == (CommandState.SENT, True)


def test_a_retransmission_gets_the_same_answer_within_the_commands_life_and_opens_nothing_later(
    street: Street,
) -> None:
    sent = street.recognition(CAR)
    first = street.arrive("in-2", CAR, sent=sent)
    street.machine.advance(29 * SECOND_US)
    again = street.arrive("in-2", CAR, sent=sent)
    assert again == dataclasses.replace(first, repeated=True, news=None)
    street.machine.advance(2 * SECOND_US)
    late = street.arrive("in-2", CAR, sent=sent)
    assert (late.opens, late.passage) == (False, first.passage)
    assert len(street.inside()) == 1
    assert len(street.commands()) == 1
    assert len(events(street.db, "stays.passage_decided")) == 1


def test_another_trigger_for_the_same_car_is_no_second_passage(street: Street) -> None:
    first = street.arrive("in-2", CAR)
    street.business.advance(4 * SECOND_US)
    double = street.arrive("in-2", CAR)
    assert (double.passage, double.repeated, double.opens) == (first.passage, True, True)
    street.business.advance(7 * SECOND_US)  # 11 s after the first
    again = street.arrive("in-2", CAR)
    assert (again.reason, again.passage == first.passage) == ("entry.again", False)
    assert len(street.inside()) == 1


def test_a_waiting_car_that_is_read_again_keeps_its_bill(street: Street) -> None:
    street.arrive("in-1", CAR)
    street.pass_minutes(61)
    street.arrive("out-1", CAR)
    bill = street.bill_at("out-1")
    street.pass_minutes(2)
    again = street.arrive("out-1", CAR)
    assert again.repeated
    assert street.bill_at("out-1").id == bill.id


@pytest.mark.parametrize(
    ("state", "reason"),
    [(LotState.FULL, "entry.full"), (LotState.CLOSED, "entry.closed"), (LotState.CLOSED_TO_ALL, "entry.closed")],
)
def test_a_closed_lot_lets_nobody_in_and_everybody_out(street: Street, state: LotState, reason: str) -> None:
    street.arrive("in-1", CAR)
    street.set_state(state)
    refused = street.arrive("in-1", OTHER_CAR)
    assert (refused.action, refused.reason) == (Action.REFUSE, reason)
    assert street.arrive("out-1", CAR).action is Action.OPEN
    assert street.inside() == []


def test_permits_park_without_paying_and_blocked_cars_stay_outside(street: Street) -> None:
    street.permit(CAR, PermitKind.INTERNAL)
    street.set_state(LotState.CLOSED)
    assert street.arrive("in-1", CAR).reason == "entry.internal"
    street.pass_minutes(500)
    assert street.arrive("out-1", CAR).reason == "exit.internal"
    assert street.closed()[0].price_minor == 0
    street.set_state(LotState.OPEN)
    street.permit(CAR, PermitKind.BLOCKED)
    refused = street.arrive("in-1", CAR)
    assert (refused.action, refused.reason) == (Action.REFUSE, "entry.blocked")
    assert street.case_kinds() == ["blocked_vehicle"]


def test_a_permit_that_ends_during_the_stay_is_charged_from_its_end_only(street: Street) -> None:
    now = street.business.now()
    street.permit(CAR, PermitKind.RESIDENT, Period(Instant(now - DAY_US), Instant(now + HOUR_US)))
    street.arrive("in-1", CAR)
    street.pass_minutes(60 + 40)
    street.arrive("out-1", CAR)
    assert street.bill_at("out-1").due.minor == 500  # two begun half hours after the permit's end


def test_an_unread_car_waits_and_a_person_is_told(street: Street) -> None:
    entry = street.arrive("in-1", None)
    assert (entry.action, entry.ask) == (Action.HOLD, Ask.ENTER)
    assert street.case_kinds() == ["plate_unread"]
    street.business.advance(20 * SECOND_US)
    street.arrive("in-1", CAR)  # read after all: a new passage, and the case is over
    assert street.cases() == []
    assert street.passage(entry.passage).state is PassageState.GONE


def test_an_exit_without_an_entry_is_held_with_a_case(street: Street) -> None:
    leaving = street.arrive("out-1", CAR)
    assert (leaving.action, leaving.reason) == (Action.HOLD, "exit.without_entry")
    assert street.case_kinds() == ["exit_without_entry"]


def test_a_plate_that_enters_twice_ends_the_first_stay_with_a_reason(street: Street) -> None:
    first = street.arrive("in-1", CAR)
    street.pass_minutes(30)
    second = street.arrive("in-2", CAR)
    assert second.action is Action.OPEN
    assert [one.id for one in street.inside()] == [second.stay]
    [ended] = street.closed()
    assert (ended.id, ended.closed_reason.value) == (first.stay, "entered_again")
    assert street.case_kinds() == ["entered_again"]
    assert (street.counts()["ground"].count, street.counts()["roof"].count) == (0, 1)


def test_inner_lanes_begin_a_new_segment_and_move_the_counts(street: Street) -> None:
    street.arrive("in-1", CAR)
    street.pass_minutes(20)
    assert street.arrive("vip-in", CAR).opens
    assert (street.counts()["ground"].count, street.counts()["vip"].count) == (0, 1)
    street.pass_minutes(60)
    street.arrive("vip-out", CAR)
    street.pass_minutes(5)
    street.arrive("out-1", CAR)
    stay = street.inside()[0]
    assert stay.segments == 3
    bill = street.bill_at("out-1")
    assert sum(line["minutes"] for line in bill.quote["lines"]) == 85
    street.pay_cash("out-1")
    assert all(one.count == 0 for one in street.counts().values())


def test_records_from_an_offline_camera_open_nothing_and_price_by_device_time(street: Street) -> None:
    entered = Instant(street.business.now() - 3 * HOUR_US)
    left = Instant(entered + 2 * HOUR_US)
    entry = street.arrive("in-2", CAR, offline=True, captured_at=entered)
    leaving = street.arrive("out-2", CAR, offline=True, captured_at=left)
    assert (entry.action, entry.opens, leaving.action, leaving.opens) == (Action.RECORD, False, Action.RECORD, False)
    [stay] = street.closed()
    assert (stay.entered_at, stay.left_at, stay.price_minor, stay.paid_minor) == (entered, left, 1000, 0)
    assert street.case_kinds() == ["left_unpaid"]  # its bill stays open: a debt
    assert street.commands() == []


def test_a_camera_with_a_wrong_clock_is_corrected_and_reported(street: Street) -> None:
    wrong = Instant(street.business.now() - 10 * MINUTE_US)
    street.arrive("in-2", CAR, captured_at=wrong)
    assert street.inside()[0].entered_at == street.business.now()
    assert street.case_kinds() == ["clock_skew"]


def test_opening_by_hand_needs_a_reason_and_lets_the_waiting_car_go_with_its_debt(street: Street) -> None:
    street.arrive("in-1", CAR)
    street.pass_minutes(61)
    leaving = street.arrive("out-1", CAR)
    with pytest.raises(Refused, match=r"reason\.missing"):
        street.open_by_hand("out-1", "  ")
    command = street.open_by_hand("out-1")
    assert (command.reason, command.passage_id) == ("司机现金找零不足", leaving.passage)
    [stay] = street.closed()
    assert (stay.closed_reason.value, stay.price_minor, stay.paid_minor) == ("manual", 750, 0)
    assert street.case_kinds() == ["left_unpaid"]
    assert street.passage(leaving.passage).state is PassageState.PASSED


def test_opening_by_hand_with_nobody_there_asks_what_that_was(street: Street) -> None:
    street.open_by_hand("out-1", "消防车")
    assert street.case_kinds() == ["opened_by_hand"]


def test_a_gate_that_does_not_obey_is_a_case(street: Street) -> None:
    street.arrive("in-1", CAR)
    street.machine.advance(31 * SECOND_US)
    assert write(street.db, facility.end_expired) == 1
    assert street.commands()[0].outcome is Outcome.UNREACHABLE
    street.react()
    assert street.case_kinds() == ["gate_failed"]


def test_the_last_space_is_given_once(street: Street) -> None:
    write(street.db, facility.adjust, company=COMPANY, lot=street.lot, area="ground", adjustment=399, reason="recount")
    assert street.arrive("in-1", CAR).action is Action.OPEN
    assert street.arrive("in-2", OTHER_CAR).reason == "entry.full"
    street.arrive("out-1", CAR)
    assert street.arrive("in-2", THIRD_CAR).action is Action.OPEN


def test_no_event_holds_a_plate(street: Street) -> None:
    street.arrive("in-1", CAR)
    street.pass_minutes(61)
    street.arrive("out-1", CAR)
    street.pay_cash("out-1")
    assert "12345" not in str([envelope.body for envelope in events(street.db)])


def test_money_for_a_superseded_bill_pays_the_bill_that_took_its_place(street: Street) -> None:
    """Paid in advance, told late: the car stands at the exit with a newer bill, and is not charged twice."""
    street.arrive("in-1", CAR)
    street.pass_minutes(61)
    bill, _ = street.bill_in_advance(CAR)
    attempt = write(street.db, begin_attempt, bill=bill.id, channel="sandpay")
    street.pass_minutes(31)  # the price has changed meanwhile
    street.arrive("out-1", CAR)
    newer = street.bill_at("out-1")
    assert (newer.id == bill.id, newer.due.minor) == (False, 1000)
    paid: dict[str, Any] = {"channel": "sandpay", "number": attempt.number, "amount": bill.due, "transaction": "T1"}
    taken = write(street.db, record_channel_payment, **paid)
    assert taken is not None
    assert (taken.bill.id, taken.bill.left.minor, taken.receipt.surplus.minor) == (newer.id, 250, 0)
    again = write(street.db, record_channel_payment, **paid)
    assert again is not None
    assert again.repeated
    street.react()
    assert street.standing("out-1").waiting
    street.pay_cash("out-1")
    assert street.closed()[0].paid_minor == 1000


def told_late(street: Street, bill: payments.Bill, after_minutes: int) -> dict[str, Any]:
    """Order what a bill asks for; return what the channel will tell after the car has gone on."""
    attempt = write(street.db, begin_attempt, bill=bill.id, channel="sandpay")
    street.pass_minutes(after_minutes)
    return {"channel": "sandpay", "number": attempt.number, "amount": bill.due, "transaction": "T1"}


def test_paid_in_advance_and_told_late_it_leaves_within_its_grace(street: Street) -> None:
    street.arrive("in-1", CAR)
    street.pass_minutes(85)
    bill, _ = street.bill_in_advance(CAR)
    paid = told_late(street, bill, 10)  # another half hour has begun
    street.arrive("out-1", CAR)
    assert (bill.due.minor, street.bill_at("out-1").due.minor) == (750, 1000)
    street.pass_minutes(7)  # the price that was paid has not been asked for any more for long
    write(street.db, record_channel_payment, **paid)
    street.react()
    assert not street.standing("out-1").waiting
    [stay] = street.closed()
    assert (stay.price_minor, stay.paid_minor) == (750, 750)
    assert [one.lane_id for one in street.commands()].count(street.ids["out-1"]) == 1
    assert open_bills(street, stay.id) == []


def test_paid_in_advance_and_told_after_it_left_it_owes_nothing(street: Street) -> None:
    street.arrive("in-1", CAR)
    street.pass_minutes(85)
    bill, _ = street.bill_in_advance(CAR)
    paid = told_late(street, bill, 10)
    street.arrive("out-1", CAR)
    street.open_by_hand("out-1")
    street.react()
    [stay] = street.closed()
    assert (stay.price_minor, street.case_kinds()) == (1000, ["left_unpaid"])
    street.pass_minutes(7)
    for _ in range(2):
        write(street.db, record_channel_payment, **paid)
        street.react()
    [stay] = street.closed()
    assert (stay.price_minor, stay.paid_minor) == (750, 750)
    assert open_bills(street, stay.id) == []
    assert street.case_kinds() == []
    [debt] = read(street.db, payments.debts_of, subject=stay.id)
    assert not debt.is_owed


def test_paid_in_advance_too_long_before_it_left_it_owes_the_rest(street: Street) -> None:
    street.arrive("in-1", CAR)
    street.pass_minutes(61)
    bill, _ = street.bill_in_advance(CAR)
    write(street.db, payments.take_cash, bill=bill.id, tendered=bill.left)
    street.pass_minutes(31)
    street.arrive("out-1", CAR)
    newer = street.bill_at("out-1")
    paid = told_late(street, newer, 1)
    street.open_by_hand("out-1")
    street.pass_minutes(31)
    write(street.db, record_channel_payment, **paid)
    street.react()
    [stay] = street.closed()
    assert (stay.price_minor, stay.paid_minor) == (1000, 1000)


def open_bills(street: Street, stay: Id) -> list[int]:
    bills = read(street.db, payments.bills_of, subject=stay)
    return [one.left.minor for one in bills if one.state is BillState.OPEN]


def test_money_told_twice_settles_and_opens_once(street: Street) -> None:
    street.arrive("in-1", CAR)
    street.pass_minutes(61)
    street.arrive("out-1", CAR)
    attempt = write(street.db, begin_attempt, bill=street.bill_at("out-1").id, channel="sandpay")
    paid: dict[str, Any] = {
        "channel": "sandpay",
        "number": attempt.number,
        "amount": attempt.amount,
        "transaction": "T1",
    }
    for _ in range(3):
        write(street.db, record_channel_payment, **paid)
        street.react()
    opened = [one for one in street.commands() if one.lane_id == street.ids["out-1"]]
    assert len(opened) == 1
    second = write(street.db, record_channel_payment, **(paid | {"transaction": "T2"}))
    assert second is not None
    assert second.receipt.surplus == attempt.amount
    street.react()
    assert street.case_kinds() == []  # it goes back by itself …
    street.refunds_get_stuck()
    assert street.case_kinds() == ["surplus"]  # … unless its channel does not take it


def test_grace_after_payment_then_only_the_difference(street: Street) -> None:
    street.arrive("in-1", CAR)
    street.pass_minutes(61)
    street.pay_in_advance(CAR)
    street.pass_minutes(14)
    assert street.arrive("out-1", CAR).reason == "exit.nothing_due"
    street.arrive("in-1", OTHER_CAR)
    street.pass_minutes(61)
    street.pay_in_advance(OTHER_CAR)
    street.pass_minutes(31)
    street.arrive("out-1", OTHER_CAR)
    assert street.bill_at("out-1").due.minor == 250


def test_the_lot_gives_minutes_to_leave_in_by_the_place_of_payment(street: Street) -> None:
    say = partial(write, street.db, set_setting, node=Node.of_lot(COMPANY, street.lot))
    given = {PayPlace.PREPAY: 40, PayPlace.CASH: 5}
    for place, plate in zip(PayPlace, (CAR, OTHER_CAR, THIRD_CAR), strict=True):
        for each, minutes in given.items():
            say(key=f"grace.{each}_minutes", value=minutes)
        street.arrive("in-1", plate)
        street.pass_minutes(58)
        bill = street.bill_in_advance(plate)[0]
        if place is PayPlace.CASH:
            paid = write(street.db, take_cash, bill=bill.id, tendered=bill.left)[0].receipt
        else:
            paid = street.pay_by_phone(bill, place=place)
        assert (paid.place, paid.grace_minutes) == (place, given.get(place))
        for each in given:
            say(key=f"grace.{each}_minutes", value=1)  # what was given is given
        street.pass_minutes(given.get(place, 15) - 1)
        assert street.arrive("out-1", plate).reason == "exit.nothing_due", place
    street.arrive("in-1", CAR)
    street.pass_minutes(58)
    write(street.db, take_cash, bill=street.bill_in_advance(CAR)[0].id, tendered=Money(500, "CNY"))
    street.pass_minutes(4)
    assert street.arrive("out-1", CAR).reason == "exit.unpaid"


def test_a_car_without_a_plate_comes_in_by_code_and_leaves_by_its_pass(street: Street) -> None:
    street.arrive("in-2", None)
    token, _ = street.enter_without_plate("in-2", "k7m2p9x4")
    assert street.cases() == []
    street.pass_minutes(61)
    street.arrive("out-2", None)
    with pytest.raises(NotFound, match=r"stay\.not_found"):
        street.leave_with_pass("out-2", "wrongpass")
    answer = street.leave_with_pass("out-2", token)
    assert (answer.action, answer.ask) == (Action.HOLD, Ask.PAY)
    assert street.bill_at("out-2").due.minor == 750
    with pytest.raises(Refused, match=r"lane\.nobody_waiting"):
        street.leave_with_pass("out-2", token)
    street.pay_cash("out-2")
    assert (street.inside(), street.closed()[0].paid_minor) == ([], 750)


def test_a_pass_renames_nobody_at_an_entry(street: Street) -> None:
    street.arrive("in-2", None)
    with pytest.raises(Refused, match=r"lane\.not_an_exit"):
        street.leave_with_pass("in-2", "k7m2p9x4")


def test_two_triggers_of_a_camera_with_a_wrong_clock_are_one_passage(street: Street) -> None:
    wrong = Instant(street.business.now() - 10 * MINUTE_US)
    first = street.arrive("in-2", CAR, captured_at=wrong)
    street.pass_minutes(2)  # the second one comes late, but the camera saw both at once
    second = street.arrive("in-2", CAR, captured_at=Instant(wrong + SECOND_US))
    assert (second.passage, len(street.inside())) == (first.passage, 1)


def test_two_stored_records_of_one_car_are_one_stay(street: Street) -> None:
    hours_ago = Instant(street.business.now() - 3 * HOUR_US)
    first = street.arrive("in-2", CAR, offline=True, captured_at=hours_ago)
    again = street.arrive("in-2", CAR, offline=True, captured_at=Instant(hours_ago + 2 * SECOND_US))
    assert again.passage == first.passage
    street.arrive("out-2", CAR, offline=True, captured_at=Instant(hours_ago + HOUR_US))
    street.arrive("out-2", CAR, offline=True, captured_at=Instant(hours_ago + HOUR_US + SECOND_US))
    assert (len(street.inside()), len(street.closed())) == (0, 1)
    assert street.case_kinds() == ["left_unpaid"]


def test_after_the_car_has_passed_a_retransmission_opens_nothing(street: Street) -> None:
    sent = street.recognition(CAR)
    assert street.arrive("in-2", CAR, sent=sent).opens
    write(street.db, facility.passed, lane=street.ids["in-2"], device=street.ids["cam-in-2"])
    assert not street.arrive("in-2", CAR, sent=sent).opens


def test_asking_the_price_elsewhere_does_not_leave_the_waiting_car_behind(street: Street) -> None:
    """A bill that takes another's place is the one its car waits for, whoever asked for it."""
    street.arrive("in-1", CAR)
    street.pass_minutes(89)
    street.arrive("out-1", CAR)
    first = street.bill_at("out-1")
    street.pass_minutes(16)  # the first bill stands no longer
    street.bill_in_advance(CAR)
    newer = street.bill_at("out-1")
    assert (newer.id != first.id, newer.due) == (True, first.due)  # time stopped when it came to the exit
    street.pay_cash("out-1")
    assert not street.standing("out-1").waiting
    assert (street.closed()[0].paid_minor, street.cases()) == (750, [])


def test_whoever_pays_what_is_shown_is_not_asked_again(street: Street) -> None:
    street.arrive("in-1", CAR)
    street.pass_minutes(90.8)
    bill, _ = street.bill_in_advance(CAR)
    street.pass_minutes(10)  # the price of now is higher; the bill stands 15 minutes
    write(street.db, take_cash, bill=bill.id, tendered=bill.left)
    street.react()
    street.pass_minutes(14)
    assert street.arrive("out-1", CAR).reason == "exit.nothing_due"
    assert street.closed()[0].price_minor == bill.due.minor


def test_one_payment_opens_one_gate(street: Street) -> None:
    street.arrive("in-1", CAR)
    street.pass_minutes(61)
    street.arrive("out-1", CAR)
    street.pass_minutes(1)
    street.arrive("out-2", CAR)
    assert not street.standing("out-1").waiting
    street.pay_cash("out-2")
    opened = [one.lane_id for one in street.commands() if one.lane_id in (street.ids["out-1"], street.ids["out-2"])]
    assert opened == [street.ids["out-2"]]


def test_a_stay_that_entered_again_keeps_its_money_and_its_debt(street: Street) -> None:
    street.arrive("in-1", CAR)
    street.pass_minutes(61)
    street.pay_in_advance(CAR)
    street.pass_minutes(60)
    street.arrive("out-1", CAR)
    assert street.bill_at("out-1").due.minor == 500
    street.pass_minutes(600)
    street.arrive("in-1", CAR)
    [ended] = street.closed()
    assert (ended.price_minor, ended.paid_minor) == (1250, 750)
    assert street.case_kinds() == ["entered_again", "left_unpaid"]


def test_money_beyond_the_price_is_told_of(street: Street) -> None:
    entered = street.business.now()
    street.arrive("in-2", CAR)
    street.pass_minutes(95)
    street.pay_in_advance(CAR)
    street.arrive("out-2", CAR, offline=True, captured_at=Instant(entered + 61 * MINUTE_US))
    [stay] = street.closed()
    assert (stay.price_minor, stay.paid_minor) == (750, 1000)
    [case] = street.cases()
    assert (case.kind.value, case.evidence["surplus_minor"]) == ("surplus", 250)


def test_a_paid_debt_is_written_on_its_stay(street: Street) -> None:
    street.arrive("in-1", CAR)
    street.pass_minutes(61)
    street.arrive("out-1", CAR)
    bill = street.bill_at("out-1")
    street.open_by_hand("out-1")
    write(street.db, take_cash, bill=bill.id, tendered=bill.left)
    street.react()
    assert street.closed()[0].paid_minor == 750
    assert street.cases() == []


def test_a_renewed_permit_does_not_charge_the_past(street: Street) -> None:
    street.permit(CAR, PermitKind.RESIDENT)
    street.arrive("in-1", CAR)
    street.pass_minutes(300)
    now = street.business.now()
    street.permit(CAR, PermitKind.RESIDENT, Period(Instant(now), Instant(now + DAY_US)))
    assert street.arrive("out-1", CAR).reason == "exit.resident"


def test_a_blink_of_the_camera_does_not_send_the_waiting_car_away(street: Street) -> None:
    street.arrive("in-1", CAR)
    street.pass_minutes(61)
    held = street.arrive("out-1", CAR)
    street.pass_minutes(0.5)
    assert street.arrive("out-1", None).passage == held.passage
    street.pay_cash("out-1")
    assert street.inside() == []


def test_a_second_press_of_the_button_opens_once(street: Street) -> None:
    street.arrive("in-1", CAR)
    street.pass_minutes(61)
    street.arrive("out-1", CAR)
    first = street.open_by_hand("out-1")
    assert street.open_by_hand("out-1").id == first.id
    street.pass_minutes(1)
    assert street.open_by_hand("out-1").id != first.id


def test_a_pass_is_shown_again_to_who_asked_for_it_and_to_nobody_else(street: Street) -> None:
    street.arrive("in-2", None)
    mine = street.enter_without_plate("in-2", "k7m2p9x4", claim="mine")
    assert street.enter_without_plate("in-2", "another", claim="mine") == mine
    for claim in ("yours", None):
        with pytest.raises(Refused, match=r"lane\.nobody_waiting"):
            street.enter_without_plate("in-2", "another", claim=claim)
    street.pass_minutes(0.25)
    street.arrive("in-2", None)  # the next car: my reload must not let it in
    assert street.enter_without_plate("in-2", "another", claim="mine") == mine
    yours = street.enter_without_plate("in-2", "p4s5w0rd", claim="yours")
    assert yours[0] == "p4s5w0rd"
    assert len(street.inside()) == 2
    street.pass_minutes(10)
    street.arrive("out-2", None)
    street.leave_with_pass("out-2", mine[0])
    street.pass_minutes(10)
    street.arrive("in-2", None)  # it comes again: the old pass is over
    assert street.enter_without_plate("in-2", "n3wp4ss0", claim="mine")[0] == "n3wp4ss0"


@pytest.mark.parametrize("gone", ["lane", "gate"])
def test_a_car_that_paid_at_a_lane_that_cannot_open_any_more_is_a_case_and_leaves_elsewhere(
    street: Street, gone: str
) -> None:
    """Nothing parks: a person is told, and at another exit the payment counts."""
    street.arrive("in-1", CAR)
    street.pass_minutes(61)
    leaving = street.arrive("out-1", CAR)
    file = lot_file("mall")
    devices = tuple(one for one in file.devices if one.lane != "out-1")
    lanes = tuple(one for one in file.lanes if gone == "gate" or one.code != "out-1")
    write(street.db, facility.apply_lot, company=COMPANY, lot=dataclasses.replace(file, devices=devices, lanes=lanes))
    street.pay_cash("out-1")
    [case] = street.cases()
    assert (case.kind.value, case.passage_id, case.stay_id) == ("paid_no_gate", leaving.passage, leaving.stay)
    assert case.evidence["reason"] == {"lane": "lane_retired", "gate": "no_gate"}[gone]
    assert [stay.id for stay in street.inside()] == [leaving.stay]
    write(street.db, stays.money_came, stay=leaving.stay, lot=street.lot)
    assert len(street.cases()) == 1
    street.pass_minutes(10)
    answer = street.arrive("out-2", CAR)
    assert (answer.action, answer.reason) == (Action.OPEN, "exit.nothing_due")
    assert (street.inside(), street.closed()[0].paid_minor) == ([], 750)
