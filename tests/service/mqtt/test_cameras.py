"""Cameras and terminals over MQTT in the house: simulated devices on real sockets, through our endpoint and through an
outside broker, with the faults of their networks.
"""

import asyncio
import secrets
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from ipaddress import ip_network
from pathlib import Path
from random import Random
from typing import Any

import msgspec
import pytest
from sqlalchemy import select

from openberth.contexts import facility
from openberth.contexts.facility import Command, CommandKind, DeviceKind, Outcome
from openberth.contexts.facility.model import Device
from openberth.contexts.facility.reactions import CommandDispatcher, DeviceDirectory, DeviceEntry, Presence, Strays
from openberth.contexts.facility.service.commands import commands_of_lot
from openberth.contexts.permits import ListedCar, NotTold
from openberth.contexts.stays.store.tables import passage as passage_table
from openberth.gateways.cameras import mqtt_port, told_lists
from openberth.gateways.cameras.desk import CameraDesk
from openberth.gateways.cameras.errands import Errands
from openberth.gateways.cameras.mqtt_port import MqttCameras
from openberth.gateways.cameras.told_lists import ToldLists
from openberth.gateways.displays.screens import Screens
from openberth.gateways.mqtt.link import MqttHub
from openberth.infra.blobs import FolderBlobs, PictureQueue
from openberth.infra.buckets import MemoryBuckets, per_minute
from openberth.infra.clocks import ManualClock, SystemClock
from openberth.infra.database import Database
from openberth.infra.database.statement import Query
from openberth.infra.ids import IdSource
from openberth.kernel.ids import BEYOND_ALL, Id
from openberth.kernel.time import Instant, Period
from openberth.simulator.clock import SECOND_US, BusinessClock
from openberth.simulator.counters import Counters
from openberth.simulator.devices.generic_mqtt import GenericMqttCamera
from openberth.simulator.devices.lists import Days
from openberth.simulator.devices.makes import GenericSpeech
from openberth.simulator.devices.mqtt_camera import LinkHabits, MqttCamera
from openberth.simulator.devices.mqtt_client import Login, MqttLink, NoLink
from openberth.simulator.devices.saifeimu import LaneTerminal
from openberth.simulator.devices.vzenith_mqtt import Habits, VzenithMqttCamera
from openberth.simulator.devices.vzenith_wire import Reading
from openberth.simulator.faults import Faults
from tests.service.acting import COMPANY, following, ids_of, lot_file, read, write
from tests.service.facility.test_devices import credentials
from tests.waiting import PATIENCE_S, until
from tests.wire.mqtt_server import broker_address

HOME = (ip_network("127.0.0.0/8"),)
PASSAGES = Query(select(passage_table.c.id, passage_table.c.pictures), lambda *found: found)
LAYOUTS = pytest.mark.parametrize("old_topics", [False, True], ids=["device-first", "serial-first"])


class Now(BusinessClock):
    """The business time of a test."""

    def __init__(self, clock: ManualClock) -> None:
        super().__init__()
        self.clock = clock

    def now_us(self) -> int:
        return int(self.clock.now())


