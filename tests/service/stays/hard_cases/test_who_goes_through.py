"""Who goes through whatever speaks against it, who goes through together, and who is one car only."""

from functools import partial
from typing import Any

import pytest

from openberth.contexts import facility, stays
from openberth.contexts.facility import CommandKind, LotState, Outcome
from openberth.contexts.permits.model import PermitKind
from openberth.contexts.stays import PlateColour
from openberth.contexts.stays.model.entities import Action, CaseKind, PassageState
from openberth.contexts.stays.service.cases import CaseAction
from openberth.contexts.stays.service.convoys import convoy_over
from openberth.contexts.stays.service.correcting import correct_plate
from openberth.kernel.errors import Refused
from openberth.kernel.ids import Id
from openberth.kernel.plates import Plate
from openberth.kernel.time import MINUTE_US, Instant
from tests.service.acting import COMPANY, bills_in, events, write
from tests.service.stays.hard_cases.scene import (
    apply_rules,
    case_of,
    debts,
    drive_on,
    grant,
    inside_count,
    loop_tells,
    settle,
    tailgate,
)
from tests.service.stays.street import CAR, OTHER_CAR, THIRD_CAR, Street

FIRE_ENGINE, POLICE, ARMED_POLICE, ARMY = "粤X1234应急", "粤B1234警", "WJ粤12345", "VA12345"
NEW_ENERGY_CUT_OFF = "BD12345"  # a green plate that has lost its province looks like one of the army


def full(street: Street) -> None:
    write(street.db, facility.adjust, company=COMPANY, lot=street.lot, area="ground", adjustment=400, reason="recount")


# emergency vehicles


@pytest.mark.parametrize("plate", [FIRE_ENGINE, POLICE, ARMED_POLICE, ARMY])
def test_emergency_vehicles_never_held(street: Street, plate: str) -> None:
    """Full, closed to all, blocked, a clock that is wrong, hours inside: both gates open, and it costs nothing."""
    full(street)
    street.set_state(LotState.CLOSED_TO_ALL)
    grant(street, **{plate: PermitKind.BLOCKED})
    wrong = Instant(street.business.now() - 30 * MINUTE_US)
    entry = street.arrive("in-2", plate, colour=PlateColour.WHITE, captured_at=wrong)
    assert (entry.action, entry.reason, entry.opens) == (Action.OPEN, "entry.emergency", True)
    [stay] = street.inside()
    assert stay.right == "emergency"
    assert street.arrive("vip-in", plate, colour=PlateColour.WHITE).reason == "inner.emergency"
    street.pass_minutes(600)
    leaving = street.arrive("out-2", plate, colour=PlateColour.WHITE)
    assert (leaving.action, leaving.reason, leaving.opens) == (Action.OPEN, "exit.emergency", True)
    [closed] = street.closed()
    assert (closed.price_minor, closed.paid_minor, bills_in(street.db, street.lot)) == (0, 0, [])
    assert street.case_kinds() == ["clock_skew"]


def test_emergency_vehicles_never_held_whatever_they_owe(street: Street) -> None:
    """It came in while the rule was another one, owes from before, and has a bill: the gate opens, nothing is asked."""
    apply_rules(street, never_held=())
    for _ in range(2):
        street.arrive("in-1", FIRE_ENGINE, colour=PlateColour.WHITE)
        street.pass_minutes(61)
        held = street.arrive("out-1", FIRE_ENGINE, colour=PlateColour.WHITE)
        assert held.reason == "exit.unpaid"
        if not debts(street):
            street.open_by_hand("out-1", "blue light")
            street.pass_minutes(10)
    assert len(debts(street)) == 1
    apply_rules(street)
    street.pass_minutes(1)
    assert street.arrive("out-2", FIRE_ENGINE, colour=PlateColour.WHITE).reason == "exit.emergency"
    assert (street.inside(), street.closed()[0].price_minor) == ([], 0)
    assert [each.state.value for each in bills_in(street.db, street.lot)][:1] == ["void"]


