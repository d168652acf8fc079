"""Stays of which one end was not seen, or was seen wrong."""

import asyncio

import pytest

from openberth.contexts import stays, tariffs
from openberth.contexts.permits.model import PermitKind
from openberth.contexts.stays.model.entities import Action, Ask, CaseKind, CloseReason, picture_name
from openberth.contexts.stays.reactions.nights import Nights
from openberth.contexts.stays.service import queries
from openberth.contexts.stays.service.cases import CaseAction
from openberth.contexts.tariffs.document import read_tariff
from openberth.kernel.errors import NotFound, Refused
from openberth.kernel.ids import Id
from openberth.kernel.plates import Plate
from openberth.kernel.time import DAY_US
from tests.service.acting import COMPANY, ROOT, bills_in, events, read, write
from tests.service.stays.hard_cases.scene import (
    PASS,
    SCENE,
    adjusted,
    apply_rules,
    case_of,
    debts,
    grant,
    inside_count,
    settle,
    tailgate,
)
from tests.service.stays.street import CAR, OTHER_CAR, THIRD_CAR, Street

MISREAD = "粤B12346"
ALMOST = "粤B12340"


def days(street: Street, number: int) -> None:
    street.business.advance(number * DAY_US)
    street.machine.advance(number * DAY_US)


def swept(street: Street) -> bool:
    """Let a night pass over the lot."""
    return asyncio.run(Nights(street.db).sweep())


def soft_close(street: Street, stay: Id | None, reason: str = "walked the lot") -> None:
    write(street.db, stays.soft_close, stay=stay, reason=reason)


def test_fuzzy_exit_with_two_candidates_and_photos(street: Street) -> None:
    """Two cars inside are one sign away from what was read: nobody is billed until a person has seen both pictures."""
    one = street.arrive("in-1", MISREAD, pictures=SCENE)
    other = street.arrive("in-2", ALMOST, pictures=SCENE)
    street.pass_minutes(61)
    leaving = street.arrive("out-1", CAR, pictures=SCENE)
    assert (leaving.action, leaving.ask, leaving.bill) == (Action.HOLD, Ask.NOTHING, None)
    street.pass_minutes(5)
    assert (len(street.inside()), bills_in(street.db, street.lot)) == (2, [])
    case = case_of(street, CaseKind.EXIT_WITHOUT_ENTRY)
    shown = read(street.db, queries.case_detail, case=case.id).candidates
    assert {each.stay: each.names for each in shown} == {
        each.stay: (picture_name(each.passage, 0),) for each in (one, other)
    }
    settle(street, case, CaseAction.MATCH_STAY, stay=other.stay)
    assert (street.standing("out-1").ask, street.standing("out-1").stay_id) == (Ask.PAY, other.stay)
    street.pay_cash("out-1")
    assert ([each.id for each in street.closed()], [each.id for each in street.inside()]) == ([other.stay], [one.stay])


def test_plate_corrected_after_the_fact(street: Street) -> None:
    """Misread at the entry, paid in advance, let out by hand under its right plate: days later somebody corrects it.

    The history is kept, the stay ends at the exit that was its own, and it owes only what was not paid.
    """
    entry = street.arrive("in-1", MISREAD)
    street.pass_minutes(61)
    street.pay_in_advance(MISREAD)
    street.pass_minutes(60)
    leaving = street.arrive("out-1", CAR)
    assert leaving.reason == "exit.without_entry"
    street.open_by_hand("out-1", "nobody knows it")
    left_at = street.passage(leaving.passage).captured_at
    assert [each.id for each in street.inside()] == [entry.stay]
    days(street, 2)
    correction = write(street.db, stays.correct_plate, stay=entry.stay, plate=Plate.read(CAR), reason="both pictures")
    assert correction is not None
    [closed] = street.closed()
    assert (closed.id, closed.exit_passage_id, closed.left_at) == (entry.stay, leaving.passage, left_at)
    assert (closed.price_minor, closed.paid_minor, street.inside()) == (1250, 750, [])
    assert [each.amount.minor for each in debts(street)] == [500]
    assert street.passage(leaving.passage).stay_id == entry.stay
    detail = read(street.db, queries.stay_detail, stay=entry.stay)
    assert [(each.before, each.after) for each in detail.corrections] == [("粤B·**346", "粤B·**345")]
    assert [row.plate for row in detail.passages] == ["粤B·**346", "粤B·**345"]


