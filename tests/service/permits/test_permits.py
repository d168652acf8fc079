"""Permit lists on a real database: applied twice, retired and back, who holds a permit when, and who may see it."""

import asyncio
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest

from openberth.contexts import permits
from openberth.contexts.permits import Permit, PermitKind, PermitsApplied, reactions
from openberth.contexts.permits.service import granting as service
from openberth.contexts.permits.store import permits as store
from openberth.contexts.tenancy.model.people import Values
from openberth.contexts.tenancy.service.people import register
from openberth.infra import vault
from openberth.infra.clocks import ManualClock
from openberth.infra.database import Database
from openberth.infra.vault import VaultKind
from openberth.kernel.errors import Denied, Refused
from openberth.kernel.ids import Id
from openberth.kernel.plates import Plate
from openberth.kernel.time import DAY_US, HOUR_US, SECOND_US, Period, later
from tests.service.acting import COMPANY, OTHER_COMPANY, SYSTEM, events, mall, of_company, plan_of, read, write
from tests.service.conftest import START

LOT = Id(int=0x10)
DESK = Permit("r-1", Plate("粤B12345"), PermitKind.RESIDENT)
BEN = Permit("r-2", Plate("粤B23456"), PermitKind.RESIDENT, Period(START, later(START, 30 * DAY_US)))
COOK = Permit("i-1", Plate("粤BD12345"), PermitKind.INTERNAL)


def apply(db: Database, *wanted: Permit, lot: Id = LOT) -> permits.PermitChanges:
    return write(db, permits.apply_permits, company=COMPANY, lot=lot, permits=wanted)


def plate_id(db: Database, plate: Plate) -> Id:
    found = db.read_now(lambda reader: vault.find(reader, VaultKind.PLATE, plate.key), by=SYSTEM)
    assert found is not None
    return found


def held(db: Database, plate: Plate, at: int = START, lot: Id = LOT) -> permits.GrantedPermit | None:
    return read(db, permits.permit_of, lot=lot, plate=plate_id(db, plate), at=at)


def test_applied_twice_changes_nothing(db: Database) -> None:
    first = apply(db, DESK, BEN, COOK)
    assert (len(first.added), first.changed, first.retired) == (3, (), ())
    assert not apply(db, COOK, DESK, BEN)
    told = events(db, PermitsApplied.KIND)
    assert [dict(one.body) for one in told] == [{"added": 3, "changed": 0, "retired": 0}]
    assert (told[0].company, told[0].lot) == (COMPANY, LOT)


def test_retired_and_back_keeps_its_id(db: Database, business: ManualClock) -> None:
    apply(db, DESK, BEN)
    before = held(db, DESK.plate)
    assert before is not None
    assert before.valid == DESK.valid
    gone_at = business.advance(HOUR_US)
    assert apply(db, BEN).retired == (DESK,)
    assert held(db, DESK.plate, gone_at) is None
    assert held(db, DESK.plate, gone_at - 1) == replace(before, valid=Period(before.valid.start, gone_at))
    assert read(db, permits.permit, permit=before.id) == replace(before, valid=Period(before.valid.start, gone_at))
    assert not apply(db, BEN)
    business.advance(HOUR_US)
    assert apply(db, DESK, BEN).added == (DESK,)
    assert held(db, DESK.plate) == before


def test_retired_before_it_began_never_held(db: Database, business: ManualClock) -> None:
    future = replace(DESK, valid=Period(later(START, DAY_US), later(START, 2 * DAY_US)))
    apply(db, future)
    business.advance(HOUR_US)
    apply(db)
    assert held(db, DESK.plate, START + DAY_US) is None


def test_what_changes_is_told_and_holds(db: Database) -> None:
    apply(db, DESK, BEN)
    blocked = replace(DESK, kind=PermitKind.BLOCKED)
    moved = replace(BEN, plate=Plate("粤B99999"))
    changes = apply(db, blocked, moved)
    assert (changes.added, changes.changed, changes.retired) == ((), (blocked, moved), ())
    found = held(db, DESK.plate)
    assert found is not None
    assert (found.kind, found.kind.admits) == (PermitKind.BLOCKED, False)
    assert held(db, BEN.plate) is None
    assert held(db, moved.plate) is not None


def test_days_are_half_open(db: Database) -> None:
    apply(db, BEN)
    end = START + 30 * DAY_US
    assert held(db, BEN.plate, START - 1) is None
    assert held(db, BEN.plate, START) is not None
    assert held(db, BEN.plate, end - 1) is not None
    assert held(db, BEN.plate, end) is None


def test_a_block_wins_over_every_right(db: Database) -> None:
    # The list allows one at a time; rows of two lists that broke off may still stand side by side.
    order = [PermitKind.FREE, PermitKind.RESIDENT, PermitKind.INTERNAL, PermitKind.BLOCKED]
    for strongest in range(len(order)):
        apply(db, *(Permit(f"z-{9 - rank}", DESK.plate, kind) for rank, kind in enumerate(order[: strongest + 1])))
        found = held(db, DESK.plate)
        assert found is not None
        assert found.kind is order[strongest]


def test_another_lot_knows_nothing(db: Database) -> None:
    apply(db, DESK)
    assert read(db, permits.permit_of, lot=Id(int=0x11), plate=plate_id(db, DESK.plate), at=START) is None


