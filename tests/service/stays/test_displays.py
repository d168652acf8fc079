"""What displays show follows what happens at lanes, is said once, and never waits for a device that is not there."""

import asyncio
from collections.abc import Callable, Coroutine
from dataclasses import replace
from functools import partial
from typing import Any

import pytest

from openberth.contexts import facility, stays
from openberth.contexts.facility import DeviceKind, LaneDisplay
from openberth.contexts.facility.model.displays import Displays, Maker, Moment, OwnText, Screen
from openberth.contexts.facility.reactions import DeviceDirectory, DeviceEntry
from openberth.contexts.permits.model import PermitKind
from openberth.contexts.stays import LaneAnswer, StandingText
from openberth.gateways.displays.ports import Showing
from openberth.gateways.displays.screens import Screens
from openberth.infra.database import Database
from openberth.kernel.errors import Denied, Refused
from openberth.kernel.time import DAY_US, SECOND_US, Instant, Period
from openberth.simulator.devices.display import Display
from tests.service.acting import COMPANY, events, following, lot_file, of_company, read, write
from tests.service.stays.street import CAR, OTHER_CAR, Street
from tests.waiting import PATIENCE_S

BASE = "https://park.example"


def display_at(street: Street, lane: str) -> LaneDisplay:
    found = read(street.db, facility.lane_display, lot=street.lot, lane=street.ids[lane])
    assert found is not None, lane
    return found


def standing(street: Street, lane: str, **more: Any) -> StandingText:
    display = display_at(street, lane)
    assert display.screen is not None
    return read(street.db, stays.standing_text, display=display, screen=display.screen, base=BASE, **more)


def say(street: Street, lane: str, text: str | None, seconds: int = 30) -> Any:
    return write(
        street.db, facility.show_text, by=of_company(COMPANY, street.lot), lot=street.lot, lane=street.ids[lane],
        text=text, seconds=seconds, aloud=True,
    )  # fmt: skip


def seconds(street: Street, count: int) -> None:
    street.machine.advance(count * SECOND_US)


def test_a_car_is_told_and_then_the_lane_is_idle_again(street: Street) -> None:
    assert standing(street, "in-1").shown.moment is Moment.IDLE_ENTRY
    answer = street.arrive("in-1", CAR)
    told = standing(street, "in-1")
    assert (told.shown.moment, told.passage) == (Moment.WELCOME, answer.passage)
    assert told.shown.lines[0] == "粤B·12345"
    assert standing(street, "in-1", masked=True).shown.lines[0] == "粤B·**345"
    seconds(street, 15)
    idle = standing(street, "in-1")
    assert (idle.shown.moment, idle.free) == (Moment.IDLE_ENTRY, 399)


def test_what_leaves_with_the_answer_is_what_is_read_later(street: Street) -> None:
    """So that nothing is read for it, and nothing changes a moment later."""
    street.permit(OTHER_CAR, PermitKind.MONTHLY, Period(Instant(0), Instant(street.business.now() + 5 * DAY_US)))
    for lane, plate in (("in-1", CAR), ("in-1", OTHER_CAR), ("in-1", None), ("out-1", "京A00001")):
        street.pass_minutes(1)
        answer = street.arrive(lane, plate)
        display = display_at(street, lane)
        assert answer.news is not None
        assert display.screen is not None
        shown = stays.shown_after(display, display.screen, answer.news, base=BASE)
        assert shown == standing(street, lane).shown
    street.pass_minutes(180)
    answer = street.arrive("out-1", CAR)
    display = display_at(street, "out-1")
    assert answer.news is not None
    assert display.screen is not None
    shown = stays.shown_after(display, display.screen, answer.news, base=BASE)
    assert shown == standing(street, "out-1").shown
    assert shown.moment is Moment.PAY