def test_plate_corrected_while_inside_and_billed_by_the_difference(street: Street) -> None:
    """Its right plate has no permit, its misread one had: the stay is priced anew, and what was paid counts."""
    grant(street, **{MISREAD: PermitKind.RESIDENT})
    entry = street.arrive("in-1", MISREAD)
    street.pass_minutes(61)
    write(street.db, stays.correct_plate, stay=entry.stay, plate=Plate.read(CAR), reason="looked")
    street.pay_in_advance(CAR)
    street.pass_minutes(60)
    street.arrive("out-1", CAR)
    assert street.bill_at("out-1").left.minor == 500
    street.pay_cash("out-1")
    assert (street.closed()[0].price_minor, street.closed()[0].paid_minor) == (1250, 1250)


def correct(street: Street, stay: Id | None, plate: str = CAR) -> None:
    write(street.db, stays.correct_plate, stay=stay, plate=Plate.read(plate), reason="both pictures")


def test_plate_corrected_after_its_car_has_left(street: Street) -> None:
    """Misread at both ends, let out as a resident: it is somebody else's visit, and was not paid."""
    grant(street, **{MISREAD: PermitKind.RESIDENT})
    entry = street.arrive("in-1", MISREAD)
    street.pass_minutes(61)
    assert street.arrive("out-1", MISREAD).reason == "exit.resident"
    days(street, 1)
    correct(street, entry.stay)
    [closed] = street.closed()
    assert (closed.price_minor, closed.paid_minor, [each.amount.minor for each in debts(street)]) == (750, 0, [750])
    assert debts(street)[0].plate == closed.plate_id
    assert street.case_kinds() == ["left_unpaid"]
    detail = read(street.db, queries.stay_detail, stay=closed.id)
    assert [(each.before, each.after) for each in detail.corrections] == [("粤B·**346", "粤B·**345")]
    assert inside_count(street) == 0
    correct(street, entry.stay)  # said twice is said once
    assert len(debts(street)) == 1


def test_plate_corrected_of_a_visit_whose_end_nobody_saw(street: Street) -> None:
    """Hours in which nobody knows where it was have no price, under whichever plate."""
    entry = street.arrive("in-1", MISREAD)
    street.pass_minutes(600)
    soft_close(street, entry.stay)
    correct(street, entry.stay)
    [closed] = street.closed()
    assert (closed.price_minor, debts(street), street.case_kinds()) == (0, [], [])


def test_plate_corrected_after_it_has_paid(street: Street) -> None:
    """Paid under a wrong plate by a car that parks free: what was paid counts, and is told of as too much."""
    grant(street, **{CAR: PermitKind.RESIDENT})
    entry = street.arrive("in-1", MISREAD)
    street.pass_minutes(61)
    street.arrive("out-1", MISREAD)
    street.pay_cash("out-1")
    correct(street, entry.stay)
    [closed] = street.closed()
    assert (closed.price_minor, closed.paid_minor, debts(street)) == (0, 750, [])
    case = case_of(street, CaseKind.SURPLUS)
    assert case.evidence["surplus_minor"] == 750


def test_a_debt_follows_the_right_plate(street: Street) -> None:
    """Whoever was read wrong owes nothing; where the sum would be another one, a person deals with the debt first."""
    grant(street, **{THIRD_CAR: PermitKind.RESIDENT})
    entry = street.arrive("in-1", MISREAD)
    street.pass_minutes(61)
    street.arrive("out-1", MISREAD)
    street.open_by_hand("out-1", "no change")
    correct(street, entry.stay)
    [debt] = debts(street)
    assert (debt.amount.minor, debt.plate, street.closed()[0].plate_id) == (750, debt.plate, debt.plate)
    with pytest.raises(Refused, match=r"stay\.debt_differs"):
        correct(street, entry.stay, THIRD_CAR)
    street.pass_minutes(1)
    street.arrive("in-1", MISREAD)
    street.pass_minutes(61)
    street.arrive("out-1", MISREAD)
    assert street.bill_at("out-1").left.minor == 750  # of this visit alone


