"""A plate that comes in while its car is believed inside: its exit was missed, or a picture of it was held up."""

import pytest

from openberth.contexts import stays
from openberth.contexts.permits.model import PermitKind
from openberth.contexts.stays.model.entities import Action, Ask, Case, CaseKind, CloseReason
from openberth.contexts.stays.service import queries
from openberth.contexts.stays.service.cases import CaseAction
from openberth.kernel.errors import Malformed, Refused
from openberth.kernel.ids import Id
from openberth.kernel.plates import Plate
from openberth.kernel.time import MINUTE_US, Instant
from tests.service.acting import read, write
from tests.service.stays.hard_cases.scene import (
    SCENE,
    apply_rules,
    case_of,
    debts,
    grant,
    inside_count,
    settle,
    turn_back,
)
from tests.service.stays.street import CAR, OTHER_CAR, THIRD_CAR, Street

MISREAD = "粤B12346"


def entered_twice(street: Street, *, first: float = 300, then: float = 61) -> tuple[Id, Id]:
    """Have a car come in, and its plate once more at the other entry; returns both stays, the later one's last."""
    one = street.arrive("in-1", CAR, pictures=SCENE)
    street.pass_minutes(first)
    other = street.arrive("in-2", CAR, pictures=SCENE)
    street.pass_minutes(then)
    assert one.stay is not None
    assert other.stay is not None
    return one.stay, other.stay


def price_of(street: Street, minutes: float) -> int:
    """Return what a car owes that was inside for so long until now, told by another one's visit."""
    at = Instant(street.business.now() - round(minutes * MINUTE_US))
    street.arrive("in-1", THIRD_CAR, offline=True, captured_at=at)
    _, assessment = street.bill_in_advance(THIRD_CAR)
    return int(assessment.due.minor)


def test_a_picture_at_an_entry_does_not_begin_a_cheaper_clock(street: Street) -> None:
    """It was inside all the time: at the exit a person sees both entries, and it owes from the first one on."""
    first, later = entered_twice(street)
    whole = price_of(street, 361)
    leaving = street.arrive("out-1", CAR)
    assert (leaving.action, leaving.reason, leaving.ask) == (Action.HOLD, "exit.entered_again", Ask.NOTHING)
    assert leaving.bill is None
    [at_exit] = [each for each in street.cases() if each.passage_id == leaving.passage]
    assert (at_exit.kind, at_exit.stay_id, at_exit.evidence["earlier_stay"]) == (
        CaseKind.ENTERED_AGAIN, later, str(first)
    )  # fmt: skip
    assert (at_exit.evidence["from_earlier_minor"], at_exit.evidence["from_later_minor"]) == (whole, 750)
    shown = read(street.db, queries.case_detail, case=at_exit.id)
    assert [(each.stay, len(each.names)) for each in shown.candidates] == [(first, 1), (later, 1)]
    assert len(shown.passages) == 2
    settle(street, at_exit, CaseAction.MATCH_STAY, stay=first)
    assert (street.standing("out-1").ask, street.bill_at("out-1").left.minor) == (Ask.PAY, whole)
    assert street.cases() == []  # the one of the entry is answered, too
    street.pay_cash("out-1")
    closed = {each.id: each for each in street.closed()}
    assert (closed[later].continues_id, closed[later].price_minor, closed[later].paid_minor) == (first, whole, whole)
    assert debts(street) == []


@pytest.mark.parametrize("action", [CaseAction.MATCH_STAY, CaseAction.DISMISS])
@pytest.mark.parametrize("when", ["at the exit", "before"])
def test_whose_exit_was_missed_pays_from_the_later_entry(street: Street, action: CaseAction, when: str) -> None:
    """It had left behind another car, unread: nobody asks it for the days that it was away."""
    _, later = entered_twice(street, first=4_000)
    named = {"stay": later} if action is CaseAction.MATCH_STAY else {}
    if when == "before":
        settle(street, case_of(street, CaseKind.ENTERED_AGAIN), action, **named)
    leaving = street.arrive("out-1", CAR)
    if when == "at the exit":
        assert leaving.reason == "exit.entered_again"
        settle(street, street.cases()[0], action, **named)
    assert (street.bill_at("out-1").left.minor, street.cases()) == (750, [])
    street.pay_cash("out-1")
    assert (street.inside(), inside_count(street), debts(street)) == ([], 0, [])