@dataclass
class Lane:
    """A house with a Vzenith camera at one lane, generic devices at two other ones, and a terminal beside the last."""

    db: Database
    hub: MqttHub
    cameras: MqttCameras
    dispatcher: CommandDispatcher
    presence: Presence
    directory: DeviceDirectory
    address: tuple[str, int]
    lot: Id
    ids: dict[str, Id]
    passwords: dict[str, str]
    serials: dict[str, str]
    clock: Now
    opened: list[int] = field(default_factory=list)
    tasks: list["asyncio.Task[None]"] = field(default_factory=list)

    def login(self, code: str) -> Login:
        serial = self.serials[code]
        return Login(*self.address, serial, self.passwords[code], f"{serial}-1")

    async def camera(self, habits: Habits | None = None, faults: dict[str, float] | None = None) -> VzenithMqttCamera:
        quick = replace(habits or Habits(), quick_s=0.05, again_s=0.05, confirm_s=PATIENCE_S, beat_s=0.2)
        made = VzenithMqttCamera(
            serial=self.serials["cam"], login=self.login("cam"), clock=self.clock, counters=Counters(),
            faults=Faults(faults), rng=Random(7), habits=quick,
            on_open=lambda: self.opened.append(1), on_close=lambda: self.opened.append(0),
        )  # fmt: skip
        self.tasks.append(asyncio.create_task(made.run()))
        await until(lambda: made.connected and self.hub.is_connected(self.ids["cam"]))
        return made

    async def generic(self, code: str = "gen", faults: dict[str, float] | None = None) -> GenericMqttCamera:
        made = GenericMqttCamera(
            serial=self.serials[code], login=self.login(code), speech=GenericSpeech(Random(5), "Asia/Shanghai"),
            clock=self.clock, counters=Counters(), faults=Faults(faults), rng=Random(7),
            habits=LinkHabits(again_s=0.05, confirm_s=PATIENCE_S, beat_s=60),
            machine_us=lambda: int(self.db.clocks.machine.now()),
            on_open=lambda: self.opened.append(2), on_close=lambda: self.opened.append(3),
        )  # fmt: skip
        self.tasks.append(asyncio.create_task(made.run()))
        await until(lambda: made.connected and self.hub.is_connected(self.ids[code]))
        return made

    async def terminal(self) -> LaneTerminal:
        made = LaneTerminal(serial=self.serials["term"], login=self.login("term"), again_s=0.05)
        self.tasks.append(asyncio.create_task(made.run()))
        await until(lambda: made.connected and self.hub.is_connected(self.ids["term"]))
        return made

    async def issue(self, lane: str, kind: CommandKind = CommandKind.OPEN) -> Command:
        return await asyncio.to_thread(
            write, self.db, facility.issue_command, company=COMPANY, lot=self.lot, lane=self.ids[lane], kind=kind,
            passage=None,
        )  # fmt: skip

    async def commands(self) -> list[Command]:
        found: list[Command] = await asyncio.to_thread(
            read, self.db, commands_of_lot, lot=self.lot, before=BEYOND_ALL, limit=50
        )
        return found

    async def ended(self, command: Command) -> tuple[Outcome | None, str | None]:
        async with asyncio.timeout(PATIENCE_S):
            while True:
                for one in await self.commands():
                    if one.id == command.id and one.outcome is not None:
                        return one.outcome, one.detail
                await asyncio.sleep(0.02)

    async def kept(self, passages: int) -> None:
        """Wait until there are so many passages with their two pictures each: a broker confirms before us, and on a
        busy machine long before.
        """
        wanted, ends = [2] * passages, asyncio.get_running_loop().time() + PATIENCE_S
        while (found := [count for _, count in await self.passages()]) != wanted:
            assert asyncio.get_running_loop().time() < ends, found
            await asyncio.sleep(0.02)

    async def stays(self, passages: int) -> None:
        """Wait as ``kept`` does, and see that nothing more comes."""
        await self.kept(passages)
        await asyncio.sleep(0.3)
        await self.kept(passages)

    async def passages(self) -> list[tuple[Id, int]]:
        return await asyncio.to_thread(read, self.db, lambda reader: reader.all(PASSAGES))


