"""A lane that was without its server for a day: what its camera stored comes all at once, while new cars arrive."""

import asyncio
import itertools
import random
from collections import Counter
from functools import partial
from typing import Any

from sqlalchemy import select

from openberth.contexts import stays
from openberth.contexts.stays import LaneAnswer, Recognition
from openberth.contexts.stays.model.entities import CaseKind, CloseReason, Stay
from openberth.contexts.stays.service.cases import CaseAction
from openberth.contexts.stays.store import tables
from openberth.infra.database import Query, Reader, Urgency
from openberth.infra.database.sqlite import SqliteDatabase
from openberth.kernel.authority import Actor, ActorKind, Caller, Scope
from openberth.kernel.ids import Id
from openberth.kernel.time import MINUTE_US, SECOND_US, Instant
from tests.service.acting import read
from tests.service.stays.hard_cases.scene import came_again, case_of, debts, inside_count, settle, tailgate
from tests.service.stays.street import CAR, Street

STORED = 9_000  # records that a camera of this kind keeps
AT_ONCE = 32  # of them on their way at a time, as a camera with several connections sends them
LIVE = 60
STAYED_US = 14 * MINUTE_US  # nothing is due: it is the records that are measured, not debts


def every_closed(reader: Reader) -> list[Stay]:
    def row(*columns: Any) -> Stay:
        return Stay(**dict(zip(tables.stay.c.keys(), columns, strict=True)))

    return reader.all(Query(select(tables.stay), row))


def stored_records(street: Street, cars: int) -> list[tuple[str, Recognition]]:
    """Return what two cameras stored: every car came in and left, and one record in ten is sent twice."""
    began = Instant(street.business.now() - 24 * 60 * MINUTE_US)
    made: list[tuple[str, Recognition]] = []
    for number in range(cars):
        plate = f"粤C{number:05}"
        came, left = Instant(began + number * 5 * SECOND_US), Instant(began + number * 5 * SECOND_US + STAYED_US)
        both = (("in-2", came), ("out-2", left))
        made += [(lane, street.recognition(plate, offline=True, captured_at=at)) for lane, at in both]
    again = [each for each in made if random.Random(int(each[1].source_id)).random() < 0.1]
    return made + again


async def replay(street: Street, stored: list[tuple[str, Recognition]], live: int) -> tuple[list[LaneAnswer], int]:
    """Send all of it, a few at a time, and let cars arrive meanwhile; returns the live answers and how many stored
    records were answered before the last of them.
    """
    answered = 0

    def ready(lane: str, sent: Recognition) -> partial[LaneAnswer]:
        fresh: Id = street.db._ids.new_id()  # type: ignore[attr-defined]
        return partial(
            stays.recognise, lot=street.lot, lane=street.ids[lane], device=street.ids[f"cam-{lane}"], passage=fresh,
            recognition=sent,
        )  # fmt: skip

    by = Caller(Actor(ActorKind.DEVICE, "cam", "127.0.0.1"), Scope(street.company, (street.lot,)))
    gate = asyncio.Semaphore(AT_ONCE)

    async def one(lane: str, sent: Recognition) -> None:
        nonlocal answered
        async with gate:
            await street.db.write(ready(lane, sent), by=by, urgency=Urgency.NORMAL)
            answered += 1

    tasks = [asyncio.create_task(one(*each)) for each in stored]
    answers, before_the_last = [], 0
    for number in range(live):
        sent = street.recognition(f"粤D{number:05}")
        answers.append(await street.db.write(ready("in-1", sent), by=by, urgency=Urgency.LANE))
        before_the_last = answered
    await asyncio.gather(*tasks)
    return answers, before_the_last


def test_9000_offline_records_replayed_while_new_cars_arrive(street: Street) -> None:
    """Nothing is counted twice, nothing opens for the past, and no new car waits for the end of it.

    The whole of it on SQLite, a tenth on servers, where a unit is a round trip.
    """
    cars = STORED // 2 if isinstance(street.db, SqliteDatabase) else STORED // 20
    stored = stored_records(street, cars)
    # They come as the cameras please: half of the cars' exits before their entries.
    chance = random.Random(7)
    stored.sort(key=lambda each: each[1].captured_at - (each[0] == "out-2") * chance.randrange(2 * STAYED_US))
    answers, before_the_last = asyncio.run(replay(street, stored, LIVE))
    assert {(each.reason, each.repeated) for each in answers} == {("entry.casual", False)}
    assert before_the_last < len(stored), "the last new car was answered while records were still coming"
    assert len({each.passage for each in answers}) == LIVE
    opened = [each for each in street.commands() if each.lane_id != street.ids["in-1"]]
    assert opened == []
    closed = read(street.db, every_closed)
    assert len(closed) == cars
    assert {each.closed_reason for each in closed} == {CloseReason.LEFT_OFFLINE}
    assert {each.left_at - each.entered_at for each in closed} == {STAYED_US}
    assert (len(street.inside()), inside_count(street)) == (LIVE, LIVE)