def test_the_price_of_who_waits_grows_and_who_has_paid_is_thanked(street: Street) -> None:
    street.arrive("in-1", CAR)
    street.pass_minutes(180)
    street.arrive("out-1", CAR)
    first = standing(street, "out-1")
    assert first.shown.code == f"{BASE}/c/{display_at(street, 'out-1').scan_code}"
    street.pass_minutes(60)
    street.arrive("out-1", CAR)  # it backs up and comes again
    later = standing(street, "out-1")
    assert later.shown.moment is Moment.PAY
    assert later.shown.lines[1] != first.shown.lines[1]
    street.pay_cash("out-1")
    paid = standing(street, "out-1")
    assert (paid.shown.moment, paid.shown.code) == (Moment.PAID, None)
    seconds(street, 15)
    assert standing(street, "out-1").shown.moment is Moment.IDLE_EXIT


def test_the_newer_of_a_car_and_a_persons_words_counts(street: Street) -> None:
    said = say(street, "in-1", "  请稍候  粤B12345 ", 60)
    assert said.text == "请稍候 粤B·**345"
    assert standing(street, "in-1").by == "operator"
    seconds(street, 5)
    street.arrive("in-1", CAR)
    assert standing(street, "in-1").shown.moment is Moment.WELCOME
    seconds(street, 15)
    assert standing(street, "in-1").by == "operator"  # while it holds, once the car is told nothing more
    say(street, "in-1", "请前行", 10)
    assert standing(street, "in-1").shown.lines == ("请前行",)
    seconds(street, 10)
    assert standing(street, "in-1").by is None
    say(street, "in-1", "x")
    assert say(street, "in-1", None) is None
    assert standing(street, "in-1").by is None
    told = [each.body for each in events(street.db, "facility.lane_text_shown")]
    assert [(each["text"], each["seconds"]) for each in told] == [
        ("请稍候 粤B·**345", 60), ("请前行", 10), ("x", 30), (None, 0),
    ]  # fmt: skip
    say(street, "in-1", "y", 5)
    seconds(street, 6)
    assert write(street.db, facility.purge_texts) == 1
    assert write(street.db, facility.purge_texts) == 0


def test_words_that_no_display_takes_are_refused(street: Street) -> None:
    for lane, text, length, code in (
        ("in-2", "x", 30, "display.none"), ("in-1", " ", 30, "display.empty"),
        ("in-1", "x" * 61, 30, "display.too_long"),
        ("in-1", "x", 4, "display.seconds"), ("in-1", "x", 3_601, "display.seconds"),
    ):  # fmt: skip
        with pytest.raises(Refused) as refused:
            say(street, lane, text, length)
        assert refused.value.code == code
    nobody = replace(of_company(COMPANY, street.lot), permissions=frozenset({"lane.open"}))
    with pytest.raises(Denied):
        write(
            street.db, facility.show_text, by=nobody, lot=street.lot, lane=street.ids["in-1"], text="x", seconds=30,
            aloud=False,
        )  # fmt: skip


class Link:
    """A way to devices that notes what is handed over."""

    def __init__(self) -> None:
        self.is_there = True
        self.handed: list[Showing] = []
        self.missed: list[Showing] = []

    def show(self, device: DeviceEntry, showing: Showing) -> bool:
        (self.handed if self.is_there else self.missed).append(showing)
        return self.is_there


def with_screens(
    street: Street, scene: Callable[[Screens, DeviceDirectory], Coroutine[Any, Any, None]], *links: Link
) -> None:
    async def play() -> None:
        directory = DeviceDirectory(street.db)
        await directory.reload()
        screens = Screens(street.db, directory, base=BASE)
        for link in links:
            screens.attach(link)
        async with following(street.db, screens.watch):
            await screens.start()
            running = asyncio.create_task(screens.run())
            try:
                async with asyncio.timeout(PATIENCE_S):
                    await scene(screens, directory)
            finally:
                running.cancel()
                await asyncio.gather(running, return_exceptions=True)

    asyncio.run(play())


async def _arrive(street: Street, lane: str, plate: str) -> LaneAnswer:
    return await asyncio.to_thread(street.arrive, lane, plate)


async def until(true: Callable[[], bool], step: Callable[[], None] = lambda: None) -> None:
    while not true():
        step()
        await asyncio.sleep(0.02)