def furnished(db: Database) -> tuple[Id, dict[str, Id], dict[str, str], dict[str, str]]:
    run, lot = secrets.token_hex(4), lot_file("mall")
    serials = {code: f"{run}-{code}" for code in ("cam", "gate", "gen", "term")}
    kinds = {"cam": DeviceKind.VZENITH_MQTT, "gate": DeviceKind.GENERIC_MQTT, "gen": DeviceKind.GENERIC_MQTT,
             "term": DeviceKind.SAIFEIMU_MQTT}  # fmt: skip
    lanes = {"cam": "in-2", "gate": "in-1", "gen": "out-2", "term": "out-2"}
    ours = [Device(code, kinds[code], lanes[code], HOME, serials[code], None) for code in kinds]
    kept = [each for each in lot.devices if each.lane not in lanes.values()]
    applied = write(db, facility.apply_lot, company=COMPANY, lot=replace(lot, devices=(*kept, *ours))).lot
    issued = credentials(db, applied, *kinds)
    return applied, dict(ids_of(db, applied)), dict(zip(kinds, issued, strict=True)), serials


@asynccontextmanager
async def standing(db: Database, carrier: str, business: ManualClock, folder: Path) -> AsyncIterator[Lane]:
    lot, ids, passwords, serials = await asyncio.to_thread(furnished, db)
    directory, presence = DeviceDirectory(db), Presence(db)
    dispatcher, strays = CommandDispatcher(db), Strays(db, lambda _refusal: None)
    pictures = PictureQueue(FolderBlobs(folder))
    pictures.start()
    hub = MqttHub(clock=db.clocks.machine, directory=directory, presence=presence, strays=strays)
    id_source = IdSource(db.clocks.machine)
    desk = CameraDesk(database=db, presence=presence, pictures=pictures, ids=id_source)
    screens = Screens(db, directory, base="http://127.0.0.1")
    cameras = MqttCameras(
        desk=desk, hub=hub, dispatcher=dispatcher, ids=id_source, clock=db.clocks.machine, screens=screens,
        buckets=MemoryBuckets(SystemClock()), per_minute=6_000,
    )  # fmt: skip
    tasks = [asyncio.create_task(hub.run()), asyncio.create_task(directory.run())]
    async with following(db, directory.watch, dispatcher.watch):
        await directory.reload()
        await dispatcher.start()
        if carrier == "endpoint":
            address = await hub.endpoint.start("127.0.0.1", 0)
        else:
            address = broker_address()
            broker = hub.go_through(
                f"mqtt://{address[0]}:{address[1]}", client_id=f"test-{secrets.token_hex(4)}", may_connect=_yes
            )
            tasks.append(asyncio.create_task(broker.run()))
            await asyncio.wait_for(broker.ready(), PATIENCE_S)
        lane = Lane(
            db, hub, cameras, dispatcher, presence, directory, address, lot, ids, passwords, serials, Now(business)
        )  # fmt: skip
        try:
            yield lane
        finally:
            for task in lane.tasks:
                task.cancel()
            await asyncio.gather(*lane.tasks, return_exceptions=True)
            if carrier == "endpoint":
                await hub.carrier.stop()
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            if carrier == "broker":
                await hub.carrier.stop()
            await dispatcher.stop()
            pictures.close()


async def _yes() -> bool:
    return True


Scene = Callable[[Lane], Awaitable[None]]
Play = Callable[[Scene], None]


@pytest.fixture(params=["endpoint", "broker"])
def play(request: pytest.FixtureRequest, db: Database, business: ManualClock, tmp_path: Path) -> Play:
    def played(scene: Scene) -> None:
        async def run() -> None:
            async with standing(db, request.param, business, tmp_path / "pictures") as lane:
                await scene(lane)

        asyncio.run(run())

    return played


