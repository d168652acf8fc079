"""One car told of more than once: by one camera, by two of a lane, by those of two lanes, by its head and tail."""

import pytest

from openberth.contexts import stays
from openberth.contexts.permits.model import PermitKind
from openberth.contexts.stays.model.entities import Action, CaseKind
from openberth.contexts.stays.recognition import Direction, PlateColour, Trigger
from openberth.contexts.stays.service.cases import CaseAction
from openberth.kernel.errors import Refused
from openberth.kernel.time import SECOND_US, Instant
from tests.service.acting import events, write
from tests.service.stays.hard_cases.scene import (
    BOTH,
    SCENE,
    add_camera,
    apply_rules,
    case_of,
    debts,
    drive_on,
    grant,
    inside_count,
    loop_tells,
    same_record,
    seen_by,
    settle,
    turn_back,
)
from tests.service.stays.street import CAR, OTHER_CAR, Street

TRAILER = "粤B1234挂"


def test_retransmission(street: Street) -> None:
    """A camera that got no answer sends its record for ever: one passage, one opening, one answer while it lives."""
    sent = street.recognition(CAR, pictures=SCENE)
    first = street.arrive("in-2", CAR, sent=sent)
    answers = []
    for _ in range(40):
        street.machine.advance(SECOND_US)
        answers.append(street.arrive("in-2", CAR, sent=sent))
    assert {each.passage for each in answers} == {first.passage}
    assert [each.opens for each in answers] == [True] * 29 + [False] * 11
    assert (len(street.inside()), len(street.commands()), inside_count(street)) == (1, 1, 1)
    assert len(events(street.db, "stays.passage_decided")) == 1


def test_quick_and_full_pair(street: Street) -> None:
    """The quick result decides, the full one brings the pictures: under its own name, or under the same."""
    quick = street.arrive("in-2", CAR)
    assert (quick.opens, street.passage(quick.passage).pictures) == (True, 0)
    street.business.advance(SECOND_US)
    full = street.arrive("in-2", CAR, pictures=BOTH)
    assert (full.passage, full.repeated, full.keep_pictures) == (quick.passage, True, True)
    assert street.passage(quick.passage).pictures == 2
    # With a small picture already, those of the full one are kept, and never fewer again.
    street.pass_minutes(1)
    drive_on(street, "in-2")
    small, full_one = same_record(street, OTHER_CAR, pictures=BOTH)
    second = street.arrive("in-2", OTHER_CAR, sent=small)
    assert street.arrive("in-2", OTHER_CAR, sent=full_one).keep_pictures
    assert street.passage(second.passage).pictures == 2
    street.arrive("in-2", OTHER_CAR, sent=small)
    assert street.passage(second.passage).pictures == 2
    assert len(street.inside()) == 2


def test_double_trigger(street: Street) -> None:
    """Video and loop both fire: another record of the same car within the window is no second passage."""
    first = street.arrive("in-2", CAR, trigger=Trigger.VIDEO)
    street.business.advance(2 * SECOND_US)
    second = street.arrive("in-2", CAR, trigger=Trigger.INPUT)
    third = street.arrive("in-2", None, trigger=Trigger.VIRTUAL_LOOP)
    assert {first.passage, second.passage, third.passage} == {first.passage}
    assert (len(street.inside()), street.cases(), len(street.commands())) == (1, [], 1)


def test_two_cameras_on_one_lane(street: Street) -> None:
    """Two cameras whose clocks are a minute apart see one car; one misreads it by a sign."""
    add_camera(street, "in-1", "cam-in-1-left")
    late = Instant(street.business.now() - 60 * SECOND_US)
    first = street.arrive("in-1", CAR)
    street.pass_minutes(0.02)
    assert seen_by(street, "cam-in-1-left", "in-1", CAR, captured_at=late).passage == first.passage
    other = seen_by(street, "cam-in-1-left", "in-1", "粤B1234S", captured_at=late)
    assert (other.reason, other.opens) == ("lane.read_otherwise", False)
    assert (len(street.inside()), street.case_kinds(), len(street.commands())) == (1, ["read_otherwise"], 1)
    # The unread reading of the second camera sends nobody away.
    assert seen_by(street, "cam-in-1-left", "in-1", None, captured_at=late).passage == first.passage


