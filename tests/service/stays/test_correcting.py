"""Correcting the plate of a car that is inside. On every database."""

import pytest

from openberth.contexts import stays
from openberth.contexts.permits.model import PermitKind
from openberth.contexts.stays.model.entities import Action, Ask, OpenStay, PlateCorrection
from openberth.contexts.stays.recognition import Trigger
from openberth.contexts.stays.service import queries
from openberth.contexts.tenancy import ROLES, Role
from openberth.kernel.authority import EVERYTHING, Actor, ActorKind, Caller
from openberth.kernel.errors import NotFound, Refused
from openberth.kernel.ids import Id
from openberth.kernel.plates import Plate
from tests.service.acting import events, read, write
from tests.service.stays.street import CAR, OTHER_CAR, Street

MISREAD = "粤B12346"
GUARD = Caller(Actor(ActorKind.PERSON, "guard"), EVERYTHING, ROLES[Role.GUARD])


def correct(street: Street, stay: Id, plate: str = CAR, reason: str = " looked ") -> PlateCorrection | None:
    return write(street.db, stays.correct_plate, by=GUARD, stay=stay, plate=Plate.read(plate), reason=reason)


def misread(street: Street, lane: str = "in-1") -> OpenStay:
    street.arrive(lane, MISREAD)
    [stay] = street.inside()
    return stay


def test_it_leaves_under_the_plate_it_really_has_and_the_history_is_kept(street: Street) -> None:
    before = misread(street)
    street.pass_minutes(61)
    done = correct(street, before.id)
    [after] = street.inside()
    assert done is not None
    assert (done.stay_id, done.old_plate_id, done.new_plate_id) == (after.id, before.plate_id, after.plate_id)
    assert (done.corrected_by, done.reason, done.corrected_at) == (
        "person:guard",
        "looked",
        street.db.clocks.business.now(),
    )
    detail = read(street.db, queries.stay_detail, stay=after.id)
    assert detail.row.plate == "粤B·**345"
    assert [(each.correction, each.before, each.after) for each in detail.corrections] == [
        (done, "粤B·**346", "粤B·**345")
    ]
    assert [row.plate for row in detail.passages] == ["粤B·**346"]  # what the camera read stays
    [told] = events(street.db, "stays.plate_corrected")
    assert told.body == {
        "stay": str(after.id),
        "before": str(before.plate_id),
        "after": str(after.plate_id),
        "reason": "looked",
    }
    assert told.actor.name == "guard"
    assert street.arrive("out-1", CAR).ask is Ask.PAY
    assert street.bill_at("out-1").due.minor == 750
    street.pay_cash("out-1")
    assert street.inside() == []
    assert street.counts()["ground"].count == 0


def test_the_same_plate_again_changes_nothing(street: Street) -> None:
    stay = misread(street)
    assert correct(street, stay.id) is not None
    assert correct(street, stay.id) is None
    assert len(events(street.db, "stays.plate_corrected")) == 1


def test_two_cars_inside_never_share_a_plate(street: Street) -> None:
    stay = misread(street)
    street.arrive("in-2", CAR)
    with pytest.raises(Refused, match=r"stay\.plate_inside"):
        correct(street, stay.id)
    assert len(street.inside()) == 2
    assert events(street.db, "stays.plate_corrected") == []


def test_the_car_that_stands_at_the_exit_under_its_right_plate_goes_on(street: Street) -> None:
    stay = misread(street)
    street.pass_minutes(61)
    leaving = street.arrive("out-1", CAR)
    assert (leaving.action, street.case_kinds()) == (Action.HOLD, ["exit_without_entry"])
    correct(street, stay.id)
    assert (street.standing("out-1").ask, street.standing("out-1").stay_id) == (Ask.PAY, stay.id)
    assert street.cases() == []
    street.pay_cash("out-1")
    assert (street.inside(), street.closed()[0].paid_minor) == ([], 750)


def test_a_car_that_waits_under_its_old_plate_is_dealt_with_there(street: Street) -> None:
    stay = misread(street)
    street.pass_minutes(61)
    street.arrive("out-1", MISREAD)
    with pytest.raises(Refused, match=r"stay\.at_lane") as refused:
        correct(street, stay.id)
    assert refused.value.params["lane"] == "out-1"


def test_the_permit_of_the_right_plate_counts_from_the_entry_on(street: Street) -> None:
    street.permit(CAR, PermitKind.RESIDENT)
    stay = misread(street, "in-1")
    street.pass_minutes(30)
    street.arrive("vip-in", MISREAD)
    street.pass_minutes(61)
    correct(street, stay.id)
    detail = read(street.db, queries.stay_detail, stay=stay.id)
    assert [part.right for part in detail.segments] == ["resident"]
    assert street.inside()[0].right == "resident"
    assert street.arrive("out-1", CAR).reason == "exit.resident"


def test_a_blocked_car_that_was_let_in_all_the_same_pays_like_any(street: Street) -> None:
    street.permit(OTHER_CAR, PermitKind.BLOCKED)
    street.arrive("in-1", OTHER_CAR)
    street.open_by_hand("in-1", "police")
    street.pass_minutes(61)
    assert street.arrive("out-1", OTHER_CAR).ask is Ask.PAY
    assert street.bill_at("out-1").due.minor == 750
    street.pay_cash("out-1")
    street.pass_minutes(60)
    street.arrive("in-1", OTHER_CAR)
    street.open_by_hand("in-1", "police again")
    assert street.arrive("out-1", OTHER_CAR).reason == "exit.nothing_due"


def test_what_is_over_or_unknown_is_told(street: Street) -> None:
    stay = misread(street)
    street.arrive("in-1", MISREAD, trigger=Trigger.TURNED_BACK)  # it never was inside
    for gone, problem, code in ((stay.id, Refused, "stay.closed"), (Id(int=7), NotFound, "stay.not_found")):
        with pytest.raises(problem) as told:
            correct(street, gone)
        assert told.value.code == code
    for reason, code in ((" ", "reason.missing"), ("x" * 201, "reason.too_long")):
        with pytest.raises(Refused) as refused:
            correct(street, stay.id, reason=reason)
        assert refused.value.code == code