def test_emergency_vehicles_leave_without_an_entry(street: Street) -> None:
    apply_rules(street, anti_passback={"casual": "hard", "internal": "hard"})
    leaving = street.arrive("out-1", POLICE, colour=PlateColour.WHITE)
    assert (leaving.action, leaving.reason) == (Action.OPEN, "exit.emergency")
    assert street.case_kinds() == ["exit_without_entry"], "a person looks who showed that plate"


def test_a_plate_of_another_colour_is_no_emergency_vehicle(street: Street) -> None:
    assert street.arrive("out-1", POLICE, colour=PlateColour.BLUE).reason == "exit.without_entry"
    assert street.arrive("out-2", POLICE, colour=PlateColour.UNKNOWN).reason == "exit.emergency"


def correct(street: Street, stay: Id, plate: str) -> None:
    write(street.db, correct_plate, stay=stay, plate=Plate.read(plate), reason="looked at the pictures")


def test_emergency_vehicle_misread_at_its_entry_owes_nothing(street: Street) -> None:
    """It left under its own plate; the stay under the misread one is ended there, free, once somebody has looked."""
    street.arrive("in-1", CAR)
    street.pass_minutes(300)
    assert street.arrive("out-1", POLICE, colour=PlateColour.WHITE).reason == "exit.emergency"
    correct(street, street.inside()[0].id, POLICE)
    [closed] = street.closed()
    assert (closed.price_minor, closed.paid_minor, street.inside(), debts(street)) == (0, 0, [], [])
    assert CaseKind.LEFT_UNPAID.value not in street.case_kinds()


def test_emergency_vehicle_that_was_corrected_while_inside(street: Street) -> None:
    """From then on it is on duty, whatever colour cameras see, and however a person lets it out."""
    for lane, plate in (("in-1", CAR), ("in-2", OTHER_CAR), ("in-1", THIRD_CAR)):
        street.arrive(lane, plate)
        street.pass_minutes(1)
    for stay, plate in zip(street.inside(), (POLICE, FIRE_ENGINE, ARMED_POLICE), strict=True):
        correct(street, stay.id, plate)
    street.pass_minutes(300)
    assert street.arrive("out-1", POLICE, colour=PlateColour.BLUE).action is Action.OPEN
    street.arrive("out-2", None)
    settle(street, case_of(street, CaseKind.PLATE_UNREAD), CaseAction.CORRECT_PLATE, plate=FIRE_ENGINE)
    street.pass_minutes(1)
    tailgate(street, "out-1", ARMED_POLICE, colour=PlateColour.BLUE)
    assert (street.inside(), debts(street), bills_in(street.db, street.lot)) == ([], [], [])
    assert [each.price_minor for each in street.closed()] == [0, 0, 0]
    assert (street.standing("out-2").waiting, len(street.commands())) == (False, 5)


def test_emergency_vehicle_that_is_let_out_by_hand_owes_nothing(street: Street) -> None:
    apply_rules(street, never_held=())
    street.arrive("in-1", POLICE, colour=PlateColour.WHITE)
    street.pass_minutes(300)
    assert street.arrive("out-1", POLICE, colour=PlateColour.WHITE).reason == "exit.unpaid"
    apply_rules(street)
    street.open_by_hand("out-1", "blue light")
    assert (street.closed()[0].price_minor, debts(street), street.cases()) == (0, [], [])


def test_emergency_vehicle_corrected_when_it_has_left(street: Street) -> None:
    """What it paid stays what it paid; a debt is dealt with first, and the rest is none."""
    street.arrive("in-1", CAR)
    street.pass_minutes(61)
    street.arrive("out-1", CAR)
    street.pay_cash("out-1")
    correct(street, street.closed()[0].id, POLICE)
    assert (street.closed()[0].price_minor, debts(street), street.cases()) == (750, [], [])
    street.arrive("in-1", OTHER_CAR)
    street.pass_minutes(61)
    street.arrive("out-1", OTHER_CAR)
    street.open_by_hand("out-1")
    with pytest.raises(Refused, match=r"stay\.debt_differs"):
        correct(street, street.closed()[0].id, POLICE)


