"""What a driver reads and hears, over real sockets: a server, a simulated camera, and what hangs on its ports."""

import asyncio
import re
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from fractions import Fraction
from random import Random
from typing import Any
from urllib.parse import urlsplit

import pytest

from openberth.simulator.clock import BusinessClock
from openberth.simulator.counters import Counters
from openberth.simulator.devices.display import Display
from openberth.simulator.devices.generic_mqtt import GenericMqttCamera
from openberth.simulator.devices.makes import SPEECHES, GenericSpeech
from openberth.simulator.devices.mqtt_client import Login
from openberth.simulator.devices.pushing import Patience, PushingCamera
from openberth.simulator.devices.saifeimu import LaneTerminal
from openberth.simulator.devices.vzenith_mqtt import VzenithMqttCamera
from openberth.simulator.devices.vzenith_wire import Reading
from openberth.simulator.faults import Faults
from openberth.simulator.site import Camera
from openberth.simulator.web import Address
from tests.e2e.house import House
from tests.waiting import PATIENCE_S, until

PATIENCE = Patience(beat_s=0.2)


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    now = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
    with House(tmp_path_factory.mktemp("house"), speed=1, extra={"OPENBERTH_CLOCK__ANCHOR_BUSINESS": now}) as house:
        yield house


@asynccontextmanager
async def camera(house: House, lot: str, code: str) -> AsyncIterator[Camera]:
    """A camera with its displays, talking to the house."""
    issued = await asyncio.to_thread(house.post, f"/v1/lots/{lot}/devices/{code}/credentials", {})
    clock = BusinessClock()
    clock.follow(time.time_ns() // 1000, Fraction(1), clock.machine_ns(), clock.machine_ns())
    serial, rng = f"8a3f-{lot}-{code.removeprefix('cam-')}", Random(code)
    made: Camera
    if issued["kind"] == "vzenith_mqtt":
        made = VzenithMqttCamera(
            serial=serial, login=login(issued, serial), clock=clock, counters=Counters(), faults=Faults(), rng=rng
        )
    elif issued["kind"] == "generic_mqtt":
        made = GenericMqttCamera(
            serial=serial, login=login(issued, serial), speech=GenericSpeech(rng, "Asia/Shanghai"), clock=clock,
            counters=Counters(), faults=Faults(), rng=rng,
        )  # fmt: skip
    else:
        made = PushingCamera(
            speech=SPEECHES[issued["kind"]](rng, "Asia/Shanghai"), serial=serial, server=Address.of(house.url),
            path=urlsplit(issued["path"]).path, comet=True, clock=clock, counters=Counters(), faults=Faults(), rng=rng,
            patience=PATIENCE,
        )  # fmt: skip
    running = asyncio.create_task(made.run())
    try:
        yield made
    finally:
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)


def login(issued: dict[str, Any], serial: str) -> Login:
    host, _, port = issued["address"].rpartition(":")
    return Login(host, int(port), serial, issued["secret"], serial)


async def reads(display: Display, *lines: str, within_s: float = PATIENCE_S) -> None:
    """Wait until a driver reads these lines."""
    await until(lambda: display.text == "\n".join(lines), within_s)
    assert display.broken == 0


def said_at_exit(house: House, lane: str) -> dict[str, Any]:
    return house.get(f"/v1/lots/mall/lanes/{lane}/display")  # type: ignore[no-any-return]


def test_a_car_comes_in_waits_pays_and_leaves(house: House) -> None:
    async def visit() -> None:
        async with camera(house, "mall", "cam-in-1") as entry, camera(house, "mall", "cam-out-1") as leaving:
            way_in, way_out = entry.display(), leaving.display()
            free = entry.display(1)
            await reads(way_in, "海港城", "余位 400", "Harbour Mall", "Free 400")
            await reads(way_out, "出口", "减速慢行", "Exit", "Drive slowly")
            assert (way_in.brightness, len(way_in.heard)) == (80, 0)
            assert way_in.volume in (20, 70)
            assert way_in.clock[0] >= 2026
            await until(lambda: free.number == 300)
            car = "粤B12345"
            hours_ago = int(time.time() - 3 * 3600) * 1_000_000
            # It came in three hours ago, as the camera had stored it.
            entry.skew_us = hours_ago - time.time_ns() // 1000
            entry.set_online(False)
            await entry.recognise(Reading(car, known=True))
            entry.set_online(True)
            assert await entry.drained(PATIENCE_S)
            entry.skew_us = 0
            await until(lambda: free.number == 299)
            assert free.number_colour == 0

            shown = await leaving.recognise(Reading(car))
            assert not shown.opens
            assert way_out.text.split("\n") == ["粤B·12345", "请付 15.00元", "停车 3小时0分", "请扫码付款"]
            assert way_out.heard[-1] == "粤B12345,请交费15元"
            assert set(way_out.colours) == {"red"}
            sign = house.get("/v1/lots/mall/lanes/out-1")["scan_code"]
            assert way_out.code == f"{house.url}/c/{sign}"
            at_desk = said_at_exit(house, "out-1")
            assert (at_desk["moment"], at_desk["by"], at_desk["code"]) == ("pay", None, True)
            assert at_desk["lines"][0] == "粤B·**345"

            words = house.post("/v1/lots/mall/lanes/out-1/display", {"text": "粤B12345 请倒车", "seconds": 600})
            assert words["lines"] == ["粤B·**345 请倒", "车"]
            await reads(way_out, "粤B·**345 请倒", "车")
            await asyncio.to_thread(house.post, "/v1/lots/mall/lanes/out-1/display", {"text": None})
            await reads(way_out, "粤B·12345", "请付 15.00元", "停车 3小时0分", "请扫码付款")
            spoken = len(way_out.heard)

            bill = house.get("/v1/lots/mall/lanes/out-1")["waiting"]["bill"]
            paid = {"bill": bill["id"], "received": bill["due"]}
            await asyncio.to_thread(house.post, "/v1/lots/mall/lanes/out-1/cash", paid)
            await reads(way_out, "粤B·12345", "付款成功", "一路平安", "Paid, thanks")
            assert list(way_out.heard)[spoken:] == ["缴费成功,祝您一路平安"]
            assert set(way_out.colours[:3]) == {"green"}
            assert way_out.code == ""

    asyncio.run(visit())
    assert "粤B" not in house.log()