def test_frames_leave_with_answers_and_heartbeats_and_nothing_is_sent_or_said_twice(street: Street) -> None:
    async def scene(screens: Screens, directory: DeviceDirectory) -> None:
        camera = directory.by_id(street.ids["cam-in-1"])
        assert camera is not None
        display, board = Display(), Display()

        def read_by_driver(frames: Any) -> int:
            for frame in frames:
                (board if frame.port else display).read(bytes(frame))
            return len(frames)

        assert read_by_driver(await screens.due(camera))
        assert (display.lines[1], board.number) == ("余位 400", 300)
        assert not await screens.due(camera)
        answer = await _arrive(street, "in-1", CAR)
        assert read_by_driver(screens.decided(camera, answer))
        assert (display.lines[0], display.heard[-1]) == ("粤B·12345", "粤B12345,欢迎光临")
        assert not screens.decided(camera, replace(answer, news=None, repeated=True))  # told of once more
        seconds(street, 2)
        assert read_by_driver(await screens.due(camera))  # for its first answer may be lost
        assert len(display.heard) == 1
        seconds(street, 14)
        assert read_by_driver(await screens.due(camera))
        assert (display.lines[1], board.number) == ("余位 399", 299)
        seconds(street, 30)
        assert not await screens.due(camera)
        seconds(street, 61)  # silent: nobody knows what stands there
        assert read_by_driver(await screens.due(camera)) > 2
        assert (display.broken, board.broken, len(display.heard)) == (0, 0, 1)
        for _ in range(2):  # two cars that are told the same: each is told it
            seconds(street, 20)
            street.business.advance(20 * SECOND_US)
            assert read_by_driver(screens.decided(camera, await asyncio.to_thread(street.arrive, "in-1", None)))
        assert list(display.heard)[-2:] == ["请扫码", "请扫码"]
        screens.missed(camera.id)
        assert read_by_driver(await screens.due(camera))

    with_screens(street, scene)


def test_a_held_heartbeat_is_answered_once_there_is_something(street: Street) -> None:
    async def scene(screens: Screens, directory: DeviceDirectory) -> None:
        camera = directory.by_id(street.ids["cam-out-1"])
        assert camera is not None
        await screens.next(camera)
        waiting = asyncio.create_task(screens.next(camera))
        await asyncio.sleep(0.1)
        assert not waiting.done()
        await asyncio.to_thread(say, street, "out-1", "请前行", 60)
        seconds(street, 2)
        await until(waiting.done)
        display = Display()
        for frame in waiting.result():
            display.read(bytes(frame))
        assert display.text == "请前行"
        assert display.heard[-1] == "请前行"

    with_screens(street, scene)


def over_a_connection(db: Database, street: Street) -> None:
    """Let the lane in-2 have a camera with a connection of its own, which draws its lines itself."""
    file = lot_file("mall")
    devices = tuple(
        replace(each, kind=DeviceKind.GENERIC_MQTT, heartbeat=None) if each.code == "cam-in-2" else each
        for each in file.devices
    )
    own = OwnText(Moment.WELCOME, ("{plate}", "您好"), ("Hello",))
    displays = Displays((Screen("in-2", Maker.PLAIN),), (), (own,))
    write(db, facility.apply_lot, company=COMPANY, lot=replace(file, devices=devices, displays=displays))


def test_only_the_newest_is_handed_to_a_device_with_a_connection_and_nothing_waits_for_an_absent_one(
    street: Street,
) -> None:
    over_a_connection(street.db, street)
    link = Link()

    async def scene(screens: Screens, directory: DeviceDirectory) -> None:
        device = directory.by_id(street.ids["cam-in-2"])
        assert device is not None
        await until(lambda: len(link.handed) == 1)
        idle = link.handed[0]
        assert replace(idle, shown=None) == Showing(
            ("海港城", "余位 400", "Harbour Mall", "Free 400"), None, "", (), None, 70, 400
        )
        assert idle.shown is not None
        assert idle.shown.moment is Moment.IDLE_ENTRY
        assert screens.decided(device, await _arrive(street, "in-2", CAR)) == ()
        await until(lambda: len(link.handed) == 2)
        assert (link.handed[1].lines, link.handed[1].spoken) == (("粤B·12345", "您好", "Hello"), "粤B12345,欢迎光临")
        link.is_there = False
        for plate in (OTHER_CAR, "京A11111"):
            seconds(street, 20)
            screens.decided(device, await _arrive(street, "in-2", plate))
            await until(lambda: any(plate in each.spoken for each in link.missed))  # noqa: B023 - awaited at once
        assert len(link.handed) == 2
        link.is_there = True
        screens.connected(device)
        await until(lambda: len(link.handed) == 3)
        assert link.handed[2].lines[0] == "京A·11111"
        assert link.handed[2].spoken == ""  # it was said, as far as anybody knows

    with_screens(street, scene, link)


