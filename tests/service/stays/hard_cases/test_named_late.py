"""Cars that are named when they have gone on: which visit ends, what it owes, and what cannot have been."""

import pytest

from openberth.contexts import stays
from openberth.contexts.permits.model import PermitKind
from openberth.contexts.stays.model.entities import Case, CaseKind, CloseReason, Resolution
from openberth.contexts.stays.recognition import PlateColour
from openberth.contexts.stays.service.cases import CaseAction
from openberth.contexts.stays.service.correcting import correct_plate
from openberth.kernel.errors import NotFound, Refused
from openberth.kernel.ids import Id
from openberth.kernel.plates import Plate
from openberth.kernel.time import MINUTE_US, Instant
from tests.service.acting import write
from tests.service.stays.hard_cases.scene import came_again, case_of, debts, grant, inside_count, settle
from tests.service.stays.street import CAR, Street

MISREAD = "粤B1234S"


def left(street: Street, plate: str | None = MISREAD, at: Instant | None = None, lane: str = "out-1") -> Case:
    """Have a camera tell of a car that left while nobody could answer, and return what a person is asked."""
    street.arrive(lane, plate, offline=True, captured_at=at or street.business.now())
    return case_of(street, CaseKind.EXIT_WITHOUT_ENTRY)


def name(street: Street, case: Case, by: str, stay: Id | None) -> Case:
    if by == "stay":
        return settle(street, case, CaseAction.MATCH_STAY, stay=stay)
    return settle(street, case, CaseAction.CORRECT_PLATE, plate=CAR)


@pytest.mark.parametrize("by", ["stay", "plate"])
def test_a_stored_exit_whose_camera_has_a_wrong_clock_is_matched_by_a_person(street: Street, by: str) -> None:
    """Its stamp lies before the entry by more than the lot allows: nothing ends by itself, whoever looks says so."""
    left = street.business.now()
    street.pass_minutes(5)
    entry = street.arrive("in-1", CAR)
    street.pass_minutes(30)
    exit_ = street.arrive("out-1", CAR, offline=True, captured_at=left)
    case = case_of(street, CaseKind.EXIT_WITHOUT_ENTRY)
    settled = name(street, case, by, entry.stay)
    assert settled.resolution == (Resolution.MATCHED if by == "stay" else Resolution.CORRECTED)
    [closed] = street.closed()
    assert (closed.id, closed.exit_passage_id, closed.closed_reason) == (
        entry.stay, exit_.passage, CloseReason.LEFT_OFFLINE
    )  # fmt: skip
    assert (closed.left_at - closed.entered_at, closed.price_minor, debts(street)) == (0, 0, [])
    assert street.passage(exit_.passage).stay_id == entry.stay
    assert (street.inside(), inside_count(street), street.case_kinds()) == ([], 0, [])


def test_a_stored_exit_that_was_misread_is_a_debt_of_the_right_car(street: Street) -> None:
    entry = street.arrive("in-1", CAR)
    street.pass_minutes(61)
    left = street.arrive("out-1", MISREAD, offline=True)
    street.pass_minutes(60)
    settle(street, case_of(street, CaseKind.EXIT_WITHOUT_ENTRY), CaseAction.CORRECT_PLATE, plate=CAR)
    [closed] = street.closed()
    assert (closed.id, closed.exit_passage_id, street.case_kinds()) == (entry.stay, left.passage, ["left_unpaid"])
    assert [each.amount.minor for each in debts(street)] == [750]