def test_emergency_vehicle_drives_straight_through(street: Street) -> None:
    """Where nobody leaves that soon by the rules, it does all the same."""
    apply_rules(street, shortest_stay_s=60)
    street.arrive("in-1", POLICE, colour=PlateColour.WHITE)
    street.pass_minutes(0.7)
    leaving = street.arrive("out-1", POLICE, colour=PlateColour.WHITE)
    assert (leaving.reason, len(street.commands()), street.inside()) == ("exit.emergency", 2, [])


def test_what_only_looks_like_an_army_plate_waits_like_any(street: Street) -> None:
    full(street)
    assert street.arrive("in-1", NEW_ENERGY_CUT_OFF, colour=PlateColour.GREEN).reason == "entry.full"


# a full lot


def test_lot_full_with_a_resident_arriving(street: Street) -> None:
    full(street)
    grant(street, **{CAR: PermitKind.RESIDENT})
    assert street.arrive("in-1", OTHER_CAR).reason == "entry.full"
    assert street.arrive("in-1", CAR).reason == "entry.resident"
    apply_rules(street, full_admits_permits=False)
    grant(street, **{THIRD_CAR: PermitKind.RESIDENT})
    assert street.arrive("in-2", THIRD_CAR).reason == "entry.full"


# a convoy


def test_convoy(street: Street) -> None:
    """Ten cars on one opening by intent: the gate is told once, every car is recorded, and then it is as before."""
    cars = [f"粤B1{number:04}" for number in range(10)]
    until = write(street.db, stays.begin_convoy, lot=street.lot, lane=street.ids["in-1"], minutes=5, reason=" wedding ")
    assert until == street.machine.now() + 5 * MINUTE_US
    gate_does(street, "in-1")
    for plate in cars:
        street.pass_minutes(0.1)
        answer = street.arrive("in-1", plate)
        assert (answer.action, answer.reason) == (Action.OPEN, "entry.convoy")
        drive_on(street, "in-1")
    unread = street.arrive("in-1", None)
    assert unread.action is Action.OPEN
    assert (len(street.inside()), inside_count(street), street.case_kinds()) == (11, 11, ["plate_unread"])
    assert [(each.kind, each.reason) for each in street.commands()] == [(CommandKind.LOCK_OPEN, "wedding")]
    assert write(street.db, stays.end_convoy, lot=street.lot, lane=street.ids["in-1"])
    assert not write(street.db, stays.end_convoy, lot=street.lot, lane=street.ids["in-1"])
    assert [each.kind for each in street.commands()] == [CommandKind.UNLOCK, CommandKind.LOCK_OPEN]
    gate_does(street, "in-1")
    assert street.arrive("in-1", OTHER_CAR).reason == "entry.casual"
    assert [each.body["cause"] for each in events(street.db, "stays.convoy_ended")] == ["by_hand"]


def test_convoy_leaves_with_what_it_owes(street: Street) -> None:
    """A relay is told for every car; a debt is a debt; it ends by itself, and not before it is over."""
    street.arrive("in-1", CAR)
    street.arrive("in-2", OTHER_CAR)
    street.pass_minutes(61)
    lane: dict[str, Any] = {"lot": street.lot, "lane": street.ids["out-2"]}
    with pytest.raises(Refused, match=r"convoy\.minutes"):
        write(street.db, stays.begin_convoy, **lane, minutes=500, reason="wedding")
    write(street.db, stays.begin_convoy, **lane, minutes=5, reason="wedding")
    assert (street.arrive("out-2", CAR).reason, street.arrive("out-2", OTHER_CAR).opens) == ("exit.convoy", True)
    assert (street.inside(), street.case_kinds()) == ([], ["left_unpaid", "left_unpaid"])
    assert [each.amount.minor for each in debts(street)] == [750, 750]
    assert not write(street.db, convoy_over, **lane)
    street.pass_minutes(6)
    assert street.arrive("out-2", THIRD_CAR).action is Action.HOLD  # its time is over, whoever notes it
    assert write(street.db, convoy_over, **lane)