def test_head_and_tail(street: Street) -> None:
    """A camera at the front and one at the back of the same lane count one car, however long it paid in between."""
    add_camera(street, "out-1", "cam-out-1-back")
    street.arrive("in-1", CAR)
    street.pass_minutes(61)
    head = street.arrive("out-1", CAR)
    street.pass_minutes(3)
    street.pay_cash("out-1")
    street.pass_minutes(0.2)
    drive_on(street, "out-1")
    up = {"direction": Direction.UP}
    for plate in (CAR, None, TRAILER):  # its tail plate, dirt, and the trailer it draws
        tail = seen_by(street, "cam-out-1-back", "out-1", plate, **up)
        assert (tail.passage, tail.repeated, tail.opens) == (head.passage, True, False)
    assert (street.cases(), street.inside(), inside_count(street)) == ([], [], 0)
    assert len(street.closed()) == 1
    # The next car at the front camera is one of its own.
    assert street.arrive("out-1", OTHER_CAR).reason == "exit.without_entry"


def test_same_plate_within_seconds_at_two_lanes(street: Street) -> None:
    """The camera of the neighbouring lane sees the car, too: evidence, and the gate beside it stays shut."""
    first = street.arrive("in-1", CAR)
    street.pass_minutes(0.05)
    beside = street.arrive("in-2", CAR)
    assert (beside.action, beside.reason, beside.opens) == (Action.RECORD, "lane.neighbour", False)
    assert [each.id for each in street.inside()] == [first.stay]
    assert (street.cases(), street.closed(), inside_count(street)) == ([], [], 1)
    street.pass_minutes(61)
    waits = street.arrive("out-1", CAR)
    street.pass_minutes(0.05)
    assert street.arrive("out-2", CAR).reason == "lane.neighbour"
    assert street.standing("out-1").waiting
    assert street.standing("out-1").passage_id == waits.passage
    street.pay_cash("out-1")
    assert (street.inside(), len(street.closed())) == ([], 1)


def test_a_car_that_goes_on_to_the_next_exit_is_no_neighbours_reading(street: Street) -> None:
    street.arrive("in-1", CAR)
    street.pass_minutes(61)
    street.arrive("out-1", CAR)
    street.pass_minutes(1)
    assert street.arrive("out-2", CAR).reason == "exit.unpaid"
    assert not street.standing("out-1").waiting


def test_an_exit_camera_that_sees_a_car_come_in(street: Street) -> None:
    """Where the lot says that nobody leaves that soon (off by default), the exit stays shut."""
    apply_rules(street, shortest_stay_s=30)
    street.arrive("in-1", CAR)
    street.pass_minutes(0.2)
    held = street.arrive("out-1", CAR)
    assert (held.action, held.reason, held.opens) == (Action.HOLD, "exit.too_soon", False)
    assert (len(street.inside()), street.standing("out-1").waiting) == (1, True)
    case = case_of(street, CaseKind.CLONED_PLATE)  # a car may stand there all the same: a person looks
    assert (case.stay_id, case.passage_id) == (street.inside()[0].id, held.passage)
    street.pass_minutes(1)
    assert street.arrive("out-1", CAR).reason == "exit.nothing_due"
    assert street.cases() == []