@LAYOUTS
def test_a_car_is_let_in_and_its_crossing_ends_the_command(play: Play, old_topics: bool) -> None:
    async def scene(lane: Lane) -> None:
        camera = await lane.camera(Habits(old_topics=old_topics))
        shown = await asyncio.wait_for(camera.recognise(Reading("粤B12345")), PATIENCE_S)
        assert shown.delivered
        await until(lambda: lane.opened)
        assert lane.opened == [1]
        [command] = await lane.commands()
        assert (command.kind, command.outcome) == (CommandKind.OPEN, None)  # accepted is not done
        camera.report_input(0, 1)
        assert await lane.ended(command) == (Outcome.DONE, "passed")
        # The quick result was decided about, the whole one brought its two pictures to it.
        await lane.stays(1)
        # An open by hand comes by the layout of topics that the camera speaks in.
        again = await lane.issue("in-2")
        await until(lambda: len(lane.opened) == 2)
        await camera.tell_gate("open")
        assert await lane.ended(again) == (Outcome.DONE, "boom")
        close = await lane.issue("in-2", CommandKind.CLOSE)
        await until(lambda: len(lane.opened) == 3)
        await camera.tell_gate("closed")
        assert await lane.ended(close) == (Outcome.DONE, "boom")
        assert lane.opened == [1, 1, 0]

    play(scene)


def test_what_a_camera_refuses_is_rejected_and_what_it_cannot_be_told_too(play: Play) -> None:
    async def scene(lane: Lane) -> None:
        camera = await lane.camera(Habits(code=400))
        assert await lane.ended(await lane.issue("in-2")) == (Outcome.REJECTED, "gpio_out 400")
        assert await lane.ended(await lane.issue("in-2", CommandKind.STOP)) == (Outcome.REJECTED, "not_supported")
        assert lane.opened == []
        assert camera.pending == 0

    play(scene)


def test_a_crossing_told_by_the_lane_controller_is_a_crossing(play: Play) -> None:
    async def scene(lane: Lane) -> None:
        camera = await lane.camera(Habits(code=None))
        command = await lane.issue("in-2")
        await until(lambda: lane.opened)
        await camera.tell_lane(83, "粤B12345")
        assert await lane.ended(command) == (Outcome.DONE, "passed")
        for event in (73, 81, 82, 84, 85, 96, 97, 112, 113):
            await camera.tell_lane(event, "粤B99999")

    play(scene)


def test_an_absent_camera_is_unreachable_at_once_and_opens_nothing_later(play: Play) -> None:
    async def scene(lane: Lane) -> None:
        camera = await lane.camera()
        camera.set_online(False)
        await until(lambda: not camera.connected)
        if lane.hub.carrier is lane.hub.endpoint:
            await until(lambda: not lane.hub.is_connected(lane.ids["cam"]))
        command = await lane.issue("in-2")
        if lane.hub.carrier is lane.hub.endpoint:  # nobody takes it: the sweeper ends it as unreachable after 3 s
            await asyncio.sleep(0.2)
            [waiting] = await lane.commands()
            assert waiting.sent_at is None
        else:  # the broker says that nobody listens
            assert await lane.ended(command) == (Outcome.UNREACHABLE, "not_sent")
        lane.dispatcher._waiting.clear()  # as the sweeper would have
        camera.set_online(True)
        await until(lambda: camera.connected)
        await asyncio.sleep(0.3)
        assert lane.opened == []

    play(scene)


def test_a_replayed_car_opens_nothing(play: Play) -> None:
    async def scene(lane: Lane) -> None:
        camera = await lane.camera()
        camera.set_online(False)
        shown = await asyncio.wait_for(camera.recognise(Reading("粤B12345")), PATIENCE_S)
        assert not shown.delivered
        camera.set_online(True)
        assert await camera.drained(PATIENCE_S)
        await lane.stays(1)
        assert lane.opened == []

    play(scene)