def gate_does(street: Street, lane: str, outcome: Outcome = Outcome.DONE) -> None:
    """Give what the gate of a lane was last told its outcome."""
    last = next(each for each in street.commands() if each.lane_id == street.ids[lane])
    write(street.db, facility.report_outcome, command=last.id, outcome=outcome, detail=None)
    street.react()


def opens(street: Street) -> int:
    return sum(each.kind is CommandKind.OPEN for each in street.commands())


def test_convoy_begins_with_the_car_that_waits(street: Street) -> None:
    """It stands unpaid at the exit: it goes first, and leaves its debt; the next one does not forget it."""
    street.arrive("in-1", CAR)
    street.arrive("in-2", OTHER_CAR)
    street.pass_minutes(61)
    waiting = street.arrive("out-1", CAR)
    assert waiting.reason == "exit.unpaid"
    lane: dict[str, Any] = {"lot": street.lot, "lane": street.ids["out-1"]}
    write(street.db, stays.begin_convoy, **lane, minutes=5, reason="jam")
    assert not street.standing("out-1").waiting
    drive_on(street, "out-1")
    street.pass_minutes(1)
    assert street.arrive("out-1", OTHER_CAR).reason == "exit.convoy"
    assert (street.inside(), [each.amount.minor for each in debts(street)]) == ([], [750, 750])
    assert street.passage(waiting.passage).state is PassageState.PASSED


def test_convoy_begins_with_the_car_that_the_full_lot_refused(street: Street) -> None:
    full(street)
    assert street.arrive("in-1", CAR).reason == "entry.full"
    assert street.arrive("in-2", OTHER_CAR).reason == "entry.full"
    begin = partial(write, street.db, stays.begin_convoy, lot=street.lot, minutes=5, reason="jam")
    begin(lane=street.ids["in-1"])
    street.pass_minutes(2)
    begin(lane=street.ids["in-2"])  # that one has gone
    assert [each.entry_passage_id for each in street.inside()] == [street.standing("in-1").passage_id]


@pytest.mark.parametrize("outcome", [Outcome.UNREACHABLE, Outcome.REJECTED, Outcome.UNCERTAIN])
def test_convoy_whose_gate_does_not_stay_open(street: Street, outcome: Outcome) -> None:
    """A person is told, and it is opened for every car meanwhile, also for one on duty; said again it is told again."""
    lane: dict[str, Any] = {"lot": street.lot, "lane": street.ids["in-1"]}
    begin = partial(write, street.db, stays.begin_convoy, **lane, minutes=60, reason="jam")
    begin()
    assert (street.arrive("in-1", THIRD_CAR).reason, opens(street)) == ("entry.convoy", 1)  # not known yet
    street.pass_minutes(0.1)
    [locking] = [each for each in street.commands() if each.kind is CommandKind.LOCK_OPEN]
    write(street.db, facility.report_outcome, command=locking.id, outcome=outcome, detail=None)
    street.react()
    told = case_of(street, CaseKind.GATE_FAILED)
    assert (told.evidence["kind"], told.lane_id) == ("lock_open", street.ids["in-1"])
    for number, plate in enumerate((CAR, POLICE), start=2):
        street.pass_minutes(1)
        colour = PlateColour.WHITE if plate == POLICE else PlateColour.BLUE
        assert street.arrive("in-1", plate, colour=colour).action is Action.OPEN
        assert opens(street) == number
    begin()
    gate_does(street, "in-1")
    street.pass_minutes(1)
    assert (street.arrive("in-1", OTHER_CAR).reason, opens(street)) == ("entry.convoy", 3)
    begin()
    assert [each.kind for each in street.commands()].count(CommandKind.LOCK_OPEN) == 2