def test_a_changed_file_hangs_displays_anew(street: Street) -> None:
    async def scene(screens: Screens, directory: DeviceDirectory) -> None:
        assert screens.has(street.ids["cam-in-1"])
        assert not screens.has(street.ids["cam-in-2"])
        moved = replace(lot_file("mall"), displays=Displays((Screen("in-2", Maker.FK),)))
        await asyncio.to_thread(partial(write, street.db, facility.apply_lot, company=COMPANY, lot=moved))
        await until(lambda: screens.has(street.ids["cam-in-2"]))
        assert not screens.has(street.ids["cam-in-1"])
        camera = directory.by_id(street.ids["cam-in-2"])
        assert camera is not None
        display = Display()
        for frame in await screens.due(camera):
            display.read(bytes(frame))
        assert display.lines[0] == "海港城"

    with_screens(street, scene)


ADVERT = OwnText(Moment.ADVERT, ("{lot}", "减速慢行"), ("{lot}", "Drive slowly"))


def advertised(street: Street, *texts: OwnText, maker: Maker = Maker.KF) -> None:
    displays = Displays((Screen("in-1", maker),), (), texts)
    write(street.db, facility.apply_lot, company=COMPANY, lot=replace(lot_file("mall"), displays=displays))


async def asked(screens: Screens, camera: DeviceEntry, display: Display) -> int:
    """Let a display read what its camera is answered; returns how many frames."""
    frames = await screens.due(camera)
    for frame in frames:
        display.read(bytes(frame))
    return len(frames)


def test_what_a_display_keeps_by_itself_is_written_once_for_all_restarts_and_processes(street: Street) -> None:
    advertised(street, ADVERT)
    display = Display()

    async def scene(screens: Screens, directory: DeviceDirectory) -> None:
        camera = directory.by_id(street.ids["cam-in-1"])
        assert camera is not None
        assert await asked(screens, camera, display)
        assert display.adverts == [""] * 4  # first what stands there
        assert await asked(screens, camera, display) == 4
        assert display.adverts == ["海港城", "减速慢行", "Harbour Mall", "Drive slowly"]
        assert await asked(screens, camera, display) == 0
        display.adverts = [""] * 4

    async def again(screens: Screens, directory: DeviceDirectory) -> None:
        camera = directory.by_id(street.ids["cam-in-1"])
        assert camera is not None
        for _ in range(3):
            await asked(screens, camera, display)
            seconds(street, 700)
        assert display.adverts == [""] * 4

    with_screens(street, scene)
    with_screens(street, again)
    advertised(street)  # the text is gone, and taken off
    display.adverts = ["x"] * 4

    async def gone(screens: Screens, directory: DeviceDirectory) -> None:
        camera = directory.by_id(street.ids["cam-in-1"])
        assert camera is not None
        await asked(screens, camera, display)
        await asked(screens, camera, display)
        assert display.adverts == [""] * 4
        await asked(screens, camera, display)

    with_screens(street, gone)
    assert read(street.db, facility.advert_kept, device=street.ids["cam-in-1"])[0] == ""
    assert display.broken == 0


def test_a_display_that_nobody_heard_of_again_is_written_to_once_more(street: Street) -> None:
    advertised(street, ADVERT, maker=Maker.FK)

    async def scene(screens: Screens, directory: DeviceDirectory) -> None:
        camera = directory.by_id(street.ids["cam-in-1"])
        assert camera is not None
        display = Display()
        await asked(screens, camera, display)
        await screens.due(camera)
        screens.missed(camera.id)  # it left, and the camera was gone
        await asked(screens, camera, display)
        await asked(screens, camera, display)
        assert display.adverts == [""] * 4
        for _ in range(2):
            seconds(street, 700)
            await asked(screens, camera, display)
            await asked(screens, camera, display)
        assert display.adverts[:2] == ["海港城", "减速慢行"]
        assert display.broken == 0

    with_screens(street, scene)