def test_said_before_it_leaves_nobody_waits_for_a_person(street: Street) -> None:
    first, _ = entered_twice(street)
    settle(street, case_of(street, CaseKind.ENTERED_AGAIN), CaseAction.MATCH_STAY, stay=first)
    whole = price_of(street, 361)
    leaving = street.arrive("out-1", CAR)
    assert (leaving.reason, street.bill_at("out-1").left.minor) == ("exit.unpaid", whole)


def test_what_was_paid_in_between_counts_for_the_whole(street: Street) -> None:
    """It paid the cheaper price in its app and goes to the exit: the rest is asked for, not all of it."""
    first, _ = entered_twice(street)
    street.pay_in_advance(CAR)
    whole = price_of(street, 361)
    assert street.arrive("out-1", CAR).reason == "exit.entered_again"
    settle(street, street.cases()[0], CaseAction.MATCH_STAY, stay=first)
    assert street.bill_at("out-1").left.minor == whole - 750


def test_a_lot_that_asks_nobody_keeps_the_difference_to_be_decided(street: Street) -> None:
    """It leaves at the cheaper price; whoever looks at both pictures later makes the rest a debt, once."""
    apply_rules(street, entered_again_asks=False)
    first, later = entered_twice(street)
    whole = price_of(street, 361)
    assert street.arrive("out-1", CAR).reason == "exit.unpaid"
    street.pay_cash("out-1")
    case = case_of(street, CaseKind.ENTERED_AGAIN)
    with pytest.raises(Malformed, match=r"exception\.stay_missing"):
        settle(street, case, CaseAction.MATCH_STAY)
    with pytest.raises(Refused, match=r"exception\.action"):
        settle(street, case, CaseAction.MATCH_STAY, stay=Id(int=5))
    settle(street, case, CaseAction.MATCH_STAY, stay=first)
    [debt] = debts(street)
    closed = {each.id: each for each in street.closed()}
    assert (debt.amount.minor, debt.plate) == (whole - 750, closed[first].plate_id)
    assert (closed[first].price_minor, closed[later].price_minor) == (whole - 750, 750)
    assert (closed[later].continues_id, street.case_kinds()) == (first, ["left_unpaid"])


def test_opened_by_hand_it_may_still_be_said_later(street: Street) -> None:
    first, _ = entered_twice(street)
    whole = price_of(street, 361)
    street.arrive("out-1", CAR)
    street.open_by_hand("out-1", "the intercom is silent")
    assert [each.amount.minor for each in debts(street)] == [750]
    asking = [each for each in street.cases() if each.kind is CaseKind.ENTERED_AGAIN]
    assert len(asking) == 1  # that of the exit is over with the car
    settle(street, asking[0], CaseAction.MATCH_STAY, stay=first)
    assert sum(each.amount.minor for each in debts(street)) == whole


def test_who_stood_at_an_exit_last_had_left(street: Street) -> None:
    """What it was asked for there is a debt; it left behind another car, and is asked for nothing else."""
    street.arrive("in-1", CAR)
    street.pass_minutes(61)
    street.arrive("out-1", CAR)
    street.pass_minutes(4_000)
    street.arrive("in-1", CAR)
    street.pass_minutes(61)
    assert street.arrive("out-1", CAR).reason == "exit.unpaid"
    assert street.bill_at("out-1").own_left.minor == 750
    assert [each.amount.minor for each in debts(street)] == [750]


def test_after_a_reset_nobody_is_asked(street: Street) -> None:
    street.arrive("in-1", CAR)
    street.pass_minutes(300)
    write(street.db, stays.reset_passback, lot=street.lot, reason="barrier was up")
    street.pass_minutes(1)
    street.arrive("in-1", CAR)
    street.pass_minutes(61)
    assert street.arrive("out-1", CAR).reason == "exit.unpaid"


