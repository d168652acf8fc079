"""Cars that back out of a lane: what was decided is not undone in the books, it is answered by what happened then."""

from functools import partial

from openberth.contexts import facility
from openberth.contexts.stays.model.entities import Action, CaseKind, CloseReason
from openberth.contexts.stays.service.loops import loop_occupied
from openberth.kernel.time import MINUTE_US, SECOND_US, Instant
from tests.service.acting import bills_in, events, write
from tests.service.stays.hard_cases.scene import (
    SCENE,
    case_of,
    debts,
    drive_on,
    inside_count,
    loop_tells,
    turn_back,
)
from tests.service.stays.street import CAR, OTHER_CAR, THIRD_CAR, Street


def test_turn_back_at_the_entry(street: Street) -> None:
    entry = street.arrive("in-1", CAR)
    street.pass_minutes(0.3)
    note = turn_back(street, "in-1", CAR)
    [stay] = street.closed()
    assert (stay.id, stay.closed_reason, stay.price_minor) == (entry.stay, CloseReason.TURNED_BACK, 0)
    assert (street.inside(), street.cases(), inside_count(street)) == ([], [], 0)
    assert street.passage(entry.passage).action is Action.OPEN  # the entry is kept, and so is what undid it
    assert street.passage(note.passage).stay_id == stay.id


def test_turn_back_at_the_paid_exit(street: Street) -> None:
    """It paid, the gate opened, and it backed in again: paid stays paid, the stay is open, nothing is charged twice."""
    entry = street.arrive("in-1", CAR)
    street.pass_minutes(61)
    street.arrive("out-1", CAR)
    street.pay_cash("out-1")
    assert street.inside() == []
    street.pass_minutes(0.5)
    turn_back(street, "out-1", CAR)
    [stay] = street.inside()
    assert (stay.id, street.closed(), inside_count(street)) == (entry.stay, [], 1)
    [told] = events(street.db, "stays.stay_reopened")
    assert (told.body["was"], told.body["reason"]) == ("left", "turned_back")
    # Within its minutes to leave in it goes without paying again …
    street.pass_minutes(10)
    assert street.arrive("out-2", CAR).reason == "exit.nothing_due"
    [closed] = street.closed()
    assert (closed.price_minor, closed.paid_minor) == (750, 750)
    assert [each.paid.minor for each in bills_in(street.db, street.lot) if each.paid] == [750]


def test_turn_back_at_the_paid_exit_and_staying_on(street: Street) -> None:
    """… and later it pays the difference only."""
    street.arrive("in-1", CAR)
    street.pass_minutes(61)
    street.arrive("out-1", CAR)
    street.pay_cash("out-1")
    turn_back(street, "out-1", CAR)
    street.pass_minutes(60)
    street.arrive("out-1", CAR)
    assert street.bill_at("out-1").left.minor == 500
    street.pay_cash("out-1")
    [closed] = street.closed()
    assert (closed.price_minor, closed.paid_minor, closed.left_at - closed.entered_at) == (1250, 1250, 121 * MINUTE_US)
    assert debts(street) == []


def test_a_car_that_paid_and_still_stands_there_is_not_kept(street: Street) -> None:
    """The boom came down before it had moved, as the loop tells: it is let out again, and nothing is asked."""
    street.arrive("in-1", CAR)
    street.pass_minutes(61)
    loop_tells(street, "out-1")
    street.arrive("out-1", CAR)
    street.pay_cash("out-1")
    street.pass_minutes(1)
    again = street.arrive("out-1", CAR)
    assert (again.action, again.reason, street.cases()) == (Action.OPEN, "exit.again", [])
    assert (len(street.closed()), inside_count(street)) == (1, 0)
    drive_on(street, "out-1")
    street.pass_minutes(1)
    assert street.arrive("out-1", CAR).action is Action.HOLD  # it has driven on: this one is a car that never came in


def test_a_picture_of_a_plate_that_has_paid_opens_nothing_where_no_loop_tells(street: Street) -> None:
    """The car has gone; its plate is held up to the camera again and again: once within a minute at most, and a person
    sees both pictures.
    """
    street.arrive("in-1", CAR)
    street.pass_minutes(61)
    left = street.arrive("out-1", CAR, pictures=SCENE)
    street.pass_minutes(4)  # who pays slowly is let out again, too: it is the opening that counts
    street.pay_cash("out-1")
    opened = len(street.commands())
    street.pass_minutes(0.7)
    again = street.arrive("out-1", CAR)
    assert (again.action, again.reason, len(street.commands())) == (Action.OPEN, "exit.again", opened + 1)
    case = case_of(street, CaseKind.EXIT_WITHOUT_ENTRY)
    assert (case.passage_id, case.evidence["reason"]) == (again.passage, "exit.again")
    assert (case.evidence["left_stay"], case.evidence["passages"]) == (str(left.stay), [str(left.passage)])
    street.pass_minutes(0.3)
    third = street.arrive("out-1", CAR)
    assert (third.action, third.reason, len(street.commands())) == (Action.HOLD, "exit.left_already", opened + 1)
    street.open_by_hand("out-1", "it is really here")
    street.pass_minutes(0.3)
    assert street.arrive("out-1", CAR).action is Action.HOLD  # what a person opened is no first time
    assert (len(street.closed()), inside_count(street), debts(street)) == (1, 0, [])


def test_a_picture_of_a_plate_that_has_paid_opens_nothing_after_a_minute(street: Street) -> None:
    street.arrive("in-1", CAR)
    street.pass_minutes(61)
    street.arrive("out-1", CAR)
    street.pay_cash("out-1")
    street.pass_minutes(1.1)
    assert street.arrive("out-1", CAR).reason == "exit.left_already"
    assert street.case_kinds() == ["exit_without_entry"]