def test_a_text_that_changes_again_waits_and_nothing_is_kept_of_a_device_that_is_gone(street: Street) -> None:
    device, display = street.ids["cam-in-1"], Display()

    async def scene(screens: Screens, directory: DeviceDirectory) -> None:
        camera = directory.by_id(device)
        assert camera is not None
        for _ in range(3):  # what stands there, the advert, and what tells that it has arrived
            await asked(screens, camera, display)

    advertised(street, ADVERT)
    with_screens(street, scene)
    advertised(street, replace(ADVERT, zh=("换",), en=("Other",)))
    with_screens(street, scene)
    assert display.adverts[0] == "海港城"
    seconds(street, 600)
    with_screens(street, scene)
    assert display.adverts[0] == "换"
    assert write(street.db, facility.purge_adverts) == 0
    file = lot_file("mall")
    less = replace(file, devices=tuple(each for each in file.devices if each.code != "cam-in-1"))
    write(street.db, facility.apply_lot, company=COMPANY, lot=less)
    assert write(street.db, facility.purge_adverts) == 1
    assert read(street.db, facility.advert_kept, device=device) == ("", None)


def test_a_text_that_changes_before_it_has_arrived_waits_as_well(street: Street) -> None:
    advertised(street, ADVERT)

    async def scene(screens: Screens, directory: DeviceDirectory) -> None:
        camera, display = directory.by_id(street.ids["cam-in-1"]), Display()
        assert camera is not None
        await asked(screens, camera, display)
        await asked(screens, camera, display)
        advertised(street, replace(ADVERT, zh=("换",), en=("Other",)))
        await until(lambda: screens._lanes[street.ids["in-1"]].display == display_at(street, "in-1"))
        for _ in range(3):
            await asked(screens, camera, display)
        assert display.adverts[0] == "海港城"
        seconds(street, 600)
        for _ in range(2):
            await asked(screens, camera, display)
        assert display.adverts[0] == "换"

    with_screens(street, scene)


def test_nothing_is_written_while_a_car_is_told_something(street: Street) -> None:
    advertised(street, ADVERT)

    async def scene(screens: Screens, directory: DeviceDirectory) -> None:
        camera = directory.by_id(street.ids["cam-in-1"])
        assert camera is not None
        display = Display()
        screens.decided(camera, await _arrive(street, "in-1", CAR))
        for _ in range(3):
            seconds(street, 2)
            await asked(screens, camera, display)
        assert display.adverts == [""] * 4
        seconds(street, 15)
        await asked(screens, camera, display)
        await asked(screens, camera, display)
        assert display.adverts[0] == "海港城"

    with_screens(street, scene)


def test_a_display_behind_a_connection_keeps_its_advert_too(street: Street) -> None:
    file = lot_file("mall")
    devices = tuple(
        replace(each, kind=DeviceKind.VZENITH_MQTT, heartbeat=None, serial="vz-1") if each.code == "cam-in-1" else each
        for each in file.devices
    )
    displays = Displays((Screen("in-1", Maker.KF),), (), (ADVERT,))
    write(street.db, facility.apply_lot, company=COMPANY, lot=replace(file, devices=devices, displays=displays))
    link = Link()
    link.is_there = False

    def kept() -> str:
        return read(street.db, facility.advert_kept, device=street.ids["cam-in-1"])[0]

    async def scene(screens: Screens, directory: DeviceDirectory) -> None:
        device = directory.by_id(street.ids["cam-in-1"])
        assert device is not None
        await asyncio.sleep(0.2)
        assert kept() == ""
        link.is_there = True
        screens.connected(device)
        await until(lambda: bool(kept()), lambda: seconds(street, 60))
        display = Display()
        for showing in link.handed:
            for frame in showing.frames:
                display.read(bytes(frame))
        assert display.adverts[0] == "海港城"

    with_screens(street, scene, link)