def test_exit_without_entry(street: Street) -> None:
    held = street.arrive("out-1", CAR, pictures=SCENE)
    assert (held.action, held.opens) == (Action.HOLD, False)
    settle(street, case_of(street, CaseKind.EXIT_WITHOUT_ENTRY), CaseAction.OPEN)
    assert (street.inside(), street.closed(), street.cases(), inside_count(street)) == ([], [], [], 0)


def test_entry_without_exit_softly_closed_and_reopened(street: Street) -> None:
    """A person ends it softly; nothing is owed, the count is corrected; then the car is at the exit after all."""
    entry = street.arrive("in-1", CAR)
    street.pass_minutes(61)
    soft_close(street, entry.stay)
    [closed] = street.closed()
    assert (closed.closed_reason, closed.price_minor) == (CloseReason.SOFT_CLOSED, 0)
    assert (inside_count(street), adjusted(street), street.counts()["ground"].count) == (0, -1, 1)
    assert (debts(street), bills_in(street.db, street.lot), street.cases()) == ([], [], [])
    soft_close(street, entry.stay)  # said twice is said once
    street.pass_minutes(60)
    leaving = street.arrive("out-1", CAR)
    assert (leaving.reason, leaving.stay) == ("exit.unpaid", entry.stay)
    assert (inside_count(street), adjusted(street)) == (1, 0)
    assert street.bill_at("out-1").due.minor == 1250  # from its entry on, as if nothing had been
    street.pay_cash("out-1")
    assert (street.closed()[0].closed_reason, inside_count(street)) == (CloseReason.LEFT, 0)
    both = events(street.db, "stays.stay_soft_closed", "stays.stay_reopened")
    told = [(each.kind, each.body["reason"]) for each in both]
    assert told == [("stays.stay_soft_closed", "walked the lot"), ("stays.stay_reopened", "seen_at_exit")]


def test_a_softly_closed_car_that_comes_in_again_was_away(street: Street) -> None:
    entry = street.arrive("in-1", CAR)
    soft_close(street, entry.stay)
    street.pass_minutes(60)
    assert street.arrive("in-2", CAR).reason == "entry.casual"
    assert (street.cases(), inside_count(street)) == ([], 1)
    with pytest.raises(Refused, match=r"stay\.plate_inside"):
        write(street.db, stays.reopen, stay=entry.stay, reason="it is here")


def test_what_was_paid_before_a_soft_end_is_no_phantom_fee(street: Street) -> None:
    entry = street.arrive("in-1", CAR)
    street.pass_minutes(61)
    street.pay_in_advance(CAR)
    days(street, 3)
    soft_close(street, entry.stay)
    [closed] = street.closed()
    assert (closed.price_minor, closed.paid_minor, debts(street)) == (750, 750, [])
    write(street.db, stays.reopen, stay=entry.stay, reason="it is here")
    assert ([each.id for each in street.inside()], inside_count(street), adjusted(street)) == ([entry.stay], 1, 0)
    assert write(street.db, stays.reopen, stay=entry.stay, reason="it is here").id == entry.stay
    with pytest.raises(NotFound, match=r"stay\.not_found"):
        write(street.db, stays.reopen, stay=Id(int=5), reason="it is here")


def test_a_stay_that_left_a_debt_is_not_reopened_and_one_at_a_lane_not_ended(street: Street) -> None:
    entry = street.arrive("in-1", CAR)
    street.pass_minutes(61)
    street.arrive("out-1", CAR)
    with pytest.raises(Refused, match=r"stay\.at_lane"):
        soft_close(street, entry.stay)
    street.open_by_hand("out-1", "no change")
    with pytest.raises(Refused, match=r"stay\.has_debt"):
        write(street.db, stays.reopen, stay=entry.stay, reason="it is here")
    with pytest.raises(Refused, match=r"stay\.closed"):
        soft_close(street, entry.stay)