@pytest.mark.parametrize("make", ["vzenith", "generic"])
@pytest.mark.parametrize(
    "faults",
    [{"duplicate": 1.0}, {"lost-ack": 0.5}, {"drop": 0.5}, {"reorder": 1.0}, {"retransmit-forever": 1.0},
     {"duplicate": 0.5, "lost-ack": 0.3, "drop": 0.3, "reorder": 0.5}],
    ids=lambda faults: "+".join(faults),
)  # fmt: skip
def test_faults_of_the_network_change_no_count(play: Play, make: str, faults: dict[str, float]) -> None:
    async def scene(lane: Lane) -> None:
        camera: MqttCamera
        camera = await (lane.camera(faults=faults) if make == "vzenith" else lane.generic("gate", faults))
        plates = ["粤B11111", "苏E22222", "浙A33333", "京N44444", "沪C55555", "川Z66666"]
        for number, plate in enumerate(plates, 1):
            shown = camera.recognise(Reading(plate))
            await asyncio.wait_for(shown, PATIENCE_S)
            camera.report_input(0, 1)
            assert await camera.idle(PATIENCE_S)
            await lane.kept(number)  # decided about, before it is a car of a minute ago
            lane.clock.clock.advance(60 * SECOND_US)
        if "drop" not in faults:
            await until(lambda: len(lane.opened) >= len(plates))
        if "retransmit-forever" in faults:
            await asyncio.sleep(0.4)
        await lane.stays(len(plates))
        if "drop" in faults:  # an open that the connection took with it is not sent again
            assert len(lane.opened) <= len(plates)
        else:
            assert len(lane.opened) == len(plates)

    play(scene)


def test_a_storm_of_reconnects_passes(play: Play) -> None:
    async def scene(lane: Lane) -> None:
        camera = await lane.camera(Habits(storms=20))
        # In the midst of it the open would be for a camera that has just gone, and not be sent again.
        await until(lambda: not camera.storms_left and camera.connected and lane.hub.is_connected(lane.ids["cam"]))
        await asyncio.wait_for(camera.recognise(Reading("粤B12345")), PATIENCE_S)
        await until(lambda: lane.opened)
        await lane.stays(1)

    play(scene)


def test_a_device_that_hangs_costs_its_own_lane_only(play: Play) -> None:
    async def scene(lane: Lane) -> None:
        camera, generic = await lane.camera(), await lane.generic()
        camera.hang(True)  # it confirms nothing any more
        held = await lane.issue("in-2")
        for number in range(5):
            command = await lane.issue("out-2")
            await until(lambda: lane.opened.count(2) == number + 1)  # noqa: B023 - awaited at once
            await generic.say("gate", boom="open")
            assert await lane.ended(command) == (Outcome.DONE, "boom")
        assert held.outcome is None

    play(scene)


def test_a_car_is_let_in_by_a_generic_camera_and_its_crossing_ends_the_command(play: Play) -> None:
    async def scene(lane: Lane) -> None:
        camera = await lane.generic("gate")
        shown = await asyncio.wait_for(camera.recognise(Reading("粤B12345")), PATIENCE_S)
        assert shown.delivered
        await until(lambda: lane.opened)
        camera.report_input(0, 1)
        camera.report_input(0, 0)
        [opened] = await lane.commands()
        assert await lane.ended(opened) == (Outcome.DONE, "passed")
        await lane.stays(1)
        assert lane.opened == [2]

    play(scene)


def test_a_generic_camera_passes_on_what_is_for_the_display_behind_it(play: Play) -> None:
    async def scene(lane: Lane) -> None:
        camera = await lane.generic("gate")
        stored = {"id": "x", "serial_data": [{"port": 0, "data": "AGT//zAJAbu206254sHZMlg="}]}
        assert await lane.hub.publish(
            lane.ids["gate"], f"openberth/v1/{camera.serial}/down/stored", msgspec.json.encode(stored)
        )
        await until(lambda: camera.display().heard)
        assert list(camera.display().heard) == ["欢迎光临"]

    play(scene)


def test_a_generic_camera_replays_what_nobody_took_and_it_opens_nothing(play: Play) -> None:
    async def scene(lane: Lane) -> None:
        camera = await lane.generic("gate")
        camera.set_online(False)
        for plate in ("粤B12345", "苏E22222"):
            shown = await asyncio.wait_for(camera.recognise(Reading(plate, known=plate == "苏E22222")), PATIENCE_S)
            assert not shown.delivered
        assert lane.opened == [2]  # by itself, for the one it knows
        camera.set_online(True)
        assert await camera.drained(PATIENCE_S)
        await lane.stays(2)
        assert lane.opened == [2]
        assert await lane.commands() == []

    play(scene)


