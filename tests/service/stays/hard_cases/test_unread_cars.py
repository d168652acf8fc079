"""Cars whose plates nobody could read: they come in by a code, leave by their pass, and are found on the loop."""

import asyncio

import pytest

from openberth.contexts.stays import LaneAnswer, LoopPlace, LoopWatch, loop_occupied
from openberth.contexts.stays.model.entities import Action, Ask, CaseKind
from openberth.contexts.stays.service.cases import CaseAction
from openberth.kernel.authority import Actor, ActorKind, Caller, Scope
from openberth.kernel.errors import NotFound, Refused
from openberth.kernel.ids import Id
from openberth.kernel.time import SECOND_US, Instant
from tests.service.acting import write
from tests.service.stays.hard_cases.scene import OTHER_PASS, PASS, apply_rules, case_of, drive_on, inside_count, settle
from tests.service.stays.street import CAR, OTHER_CAR, Street

NOBODYS_PASS = "n0b0dy5p4ss"


def occupied(street: Street, lane: str, *, for_s: int = 8) -> LaneAnswer | None:
    """Let the loop before a gate have been occupied for so long, and tell the lane."""
    since = Instant(street.machine.now() - for_s * SECOND_US)
    fresh: Id = street.db._ids.new_id()  # type: ignore[attr-defined]
    return write(
        street.db, loop_occupied, lot=street.lot, lane=street.ids[lane], device=street.ids[f"cam-{lane}"],
        passage=fresh, since=since,
    )  # fmt: skip


def test_unlicensed_car_at_entry(street: Street) -> None:
    """It is asked to scan; two taps are one entry; the guard is told and need not do anything."""
    held = street.arrive("in-1", None)
    assert (held.action, held.ask, street.case_kinds()) == (Action.HOLD, Ask.ENTER, ["plate_unread"])
    mine = street.enter_without_plate("in-1", PASS, claim="phone")
    assert street.enter_without_plate("in-1", OTHER_PASS, claim="phone") == mine
    assert (len(street.inside()), street.cases(), inside_count(street)) == (1, [], 1)
    assert [each.passage_id for each in street.commands()] == [held.passage]


def test_unlicensed_car_at_exit(street: Street) -> None:
    street.arrive("in-1", None)
    street.enter_without_plate("in-1", PASS)
    drive_on(street, "in-1")
    street.pass_minutes(61)
    assert street.arrive("out-1", None).ask is Ask.IDENTIFY
    shown = street.leave_with_pass("out-1", PASS)
    assert (shown.action, shown.ask, street.bill_at("out-1").due.minor) == (Action.HOLD, Ask.PAY, 750)
    street.pay_cash("out-1")
    assert (street.inside(), street.cases(), street.closed()[0].paid_minor) == ([], [], 750)


def test_empty_loop_rule(street: Street) -> None:
    """Nothing on the loop: an open pass is never void, one without a stay is; a car with a plate is never renamed."""
    street.arrive("in-1", None)
    street.enter_without_plate("in-1", PASS)
    drive_on(street, "in-1")
    street.pass_minutes(61)
    with pytest.raises(Refused, match=r"lane\.nobody_waiting"):
        street.leave_with_pass("out-1", PASS)
    with pytest.raises(NotFound, match=r"stay\.not_found"):
        street.leave_with_pass("out-1", NOBODYS_PASS)
    assert len(street.inside()) == 1
    # A car whose plate was read stands there: it is billed by its plate, whoever shows a pass.
    street.arrive("in-2", CAR)
    street.pass_minutes(61)
    street.arrive("out-1", CAR)
    with pytest.raises(Refused, match=r"lane\.nobody_waiting"):
        street.leave_with_pass("out-1", PASS)
    assert street.standing("out-1").ask is Ask.PAY
    street.pay_cash("out-1")
    street.pass_minutes(1)
    # And now the unread one comes, and the pass is as good as ever.
    street.arrive("out-2", None)
    assert street.leave_with_pass("out-2", PASS).ask is Ask.PAY


def test_loop_occupied_but_no_plate(street: Street) -> None:
    """The loop says that a car stands there and no camera has read it: it waits, is asked to scan, a person is told."""
    told = occupied(street, "in-1")
    assert told is not None
    assert (told.action, told.ask) == (Action.HOLD, Ask.ENTER)
    assert case_of(street, CaseKind.PLATE_UNREAD).passage_id == told.passage
    assert street.standing("in-1").waiting
    assert occupied(street, "in-1") is None  # it is that car still
    street.pass_minutes(0.5)
    assert street.arrive("in-1", CAR).action is Action.OPEN  # read after all: nobody else came
    assert (len(street.inside()), street.cases()) == (1, [])
    assert occupied(street, "in-1") is None  # the car on the loop is the one that was read just now
    at_exit = occupied(street, "out-2")
    assert at_exit is not None
    assert at_exit.ask is Ask.IDENTIFY


def test_loop_occupied_for_as_long_as_the_lot_says(street: Street) -> None:
    """The watch waits out the seconds of the lot's rules; a loop that is free again before is no car."""
    apply_rules(street, unread_after_s=1)
    by = Caller(Actor(ActorKind.DEVICE, "cam", "127.0.0.1"), Scope(street.company, (street.lot,)))

    async def watched() -> None:
        watch = LoopWatch(street.db, street.db._ids)  # type: ignore[attr-defined]
        for lane, occupied_again in (("in-1", True), ("in-2", False)):
            place = LoopPlace(street.lot, street.ids[lane], street.ids[f"cam-{lane}"])
            watch.changed(place, occupied=True, by=by)
            watch.changed(place, occupied=occupied_again, by=by)
        await watch.settled()
        await watch.aclose()

    asyncio.run(watched())
    assert (street.standing("in-1").ask, street.case_kinds()) == (Ask.ENTER, ["plate_unread"])
    assert len(street.cases()) == 1  # and nobody stands at in-2


class SlowWatch(LoopWatch):
    """Begins to wait only when it may, for a loop of the moment at which it was told."""

    def __init__(self, street: Street) -> None:
        super().__init__(street.db, street.db._ids)  # type: ignore[attr-defined]
        self.may = asyncio.Event()

    async def _watch(self, place: LoopPlace, since: Instant, by: Caller) -> None:
        await self.may.wait()
        await super()._watch(place, since, by)


def test_loop_that_another_process_hears_free_again(street: Street) -> None:
    """One is told that it is occupied, another that it is free: nobody stands there."""
    street.arrive("in-2", CAR)
    street.pass_minutes(10)
    apply_rules(street, unread_after_s=1)
    by = Caller(Actor(ActorKind.DEVICE, "cam", "127.0.0.1"), Scope(street.company, (street.lot,)))
    place = LoopPlace(street.lot, street.ids["in-2"], street.ids["cam-in-2"])

    async def watched() -> None:
        one, other = SlowWatch(street), SlowWatch(street)
        one.changed(place, occupied=True, by=by)
        other.changed(place, occupied=False, by=by)
        await other.settled()
        one.may.set()
        await one.settled()
        await one.aclose()
        await other.aclose()

    asyncio.run(watched())
    assert street.cases() == []
    street.pass_minutes(1)
    assert occupied(street, "in-2") is not None  # the next one that comes counts


def test_an_unread_car_on_the_loop_is_helped_by_a_person(street: Street) -> None:
    occupied(street, "in-2")
    settle(street, case_of(street, CaseKind.PLATE_UNREAD), CaseAction.CORRECT_PLATE, plate=OTHER_CAR)
    assert (len(street.inside()), street.cases(), street.standing("in-2").waiting) == (1, [], False)
