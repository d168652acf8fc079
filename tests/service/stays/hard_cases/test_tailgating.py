"""A second car on one opening, and gates that say yes and do not move."""

from typing import Any

import pytest

from openberth.contexts import facility
from openberth.contexts.facility import Outcome
from openberth.contexts.payments.service.receipts import take_cash
from openberth.contexts.stays.model.entities import Action, CaseKind, CloseReason
from openberth.contexts.stays.service.cases import CaseAction
from openberth.contexts.stays.service.retention import is_needed
from openberth.infra.database import Unit
from openberth.kernel.errors import Malformed, Refused
from openberth.kernel.ids import Id
from openberth.kernel.time import SECOND_US
from tests.service.acting import bills_in, read, write
from tests.service.stays.hard_cases.scene import (
    BOTH,
    SCENE,
    case_of,
    debts,
    drive_on,
    inside_count,
    pictures_of,
    settle,
    tailgate,
)
from tests.service.stays.street import CAR, OTHER_CAR, THIRD_CAR, Street


def two_inside(street: Street) -> None:
    street.arrive("in-1", CAR, pictures=SCENE)
    street.arrive("in-2", OTHER_CAR, pictures=SCENE)
    street.pass_minutes(61)


def test_tailgater_becomes_a_debt_with_its_evidence(street: Street) -> None:
    two_inside(street)
    first = street.arrive("out-1", CAR, pictures=BOTH)
    street.pay_cash("out-1")
    street.pass_minutes(0.1)
    second = tailgate(street, "out-1", OTHER_CAR, pictures=BOTH)
    assert (second.action, second.reason, second.opens) == (Action.RECORD, "exit.tailgated", False)
    [debt] = debts(street)
    assert (debt.amount.minor, street.inside(), inside_count(street)) == (750, [], 0)
    ended = next(each for each in street.closed() if each.id == debt.subject)
    assert (ended.closed_reason, ended.paid_minor) == (CloseReason.TAILGATED, 0)
    proof = [ended.entry_passage_id, second.passage, first.passage]
    assert debt.evidence["passages"] == [str(each) for each in proof]
    assert debt.evidence["pictures"] == [name for each in proof for name in pictures_of(street.passage(each))]
    case = case_of(street, CaseKind.TAILGATER)
    assert (case.evidence["first"], case.evidence["due_minor"]) == (str(first.passage), 750)
    # Who pays it, pays it once, and nobody has to look after it any more.
    [bill] = [each for each in bills_in(street.db, street.lot) if each.left]
    write(street.db, take_cash, bill=bill.id, tendered=bill.left)
    street.react()
    assert street.cases() == []


def test_tailgater_that_was_not_read_is_named_by_a_person(street: Street) -> None:
    two_inside(street)
    first = street.arrive("out-1", CAR, pictures=BOTH)
    street.pay_cash("out-1")
    tailgate(street, "out-1", None, pictures=BOTH)
    assert (debts(street), len(street.inside())) == ([], 1)
    case = case_of(street, CaseKind.TAILGATER)
    with pytest.raises(Malformed, match=r"exception\.stay_missing"):
        settle(street, case, CaseAction.CHARGE)
    settle(street, case, CaseAction.CHARGE, plate=OTHER_CAR)
    [debt] = debts(street)
    assert (debt.amount.minor, str(first.passage) in debt.evidence["passages"], street.inside()) == (750, True, [])


def test_tailgater_behind_the_car_that_the_camera_names(street: Street) -> None:
    """Its event tells the plate in front: that car is not charged, and a person says who was behind it."""
    two_inside(street)
    first = street.arrive("out-1", CAR)
    street.pay_cash("out-1")
    assert tailgate(street, "out-1", CAR).reason == "lane.tailgating"
    case = case_of(street, CaseKind.TAILGATER)
    assert (case.evidence["first"], case.stay_id, debts(street)) == (str(first.passage), None, [])
    settle(street, case, CaseAction.CHARGE, plate=OTHER_CAR)
    assert ([each.amount.minor for each in debts(street)], street.inside(), street.cases()) == ([750], [], [])


def test_tailgater_keeps_the_pictures_of_the_car_in_front(street: Street) -> None:
    """As long as the debt is owed, both cars' pictures are."""
    two_inside(street)
    first = street.arrive("out-1", CAR, pictures=BOTH)
    street.pay_cash("out-1")
    second = tailgate(street, "out-1", OTHER_CAR, pictures=BOTH)
    both = [street.passage(each) for each in (first.passage, second.passage)]
    assert [read(street.db, is_needed, passage=each) for each in both] == [True, True]
    [bill] = [each for each in bills_in(street.db, street.lot) if each.left]
    write(street.db, take_cash, bill=bill.id, tendered=bill.left)
    street.react()
    assert [read(street.db, is_needed, passage=each) for each in both] == [False, False]