def test_a_generic_camera_carries_a_command_out_once_and_not_too_late(play: Play) -> None:
    async def scene(lane: Lane) -> None:
        camera = await lane.generic()
        command = await lane.issue("out-2")
        await until(lambda: lane.opened)
        [told] = camera.told["command"]
        camera._heard("openberth/v1/x/down/command", msgspec.json.encode(told))
        assert lane.opened == [2]
        late = dict(told, id="0" * 32, expires_at="2026-11-20T09:59:59.000000Z")
        camera._heard("openberth/v1/x/down/command", msgspec.json.encode(late))
        assert lane.opened == [2]
        await camera.say("gate", boom="open")
        assert await lane.ended(command) == (Outcome.DONE, "boom")
        unable = await lane.issue("out-2", CommandKind.STOP)
        assert await lane.ended(unable) == (Outcome.REJECTED, "command cannot do that")
        closing = await lane.issue("out-2", CommandKind.CLOSE)
        await until(lambda: lane.opened == [2, 3])
        assert closing.outcome is None

    play(scene)


def test_a_terminal_says_its_version_when_it_is_asked_and_comes_back(play: Play) -> None:
    async def scene(lane: Lane) -> None:
        said: list[dict[str, str]] = []
        seen = lane.presence.seen

        def noted(device: DeviceEntry, **more: Any) -> None:
            if device.code == "term" and more.get("state"):
                said.append(more["state"])
            seen(device, **more)

        lane.presence.seen = noted  # type: ignore[method-assign]
        terminal = await lane.terminal()
        await until(lambda: said == [{"firmware": "V2.1"}])
        asked = {"msgId": "q-1", "deviceNo": terminal.serial, "actionName": "version", "ack": 1, "data": None}
        terminal._heard(f"/gate/{terminal.serial}/command", msgspec.json.encode(asked))
        await until(lambda: len(said) == 2)
        assert not terminal.shown  # a question is nothing to show
        terminal.cut()
        await until(lambda: len(said) == 3)

    play(scene)


def test_the_generic_device_is_told_with_a_life_and_answers(play: Play) -> None:
    async def scene(lane: Lane) -> None:
        generic = await lane.generic()
        await generic.say("recognition", id="r-1", at="2026-03-02T16:00:00+08:00", plate="粤B12345")
        await until(lambda: generic.told.get("stored"))
        assert list(generic.told["stored"]) == [{"openberth": 1, "id": "r-1"}]
        command = await lane.issue("out-2")
        await until(lambda: generic.told.get("command"))
        [told] = generic.told["command"]
        assert told == {"openberth": 1, "id": command.id.hex, "command": "open",
                        "expires_at": "2026-11-20T10:00:30.000000Z"}  # fmt: skip
        await generic.say("input", number=1, active=True)
        assert await lane.ended(command) == (Outcome.DONE, "passed")
        generic.obeys = False
        refused = await lane.issue("out-2")
        assert await lane.ended(refused) == (Outcome.REJECTED, "command locked by hand")
        generic.obeys = True
        assert await lane.ended(await lane.issue("out-2", CommandKind.SET_TIME)) == (Outcome.DONE, "command")

    play(scene)