def test_an_exit_camera_that_sees_a_car_come_in_while_another_one_waits(street: Street) -> None:
    """It keeps its place; and one that stands there is let out by a person."""
    apply_rules(street, shortest_stay_s=30)
    street.arrive("in-1", OTHER_CAR)
    street.pass_minutes(61)
    street.arrive("out-1", OTHER_CAR)
    street.arrive("in-1", CAR)
    street.pass_minutes(0.2)
    across = street.arrive("out-1", CAR)
    assert (across.action, across.reason, street.cases()) == (Action.RECORD, "exit.too_soon", [])
    street.pay_cash("out-1")
    street.arrive("out-2", CAR)
    settle(street, case_of(street, CaseKind.CLONED_PLATE), CaseAction.OPEN)
    assert (street.inside(), debts(street), street.cases()) == ([], [], [])


def test_cloned_plate(street: Street) -> None:
    """Seen inside minutes ago, it stands at another entry: both pictures are shown, nothing is overwritten."""
    first = street.arrive("in-1", CAR, pictures=BOTH)
    street.pass_minutes(4)
    second = street.arrive("in-2", CAR, pictures=BOTH)
    assert (second.action, second.reason, second.opens) == (Action.HOLD, "entry.cloned", False)
    case = case_of(street, CaseKind.CLONED_PLATE)
    assert (case.passage_id, case.evidence["passages"]) == (second.passage, [str(first.passage)])
    assert [each.id for each in street.inside()] == [first.stay]
    assert (street.closed(), inside_count(street)) == ([], 1)
    # A person sees two cars: both are inside, and at the exit nobody is taken for the other.
    settle(street, case, CaseAction.OTHER_CAR)
    assert (len(street.inside()), inside_count(street), street.cases()) == (2, 2, [])
    street.pass_minutes(61)
    leaving = street.arrive("out-1", CAR)
    assert (leaving.action, leaving.reason) == (Action.HOLD, "exit.cloned")
    case = case_of(street, CaseKind.CLONED_PLATE)
    assert case.evidence["stays"] == sorted(str(each.id) for each in street.inside())
    settle(street, case, CaseAction.MATCH_STAY, stay=first.stay)
    assert (street.standing("out-1").ask.value, street.standing("out-1").stay_id) == ("pay", first.stay)
    street.pay_cash("out-1")
    assert [each.id for each in street.closed()] == [first.stay]
    # The one that is left is the only car with this plate again.
    assert street.arrive("out-2", CAR).reason == "exit.unpaid"


def two_with_one_plate(street: Street) -> None:
    street.arrive("in-1", CAR)
    street.pass_minutes(4)
    street.arrive("in-2", CAR)
    settle(street, case_of(street, CaseKind.CLONED_PLATE), CaseAction.OTHER_CAR)
    street.pass_minutes(61)


def test_cloned_plate_pays_in_advance_when_it_is_the_last(street: Street) -> None:
    """Of two nobody says whose money it would be: that is answered; the one that is left pays as any."""
    two_with_one_plate(street)
    with pytest.raises(Refused, match=r"stay\.several"):
        street.bill_in_advance(CAR)
    [later, earlier] = street.inside()
    street.arrive("out-1", CAR)
    settle(street, case_of(street, CaseKind.CLONED_PLATE), CaseAction.MATCH_STAY, stay=earlier.id)
    street.pay_cash("out-1")
    street.pay_in_advance(CAR)
    street.pass_minutes(1)
    street.arrive("out-2", None)
    settle(street, case_of(street, CaseKind.PLATE_UNREAD), CaseAction.CORRECT_PLATE, plate=CAR)
    assert ([each.id for each in street.closed()], street.inside()) == ([later.id, earlier.id], [])


def test_cloned_plate_is_not_let_out_without_a_stay(street: Street) -> None:
    """Who opens says which car it is; whoever opens the lane all the same leaves the question to be answered."""
    two_with_one_plate(street)
    leaving = street.arrive("out-1", CAR)
    with pytest.raises(Refused, match=r"exception\.action"):
        settle(street, case_of(street, CaseKind.CLONED_PLATE), CaseAction.OPEN)
    street.open_by_hand("out-1")
    told = case_of(street, CaseKind.LEFT_UNPAID)
    assert (told.passage_id, told.evidence["stays"]) == (leaving.passage, sorted(str(x.id) for x in street.inside()))
    # One is ended by a person who has looked; the other one is let out by hand, and leaves its debt.
    write(street.db, stays.soft_close, stay=street.inside()[0].id, reason="looked at both pictures")
    street.pass_minutes(10)
    street.arrive("out-2", CAR)
    street.open_by_hand("out-2")
    assert (street.inside(), len(debts(street))) == ([], 1)


