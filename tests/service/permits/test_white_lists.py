"""The lists of cameras: kept in step with permits and blocks, read back, put right. On every database."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import pytest

from openberth.contexts import facility
from openberth.contexts.facility import DeviceKind
from openberth.contexts.facility.reactions import DeviceDirectory, DeviceEntry
from openberth.contexts.permits import ListedCar, NotTold, Permit, PermitKind, apply_permits
from openberth.contexts.permits.model.white_lists import (
    CARS_MAX,
    ENDLESS,
    STEP_MAX,
    Flaw,
    Row,
    RowState,
    Wanted,
    listed_days,
    next_step,
)
from openberth.contexts.permits.reactions import WhiteLists
from openberth.contexts.permits.reactions import white_lists as reaction
from openberth.contexts.permits.service import white_lists as service
from openberth.contexts.permits.service.white_lists import BEHIND, BEHIND_US, Report, ask_to_compare, report_of
from openberth.infra import alarms, vault
from openberth.infra.clocks import ManualClock
from openberth.infra.database import Database, Unit
from openberth.infra.vault import VaultKind
from openberth.kernel.errors import NotFound
from openberth.kernel.ids import Id
from openberth.kernel.plates import Plate
from openberth.kernel.time import DAY_US, Instant, Period, from_iso
from tests.service.acting import COMPANY, ids_of, lot_file, mall, read, write
from tests.waiting import PATIENCE_S

CAMERA, OTHER = "cam-in-1", "cam-in-2"
ANN, BEN, EVE = "粤B10001", "粤B10002", "粤B10003"


class FakeCamera:
    """A camera with a list of its own, which may be away, refuse, or be changed by somebody at its menu."""

    within_s = 20.0

    def __init__(self, *, tells: bool = True) -> None:
        self.cars: dict[str, Period] = {}
        self.calls = 0
        self.trouble: str | None = None
        self.disliked: set[str] = set()  # plates that spoil whatever they are told with
        self.tells = tells
        self.is_there = True
        self.unreadable: str | None = None

    def lists(self, device: DeviceEntry) -> bool:
        return device.code == CAMERA

    def carries(self, device: DeviceEntry) -> bool:
        return device.code == CAMERA and self.is_there

    async def put(self, device: DeviceEntry, cars: Sequence[ListedCar], zone: str) -> Mapping[str, str]:
        self._called()
        if self.disliked & {car.plate for car in cars}:
            raise NotTold("white_list.refused", detail="no such plate")
        self.cars |= {car.plate: car.valid for car in cars}
        return {car.plate: f"rec-{car.plate[-1]}" for car in cars}

    async def drop(self, device: DeviceEntry, cars: Sequence[ListedCar]) -> None:
        self._called()
        if self.disliked & {car.plate for car in cars}:
            raise NotTold("white_list.refused", detail="no such plate")
        for car in cars:
            self.cars.pop(car.plate, None)

    async def held(self, device: DeviceEntry, zone: str) -> Mapping[str, Period | None] | None:
        self._called()
        if self.unreadable is not None:
            raise NotTold(self.unreadable)
        return dict(self.cars) if self.tells else None

    def _called(self) -> None:
        self.calls += 1
        if self.trouble is not None:
            raise NotTold(self.trouble)


class Yard:
    """A lot with one such camera."""

    def __init__(self, db: Database, camera: FakeCamera) -> None:
        self.db, self.camera, self.lot = db, camera, mall(db)
        self.directory = DeviceDirectory(db)
        self.lists = WhiteLists(db, self.directory, [camera])
        self.device = ids_of(db, self.lot)[CAMERA]

    def permit(self, *cars: tuple[str, PermitKind, Period]) -> None:
        wanted = [Permit(f"p-{plate[2:]}-{kind}", Plate.read(plate), kind, valid) for plate, kind, valid in cars]
        write(self.db, apply_permits, company=COMPANY, lot=self.lot, permits=wanted)

    def look(self) -> None:
        async def run() -> None:
            await self.directory.reload()
            await asyncio.gather(*self.lists.look())

        asyncio.run(run())

    def report(self) -> Report:
        return read(self.db, report_of, device=self.device)

    def alarms(self) -> list[dict[str, Any]]:
        return [dict(one.params) for one in read(self.db, alarms.standing) if one.kind == BEHIND]


@pytest.fixture
def yard(db: Database) -> Yard:
    return Yard(db, FakeCamera())


def always(plate: str, kind: PermitKind = PermitKind.MONTHLY) -> tuple[str, PermitKind, Period]:
    return plate, kind, Period(Instant(0))


def working() -> list[asyncio.Task[Any]]:
    return [task for task in asyncio.all_tasks() if task.get_name().startswith("white_list.")]


class TwoCameras(FakeCamera):
    """Two cameras on one carrier; the first one takes what it is told and never answers."""

    def __init__(self) -> None:
        super().__init__()
        self.hanging = asyncio.Event()
        self.told: asyncio.Queue[None] = asyncio.Queue()

    def lists(self, device: DeviceEntry) -> bool:
        return device.code in (CAMERA, OTHER)

    def carries(self, device: DeviceEntry) -> bool:
        return device.code in (CAMERA, OTHER)

    async def put(self, device: DeviceEntry, cars: Sequence[ListedCar], zone: str) -> Mapping[str, str]:
        if device.code == CAMERA:
            self.hanging.set()
            await asyncio.Event().wait()
        marks = await super().put(device, cars, zone)
        self.told.put_nowait(None)
        return marks


def test_a_camera_that_hangs_costs_its_own_lane_only(db: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reaction, "AT_ONCE", 1)
    camera = TwoCameras()
    yard = Yard(db, camera)

    async def told_of(plate: str) -> None:
        async with asyncio.timeout(PATIENCE_S):
            while plate not in camera.cars:
                await camera.told.get()

    async def scene() -> None:
        await yard.directory.reload()
        keeping = asyncio.create_task(yard.lists.run())
        yard.permit(always(ANN))
        yard.lists.look()
        await told_of(ANN)
        await camera.hanging.wait()
        yard.permit(always(ANN), always(BEN))
        yard.lists.look()
        await told_of(BEN)
        keeping.cancel()
        await asyncio.gather(keeping, return_exceptions=True)
        assert working() == []

    asyncio.run(scene())


def test_what_is_told_while_a_camera_is_at_work_is_looked_at_when_it_is_through(yard: Yard) -> None:
    yard.permit(always(ANN))

    async def scene() -> None:
        await yard.directory.reload()
        [first] = yard.lists.look()
        [same] = yard.lists.look()
        assert same is first
        await first
        await asyncio.sleep(0)
        [then] = working()
        assert then is not first
        await then
        assert working() == []

    asyncio.run(scene())


def test_a_camera_holds_who_has_a_right_and_no_block(yard: Yard) -> None:
    now = yard.db.clocks.business.now()
    over = (EVE, PermitKind.MONTHLY, Period(Instant(0), Instant(now - 1)))
    far = ("粤B10004", PermitKind.MONTHLY, Period(Instant(now + 30 * DAY_US)))
    soon = ("粤B10005", PermitKind.RESIDENT, Period(Instant(now + DAY_US), Instant(now + 9 * DAY_US)))
    yard.permit(always(ANN), always(BEN), over, far, soon)
    yard.look()
    assert set(yard.camera.cars) == {ANN, BEN, "粤B10005"}
    assert yard.camera.cars["粤B10005"] == soon[2]
    calls = yard.camera.calls
    yard.look()
    assert yard.camera.calls == calls + 1, "it was read back, and told nothing"
    yard.permit(always(ANN), always(BEN, PermitKind.BLOCKED))
    yard.look()
    assert set(yard.camera.cars) == {ANN}
    report = yard.report()
    assert (report.standing.wanted, report.held, report.standing.trouble) == (1, 1, None)


def test_a_car_whose_month_is_renewed_may_come_in_all_the_time(yard: Yard) -> None:
    now = yard.db.clocks.business.now()
    ends, gap, last = (Instant(now + days * DAY_US) for days in (2, 5, 40))
    yard.permit(
        (ANN, PermitKind.MONTHLY, Period(Instant(0), ends)), (ANN, PermitKind.RESIDENT, Period(ends, last)),
        (BEN, PermitKind.MONTHLY, Period(Instant(0), ends)), (BEN, PermitKind.RESIDENT, Period(gap, last)),
        (EVE, PermitKind.RESIDENT, Period(ends)), (EVE, PermitKind.MONTHLY, Period(Instant(0), last)),
    )  # fmt: skip
    yard.look()
    assert yard.camera.cars == {
        ANN: Period(Instant(0), last), BEN: Period(Instant(0), ends), EVE: Period(Instant(0)),
    }  # fmt: skip


def test_a_camera_that_is_away_is_told_later_and_stands_in_the_alarm_list(yard: Yard, machine: ManualClock) -> None:
    yard.permit(always(ANN))
    yard.camera.trouble = "white_list.no_reply"
    yard.look()
    assert (yard.report().standing.trouble, yard.report().held, yard.alarms()) == ("white_list.no_reply", 0, [])
    machine.advance(BEHIND_US)
    yard.look()
    assert [one["device"] for one in yard.alarms()] == [CAMERA]
    yard.camera.trouble = None
    yard.look()
    assert (set(yard.camera.cars), yard.alarms()) == ({ANN}, [])


def test_a_blocked_car_that_no_device_can_be_told_to_drop_is_an_alarm(yard: Yard, machine: ManualClock) -> None:
    yard.permit(always(ANN), always(BEN))
    yard.look()
    yard.camera.is_there = False  # away, or it says no more that it has a list
    yard.permit(always(ANN), always(BEN), always(EVE))
    yard.look()
    machine.advance(2 * BEHIND_US)
    yard.look()
    assert yard.alarms() == [], "a new car is not let in by it, as by any camera that is away"
    yard.permit(always(ANN), always(BEN, PermitKind.BLOCKED))
    yard.look()
    assert (yard.report().standing.trouble, yard.alarms()) == ("white_list.unreached", [])
    machine.advance(BEHIND_US)
    yard.look()
    assert [(one["device"], one["trouble"]) for one in yard.alarms()] == [(CAMERA, "white_list.unreached")]
    yard.permit(always(ANN), always(BEN))
    yard.look()
    assert yard.alarms() == [], "it holds what it should"


def test_what_another_process_tells_a_camera_is_no_trouble_here(
    yard: Yard, machine: ManualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    yard.permit(always(ANN), always(BEN))
    yard.look()
    yard.permit(always(ANN), always(BEN, PermitKind.BLOCKED))
    machine.advance(BEHIND_US)
    elsewhere = WhiteLists(yard.db, yard.directory, [yard.camera])
    taken, seen = yard.camera.drop, list[str | None]()

    async def seen_from_elsewhere(device: DeviceEntry, cars: Sequence[ListedCar]) -> None:
        yard.camera.is_there = False
        await asyncio.gather(*elsewhere.look())
        seen.append((await asyncio.to_thread(yard.report)).standing.trouble)
        await taken(device, cars)

    monkeypatch.setattr(yard.camera, "drop", seen_from_elsewhere)
    yard.look()
    assert (seen, yard.report().standing.behind_since) == ([None], None)
    assert set(yard.camera.cars) == {ANN}


def swap(yard: Yard, how: str) -> None:
    """Put another box under the code of the camera, which holds nothing of what the old one did."""
    if how == "credentials":
        write(yard.db, facility.issue_credentials, lot=yard.lot, device_code=CAMERA, secret="5" * 64)
    else:
        file = lot_file("mall")
        new = {"serial": "another"} if how == "serial" else {"kind": DeviceKind.GENERIC_HTTP}
        devices = tuple(replace(one, **new) if one.code == CAMERA else one for one in file.devices)
        write(yard.db, facility.apply_lot, company=COMPANY, lot=replace(file, devices=devices))
    yard.camera.cars = {}


@pytest.mark.parametrize("how", ["serial", "kind", "credentials"])
@pytest.mark.parametrize("tells", [True, False])
def test_nothing_is_believed_of_another_box_under_the_same_code(db: Database, how: str, tells: bool) -> None:
    yard = Yard(db, FakeCamera(tells=tells))
    yard.permit(always(ANN), always(BEN))
    yard.look()
    yard.look()
    swap(yard, how)
    yard.camera.is_there = False
    yard.look()
    assert (yard.report().held, yard.report().standing.compared_at) == (0, None)
    assert {row.mark for row in read(db, service._rows, device=yard.device)} == {""}
    yard.camera.is_there = True
    yard.look()
    assert (set(yard.camera.cars), yard.report().held) == ({ANN, BEN}, 2)


def test_the_same_box_at_another_place_is_read_back_and_not_told_again(yard: Yard) -> None:
    yard.permit(always(ANN), always(BEN))
    yard.look()
    yard.look()
    cars = dict(yard.camera.cars)
    swap(yard, "serial")
    yard.camera.cars = cars
    calls = yard.camera.calls
    yard.look()
    assert (yard.camera.calls, yard.report().held, yard.report().differences) == (calls + 1, 2, [])


def test_what_the_old_box_confirms_last_is_not_believed_of_the_new_one(
    yard: Yard, monkeypatch: pytest.MonkeyPatch
) -> None:
    plates = {f"粤B2{number:04}" for number in range(STEP_MAX + 1)}
    yard.permit(*(always(plate) for plate in plates))
    taken = yard.camera.put

    async def swapped(device: DeviceEntry, cars: Sequence[ListedCar], zone: str) -> Mapping[str, str]:
        marks = await taken(device, cars, zone)
        await asyncio.to_thread(swap, yard, "serial")
        await yard.directory.reload()
        return marks

    with monkeypatch.context() as patched:
        patched.setattr(yard.camera, "put", swapped)
        yard.look()
    assert yard.camera.calls == 1, "what is left is for whoever stands there now"
    yard.look()
    assert (set(yard.camera.cars), yard.report().held) == (plates, len(plates))


def test_a_list_that_cannot_be_read_back_is_told_of_all_the_same(yard: Yard, machine: ManualClock) -> None:
    yard.permit(always(ANN), always(BEN))
    yard.look()
    yard.camera.unreadable = "white_list.refused"
    yard.permit(always(ANN, PermitKind.BLOCKED), always(BEN), always(EVE))
    yard.look()
    assert set(yard.camera.cars) == {BEN, EVE}
    assert yard.report().standing.trouble == "white_list.refused"
    machine.advance(BEHIND_US)
    yard.look()
    assert [one["trouble"] for one in yard.alarms()] == ["white_list.refused"]
    yard.camera.unreadable = None
    yard.look()
    assert (yard.report().standing.trouble, yard.report().standing.found, yard.alarms()) == (None, 2, [])


def test_days_that_no_wall_clock_shows_are_those_without_an_end() -> None:
    last = from_iso("9999-12-31T23:59:59Z")
    assert listed_days([Period(from_iso("0001-01-01T00:00:00Z"), last)]) == Period(Instant(0))
    assert listed_days([Period(Instant(7), Instant(ENDLESS - 1))]) == Period(Instant(7), Instant(ENDLESS - 1))


def test_what_was_told_and_not_confirmed_is_told_again(yard: Yard, monkeypatch: pytest.MonkeyPatch) -> None:
    yard.permit(always(ANN))
    with monkeypatch.context() as patched:  # it ends between telling the camera and writing that it has confirmed

        def killed(*_: Any, **__: Any) -> None:
            raise RuntimeError("killed")

        patched.setattr(service, "confirm", killed)
        yard.look()
    del yard.camera.cars[ANN]
    yard.look()
    assert (set(yard.camera.cars), yard.report().held) == ({ANN}, 1)


def test_a_list_that_somebody_changed_at_the_camera_is_reported_and_put_right(yard: Yard, machine: ManualClock) -> None:
    yard.permit(always(ANN), always(BEN), always("粤B10006"))
    yard.look()
    yard.look()
    del yard.camera.cars[ANN]
    yard.camera.cars[BEN] = Period(Instant(0), Instant(1_000_000))
    yard.camera.cars[EVE] = Period(Instant(0))
    machine.advance(DAY_US)
    yard.look()
    assert {flaw for _, flaw in yard.report().differences} == {Flaw.MISSING, Flaw.OTHERWISE, Flaw.STRANGE}
    assert all("**" in plate for plate, _ in yard.report().differences), "masked"
    assert set(yard.camera.cars) == {ANN, BEN, "粤B10006"}
    assert yard.camera.cars[BEN] == Period(Instant(0))
    assert read(yard.db, vault.find, kind=VaultKind.LISTED_PLATE, text=EVE) is None, "nothing is kept of a stranger"


def test_a_list_of_many_strangers_is_put_right_in_small_units(yard: Yard, monkeypatch: pytest.MonkeyPatch) -> None:
    yard.permit(always(ANN))
    yard.look()
    yard.look()
    yard.camera.cars |= {f"京A{number:05}": Period(Instant(0)) for number in range(2 * STEP_MAX + 5)}
    sizes: list[int] = []
    note = service.note_differences

    def counted(unit: Unit, *, camera: service.Camera, differences: Any) -> None:
        sizes.append(len(differences))
        note(unit, camera=camera, differences=differences)

    monkeypatch.setattr(service, "note_differences", counted)
    write(yard.db, ask_to_compare, device=yard.device)
    yard.look()
    assert sizes == [STEP_MAX, STEP_MAX, 5]
    assert (set(yard.camera.cars), len(yard.report().differences)) == ({ANN}, 2 * STEP_MAX + 5)


def test_a_car_that_a_camera_refuses_keeps_nobody_else_out(yard: Yard, machine: ManualClock) -> None:
    others = [f"粤B2{number:04}" for number in range(STEP_MAX + 5)]
    yard.camera.disliked = {ANN, others[-1]}
    yard.permit(always(ANN), *(always(plate) for plate in others))
    yard.look()
    assert set(yard.camera.cars) == set(others[:-1])
    report = yard.report()
    assert (report.standing.trouble, report.held) == ("white_list.refused", len(others) - 1)
    machine.advance(BEHIND_US)
    yard.look()
    assert [one["trouble"] for one in yard.alarms()] == ["white_list.refused"]
    yard.camera.disliked = set()
    yard.look()
    assert (set(yard.camera.cars), yard.report().standing.trouble) == ({ANN, *others}, None)


def test_a_car_that_a_camera_does_not_drop_keeps_nobody_else_in_or_out(yard: Yard, machine: ManualClock) -> None:
    yard.permit(always(ANN), always(BEN), always(EVE))
    yard.look()
    yard.camera.disliked = {ANN}
    yard.permit(always(ANN, PermitKind.BLOCKED), always(BEN, PermitKind.BLOCKED), always(EVE), always("粤B10007"))
    yard.look()
    assert set(yard.camera.cars) == {ANN, EVE, "粤B10007"}
    assert yard.report().standing.trouble == "white_list.refused"
    machine.advance(BEHIND_US)
    yard.look()
    assert [one["trouble"] for one in yard.alarms()] == ["white_list.refused"]
    yard.camera.disliked = set()
    yard.look()
    assert (set(yard.camera.cars), yard.report().standing.trouble) == ({EVE, "粤B10007"}, None)


def test_a_plate_with_a_block_is_on_no_list_however_many_blocks_there_are(
    yard: Yard, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(service, "BLOCKED_PAGE", 2)
    monkeypatch.setattr(service, "CARS_MAX", 2)
    blocked = [f"粤B3{number:04}" for number in range(5)]
    yard.permit(*(always(plate, PermitKind.BLOCKED) for plate in blocked), always(blocked[-1]), always(ANN))
    yard.look()
    assert set(yard.camera.cars) == {ANN}


def test_many_forgotten_plates_keep_nobody_else_out(yard: Yard) -> None:
    forgotten = [f"粤B3{number:04}" for number in range(STEP_MAX + 1)]
    yard.permit(*(always(plate) for plate in forgotten), always(ANN))
    for text in forgotten:
        plate = read(yard.db, vault.find, kind=VaultKind.PLATE, text=text)
        assert plate is not None
        write(yard.db, vault.erase, vault_id=plate)
    yard.look()
    assert set(yard.camera.cars) == {ANN}


def test_what_a_camera_holds_is_masked_also_when_it_is_no_plate_of_here(yard: Yard) -> None:
    yard.permit(always(ANN))
    yard.look()
    yard.look()
    yard.camera.cars |= {plate: Period(Instant(0)) for plate in ("B-MW 1234", "FV1234", "?!x", "")}
    write(yard.db, ask_to_compare, device=yard.device)
    yard.look()
    assert {plate for plate, _ in yard.report().differences} == {"****234", "***234", "***", ""}


def test_a_camera_that_tells_of_ever_new_cars_fills_no_tables(yard: Yard, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(service, "ROWS_MAX", 20)
    yard.permit(always(ANN))
    yard.look()
    yard.look()
    for number in range(4):
        yard.camera.disliked = {f"京A{number}{each:04}" for each in range(15)}
        yard.camera.cars |= {plate: Period(Instant(0)) for plate in yard.camera.disliked}
        yard.camera.disliked = set(yard.camera.cars) - {ANN}
        write(yard.db, ask_to_compare, device=yard.device)
        yard.look()
    assert len(read(yard.db, service._rows, device=yard.device)) <= 20
    yard.camera.disliked = set()
    for _ in range(4):
        write(yard.db, ask_to_compare, device=yard.device)
        yard.look()
    assert set(yard.camera.cars) == {ANN}


def test_a_long_list_that_a_camera_takes_slowly_is_no_alarm(
    yard: Yard, machine: ManualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    taken, seen = yard.camera.put, list[Any]()

    async def slowly(device: DeviceEntry, cars: Sequence[ListedCar], zone: str) -> Mapping[str, str]:
        machine.advance(BEHIND_US)
        seen.append((yard.camera.calls, await asyncio.to_thread(yard.alarms)))
        return await taken(device, cars, zone)

    monkeypatch.setattr(yard.camera, "put", slowly)
    yard.permit(*(always(f"粤B2{number:04}") for number in range(3 * STEP_MAX)))
    yard.look()
    assert seen == [(0, []), (1, []), (2, [])]
    assert yard.report().standing.behind_since is None


def test_a_camera_that_refuses_everything_is_left_alone_soon(yard: Yard) -> None:
    plates = [f"粤B2{number:04}" for number in range(2 * STEP_MAX)]
    yard.camera.disliked = set(plates)
    yard.permit(*(always(plate) for plate in plates))
    yard.look()
    assert yard.camera.calls == 1 + reaction.REFUSED_MAX
    assert (yard.report().standing.trouble, yard.report().held) == ("white_list.refused", 0)


def test_a_plate_that_is_forgotten_while_its_permit_holds_ends_no_look(yard: Yard) -> None:
    yard.permit(always(ANN), always(BEN))
    plate = read(yard.db, vault.find, kind=VaultKind.PLATE, text=ANN)
    assert plate is not None
    write(yard.db, vault.erase, vault_id=plate)
    yard.look()
    assert set(yard.camera.cars) == {BEN}


def test_somebody_has_a_list_read_back(yard: Yard) -> None:
    with pytest.raises(NotFound, match=r"white_list\.none"):
        write(yard.db, ask_to_compare, device=yard.device)
    yard.permit(always(ANN))
    yard.look()
    yard.look()
    yard.camera.cars.clear()
    yard.look()
    assert yard.camera.cars == {}, "not every minute"
    write(yard.db, ask_to_compare, device=yard.device)
    yard.look()
    assert set(yard.camera.cars) == {ANN}


def test_a_camera_that_cannot_tell_is_told_all_of_it_when_somebody_doubts_it(db: Database) -> None:
    yard = Yard(db, FakeCamera(tells=False))
    yard.permit(always(ANN))
    yard.look()
    yard.look()
    yard.camera.cars.clear()
    yard.look()
    assert yard.camera.cars == {}
    write(db, ask_to_compare, device=yard.device)
    yard.look()
    assert set(yard.camera.cars) == {ANN}


def test_a_forgotten_plate_can_still_be_taken_off(yard: Yard) -> None:
    yard.permit(always(ANN))
    yard.look()
    plate = read(yard.db, vault.find, kind=VaultKind.PLATE, text=ANN)
    assert plate is not None
    write(yard.db, vault.erase, vault_id=plate)
    yard.permit()
    yard.look()
    assert yard.camera.cars == {}
    assert read(yard.db, vault.find, kind=VaultKind.LISTED_PLATE, text=ANN) is None


def test_who_must_not_come_in_any_more_goes_first_and_little_at_a_time() -> None:
    rows = [Row(Id(int=n), Period(Instant(0)), RowState.HELD, Id(int=n)) for n in range(60)]
    wanted = [Wanted(Id(int=n), Period(Instant(0))) for n in range(100, 160)]
    step = next_step(wanted, rows)
    assert (len(step.drop), len(step.put), step.left) == (50, 0, 70)
    assert not next_step(wanted, [Row(one.plate, one.valid, RowState.HELD, one.plate) for one in wanted])
    assert CARS_MAX >= 5_000