def test_a_stored_exit_ends_the_visit_that_it_was_of(street: Street) -> None:
    """In, out unseen, in again; then the stored record of the exit comes: the first visit ends there, and owes."""
    first, left, second = came_again(street)
    assert [each.closed_reason for each in street.closed()] == [CloseReason.ENTERED_AGAIN]
    street.pass_minutes(30)
    stored = street.arrive("out-1", CAR, offline=True, captured_at=left)
    [closed] = street.closed()
    assert (closed.id, closed.closed_reason, closed.left_at) == (first.stay, CloseReason.LEFT_OFFLINE, left)
    assert (stored.stay, [each.amount.minor for each in debts(street)]) == (first.stay, [750])
    assert ([each.id for each in street.inside()], inside_count(street)) == ([second.stay], 1)
    street.pass_minutes(31)
    assert street.arrive("out-1", CAR).stay == second.stay
    assert street.bill_at("out-1").own_due.minor == 750


def test_a_stored_exit_of_a_visit_that_nobody_knows_ends_no_later_one(street: Street) -> None:
    left = street.business.now()
    street.pass_minutes(60)
    entry = street.arrive("in-1", CAR)
    street.pass_minutes(30)
    assert street.arrive("out-1", CAR, offline=True, captured_at=left).stay is None
    assert ([each.id for each in street.inside()], street.case_kinds()) == ([entry.stay], ["exit_without_entry"])


def test_records_of_two_visits_in_any_order(street: Street) -> None:
    """Whatever of a car comes first, nobody is left inside.

    Where only the first entry and the last exit were known they made one visit; a person is shown what came later.
    """
    orders = list(itertools.permutations(range(4)))
    made: dict[int, list[tuple[str, Recognition]]] = {number: [] for number in range(len(orders))}
    for lane in ("in-2", "out-2", "in-2", "out-2"):
        for number, records in made.items():
            plate = f"粤C{number:05}"
            records.append((lane, street.recognition(plate, offline=True, captured_at=street.business.now())))
        street.pass_minutes(14)
    for order, records in zip(orders, made.values(), strict=True):
        for each in order:
            street.arrive(records[each][0], None, sent=records[each][1])
    one_visit = [order for order in orders if set(order[:2]) == {0, 3}]
    assert (street.inside(), inside_count(street), street.commands()) == ([], 0, [])
    assert len(one_visit) == len(debts(street))
    spans = Counter((each.closed_reason, each.left_at - each.entered_at) for each in street.closed())
    assert spans == {
        (CloseReason.LEFT_OFFLINE, STAYED_US): 2 * (len(orders) - len(one_visit)),
        (CloseReason.LEFT_OFFLINE, 3 * STAYED_US): len(one_visit),
    }
    told = Counter(street.case_kinds())
    assert (told["exit_without_entry"], told["left_unpaid"]) == (len(one_visit), len(one_visit))
    assert told["entered_again"] >= len(one_visit)


def test_a_stored_tailgater_left_its_earlier_visit(street: Street) -> None:
    first, left, second = came_again(street)
    street.pass_minutes(30)
    assert tailgate(street, "out-1", CAR, offline=True, captured_at=left).stay == first.stay
    assert [each.id for each in street.inside()] == [second.stay]
    assert [each.amount.minor for each in debts(street)] == [750]


def test_a_stored_entry_that_a_person_reads_ends_at_its_exit(street: Street) -> None:
    street.arrive("in-1", None, offline=True)
    street.pass_minutes(61)
    left = street.arrive("out-1", CAR, offline=True)
    settle(street, case_of(street, CaseKind.PLATE_UNREAD), CaseAction.CORRECT_PLATE, plate=CAR)
    assert (street.inside(), [each.exit_passage_id for each in street.closed()]) == ([], [left.passage])
    assert ([each.amount.minor for each in debts(street)], street.case_kinds()) == ([750], ["left_unpaid"])