def test_a_car_that_stands_at_a_lane_has_not_left_by_a_stored_exit(street: Street) -> None:
    entry = street.arrive("in-1", CAR)
    street.pass_minutes(61)
    passage = street.arrive("out-1", "粤B99999", offline=True)
    street.arrive("out-2", CAR)
    case = case_of(street, CaseKind.EXIT_WITHOUT_ENTRY)
    with pytest.raises(Refused, match=r"stay\.at_lane"):
        settle(street, case, CaseAction.MATCH_STAY, stay=entry.stay)
    with pytest.raises(NotFound, match=r"stay\.not_found"):
        settle(street, case, CaseAction.CORRECT_PLATE, plate="粤B77777")
    assert [each.id for each in street.inside()] == [entry.stay]
    assert case_of(street, CaseKind.EXIT_WITHOUT_ENTRY).id == case.id, "it is still open"
    assert street.passage(passage.passage).plate_id != street.passage(entry.passage).plate_id


def test_a_stored_crossing_that_was_misread_is_matched_to_its_stay(street: Street) -> None:
    entry = street.arrive("in-1", CAR)
    street.pass_minutes(10)
    went = street.arrive("vip-in", "粤B99999", offline=True)
    street.pass_minutes(60)
    settle(street, case_of(street, CaseKind.INNER_WITHOUT_ENTRY), CaseAction.MATCH_STAY, stay=entry.stay)
    [inside] = street.inside()
    assert (inside.id, inside.since, inside.segments) == (entry.stay, street.passage(went.passage).captured_at, 2)
    assert (street.counts()["ground"].count, street.counts()["vip"].count) == (0, 1)
    assert (street.passage(went.passage).stay_id, street.case_kinds()) == (entry.stay, [])


@pytest.mark.parametrize("by", ["stay", "plate"])
def test_a_car_that_came_again_since_left_its_earlier_visit(street: Street, by: str) -> None:
    """Who names the car means the visit of then: it owes, and the present one goes on."""
    first, then, second = came_again(street)
    street.pass_minutes(30)
    name(street, left(street, at=then), by, second.stay)
    [closed] = street.closed()
    assert (closed.id, closed.closed_reason, closed.left_at) == (first.stay, CloseReason.LEFT_OFFLINE, then)
    assert [each.amount.minor for each in debts(street)] == [750]
    assert ([each.id for each in street.inside()], inside_count(street)) == ([second.stay], 1)
    assert street.case_kinds() == ["left_unpaid"], "nobody is asked any more whether it had left"


def test_a_visit_that_was_seen_to_end_ends_no_later_one(street: Street) -> None:
    """Two cameras told of one exit, and one of them misread it: the car has come again since."""
    street.arrive("in-1", CAR)
    street.pass_minutes(14)
    then = street.business.now()
    street.arrive("out-1", CAR)
    street.pass_minutes(60)
    second = street.arrive("in-1", CAR)
    street.pass_minutes(300)
    case = left(street, at=then, lane="out-2")
    with pytest.raises(Refused, match=r"stay\.closed"):
        name(street, case, "plate", None)
    assert [each.id for each in street.inside()] == [second.stay]


@pytest.mark.parametrize("by", ["stay", "plate"])
def test_an_exit_of_long_ago_ends_no_stay_that_began_since(street: Street, by: str) -> None:
    """Whatever its clock says: who came in when the exit had been told of already did not leave by it."""
    case = left(street)
    street.pass_minutes(600)
    entry = street.arrive("in-1", CAR)
    street.pass_minutes(300)
    with pytest.raises(Refused, match=r"stay\.came_later"):
        name(street, case, by, entry.stay)
    assert ([each.id for each in street.inside()], street.cases()) == ([entry.stay], [case])


def test_a_stored_entry_says_nothing_against_a_person(street: Street) -> None:
    """Its camera's clock is fast: it is told of last, and stamped after the exit was told of."""
    case = left(street)
    street.pass_minutes(10)
    entry = street.arrive("in-1", CAR, offline=True)
    name(street, case, "stay", entry.stay)
    assert ([each.id for each in street.closed()], street.inside()) == ([entry.stay], [])


def test_an_exit_that_was_told_of_ends_no_stay_whose_car_went_on_inside(street: Street) -> None:
    entry = street.arrive("in-1", CAR)
    street.pass_minutes(5)
    case = left(street)
    street.pass_minutes(10)
    street.arrive("vip-in", CAR)
    with pytest.raises(Refused, match=r"stay\.came_later"):
        name(street, case, "stay", entry.stay)


