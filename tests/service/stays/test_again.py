"""The same car told of more than once: by another trigger, after an outage, read otherwise, or turning back."""

from functools import partial

import pytest

from openberth.contexts import facility, stays
from openberth.contexts.stays.model.entities import Action, CloseReason, PassageState
from openberth.contexts.stays.recognition import Trigger
from openberth.contexts.stays.service.cases import CaseAction, resolve
from openberth.kernel.errors import NotFound, Refused
from openberth.kernel.plates import Plate
from openberth.kernel.time import MINUTE_US, SECOND_US, Instant
from tests.service.acting import write
from tests.service.stays.street import CAR, OTHER_CAR, Street

MISREAD = "粤B1234S"  # CAR with one character that cameras take for another
PASS = "k7m2p9x4"


def drive_on(street: Street, lane: str) -> None:
    """Let the loop behind the gate report a car."""
    device = street.ids[f"cam-{lane}"]
    write(street.db, partial(stays.car_passed, lot=street.lot, lane=street.ids[lane], device=device))


def turn_back(
    street: Street, lane: str, plate: str | None, *, at: Instant | None = None, offline: bool = False
) -> None:
    street.arrive(lane, plate, trigger=Trigger.TURNED_BACK, captured_at=at or street.business.now(), offline=offline)


# stored records of cars that were not read


def test_an_unread_car_whose_records_were_stored_is_counted_in_once(street: Street) -> None:
    """The server was away: both triggers went into the camera's store; then the driver scans the code."""
    stamp = street.business.now()
    street.pass_minutes(3)
    for later_us in (0, SECOND_US):
        street.arrive("in-1", None, offline=True, captured_at=Instant(stamp + later_us))
    assert (street.inside(), street.case_kinds()) == ([], ["plate_unread", "plate_unread"])
    street.arrive("in-1", None)
    street.enter_without_plate("in-1", PASS)
    assert len(street.inside()) == 1
    assert sum(one.count for one in street.counts().values()) == 1


def test_a_stored_record_of_the_unread_car_that_stands_there_is_no_other_car(street: Street) -> None:
    stamp = street.business.now()
    held = street.arrive("in-1", None)
    assert street.arrive("in-1", None, offline=True, captured_at=stamp).passage == held.passage
    street.enter_without_plate("in-1", PASS)
    assert street.arrive("in-1", None, offline=True, captured_at=stamp).passage == held.passage
    assert (len(street.inside()), street.cases()) == (1, [])


def test_an_unread_car_that_its_camera_let_in_is_inside(street: Street) -> None:
    street.arrive("in-2", None, offline=True, opened_by_camera=True)
    assert (len(street.inside()), street.case_kinds()) == (1, ["plate_unread"])


def test_a_person_reads_the_plate_of_a_stored_record_and_its_stay_begins_then(street: Street) -> None:
    entered = street.business.now()
    street.pass_minutes(40)
    stored = street.arrive("in-2", None, offline=True, captured_at=entered)
    [case] = street.cases()
    with pytest.raises(Refused, match=r"lane\.nobody_waiting"):
        write(street.db, resolve, case=case.id, action=CaseAction.OPEN, reason="seen")
    write(street.db, resolve, case=case.id, action=CaseAction.CORRECT_PLATE, reason="photo", plate=Plate.read(CAR))
    [stay] = street.inside()
    assert (stay.entered_at, stay.entry_passage_id, street.cases()) == (entered, stored.passage, [])
    assert street.passage(stored.passage).stay_id == stay.id
    street.pass_minutes(1)
    street.arrive("out-2", CAR)
    assert street.bill_at("out-2").due.minor > 0


def test_a_corrected_stored_record_of_a_car_that_came_in_after_all_adds_nothing(street: Street) -> None:
    stamp = street.business.now()
    street.pass_minutes(2)
    street.arrive("in-2", None, offline=True, captured_at=stamp)
    [case] = street.cases()
    street.arrive("in-2", CAR)
    write(street.db, resolve, case=case.id, action=CaseAction.CORRECT_PLATE, reason="photo", plate=Plate.read(CAR))
    assert (len(street.inside()), street.closed()) == (1, [])


# another trigger that reads nothing or something else


def test_a_second_trigger_that_reads_nothing_is_the_car_that_was_let_in(street: Street) -> None:
    stamp = street.business.now()
    first = street.arrive("in-1", None)
    street.enter_without_plate("in-1", PASS)
    again = street.arrive("in-1", None, captured_at=Instant(stamp + SECOND_US))
    assert (again.passage, again.opens, street.standing("in-1").waiting) == (first.passage, False, False)
    street.arrive("in-2", CAR)
    street.arrive("in-2", None)
    assert (len(street.inside()), street.cases()) == (2, [])