def test_a_device_that_says_too_much_is_held_up_alone(play: Play, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mqtt_port, "HOLD_MAX_S", 0.01)

    async def scene(lane: Lane) -> None:
        taken: list[str] = []
        seen = lane.presence.seen

        def noted(device: DeviceEntry, **more: Any) -> None:
            taken.append(device.code)
            seen(device, **more)

        monkeypatch.setattr(lane.presence, "seen", noted)
        generic, _ = await lane.generic(), await lane.camera()
        pace = ManualClock(Instant(0))
        lane.cameras._buckets, lane.cameras._rate = MemoryBuckets(pace), per_minute("device", 600, burst=100)

        async def flood() -> None:
            for _ in range(150):
                await generic.say("heartbeat")

        flooding = asyncio.create_task(flood())
        await until(lambda: taken.count("gen") >= 100)
        before = taken.count("cam")
        await until(lambda: taken.count("cam") >= before + 3)
        assert taken.count("gen") <= 103  # with what is noted because it connected
        pace.advance(60 * SECOND_US)
        await until(lambda: taken.count("gen") >= 151)
        await flooding

    play(scene)


def test_nonsense_is_confirmed_and_thrown_away(play: Play) -> None:
    async def scene(lane: Lane) -> None:
        generic = await lane.generic()
        for payload in (b"", b"{}", b"\xff", b'{"openberth":1,"type":"recognition"}', b'"result"', b"[" * 5000):
            await generic._publish(f"openberth/v1/{generic.serial}/up", payload)
        await generic.say("heartbeat")
        assert await lane.passages() == []

    play(scene)


def lists_of(lane: Lane) -> ToldLists:
    clock = SystemClock()
    return ToldLists(lane.cameras, Errands(IdSource(clock)), clock)


class Showing:
    lines, qr, spoken = ("粤B12345", "请缴费 8.00 元"), "https://parking.example.com/c/ABC", "请缴费 8 元"
    frames: tuple[Any, ...] = ()


def test_terminals_and_devices_show_what_a_lane_says(play: Play) -> None:
    async def scene(lane: Lane) -> None:
        terminal, generic = await lane.terminal(), await lane.generic()
        entries = {code: lane.directory.by_id(lane.ids[code]) for code in ("term", "gen", "cam")}
        for code in ("term", "gen"):
            entry = entries[code]
            assert entry is not None
            assert lane.cameras.show(entry, Showing())
        await until(lambda: terminal.shown and generic.told.get("display") and generic.told.get("voice"))
        assert terminal.shown[0]["data"]["paymentQrcode"] == "https://parking.example.com/c/ABC"
        assert generic.told["display"][0]["lines"] == ["粤B12345", "请缴费 8.00 元"]
        absent = entries["cam"]
        assert absent is not None
        assert not lane.cameras.show(absent, Showing())
        # Whoever comes back is told what it shows, and not what was spoken.
        generic.set_online(False)
        generic.told.clear()
        generic.set_online(True)
        await until(lambda: generic.told.get("display"))
        assert "voice" not in generic.told
        assert "command" not in generic.told
        # A terminal's word for another one counts for nothing.
        await terminal.say("version", "V9", serial=f"{terminal.serial}x")

    play(scene)


def test_a_wrong_secret_and_anothers_topics_are_refused(db: Database, business: ManualClock, tmp_path: Path) -> None:
    async def scene() -> None:
        async with standing(db, "endpoint", business, tmp_path) as lane:
            wrong = replace(lane.login("gen"), password="0" * 64)
            with pytest.raises(NoLink, match="refused"):
                await MqttLink(wrong, lambda _topic, _payload: None).open()
            other = MqttLink(lane.login("cam"), lambda _topic, _payload: None)
            await other.open()
            with pytest.raises(NoLink):  # version 3.1.1 is hung up on
                await other.publish(f"openberth/v1/{lane.serials['gen']}/up", b'{"openberth":1,"type":"heartbeat"}')
            await other.close()

    asyncio.run(scene())