def test_a_loop_that_has_been_silent_for_long_shows_nobody(street: Street) -> None:
    loop_tells(street, "out-1")
    street.arrive("in-1", CAR)
    street.pass_minutes(61)
    street.arrive("out-1", CAR)
    street.pay_cash("out-1")
    street.pass_minutes(2)
    assert street.arrive("out-1", CAR).reason == "exit.left_already"


def test_a_car_whose_gate_did_not_move_is_let_out_again(street: Street) -> None:
    """The gate was never reached: nothing was opened that could be used twice."""
    street.arrive("in-1", CAR)
    street.pass_minutes(61)
    street.arrive("out-1", CAR)
    street.pay_cash("out-1")
    street.pass_minutes(2)
    write(street.db, facility.end_expired)
    again = street.arrive("out-1", CAR)
    assert (again.reason, CaseKind.EXIT_WITHOUT_ENTRY.value in street.case_kinds()) == ("exit.again", False)


def test_a_car_that_was_let_out_twice_drives_on_once(street: Street) -> None:
    """Told of again within the life of its command it is one car on the loop: nobody is let out after it."""
    street.arrive("in-1", CAR)
    street.pass_minutes(61)
    loop_tells(street, "out-1")
    street.arrive("out-1", CAR)
    street.pay_cash("out-1")
    street.pass_minutes(0.3)
    assert street.arrive("out-1", CAR).reason == "exit.again"
    drive_on(street, "out-1")
    street.pass_minutes(0.3)
    assert street.arrive("out-1", CAR).action is Action.HOLD


def test_who_drove_on_at_the_exit_has_not_turned_back(street: Street) -> None:
    street.arrive("in-1", CAR)
    street.pass_minutes(5)
    street.arrive("out-1", CAR)
    drive_on(street, "out-1")
    turn_back(street, "out-1", CAR)
    assert (street.inside(), len(street.closed())) == ([], 1)


def test_the_loop_counts_for_the_car_in_front_first(street: Street) -> None:
    """Two cars are let through one after the other, the loop has reported one: the one behind has not driven on."""
    street.arrive("in-1", OTHER_CAR)
    street.pass_minutes(1)
    drive_on(street, "in-1")
    street.pass_minutes(1)
    street.arrive("in-1", THIRD_CAR)
    street.pass_minutes(2 / 60)
    entry = street.arrive("in-1", CAR)
    street.pass_minutes(1 / 60)
    drive_on(street, "in-1")  # the third car
    street.pass_minutes(5 / 60)
    turn_back(street, "in-1", CAR)
    assert [(each.id, each.closed_reason) for each in street.closed()] == [(entry.stay, CloseReason.TURNED_BACK)]
    assert inside_count(street) == 2


def test_the_loop_counts_for_the_car_in_front_first_at_the_exit(street: Street) -> None:
    for plate in (CAR, OTHER_CAR):
        street.arrive("in-1", plate)
    street.pass_minutes(60)
    street.arrive("out-1", OTHER_CAR)
    street.pay_cash("out-1")
    street.pass_minutes(2 / 60)
    street.arrive("out-1", CAR)
    street.pay_cash("out-1")
    street.pass_minutes(1 / 60)
    drive_on(street, "out-1")  # the other car
    street.pass_minutes(5 / 60)
    turn_back(street, "out-1", CAR)
    assert len(street.inside()) == 1
    street.pass_minutes(5)
    assert street.arrive("out-1", CAR).reason == "exit.nothing_due"
    drive_on(street, "out-1")
    turn_back(street, "out-1", CAR)
    assert (street.inside(), street.standing("out-1").has_driven_on) == ([], True)


def test_turn_back_at_the_paid_exit_after_it_was_read_once_more(street: Street) -> None:
    """It paid, was seen again and let out again, and backed in then: its stay goes on all the same."""
    entry = street.arrive("in-1", CAR)
    street.pass_minutes(61)
    street.arrive("out-1", CAR)
    street.pay_cash("out-1")
    street.pass_minutes(0.8)
    assert street.arrive("out-1", CAR).reason == "exit.again"
    street.pass_minutes(0.5)
    turn_back(street, "out-1", CAR)
    assert [each.id for each in street.inside()] == [entry.stay]
    street.pass_minutes(5)
    assert street.arrive("out-2", CAR).reason == "exit.nothing_due"


def test_the_loop_in_front_flickers_under_the_car_that_paid(street: Street) -> None:
    """The car that was let through still stands on the loop before the gate: no other, and it may turn back yet."""
    for plate in (CAR, OTHER_CAR):
        street.arrive("in-1", plate)
    street.pass_minutes(60)
    street.arrive("out-1", OTHER_CAR)
    street.pay_cash("out-1")
    drive_on(street, "out-1")
    street.pass_minutes(1)
    street.arrive("out-1", CAR)
    street.pay_cash("out-1")
    street.pass_minutes(20 / 60)
    loop = partial(write, street.db, loop_occupied, lot=street.lot, lane=street.ids["out-1"])
    occupied = partial(loop, device=street.ids["cam-out-1"])
    moment = Instant(street.machine.now() - 2 * SECOND_US)
    assert occupied(passage=street.db._ids.new_id(), since=moment) is None  # type: ignore[attr-defined]
    turn_back(street, "out-1", CAR)
    assert len(street.inside()) == 1
    street.arrive("out-1", CAR)
    # Unreported for long it is gone, and the loop missed it: whoever stands there is another car.
    street.pass_minutes(6)
    moment = Instant(street.machine.now() - 8 * SECOND_US)
    told = occupied(passage=street.db._ids.new_id(), since=moment)  # type: ignore[attr-defined]
    assert told is not None
    assert told.reason == "exit.plate_unread"