def test_a_car_that_was_seen_inside_later_is_priced_until_then(street: Street) -> None:
    """Its exit's clock is slow: the time it parked and the time it is asked for are one."""
    entry = street.arrive("in-1", CAR)
    street.pass_minutes(30)
    then = street.business.now()
    street.pass_minutes(31)
    street.arrive("vip-in", CAR)
    name(street, left(street, at=then), "stay", entry.stay)
    [closed] = street.closed()
    assert (closed.left_at - closed.entered_at, closed.price_minor) == (61 * MINUTE_US, 750)


def test_a_car_on_duty_whose_entry_was_misread_owes_nothing(street: Street) -> None:
    entry = street.arrive("in-1", "粤X0001B", colour=PlateColour.WHITE)
    street.pass_minutes(61)
    street.arrive("out-1", "粤X0001警", colour=PlateColour.WHITE, offline=True)
    name(street, case_of(street, CaseKind.EXIT_WITHOUT_ENTRY), "stay", entry.stay)
    assert ([each.price_minor for each in street.closed()], debts(street)) == ([0], [])


def test_a_permit_whose_entry_was_misread_makes_no_debt_of_another_plate(street: Street) -> None:
    """Its stay is corrected, which ends it where it left; where the exit was misread, its plate is."""
    grant(street, **{CAR: PermitKind.RESIDENT})
    entry = street.arrive("in-1", MISREAD)
    street.pass_minutes(61)
    gone = street.arrive("out-1", CAR)
    case = case_of(street, CaseKind.EXIT_WITHOUT_ENTRY)
    with pytest.raises(Refused, match=r"stay\.plate_differs"):
        name(street, case, "stay", entry.stay)
    write(street.db, correct_plate, stay=entry.stay, plate=Plate.read(CAR), reason="the picture shows it")
    assert [(each.exit_passage_id, each.price_minor) for each in street.closed()] == [(gone.passage, 0)]
    assert (debts(street), street.cases()) == ([], [])


def test_a_crossing_lets_no_stay_go_on_that_was_ended(street: Street) -> None:
    entry = street.arrive("in-1", CAR)
    street.pass_minutes(5)
    street.arrive("vip-in", MISREAD, offline=True)
    case = case_of(street, CaseKind.INNER_WITHOUT_ENTRY)
    write(street.db, stays.soft_close, stay=entry.stay, reason="walked the lot")
    with pytest.raises(Refused, match=r"stay\.closed"):
        name(street, case, "stay", entry.stay)
    with pytest.raises(NotFound, match=r"stay\.not_found"):
        name(street, case, "plate", None)
    assert (street.inside(), inside_count(street)) == ([], 0)


def test_what_was_paid_when_it_had_left_already_is_told_of(street: Street) -> None:
    street.arrive("in-1", CAR)
    street.pass_minutes(61)
    case = left(street)
    street.pass_minutes(120)
    street.pay_in_advance(CAR)
    name(street, case, "plate", None)
    [closed] = street.closed()
    assert (closed.price_minor, closed.paid_minor, debts(street)) == (750, 1750, [])
    assert case_of(street, CaseKind.SURPLUS).evidence["surplus_minor"] == 1000


def test_a_wrong_choice_is_undone(street: Street) -> None:
    """The stay goes on as it was, and is priced at its own exit; nobody is counted twice."""
    entry = street.arrive("in-1", CAR)
    street.pass_minutes(5)
    name(street, left(street), "stay", entry.stay)
    write(street.db, stays.reopen, stay=entry.stay, reason="it is here")
    street.pass_minutes(56)
    assert (street.arrive("out-2", CAR).stay, street.bill_at("out-2").own_due.minor) == (entry.stay, 750)
    assert (inside_count(street), debts(street)) == (1, [])