def test_a_stored_record_that_reads_the_waiting_car_is_not_a_second_car(street: Street) -> None:
    """Its first trigger went into the store, the second one read nothing and was asked to wait."""
    stamp = street.business.now()
    street.arrive("in-1", None, captured_at=Instant(stamp + SECOND_US))
    street.arrive("in-1", CAR, offline=True, captured_at=stamp)
    assert (street.standing("in-1").waiting, street.cases()) == (False, [])
    street.open_by_hand("in-1")
    assert len(street.inside()) == 1


def test_an_unread_car_right_behind_one_that_drove_on_is_another_one(street: Street) -> None:
    street.arrive("in-2", CAR)
    drive_on(street, "in-2")
    second = street.arrive("in-2", None)
    assert (second.action, second.repeated) == (Action.HOLD, False)
    assert street.case_kinds() == ["plate_unread"]


def test_a_second_trigger_that_reads_otherwise_is_kept_as_evidence(street: Street) -> None:
    first = street.arrive("in-2", CAR)
    other = street.arrive("in-2", MISREAD, confidence=99)
    assert (other.action, other.reason, other.opens) == (Action.RECORD, "lane.read_otherwise", False)
    [stay] = street.inside()
    assert stay.id == first.stay
    assert street.standing("in-2").passage_id == first.passage
    [case] = street.cases()
    assert (case.kind.value, case.passage_id, case.stay_id) == ("read_otherwise", other.passage, stay.id)
    assert street.passage(other.passage).plate_id not in (None, stay.plate_id)
    # The same reading from the camera's store says nothing new.
    assert street.arrive("in-2", MISREAD, offline=True).passage == other.passage
    assert len(street.inside()) == 1


def test_a_similar_plate_is_another_car_once_the_first_has_driven_on(street: Street) -> None:
    street.arrive("in-2", CAR)
    drive_on(street, "in-2")
    assert street.arrive("in-2", MISREAD).action is Action.OPEN
    assert (len(street.inside()), street.cases()) == (2, [])


@pytest.mark.parametrize(("plate", "minutes"), [(OTHER_CAR, 0), (MISREAD, 1)])
def test_another_plate_or_another_moment_is_another_car(street: Street, plate: str, minutes: int) -> None:
    street.arrive("in-2", CAR)
    street.pass_minutes(minutes)
    street.arrive("in-2", plate)
    assert len(street.inside()) == 2


def test_at_an_exit_the_reading_that_names_a_car_inside_wins(street: Street) -> None:
    street.arrive("in-1", CAR)
    street.pass_minutes(61)
    assert street.arrive("out-1", MISREAD).reason == "exit.without_entry"
    right = street.arrive("out-1", CAR)  # decided anew: the first reading belonged to nobody
    assert right.reason == "exit.unpaid"
    assert street.arrive("out-1", MISREAD).reason == "lane.read_otherwise"  # and does not send it away again
    assert street.standing("out-1").passage_id == right.passage
    street.pay_cash("out-1")
    assert street.inside() == []


def test_a_car_that_was_let_in_and_still_stands_there_comes_in_once(street: Street) -> None:
    """The server died between deciding and answering; the driver waited and pressed the button much later."""
    street.arrive("in-2", OTHER_CAR)
    drive_on(street, "in-2")
    street.pass_minutes(1)
    first = street.arrive("in-2", CAR)
    street.pass_minutes(40)
    again = street.arrive("in-2", CAR)
    assert (again.action, again.reason, again.stay) == (Action.OPEN, "entry.again", first.stay)
    assert (len(street.inside()), street.closed(), street.cases()) == (2, [], [])
    street.pass_minutes(1)
    drive_on(street, "in-2")
    street.pass_minutes(40)
    assert street.arrive("in-2", CAR).reason == "entry.casual"  # in it went: its exit was not seen
    assert street.case_kinds() == ["entered_again"]


def test_a_plate_of_a_car_that_drove_in_opens_for_nobody_else(street: Street) -> None:
    """Its picture is held up right after it, by whoever comes next: the loop has told that it went in."""
    street.arrive("in-2", CAR)
    drive_on(street, "in-2")
    street.pass_minutes(0.5)
    again = street.arrive("in-2", CAR)
    assert (again.action, again.reason) == (Action.HOLD, "entry.cloned")
    assert (len(street.inside()), street.case_kinds()) == (1, ["cloned_plate"])


@pytest.mark.parametrize("gate", ["never reached", "cut off by a restart", "unknown"])
def test_a_car_whose_gate_is_not_known_to_have_opened_comes_in_once(street: Street, gate: str) -> None:
    """No loop has told anything at this lane yet; in the unknown case it may as well have come a second time."""
    lane = "in-1" if gate == "never reached" else "in-2"
    first = street.arrive(lane, CAR)
    if gate == "cut off by a restart":
        write(street.db, facility.after_restart)
    else:
        street.machine.advance(31 * SECOND_US)
        write(street.db, facility.end_expired)
    street.pass_minutes(40)
    again = street.arrive(lane, CAR)
    assert again.reason == ("entry.casual" if gate == "unknown" else "entry.again")
    assert (again.stay == first.stay, len(street.inside())) == (gate != "unknown", 1)