def test_tailgater_that_the_loop_counts(street: Street) -> None:
    """The second car was held and drove out behind the first: two crossings, one opening."""
    two_inside(street)
    street.arrive("in-1", THIRD_CAR)
    street.arrive("out-1", THIRD_CAR)  # one that has nothing to pay goes before them
    drive_on(street, "out-1")
    street.pass_minutes(0.2)
    first = street.arrive("out-1", CAR)
    street.pay_cash("out-1")
    held = street.arrive("out-1", OTHER_CAR)
    assert held.reason == "exit.unpaid"
    drive_on(street, "out-1")  # the first one: it was still on its way
    assert street.case_kinds() == []
    street.pass_minutes(0.1)
    drive_on(street, "out-1")
    case = case_of(street, CaseKind.TAILGATER)
    assert (case.passage_id, case.stay_id, case.evidence["first"]) == (held.passage, None, str(first.passage))
    settle(street, case, CaseAction.CHARGE, plate=OTHER_CAR)
    assert ([each.amount.minor for each in debts(street)], street.inside()) == ([750], [])
    assert not street.standing("out-1").waiting


def test_tailgater_that_the_loop_counts_is_not_the_car_that_waits(street: Street) -> None:
    """It stands there unpaid: nothing is charged to it unless a person names it, and it pays and leaves as any."""
    two_inside(street)
    street.arrive("out-1", CAR)
    street.pay_cash("out-1")
    drive_on(street, "out-1")
    street.pass_minutes(0.05)
    assert street.arrive("out-1", OTHER_CAR).reason == "exit.unpaid"
    street.pass_minutes(0.05)
    drive_on(street, "out-1")
    case = case_of(street, CaseKind.TAILGATER)
    with pytest.raises(Malformed, match=r"exception\.stay_missing"):
        settle(street, case, CaseAction.CHARGE)
    street.pass_minutes(2)
    street.arrive("out-2", OTHER_CAR)  # it stands at another exit meanwhile: whoever names it is wrong
    with pytest.raises(Refused, match=r"stay\.at_lane"):
        settle(street, case, CaseAction.CHARGE, plate=OTHER_CAR)
    street.pay_cash("out-2")
    assert (street.inside(), debts(street)) == ([], [])


def test_tailgater_at_the_exit_is_charged_once(street: Street) -> None:
    two_inside(street)
    street.arrive("out-1", CAR)
    street.pay_cash("out-1")
    tailgate(street, "out-1", OTHER_CAR)
    settle(street, case_of(street, CaseKind.TAILGATER), CaseAction.CHARGE)
    assert ([each.amount.minor for each in debts(street)], street.cases()) == ([750], [])


def test_loop_waits_for_who_is_let_through_in_the_same_moment(street: Street, monkeypatch: pytest.MonkeyPatch) -> None:
    """What it has to report is read and written back: nobody lets a car through in between."""
    street.arrive("in-1", CAR)
    locked, lock = [], Unit.lock

    def listened(unit: Unit, *names: tuple[str, Id]) -> None:
        locked.append(names)
        lock(unit, *names)

    monkeypatch.setattr(Unit, "lock", listened)
    drive_on(street, "in-1")
    drive_on(street, "in-1")
    assert locked == [(("lot", street.lot),)] * 2


def test_two_axles_and_two_openings_are_no_tailgater(street: Street) -> None:
    street.arrive("in-1", CAR)
    drive_on(street, "in-1")
    street.machine.advance(SECOND_US)
    drive_on(street, "in-1")  # the trailer's axle
    street.pass_minutes(2)
    street.arrive("in-1", OTHER_CAR)
    street.pass_minutes(0.1)
    street.open_by_hand("in-1", "two at once")
    drive_on(street, "in-1")
    street.machine.advance(4 * SECOND_US)
    drive_on(street, "in-1")
    assert street.case_kinds() == ["opened_by_hand"]


def test_a_car_that_its_camera_let_in_is_no_tailgater(street: Street) -> None:
    """The white list of the camera opened for the second one: its loop reports a car nobody here had let through."""
    street.arrive("in-1", CAR)
    drive_on(street, "in-1")
    street.pass_minutes(0.1)
    street.arrive("in-1", OTHER_CAR, opened_by_camera=True)
    drive_on(street, "in-1")
    assert (street.case_kinds(), len(street.inside())) == ([], 2)


def test_tailgater_at_the_entry_is_inside(street: Street) -> None:
    street.arrive("in-1", CAR)
    assert tailgate(street, "in-1", OTHER_CAR).reason == "entry.tailgated"
    assert (len(street.inside()), street.case_kinds(), inside_count(street)) == (2, ["tailgater"], 2)
    for action in (CaseAction.OTHER_CAR, CaseAction.CHARGE):  # its fee comes when it leaves
        with pytest.raises(Refused, match=r"exception\.action"):
            settle(street, case_of(street, CaseKind.TAILGATER), action)
    assert len(street.inside()) == 2