def test_another_company_sees_nothing_and_writes_nothing(db: Database) -> None:
    apply(db, DESK)
    stranger = of_company(OTHER_COMPANY)
    plate = plate_id(db, DESK.plate)
    mine = read(db, permits.permit_of, lot=LOT, plate=plate, at=START)
    assert mine is not None
    assert read(db, permits.permit_of, by=stranger, lot=LOT, plate=plate, at=START) is None
    assert read(db, permits.permit, by=stranger, permit=mine.id) is None
    assert read(db, permits.permits_of_lot, by=stranger, lot=LOT) == []
    with pytest.raises(Denied):
        write(db, permits.apply_permits, by=stranger, company=COMPANY, lot=LOT, permits=(BEN,))
    # A stranger's own empty list is about rows that he may see: none.
    assert not write(db, permits.apply_permits, by=stranger, company=OTHER_COMPANY, lot=LOT, permits=())
    assert held(db, DESK.plate) == mine
    other_lot = of_company(COMPANY, Id(int=0x12))
    assert read(db, permits.permit_of, by=other_lot, lot=LOT, plate=plate, at=START) is None
    assert read(db, permits.permit_of, by=of_company(COMPANY, LOT), lot=LOT, plate=plate, at=START) == mine


def test_people_see_masked_plates_by_pages(db: Database) -> None:
    apply(db, DESK, BEN, COOK)
    assert read(db, permits.permits_of_lot, lot=LOT, limit=2)[0].plate == COOK.plate.masked
    page = read(db, permits.permits_of_lot, lot=LOT, after="i-1", limit=1)
    assert [(one.code, one.plate, one.kind) for one in page] == [("r-1", "粤B·**345", PermitKind.RESIDENT)]
    assert [one.code for one in read(db, permits.permits_of_lot, lot=LOT, after="r-1")] == ["r-2"]


def test_an_erased_plate_shows_nobody_and_can_be_retired(db: Database) -> None:
    apply(db, DESK, BEN)
    erased = plate_id(db, DESK.plate)
    db.write_now(lambda unit: vault.erase(unit, erased), by=SYSTEM)
    assert [one.plate for one in read(db, permits.permits_of_lot, lot=LOT)] == [None, BEN.plate.masked]
    assert apply(db, DESK, BEN).changed == (DESK,)  # given anew: a new vault row
    assert held(db, DESK.plate) is not None
    again = plate_id(db, DESK.plate)
    db.write_now(lambda unit: vault.erase(unit, again), by=SYSTEM)
    assert [one.code for one in apply(db, BEN).retired] == ["r-1"]


def many(count: int) -> tuple[Permit, ...]:
    return tuple(Permit(f"m-{n:05d}", Plate(f"粤B{n:05d}"), PermitKind.RESIDENT) for n in range(count))


def test_a_long_list_is_written_in_small_units(db: Database) -> None:
    wanted = many(service.PART_MAX * 2 + 5)
    lot = mall(db)

    async def run() -> tuple[permits.PermitChanges, permits.PermitChanges, permits.PermitChanges]:
        apply_list = reactions.apply_list
        first = await apply_list(db, company=COMPANY, lot=lot, permits=wanted, by=SYSTEM)
        again = await apply_list(db, company=COMPANY, lot=lot, permits=wanted, by=SYSTEM)
        fewer = await apply_list(db, company=COMPANY, lot=lot, permits=wanted[::2], by=SYSTEM)
        return first, again, fewer

    first, again, fewer = asyncio.run(run())
    assert len(first.added) == len(wanted)
    assert not again
    assert len(fewer.retired) == len(wanted[1::2])
    told = [dict(one.body) for one in events(db, PermitsApplied.KIND)]
    assert sum(body["added"] for body in told) == len(wanted)
    assert sum(body["retired"] for body in told) == len(wanted[1::2])
    assert max(sum(body.values()) for body in told) == service.PART_MAX
    assert held(db, wanted[0].plate, lot=lot) is not None
    assert held(db, wanted[1].plate, lot=lot) is None


def test_two_lists_are_not_mixed(db: Database, machine: ManualClock) -> None:
    lot = mall(db)
    write(db, service.claim, lot=lot, owner="first")
    with pytest.raises(Refused) as refusal:
        apply(db, DESK, lot=lot)
    assert refusal.value.code == "state.changed"
    part = permits.PermitChanges((BEN,), (), ())
    write(db, service.write_part, company=COMPANY, lot=lot, owner="first", part=part)
    machine.advance(31 * SECOND_US)  # the first one has died
    assert apply(db, DESK, lot=lot).retired == (BEN,)
    write(db, service.claim, lot=lot, owner="second")
    with pytest.raises(Refused):
        write(db, service.write_part, company=COMPANY, lot=lot, owner="first", part=part)
    with pytest.raises(Refused, match=r"state\.changed"):  # it was the lot's company when the list was read
        write(db, service.write_part, company=OTHER_COMPANY, lot=lot, owner="second", part=part)


def test_the_lane_finds_a_permit_by_an_index(db: Database) -> None:
    plan = plan_of(db, store.HOLDING, {"lot": LOT, "plate": LOT, "at": START})
    assert "USING INDEX ix_permit_plate (lot_id=? AND plate_id=?)" in plan
    assert "SCAN" not in plan


def test_of_several_who_give_a_permit_a_holder_one_wins(db: Database) -> None:
    apply(db, DESK)
    (seen,) = read(db, permits.permits_of_lot, lot=LOT)
    people = [write(db, register, company=None, values=Values(name=name)).id for name in ("甲乙", "乙丙", "丙丁")]

    def give(holder: Id) -> str | None:
        try:
            write(
                db, service.set_holder, company=COMPANY, lot=LOT, code="r-1", holder=holder, expected=seen.version
            )  # fmt: skip
        except Refused as error:
            return error.code
        return None

    with ThreadPoolExecutor(len(people)) as pool:
        outcomes = list(pool.map(give, people))
    assert sorted(each or "" for each in outcomes) == ["", "state.changed", "state.changed"]
    (now,) = read(db, permits.permits_of_lot, lot=LOT)
    assert (now.holder, now.version) == (people[outcomes.index(None)], seen.version + 1)