def test_where_it_makes_no_difference_nobody_waits(street: Street) -> None:
    grant(street, **{CAR: PermitKind.RESIDENT})
    entered_twice(street)
    assert street.arrive("out-1", CAR).reason == "exit.resident"


def test_nobody_drove_in_by_the_picture(street: Street) -> None:
    """The car before that entry backed out: the one that is inside goes on as if nothing had been."""
    first, _ = entered_twice(street, then=0.2)
    turn_back(street, "in-2", CAR)
    assert ([each.id for each in street.inside()], street.cases(), inside_count(street)) == ([first], [], 1)
    assert [each.closed_reason for each in street.closed()] == [CloseReason.TURNED_BACK]
    street.pass_minutes(60)
    whole = price_of(street, 360.2)
    street.arrive("out-1", CAR)
    assert street.bill_at("out-1").left.minor == whole


def test_its_exit_was_stored_and_is_told_of_later(street: Street) -> None:
    """The record of the exit answers the question: the car had left."""
    entered = street.business.now()
    entered_twice(street)
    street.arrive("out-2", CAR, offline=True, captured_at=Instant(entered + 61 * MINUTE_US))
    assert CaseKind.ENTERED_AGAIN.value not in street.case_kinds()
    assert street.arrive("out-1", CAR).reason == "exit.unpaid"
    assert street.bill_at("out-1").own_left.minor == 750


def test_its_exit_was_stored_and_is_told_of_when_a_third_entry_has_ended_the_second(street: Street) -> None:
    """What that says of the first two is not asked any more; of the last two nothing is known."""
    entered = street.business.now()
    _, second = entered_twice(street)
    third = street.arrive("in-1", CAR).stay
    assert sorted(each.stay_id == second for each in street.cases()) == [False, True]
    street.arrive("out-2", CAR, offline=True, captured_at=Instant(entered + 61 * MINUTE_US))
    asked = [each.stay_id for each in street.cases() if each.kind is CaseKind.ENTERED_AGAIN]
    assert asked == [third]


def test_three_entries_of_one_car_are_one_visit(street: Street) -> None:
    first, later = entered_twice(street)
    settle(street, case_of(street, CaseKind.ENTERED_AGAIN), CaseAction.MATCH_STAY, stay=first)
    street.arrive("in-1", CAR)
    street.pass_minutes(61)
    whole = price_of(street, 300 + 61 + 61)
    assert street.arrive("out-1", CAR).reason == "exit.entered_again"
    settle(street, street.cases()[0], CaseAction.MATCH_STAY, stay=later)
    assert street.bill_at("out-1").left.minor == whole


def test_said_of_the_first_entry_when_the_third_has_ended_it(street: Street) -> None:
    first, later = entered_twice(street)
    case = case_of(street, CaseKind.ENTERED_AGAIN)
    street.arrive("in-1", CAR)
    street.pass_minutes(61)
    whole = price_of(street, 300 + 61 + 61)
    settle(street, case, CaseAction.MATCH_STAY, stay=first)
    street.arrive("out-1", CAR)
    settle(street, street.cases()[0], CaseAction.MATCH_STAY, stay=later)
    assert street.bill_at("out-1").left.minor == whole


def pictured_twice(street: Street) -> tuple[Id, Id, Id]:
    """Have a car come in, and its plate twice more so soon that the last two cost the same; returns all stays."""
    first, second = entered_twice(street, then=15)
    third = street.arrive("in-1", CAR).stay
    street.pass_minutes(61)
    assert third is not None
    return first, second, third


def of_exit(street: Street) -> Case:
    return next(each for each in street.cases() if each.passage_id == street.standing("out-1").passage_id)