def test_after_a_restart_another_trigger_opens_for_nobody(street: Street) -> None:
    """The first trigger's answer opened; the second one waited in the camera while the server was away."""
    stamp = street.business.now()
    sent = street.recognition(CAR)
    assert street.arrive("in-2", CAR, sent=sent).opens
    assert street.arrive("in-2", CAR, captured_at=Instant(stamp + SECOND_US)).opens
    write(street.db, facility.after_restart)
    assert not street.arrive("in-2", CAR, captured_at=Instant(stamp + 2 * SECOND_US)).opens
    assert street.arrive("in-2", CAR, sent=sent).opens  # the same record: its answer may not have arrived


# turning back


def test_a_car_that_turns_back_was_never_inside(street: Street) -> None:
    """Its driver gave up while the server was away; the record came later and the gate opened for nobody."""
    entry = street.arrive("in-1", CAR)
    street.pass_minutes(0.2)
    turn_back(street, "in-1", CAR)
    [stay] = street.closed()
    assert (stay.id, stay.closed_reason, stay.price_minor) == (entry.stay, CloseReason.TURNED_BACK, 0)
    assert (street.inside(), street.cases()) == ([], [])
    assert sum(one.count for one in street.counts().values()) == 0
    assert street.arrive("in-1", CAR).action is Action.OPEN  # it may come again


def test_a_car_that_came_by_code_and_turns_back_was_never_inside(street: Street) -> None:
    street.arrive("in-1", None)
    street.enter_without_plate("in-1", PASS)  # and the answer never reached the phone
    street.pass_minutes(0.2)
    turn_back(street, "in-1", None)
    assert (street.inside(), len(street.closed())) == ([], 1)


def test_nobody_turns_back_who_has_driven_on_or_is_known_elsewhere(street: Street) -> None:
    street.arrive("in-1", CAR)
    drive_on(street, "in-1")
    turn_back(street, "in-1", CAR)
    turn_back(street, "in-1", None)
    assert len(street.inside()) == 1
    street.arrive("in-2", OTHER_CAR)
    turn_back(street, "in-1", OTHER_CAR)  # not where it came in
    turn_back(street, "in-2", None)  # a car that was read is not the one that was not
    street.pass_minutes(61)
    street.arrive("out-2", OTHER_CAR)
    turn_back(street, "in-2", OTHER_CAR)
    assert len(street.inside()) == 2


def test_after_another_car_at_the_lane_nobody_turns_back(street: Street) -> None:
    street.arrive("in-2", CAR)
    street.pass_minutes(1)
    street.arrive("in-2", OTHER_CAR)
    turn_back(street, "in-2", CAR)
    assert len(street.inside()) == 2


@pytest.mark.parametrize("told_first", ["entry", "turning back"])
def test_stored_records_of_a_car_that_turned_back_leave_nobody_inside(street: Street, told_first: str) -> None:
    """Live records go first: the turning back may be told before the entry that was stored."""
    stamp = street.business.now()
    back = Instant(stamp + MINUTE_US)
    street.pass_minutes(5)
    if told_first == "entry":
        street.arrive("in-2", CAR, offline=True, captured_at=stamp)
        turn_back(street, "in-2", CAR, at=back, offline=True)
    else:
        turn_back(street, "in-2", CAR, at=back)
        entry = street.arrive("in-2", CAR, offline=True, captured_at=stamp)
        assert entry.reason == "entry.turned_back"
    assert street.inside() == []
    # A later record of the same car is another try.
    street.arrive("in-2", CAR, offline=True, captured_at=Instant(stamp + 3 * MINUTE_US))
    assert len(street.inside()) == 1


@pytest.mark.parametrize("lane", ["in-1", "out-1"])
def test_a_waiting_car_that_turns_back_waits_no_longer(street: Street, lane: str) -> None:
    waiting = street.arrive(lane, None)
    turn_back(street, lane, CAR)
    assert street.standing(lane).waiting  # that was another car
    turn_back(street, lane, None)
    assert (street.standing(lane).waiting, street.cases()) == (False, [])
    assert street.passage(waiting.passage).state is PassageState.GONE
    if lane == "in-1":
        with pytest.raises(Refused, match=r"lane\.nobody_waiting"):
            street.enter_without_plate(lane, PASS)


def test_who_turns_back_at_an_exit_still_owes(street: Street) -> None:
    street.arrive("in-1", CAR)
    street.pass_minutes(61)
    street.arrive("out-1", CAR)
    bill = street.bill_at("out-1")
    turn_back(street, "out-1", CAR)
    assert (len(street.inside()), street.standing("out-1").waiting) == (1, False)
    again, _ = street.bill_in_advance(CAR)
    assert again.left == bill.left
    with pytest.raises(NotFound):
        street.bill_in_advance(OTHER_CAR)