def test_tailgater_at_the_entry_that_was_not_read_is_booked_in(street: Street) -> None:
    """A person reads its plate from the pictures: it is inside from then, and pays as any."""
    street.arrive("in-1", CAR)
    unread = tailgate(street, "in-1", None, pictures=BOTH)
    street.pass_minutes(5)
    case = case_of(street, CaseKind.TAILGATER)
    with pytest.raises(Refused, match=r"stay\.plate_inside"):
        settle(street, case, CaseAction.CORRECT_PLATE, plate=CAR)
    settle(street, case, CaseAction.CORRECT_PLATE, plate=OTHER_CAR)
    behind = street.inside()[0]
    entry = street.passage(unread.passage)
    assert (behind.entry_passage_id, behind.entered_at, entry.stay_id) == (entry.id, entry.captured_at, behind.id)
    assert (inside_count(street), street.cases(), len(street.commands())) == (2, [], 1)
    street.pass_minutes(61)
    assert street.arrive("out-1", OTHER_CAR).reason == "exit.unpaid"


@pytest.mark.parametrize("told_by", ["camera", "loop"])
def test_tailgater_at_the_entry_without_a_passage_is_booked_in(street: Street, told_by: str) -> None:
    """The camera names the car in front, or only the loop counts: there is no picture of the second one's own."""
    street.arrive("in-1", CAR)
    if told_by == "camera":
        assert tailgate(street, "in-1", CAR).reason == "lane.tailgating"
    else:
        drive_on(street, "in-1")
        street.machine.advance(4 * SECOND_US)
        drive_on(street, "in-1")
    case = case_of(street, CaseKind.TAILGATER)
    settle(street, case, CaseAction.CORRECT_PLATE, plate=OTHER_CAR)
    [behind, _] = street.inside()
    assert (behind.entered_at, street.passage(behind.entry_passage_id).reason) == (case.raised_at, "entry.tailgated")
    assert (inside_count(street), street.cases(), len(street.commands())) == (2, [], 1)


@pytest.mark.parametrize(
    ("outcome", "detail", "told"),
    [
        (Outcome.REJECTED, "locked", True),
        (Outcome.UNCERTAIN, "locked", True),
        (Outcome.UNCERTAIN, "not_moved", True),
        (Outcome.UNCERTAIN, "no_status", False),
        (Outcome.DONE, "passed", False),
    ],
)
def test_gate_locked_while_answering_ok(street: Street, outcome: Outcome, detail: str, told: bool) -> None:
    """It answered OK and its status says that the boom is locked: the outcome is no "done", and a person is told."""
    street.arrive("in-1", CAR)
    [command] = street.commands()
    write(street.db, facility.take_for_sending, device=command.device_id)
    write(street.db, facility.report_outcome, command=command.id, outcome=outcome, detail=detail)
    street.react()
    assert street.case_kinds() == (["gate_failed"] if told else [])
    if told:
        settle(street, case_of(street, CaseKind.GATE_FAILED), CaseAction.OPEN)
        assert len(street.commands()) == 2  # the gate is told again by a person, and only by a person


def test_gate_locked_as_its_status_says(street: Street) -> None:
    """The camera answered OK and then told that the boom is locked: refused, whatever was answered."""
    street.arrive("in-2", CAR)
    locked: dict[str, Any] = {"lane": street.ids["in-2"], "device": street.ids["cam-in-2"]}
    assert write(street.db, facility.gate_locked, **locked) == 1
    assert write(street.db, facility.gate_locked, **locked) == 0
    [command] = street.commands()
    assert (command.outcome, command.detail) == (Outcome.REJECTED, "locked")
    street.react()
    assert street.case_kinds() == ["gate_failed"]


def test_gate_locked_that_only_its_loop_gives_away(street: Street) -> None:
    """The camera's relay switched; nothing drove through, though the loop behind it works."""
    street.arrive("in-2", CAR)
    drive_on(street, "in-2")
    street.pass_minutes(1)
    street.arrive("in-2", OTHER_CAR)
    street.machine.advance(31 * SECOND_US)
    write(street.db, facility.end_expired)
    street.react()
    assert street.case_kinds() == ["gate_failed"]


def test_tailgater_that_is_read_after_it_was_told_of(street: Street) -> None:
    """Its ordinary reading comes after the news that it went through: the same car, and nobody waits."""
    street.arrive("in-1", CAR)
    street.arrive("in-1", OTHER_CAR)
    street.pass_minutes(61)
    street.arrive("out-1", OTHER_CAR)
    street.pay_cash("out-1")
    street.pass_minutes(0.05)
    told = tailgate(street, "out-1", CAR)
    street.pass_minutes(0.05)
    read_later = street.arrive("out-1", CAR)
    assert (read_later.passage, read_later.repeated, read_later.opens) == (told.passage, True, False)
    assert (street.standing("out-1").waiting, street.case_kinds()) == (False, ["tailgater"])
    street.pass_minutes(5)
    assert street.arrive("out-1", CAR).reason == "exit.without_entry"  # by now it is a car that never came in