def test_convoy_whose_gate_does_not_close(street: Street) -> None:
    """It may stand open for everybody: a person is told, and may tell it again."""
    lane: dict[str, Any] = {"lot": street.lot, "lane": street.ids["in-1"]}
    write(street.db, stays.begin_convoy, **lane, minutes=60, reason="jam")
    gate_does(street, "in-1")
    assert write(street.db, stays.end_convoy, **lane)
    gate_does(street, "in-1", Outcome.UNREACHABLE)
    assert case_of(street, CaseKind.GATE_FAILED).evidence["kind"] == "unlock"
    assert not write(street.db, stays.end_convoy, **lane)
    gate_does(street, "in-1")
    assert not write(street.db, stays.end_convoy, **lane)  # that was done
    assert [each.kind for each in street.commands()] == [
        CommandKind.UNLOCK, CommandKind.UNLOCK, CommandKind.LOCK_OPEN
    ]  # fmt: skip


# one plate, one car


def test_anti_passback_soft(street: Street) -> None:
    """By default a car that comes in twice comes in, and a person is told."""
    first = street.arrive("in-1", CAR)
    street.pass_minutes(30)
    second = street.arrive("in-2", CAR)
    assert (second.action, street.case_kinds()) == (Action.OPEN, ["entered_again"])
    assert street.closed()[0].id == first.stay
    grant(street, **{OTHER_CAR: PermitKind.MONTHLY})
    assert street.arrive("out-1", OTHER_CAR).reason == "exit.monthly"
    assert street.case_kinds() == ["entered_again", "exit_without_entry"]


def test_anti_passback_off(street: Street) -> None:
    apply_rules(street, anti_passback={"casual": "off", "monthly": "off"})
    grant(street, **{OTHER_CAR: PermitKind.MONTHLY})
    street.arrive("in-1", CAR)
    street.pass_minutes(30)
    assert street.arrive("in-2", CAR).action is Action.OPEN
    assert street.arrive("out-1", OTHER_CAR).action is Action.OPEN
    assert street.cases() == []


def test_anti_passback_hard(street: Street) -> None:
    """By the kind of permit: a resident's card brings one car in; nobody else is stricter treated for it."""
    apply_rules(street, anti_passback={"resident": "hard"})
    grant(street, **{CAR: PermitKind.RESIDENT, THIRD_CAR: PermitKind.RESIDENT})
    first = street.arrive("in-1", CAR)
    street.pass_minutes(30)
    second = street.arrive("in-2", CAR)
    assert (second.action, second.reason, second.opens) == (Action.HOLD, "entry.passback", False)
    assert [each.id for each in street.inside()] == [first.stay]
    settle(street, case_of(street, CaseKind.ENTERED_AGAIN), CaseAction.OPEN)  # a person lets it in all the same
    assert len(street.inside()) == 1
    held = street.arrive("out-1", THIRD_CAR)
    assert (held.action, held.reason) == (Action.HOLD, "exit.passback")
    assert street.case_kinds() == ["exit_without_entry"]
    street.pass_minutes(1)
    street.arrive("in-1", OTHER_CAR)
    street.pass_minutes(30)
    assert street.arrive("in-2", OTHER_CAR).action is Action.OPEN  # without a permit it is soft


def test_anti_passback_never_traps_a_car_that_has_paid(street: Street) -> None:
    apply_rules(street, anti_passback={"casual": "hard", "resident": "hard"})
    street.arrive("in-1", CAR)
    street.pass_minutes(61)
    loop_tells(street, "out-1")
    street.arrive("out-1", CAR)
    street.pay_cash("out-1")
    street.pass_minutes(2)
    assert street.arrive("out-1", CAR).reason == "exit.again"
    assert street.cases() == []