def test_a_second_picture_does_not_hide_the_first(street: Street) -> None:
    """Between the two later entries there is no money, so nobody would be asked: from the first one on there is."""
    first, second, third = pictured_twice(street)
    whole = price_of(street, 300 + 15 + 61)
    assert street.arrive("out-1", CAR).reason == "exit.entered_again"
    asked = of_exit(street)
    assert (asked.stay_id, asked.evidence["earlier_stay"]) == (third, str(second))
    assert (asked.evidence["from_earlier_minor"], asked.evidence["from_later_minor"]) == (whole, 750)
    street.pass_minutes(1)
    settle(street, asked, CaseAction.MATCH_STAY, stay=second)
    then = of_exit(street)
    assert (then.stay_id, then.evidence["earlier_stay"]) == (second, str(first))
    shown = read(street.db, queries.case_detail, case=then.id)
    assert [each.stay for each in shown.candidates] == [first, second]
    settle(street, then, CaseAction.MATCH_STAY, stay=first)
    assert (street.standing("out-1").ask, street.bill_at("out-1").left.minor) == (Ask.PAY, whole)
    assert street.cases() == []
    street.pay_cash("out-1")
    assert (street.standing("out-1").waiting, debts(street)) == (False, [])


@pytest.mark.parametrize("asked_at", ["exit", "entry"])
def test_of_two_pictures_the_first_was_none(street: Street, asked_at: str) -> None:
    """It had left before the second entry, and was pictured at the third: it owes from the second one on."""
    first, second, _ = pictured_twice(street)
    of_entry = next(each for each in street.cases() if each.stay_id == second)
    street.arrive("out-1", CAR)
    street.pass_minutes(1)
    settle(street, of_exit(street), CaseAction.MATCH_STAY, stay=second)
    assert street.standing("out-1").ask is Ask.NOTHING
    settle(street, of_exit(street) if asked_at == "exit" else of_entry, CaseAction.DISMISS)
    assert (street.standing("out-1").ask, street.bill_at("out-1").left.minor) == (Ask.PAY, 750)
    assert street.cases() == []
    street.pay_cash("out-1")
    closed = {each.id: each for each in street.closed()}
    assert (closed[second].continues_id, closed[first].price_minor) == (None, 0)


def test_of_two_pictures_both_were_none(street: Street) -> None:
    pictured_twice(street)
    street.arrive("out-1", CAR)
    settle(street, of_exit(street), CaseAction.DISMISS)
    assert (street.standing("out-1").ask, street.bill_at("out-1").left.minor) == (Ask.PAY, 750)


@pytest.mark.parametrize("order", [(0, 1), (1, 0)])
def test_two_pictures_are_told_of_after_it_left_in_any_order(street: Street, order: tuple[int, int]) -> None:
    apply_rules(street, entered_again_asks=False)
    first, second, third = pictured_twice(street)
    whole = price_of(street, 300 + 15 + 61)
    street.arrive("out-1", CAR)
    street.pay_cash("out-1")
    said = [(second, first), (third, second)]
    for later, earlier in (said[each] for each in order):
        case = next(each for each in street.cases() if each.stay_id == later)
        settle(street, case, CaseAction.MATCH_STAY, stay=earlier)
    assert sum(each.amount.minor for each in debts(street)) == whole - 750
    assert sum(each.price_minor for each in street.closed()) == whole
    assert street.case_kinds() == ["left_unpaid"]


@pytest.mark.parametrize("how", ["unread", "cloned"])
def test_a_person_at_the_entry_does_not_say_that_it_had_left(street: Street, how: str) -> None:
    """They type a plate that cannot be read, or open for one that is inside: it is asked about as any other."""
    first = street.arrive("in-1", CAR).stay
    street.pass_minutes(3 if how == "cloned" else 300)
    street.arrive("in-2", None if how == "unread" else CAR)
    if how == "unread":
        settle(street, case_of(street, CaseKind.PLATE_UNREAD), CaseAction.CORRECT_PLATE, plate=CAR)
    else:
        settle(street, case_of(street, CaseKind.CLONED_PLATE), CaseAction.OPEN)
    [inside] = street.inside()
    asked = case_of(street, CaseKind.ENTERED_AGAIN)
    assert (inside.again_of, asked.stay_id, asked.evidence["earlier_stay"]) == (first, inside.id, str(first))
    street.pass_minutes(28)
    assert street.arrive("out-1", CAR).reason == "exit.entered_again"