def test_nightly_sweep(street: Street) -> None:
    """Thirty days without an exit: ended by night, seen in the corrections, written down, and nobody owes anything."""
    apply_rules(street, soft_close_days=30, soft_close_permit_days=90)
    grant(street, **{OTHER_CAR: PermitKind.RESIDENT})
    old = street.arrive("in-1", CAR)
    resident = street.arrive("in-1", OTHER_CAR)
    days(street, 29)
    young = street.arrive("in-2", THIRD_CAR)
    assert swept(street)
    assert len(street.inside()) == 3
    days(street, 2)
    assert swept(street)
    assert {each.id for each in street.inside()} == {resident.stay, young.stay}
    assert [each.body["reason"] for each in events(street.db, "stays.stay_soft_closed")] == ["sweep"]
    assert [each.body["reason"] for each in events(street.db, "facility.occupancy_adjusted")] == ["sweep"]
    assert (inside_count(street), adjusted(street), debts(street), street.cases()) == (2, -1, [], [])
    assert swept(street)  # the same night once more changes nothing
    assert adjusted(street) == -1
    days(street, 60)
    assert swept(street)
    assert street.inside() == []  # the resident's after 90 days
    # Long after its end a car at an exit is a question: a person is shown the stay, and has it go on.
    leaving = street.arrive("out-1", CAR)
    assert (leaving.reason, leaving.stay, bills_in(street.db, street.lot)) == ("exit.without_entry", None, [])
    case = case_of(street, CaseKind.EXIT_WITHOUT_ENTRY)
    [shown] = read(street.db, queries.case_detail, case=case.id).candidates
    assert (shown.stay, case.evidence["passages"]) == (old.stay, [str(old.passage)])
    settle(street, case, CaseAction.MATCH_STAY, stay=old.stay)
    assert (street.standing("out-1").ask, street.standing("out-1").stay_id) == (Ask.PAY, old.stay)


def test_nightly_sweep_of_many_in_small_parts(street: Street) -> None:
    for number in range(60):
        street.arrive("in-1", f"粤B1{number:04}")
    street.arrive("out-1", "粤B10003")  # it stands at an exit: it is not ended under its driver
    days(street, 31)
    street.arrive("out-1", "粤B10004")
    assert swept(street)
    assert ([each.plate_id for each in street.inside()], adjusted(street)) == ([street.standing("out-1").plate_id], -58)
    apply_rules(street, soft_close_days=0)
    days(street, 400)
    assert swept(street)
    assert len(street.inside()) == 1  # 0 turns it off


def test_re_entry_that_continues_a_stay(street: Street) -> None:
    """Out for eight minutes: the second stay goes on from the first, and its free minutes are not given twice."""
    with_reentry = (ROOT / "tariffs" / "mall.yaml").read_text(encoding="utf-8") + "reentry_minutes: 20\n"
    write(street.db, tariffs.publish, company=COMPANY, tariff=read_tariff(with_reentry, name="mall"))
    first = street.arrive("in-1", CAR)
    street.pass_minutes(40)
    street.arrive("out-1", CAR)
    street.pay_cash("out-1")
    street.pass_minutes(8)
    street.arrive("in-1", CAR)
    street.pass_minutes(10)
    leaving = street.arrive("out-1", CAR)
    # 40 minutes, 8 away, 10 more: 50 minutes under one count, of which two half hours are paid.
    assert (leaving.reason, street.inside()) == ("exit.nothing_due", [])
    newer = next(each for each in street.closed() if each.id != first.stay)
    assert (newer.continues_id, newer.price_minor) == (first.stay, 0)


def test_a_reset_outlives_a_soft_end(street: Street) -> None:
    """Ended softly, and then nobody knows where cars are: it leaves by that word, and a person is shown its stay."""
    entry = street.arrive("in-1", CAR)
    soft_close(street, entry.stay)
    street.pass_minutes(60)
    write(street.db, stays.reset_passback, lot=street.lot, reason="power cut")
    street.pass_minutes(60)
    assert street.arrive("out-1", CAR).reason == "exit.neutral"
    assert case_of(street, CaseKind.EXIT_WITHOUT_ENTRY).evidence["ended"] == [str(entry.stay)]
    assert (street.inside(), debts(street)) == ([], [])


