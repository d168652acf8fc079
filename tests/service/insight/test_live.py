"""The live page: one snapshot at a position of the log, then only what changed. On every database."""

from openberth.contexts.facility.store import live as facility_store
from openberth.contexts.insight.service.live import Live, LiveLot, live, live_lanes
from openberth.contexts.stays import CarAtLane
from openberth.contexts.stays.store import live as stays_store
from openberth.infra.database.batches import BATCH
from openberth.kernel.authority import Actor, ActorKind, Caller, Scope
from openberth.kernel.ids import Id
from tests.service.acting import COMPANY, OTHER_COMPANY, events, mall, of_company, plan_of, read
from tests.service.databases import ONCE
from tests.service.insight.accountant import Accountant
from tests.service.stays.street import CAR, OTHER_CAR, Street


def lot_now(street: Street) -> LiveLot:
    [found] = read(street.db, live).lots
    return found


def car(found: LiveLot, code: str) -> CarAtLane | None:
    return next(each.car for each in found.lanes or () if each.lane.code == code)


def test_a_snapshot_tells_lanes_people_and_money(street: Street, accountant: Accountant) -> None:
    street.arrive("in-1", CAR)
    street.pass_minutes(61)
    street.arrive("out-1", CAR)
    street.arrive("out-2", OTHER_CAR)  # without an entry
    accountant.consume()
    found = lot_now(street)
    entered, waits = car(found, "in-1"), car(found, "out-1")
    assert entered
    assert waits
    assert car(found, "in-2") is None
    assert (entered.plate, entered.waiting, entered.opening and entered.opening.state.value) == (
        "粤B·**345", False, "waiting",
    )  # fmt: skip
    assert (waits.waiting, waits.ask.value, waits.reason, waits.opening) == (True, "pay", "exit.unpaid", None)
    assert waits.captured_at == street.business.now()
    assert {each.count.code: each.count.occupied for each in found.areas} == {"ground": 1, "roof": 0, "vip": 0}
    assert found.cases
    assert found.cases.newest
    assert found.devices
    assert found.money
    assert (found.cases.count, found.cases.newest.kind.value) == (1, "exit_without_entry")
    assert (found.devices.never_seen, found.devices.online, found.alarms) == (8, 0, 0)
    assert (found.money.billed.minor, found.money.received) == (750, {})
    street.pay_cash("out-1")
    accountant.consume()
    found = lot_now(street)
    left = car(found, "out-1")
    assert left
    assert left.opening
    assert found.money
    assert (left.waiting, left.state.value, left.opening.kind.value) == (False, "passed", "open")
    assert {method: each.minor for method, each in found.money.received.items()} == {"cash": 750}
    street.pass_minutes(16 * 60)
    found = lot_now(street)
    assert found.money
    assert (str(found.money.day), found.money.billed.minor) == ("2026-03-03", 0)


def test_nothing_is_missing_up_to_the_position(street: Street) -> None:
    street.arrive("in-1", CAR)
    head = events(street.db)[-1].position
    found = read(street.db, live)
    assert found.position == head
    street.arrive("in-2", OTHER_CAR)
    [after] = [each for each in events(street.db, "stays.passage_decided") if (each.position or 0) > found.position]
    changed = read(street.db, live_lanes, lanes=[Id(after.body["lane"]), Id(int=7)])
    assert [(each.lane.code, each.car and each.car.plate) for each in changed.lanes] == [("in-2", "粤B·**890")]


@ONCE
def test_each_part_is_for_whoever_may_read_it_and_of_its_own_lots(street: Street) -> None:
    mall(street.db, OTHER_COMPANY)
    street.arrive("in-1", CAR)
    by = Caller(Actor(ActorKind.PERSON, "technician"), Scope(COMPANY), frozenset(("lot.read", "device.read")))
    found: Live = read(street.db, live, by=by)
    [seen] = found.lots
    assert (seen.lot.id, seen.lanes, seen.cases, seen.money, seen.alarms) == (street.lot, None, None, None, None)
    assert seen.devices is not None
    assert seen.devices.never_seen == 8
    others = of_company(OTHER_COMPANY)
    [theirs] = read(street.db, live, by=others).lots
    assert theirs.lot.id != street.lot
    assert theirs.cases
    assert theirs.cases.count == 0
    assert read(street.db, live_lanes, by=others, lanes=[street.ids["in-1"]]).lanes == []
    assert read(street.db, live, by=others, lots={"mall"}, with_lanes=False).lots[0].lanes is None
    assert read(street.db, live, by=others, lots={str(street.lot)}).lots == []


@ONCE
def test_no_statement_of_the_page_scans(street: Street) -> None:
    ids = {f"batch_{place}": street.lot for place in range(BATCH)}
    for query in (
        facility_store.AREAS_OF_LOTS, facility_store.LANES_OF_LOTS, facility_store.LANES_BY_ID,
        facility_store.LANES_COUNT, facility_store.DEVICES_OF_LOTS, facility_store.HEARD_OF_LOTS,
        facility_store.OPENINGS, stays_store.STANDING_AT, stays_store.OPEN_CASES,
    ):  # fmt: skip
        plan = plan_of(street.db, query, ids)
        assert "SCAN" not in plan, plan