def test_a_person_at_the_entry_is_asked_nothing_where_nobody_is(street: Street) -> None:
    apply_rules(street, anti_passback={"casual": "off"})
    street.arrive("in-1", CAR)
    street.pass_minutes(300)
    street.arrive("in-2", None)
    settle(street, case_of(street, CaseKind.PLATE_UNREAD), CaseAction.CORRECT_PLATE, plate=CAR)
    street.pass_minutes(61)
    assert (street.case_kinds(), street.arrive("out-1", CAR).reason) == ([], "exit.unpaid")


def test_misread_at_the_exit_it_is_asked_all_the_same(street: Street) -> None:
    first, _ = entered_twice(street)
    whole = price_of(street, 361)
    street.arrive("out-1", MISREAD)
    settle(street, case_of(street, CaseKind.EXIT_WITHOUT_ENTRY), CaseAction.CORRECT_PLATE, plate=CAR)
    assert (street.standing("out-1").waiting, street.standing("out-1").ask) == (True, Ask.NOTHING)
    assert street.standing("out-1").bill_id is None
    settle(street, street.cases()[0], CaseAction.MATCH_STAY, stay=first)
    assert street.bill_at("out-1").left.minor == whole


def test_a_car_that_drives_away_from_the_exit_is_asked_at_the_next(street: Street) -> None:
    """Nobody waits at the first exit any more, so nothing is asked there; the question of the entry stands."""
    first, _ = entered_twice(street)
    street.arrive("out-1", CAR)
    street.pass_minutes(1)
    second = street.arrive("out-2", CAR)
    assert (second.reason, street.standing("out-1").waiting) == ("exit.entered_again", False)
    assert sorted(each.passage_id == second.passage for each in street.cases()) == [False, True]
    settle(
        street,
        next(each for each in street.cases() if each.passage_id == second.passage),
        CaseAction.MATCH_STAY,
        stay=first,
    )
    assert street.standing("out-2").ask is Ask.PAY


@pytest.mark.parametrize("said", [False, True])
def test_a_stay_that_goes_on_after_a_soft_end_is_what_it_was(street: Street, said: bool) -> None:
    first, later = entered_twice(street)
    if said:
        settle(street, case_of(street, CaseKind.ENTERED_AGAIN), CaseAction.MATCH_STAY, stay=first)
    write(street.db, stays.soft_close, stay=later, reason="walked the lot")
    whole = price_of(street, 361)
    leaving = street.arrive("out-1", CAR)
    assert leaving.reason == ("exit.unpaid" if said else "exit.entered_again")
    assert not said or street.bill_at("out-1").left.minor == whole


def test_a_stay_that_goes_on_after_a_soft_end_is_not_asked_about_what_was_known(street: Street) -> None:
    """It stood at an exit before it came in again, so it had left."""
    street.arrive("in-1", CAR)
    street.pass_minutes(61)
    street.arrive("out-1", CAR)
    street.pass_minutes(4_000)
    later = street.arrive("in-1", CAR).stay
    write(street.db, stays.soft_close, stay=later, reason="walked the lot")
    street.pass_minutes(61)
    assert street.arrive("out-1", CAR).reason == "exit.unpaid"
    assert street.bill_at("out-1").own_left.minor == 750


def test_a_stay_that_is_corrected_is_no_longer_asked_about(street: Street) -> None:
    """The later entry was another car's, misread: its plate is put right, and the first car goes on by hand."""
    first, later = entered_twice(street)
    case = case_of(street, CaseKind.ENTERED_AGAIN)
    write(street.db, stays.correct_plate, stay=later, plate=Plate.read(OTHER_CAR), reason="looked")
    with pytest.raises(Refused, match=r"exception\.action"):
        settle(street, case, CaseAction.MATCH_STAY, stay=first)
    write(street.db, stays.reopen, stay=first, reason="it is here")
    assert len(street.inside()) == 2
    assert street.arrive("out-1", OTHER_CAR).reason == "exit.unpaid"