@pytest.mark.parametrize("named_by", ["plate", "stay"])
def test_a_softly_ended_car_that_leaves_behind_another_one(street: Street, named_by: str) -> None:
    """Its plate is read, or a person names it or its stay: it owes what it was parked for."""
    entry = street.arrive("in-1", CAR)
    second = street.arrive("in-1", OTHER_CAR)
    street.arrive("in-1", THIRD_CAR)
    street.pass_minutes(61)
    soft_close(street, entry.stay)
    soft_close(street, second.stay)
    street.arrive("out-1", THIRD_CAR)
    street.pay_cash("out-1")
    street.pass_minutes(0.05)
    assert tailgate(street, "out-1", CAR).stay == entry.stay
    tailgate(street, "out-1", None)
    unread = next(each for each in street.cases() if each.kind is CaseKind.TAILGATER and each.stay_id is None)
    named = {"plate": OTHER_CAR, "stay": second.stay}
    settle(street, unread, CaseAction.CHARGE, **{named_by: named[named_by]})
    assert [each.amount.minor for each in debts(street)] == [750, 750]
    assert (street.inside(), inside_count(street)) == ([], 0)


def test_a_car_that_was_softly_ended_long_ago_is_named_by_its_stay(street: Street) -> None:
    """Whoever looks for what it owes is told which stay that is: it is not as if the car had never been there."""
    entry = street.arrive("in-1", CAR)
    gone = street.arrive("in-1", OTHER_CAR)
    street.pass_minutes(61)
    soft_close(street, entry.stay)
    street.arrive("out-1", OTHER_CAR)
    street.pay_cash("out-1")
    days(street, 8)
    tailgate(street, "out-1", None)
    unread = case_of(street, CaseKind.TAILGATER)
    with pytest.raises(Refused, match=r"stay\.soft_closed") as told:
        settle(street, unread, CaseAction.CHARGE, plate=CAR)
    assert told.value.params == {"stay": str(entry.stay)}
    with pytest.raises(Refused, match=r"stay\.closed"):
        settle(street, unread, CaseAction.CHARGE, stay=gone.stay)
    with pytest.raises(NotFound, match=r"stay\.not_found"):
        settle(street, unread, CaseAction.CHARGE, stay=Id(int=5))
    with pytest.raises(NotFound, match=r"stay\.not_found"):
        settle(street, unread, CaseAction.CHARGE, plate=THIRD_CAR)
    settle(street, unread, CaseAction.CHARGE, stay=entry.stay)
    assert len(debts(street)) == 1


@pytest.mark.parametrize("after", [1, 8])
def test_a_person_reads_the_plate_of_a_car_whose_stay_was_softly_ended(street: Street, after: int) -> None:
    """At an exit it goes on as if its camera had read it; long after, the person is told which stay it was."""
    entry = street.arrive("in-1", CAR)
    street.pass_minutes(61)
    soft_close(street, entry.stay)
    days(street, after)
    street.arrive("out-1", None)
    unread = case_of(street, CaseKind.PLATE_UNREAD)
    if after > 7:
        with pytest.raises(Refused, match=r"stay\.soft_closed"):
            settle(street, unread, CaseAction.CORRECT_PLATE, plate=CAR)
        settle(street, unread, CaseAction.MATCH_STAY, stay=entry.stay)
    else:
        settle(street, unread, CaseAction.CORRECT_PLATE, plate=CAR)
    assert (street.standing("out-1").stay_id, street.standing("out-1").ask) == (entry.stay, Ask.PAY)


@pytest.mark.parametrize("after", [1, 8])
def test_a_pass_outlives_a_soft_end(street: Street, after: int) -> None:
    street.arrive("in-1", None)
    street.enter_without_plate("in-1", PASS)
    [stay] = street.inside()
    soft_close(street, stay.id)
    days(street, after)
    street.arrive("out-1", None)
    if after > 7:
        with pytest.raises(NotFound, match=r"stay\.not_found"):
            street.leave_with_pass("out-1", PASS)
    else:
        assert street.leave_with_pass("out-1", PASS).reason == "exit.unpaid"


def test_a_stay_does_not_go_on_beyond_a_later_visit(street: Street) -> None:
    """Its car came again, paid and left: the time of that visit is not asked for twice."""
    first = street.arrive("in-1", CAR)
    street.pass_minutes(61)
    street.arrive("out-1", CAR)
    street.pay_cash("out-1")
    street.pass_minutes(60)
    street.arrive("in-1", CAR)
    street.pass_minutes(61)
    street.arrive("out-1", CAR)
    street.pay_cash("out-1")
    with pytest.raises(Refused, match=r"stay\.came_again"):
        write(street.db, stays.reopen, stay=first.stay, reason="it is here")
    assert street.inside() == []