def test_the_cameras_own_list_is_told_and_confirmed(play: Play) -> None:
    async def scene(lane: Lane) -> None:
        camera = await lane.camera()
        entry = lane.directory.by_id(lane.ids["cam"])
        assert entry is not None
        lists = lists_of(lane)
        await until(lambda: lists.carries(entry))
        days = Period(Instant(1_795_305_600_000_000), Instant(1_795_392_000_000_000))
        await lists.put(
            entry, [ListedCar("粤B12345", days), ListedCar("粤B12346", Period(Instant(0)))], "Asia/Shanghai"
        )
        assert camera.listed["粤B12345"]["enable_time"] == "2026-11-22 08:00:00"
        assert camera.listed["粤B12345"]["overdue_time"] == "2026-11-23 08:00:00"
        await lists.drop(entry, [ListedCar("粤B12345", days)])
        assert set(camera.listed) == {"粤B12346"}

    play(scene)


def test_a_list_that_a_camera_refuses_is_not_told(play: Play) -> None:
    async def scene(lane: Lane) -> None:
        await lane.camera(Habits(code=500))
        entry = lane.directory.by_id(lane.ids["cam"])
        assert entry is not None
        with pytest.raises(NotTold, match=r"white_list\.refused"):
            await lists_of(lane).put(entry, [ListedCar("粤B12345", Period(Instant(0)))], "Asia/Shanghai")

    play(scene)


def test_a_generic_device_is_told_says_what_it_holds_and_opens_alone(play: Play) -> None:
    async def scene(lane: Lane) -> None:
        generic = await lane.generic()
        entry = lane.directory.by_id(lane.ids["gen"])
        assert entry is not None
        lists, zone = lists_of(lane), "Asia/Shanghai"
        await until(lambda: lists.carries(entry))
        days = Period(Instant(1_795_305_600_000_000), Instant(1_795_392_000_000_000))
        await lists.put(entry, [ListedCar("粤B12345", days), ListedCar("粤B12346", Period(Instant(0)))], zone)
        assert await lists.held(entry, zone) == {"粤B12345": days, "粤B12346": Period(Instant(0))}
        generic.own.disliked = {"粤B12347"}
        with pytest.raises(NotTold, match=r"white_list\.refused"):
            await lists.put(entry, [ListedCar("粤B12347", days)], zone)
        await lists.drop(entry, [ListedCar("粤B12346", days), ListedCar("粤B99999", days)])
        assert set(generic.own.cars) == {"粤B12345"}
        generic.own.cars = {f"京A{number:05}": Days(0) for number in range(10_001)}
        assert await lists.held(entry, zone) == {}
        await lists.put(entry, [ListedCar("粤B12345", days)], zone)
        lane.clock.clock.set(Instant(int(days.start) + 1))
        assert (await generic.recognise(Reading("粤B12345"))).delivered
        assert not lane.opened, "the house decides while it can"
        generic.set_online(False)
        await generic.recognise(Reading("粤B12346"))
        assert not lane.opened
        await generic.recognise(Reading("粤B12345"))
        assert lane.opened == [2]
        lane.clock.clock.set(Instant(int(days.start) - 1))
        await generic.recognise(Reading("粤B12345"))
        assert lane.opened == [2]

    play(scene)


def test_a_device_that_does_not_say_so_is_told_of_no_list(play: Play) -> None:
    async def scene(lane: Lane) -> None:
        generic = await lane.generic()
        entry = lane.directory.by_id(lane.ids["gen"])
        assert entry is not None
        lists = lists_of(lane)
        await until(lambda: lists.carries(entry))
        await generic.say("heartbeat")
        await until(lambda: not lists.carries(entry))

    play(scene)


def test_a_list_that_is_not_answered_is_not_told(play: Play, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(told_lists, "REPLY_S", 0.2)

    async def scene(lane: Lane) -> None:
        generic = await lane.generic()
        entry = lane.directory.by_id(lane.ids["gen"])
        assert entry is not None
        await until(lambda: lists_of(lane).carries(entry))
        generic.own.deaf = 1
        with pytest.raises(NotTold, match=r"white_list\.no_reply"):
            await lists_of(lane).put(entry, [ListedCar("粤B12345", Period(Instant(0)))], "Asia/Shanghai")

    play(scene)