def test_cloned_plate_of_another_colour_is_a_question_after_it_has_paid_too(street: Street) -> None:
    street.arrive("in-1", CAR, colour=PlateColour.BLUE)
    street.pass_minutes(61)
    assert street.arrive("out-1", CAR, colour=PlateColour.YELLOW).reason == "exit.unpaid"
    street.pay_cash("out-1")
    assert (street.inside(), street.case_kinds()) == ([], ["cloned_plate"])


def test_cloned_plate_of_another_colour(street: Street) -> None:
    """Blue came in, yellow leaves: the car goes, and a person is shown both."""
    first = street.arrive("in-1", CAR, colour=PlateColour.BLUE)
    street.pass_minutes(10)
    leaving = street.arrive("out-1", CAR, colour=PlateColour.YELLOW)
    assert leaving.reason == "exit.nothing_due"
    case = case_of(street, CaseKind.CLONED_PLATE)
    assert (case.evidence["passages"], case.stay_id) == ([str(first.passage)], first.stay)
    street.arrive("in-1", CAR, colour=PlateColour.BLUE)
    street.pass_minutes(500)
    assert street.arrive("in-2", CAR, colour=PlateColour.YELLOW).reason == "entry.cloned"


@pytest.mark.parametrize("kind", [PermitKind.RESIDENT, None])
def test_a_car_that_has_left_by_the_exit_beside(street: Street, kind: PermitKind | None) -> None:
    """The next exit's camera glimpses it: nothing opens, and who waits there keeps its place."""
    if kind is not None:
        grant(street, **{OTHER_CAR: kind})
    street.arrive("in-1", OTHER_CAR)
    street.arrive("in-2", CAR)
    street.pass_minutes(300)
    loop_tells(street, "out-1")
    street.arrive("out-1", OTHER_CAR)
    street.pass_minutes(2)
    waits = street.arrive("out-2", CAR)
    if kind is None:
        street.pay_cash("out-1")
    else:
        street.arrive("out-1", OTHER_CAR)  # it is still there, and read once more
    opened = len(street.commands())
    street.pass_minutes(2 / 60)
    glimpse = street.arrive("out-2", OTHER_CAR)
    assert (glimpse.reason, glimpse.opens, len(street.commands())) == ("lane.neighbour", False, opened)
    assert (street.standing("out-2").passage_id, street.standing("out-2").waiting) == (waits.passage, True)
    street.pay_cash("out-2")
    assert (len(street.commands()), street.inside(), street.cases()) == (opened + 1, [], [])


def test_a_car_that_paid_is_let_out_again_where_nobody_else_waits(street: Street) -> None:
    """Its boom is stuck and it goes to the next exit: out again, but not while somebody else waits there."""
    street.arrive("in-1", OTHER_CAR)
    street.arrive("out-1", OTHER_CAR)
    drive_on(street, "out-1")
    for plate in (CAR, OTHER_CAR):
        street.pass_minutes(5)
        street.arrive("in-1", plate)
    street.pass_minutes(61)
    loop_tells(street, "out-1")
    street.arrive("out-1", CAR)
    street.pay_cash("out-1")
    street.pass_minutes(1)
    street.arrive("out-2", OTHER_CAR)
    assert street.arrive("out-2", CAR).reason == "exit.without_entry"
    street.pass_minutes(0.5)
    turn_back(street, "out-2", CAR)
    assert street.arrive("out-2", CAR).reason == "exit.again"