def test_what_a_car_is_told_ends_and_nothing_is_said_twice(house: House) -> None:
    async def visit() -> None:
        async with camera(house, "office", "cam-in-1") as entry:
            display = entry.display()
            await reads(display, "云帆大厦", "余位 260", "Cloudsail Tower", "Free 260")
            await entry.recognise(Reading("粤B23456"))
            assert display.text.split("\n")[0] == "粤B·23456"
            assert display.heard[-1] == "粤B23456欢迎光临"
            await entry.recognise(Reading("粤B23456", trigger=8))  # the same car once more: nothing is said
            assert len(display.heard) == 1
            entry.displays.clear()  # the power was gone: it knows nothing any more
            await reads(entry.display(), "云帆大厦", "余位 259", "Cloudsail Tower", "Free 259", within_s=100)
            assert not entry.display().heard

    asyncio.run(visit())


def test_the_second_maker_is_spoken_to_in_its_own_way(house: House) -> None:
    async def visit() -> None:
        async with camera(house, "office", "cam-out-1") as leaving:
            display = leaving.display()
            await reads(display, "Exit", "Drive slowly", "出口", "减速慢行")
            await until(lambda: display.adverts == ["Cloudsail Tower", "Drive slowly", "云帆大厦", "减速慢行"])
            await leaving.recognise(Reading("_无_", confidence=0))
            await reads(display, "No plate read", "Scan to leave", "未识别到车牌", "请扫码出场")
            assert display.heard[-1] == "请扫码"
            assert set(display.colours) == {"red"}

    asyncio.run(visit())


def test_small_displays_show_what_matters_and_a_lots_own_words(house: House) -> None:
    async def visit() -> None:
        async with camera(house, "community", "cam-in") as entry:
            display = entry.display()
            await until(lambda: display.frames > 0)
            await entry.recognise(Reading("粤B12345"))
            await until(lambda: display.lines[:2] == ["粤B·12345", "欢迎回家"])
            assert not display.lines[2]
            assert display.broken == 0

    asyncio.run(visit())


def test_a_camera_that_draws_by_itself_is_told_the_lines(house: House) -> None:
    async def visit() -> None:
        async with camera(house, "office", "cam-in-2") as entry:
            assert isinstance(entry, GenericMqttCamera)
            await until(lambda: "display" in entry.told)
            await entry.recognise(Reading("粤B34567"))
            await until(lambda: entry.told["display"][-1]["lines"][:1] == ["粤B·34567"])
            await until(lambda: "voice" in entry.told)
            assert entry.told["voice"][-1]["text"] == "粤B34567,欢迎光临"

    asyncio.run(visit())


def test_a_terminal_beside_a_camera_shows_the_code_of_its_lane(house: House) -> None:
    async def visit() -> None:
        serial = "8a3f-office-term-2"
        issued = await asyncio.to_thread(house.post, "/v1/lots/office/devices/term-out-2/credentials", {})
        terminal = LaneTerminal(serial=serial, login=login(issued, serial))
        running = asyncio.create_task(terminal.run())
        async with camera(house, "office", "cam-out-2") as leaving:
            await until(lambda: len(terminal.shown) > 0)
            await leaving.recognise(Reading("_无_", confidence=0))
            await until(lambda: terminal.shown[-1]["actionName"] == "setQrcodeCustomDisplay")
            assert terminal.shown[-1]["data"]["voiceText"] == "请扫码"
            assert "/c/" in terminal.shown[-1]["data"]["paymentQrcode"]
            running.cancel()
            await asyncio.gather(running, return_exceptions=True)

    asyncio.run(visit())


def test_a_lane_without_a_display_says_so(house: House) -> None:
    there = house.get("/v1/lots/mall/lanes/in-2/display")
    assert (there["maker"], there["lines"]) == (None, [])
    with pytest.raises(AssertionError, match=re.escape("display.none")):
        house.post("/v1/lots/mall/lanes/in-2/display", {"text": "x"})