def test_neutral_reset_of_one_car(street: Street) -> None:
    """The barrier stood open for an hour: what this car does next counts, whichever it is, once."""
    apply_rules(street, anti_passback={"resident": "hard"})
    grant(street, **{CAR: PermitKind.RESIDENT, OTHER_CAR: PermitKind.RESIDENT})
    reset = partial(write, street.db, stays.reset_passback, lot=street.lot, reason="barrier was up")
    street.arrive("in-1", CAR)
    street.pass_minutes(60)
    reset(plate=Plate.read(CAR))
    street.pass_minutes(1)
    assert street.arrive("in-2", CAR).reason == "entry.resident"
    assert street.cases() == []
    street.pass_minutes(60)
    assert street.arrive("in-1", CAR).reason == "entry.passback"  # that was the once
    # Without an entry it may leave, once.
    reset(plate=Plate.read(OTHER_CAR))
    street.pass_minutes(1)
    assert street.arrive("out-1", OTHER_CAR).reason == "exit.neutral"
    street.pass_minutes(30)
    assert street.arrive("out-1", OTHER_CAR).reason == "exit.passback"


def test_neutral_reset_of_many(street: Street) -> None:
    apply_rules(street, anti_passback={"resident": "hard", "monthly": "hard"})
    grant(street, **{CAR: PermitKind.RESIDENT, OTHER_CAR: PermitKind.MONTHLY})
    for plate in (CAR, OTHER_CAR):
        street.arrive("in-1", plate)
    street.pass_minutes(60)
    write(street.db, stays.reset_passback, lot=street.lot, reason="power cut", rights=["resident"])
    street.pass_minutes(1)
    assert street.arrive("in-2", CAR).reason == "entry.resident"
    assert street.arrive("in-1", OTHER_CAR).reason == "entry.passback"
    write(street.db, stays.reset_passback, lot=street.lot, reason="power cut")
    street.pass_minutes(1)
    assert street.arrive("in-2", OTHER_CAR).reason == "entry.monthly"
    assert street.arrive("out-1", THIRD_CAR).reason == "exit.neutral"  # of all: also of those without a permit
    street.pass_minutes(7 * 24 * 60)
    assert street.arrive("out-2", "粤B55555").reason == "exit.without_entry"  # it does not hold for ever
    with pytest.raises(Refused, match=r"passback\.right"):
        write(street.db, stays.reset_passback, lot=street.lot, reason="power cut", rights=["nobility"])
    assert [each.body["rights"] for each in events(street.db, "stays.passback_reset")] == [["resident"], []]


def test_neutral_reset_is_believed_for_a_while(street: Street) -> None:
    """A power cut of long ago opens for no plate that was never seen before; within its hours a person is told."""
    write(street.db, stays.reset_passback, lot=street.lot, reason="power cut")
    street.pass_minutes(60)
    assert street.arrive("out-2", OTHER_CAR).reason == "exit.neutral"
    assert street.case_kinds() == ["exit_without_entry"]
    street.pass_minutes(24 * 60)
    assert (street.arrive("out-1", THIRD_CAR).reason, len(street.commands())) == ("exit.without_entry", 1)


def test_neutral_reset_opens_for_no_misread_plate_of_a_car_inside(street: Street) -> None:
    """One sign of a car inside is misread at the exit: nobody named that plate, so a person looks first."""
    misread = "粤B12845"
    entry = street.arrive("in-1", CAR)
    street.pass_minutes(300)
    write(street.db, stays.reset_passback, lot=street.lot, reason="power cut")
    street.pass_minutes(1)
    leaving = street.arrive("out-1", misread)
    assert (leaving.reason, leaving.opens, street.case_kinds()) == ("exit.without_entry", False, ["exit_without_entry"])
    settle(street, case_of(street, CaseKind.EXIT_WITHOUT_ENTRY), CaseAction.MATCH_STAY, stay=entry.stay)
    assert (street.standing("out-1").stay_id, street.bill_at("out-1").left.minor > 0) == (entry.stay, True)
    # Named by a person it leaves: it is not the car that looks like it.
    write(street.db, stays.reset_passback, lot=street.lot, reason="it came in", plate=Plate.read(misread))
    street.pass_minutes(1)
    assert street.arrive("out-2", misread).reason == "exit.neutral"
