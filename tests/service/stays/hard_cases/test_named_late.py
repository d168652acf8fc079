"""Cars that are named when they have gone on: which visit ends, what it owes, and what cannot have been."""

import pytest

from openberth.contexts import stays
from openberth.contexts.permits.model import PermitKind
from openberth.contexts.stays.model.entities import Case, CaseKind, CloseReason
from openberth.contexts.stays.recognition import PlateColour
from openberth.contexts.stays.service.cases import CaseAction
from openberth.contexts.stays.service.correcting import correct_plate
from openberth.kernel.errors import NotFound, Refused
from openberth.kernel.ids import Id
from openberth.kernel.plates import Plate
from openberth.kernel.time import MINUTE_US, Instant
from tests.service.acting import write
from tests.service.stays.hard_cases.scene import case_of, debts, grant, inside_count, settle
from tests.service.stays.street import CAR, Street

MISREAD = "粤B1234S"


def left(street: Street, plate: str | None = MISREAD, at: Instant | None = None, lane: str = "out-1") -> Case:
    """Have a camera tell of a car that left while nobody could answer, and return what a person is asked."""
    street.arrive(lane, plate, offline=True, captured_at=at or street.business.now())
    return case_of(street, CaseKind.EXIT_WITHOUT_ENTRY)


def name(street: Street, case: Case, by: str, stay: Id | None) -> None:
    if by == "stay":
        settle(street, case, CaseAction.MATCH_STAY, stay=stay)
    else:
        settle(street, case, CaseAction.CORRECT_PLATE, plate=CAR)


@pytest.mark.parametrize("by", ["stay", "plate"])
def test_a_car_that_came_again_since_left_its_earlier_visit(street: Street, by: str) -> None:
    """Who names the car means the visit of then: it owes, and the present one goes on."""
    first = street.arrive("in-1", CAR)
    street.pass_minutes(61)
    then = street.business.now()
    street.pass_minutes(60)
    second = street.arrive("in-1", CAR)
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
