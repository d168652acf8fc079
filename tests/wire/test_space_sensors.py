"""Sensors of spaces against the whole server: a real process, real sockets, independent simulated devices."""

import asyncio
import json
import socket
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import suppress
from fractions import Fraction
from random import Random
from typing import Any
from uuid import uuid4

import pytest

from openberth.simulator.clock import BusinessClock
from openberth.simulator.counters import Counters
from openberth.simulator.devices.chirpstack import ChirpStack
from openberth.simulator.devices.geomagnetic import GeomagneticCollector, Rhythm
from openberth.simulator.devices.space_camera import FAULT, OVER_LINE, SpaceCamera
from openberth.simulator.devices.spaces import SpaceWatch, Spot
from openberth.simulator.faults import Faults
from openberth.simulator.ground import Ground
from openberth.simulator.web import Address, WebConnection
from tests.e2e.house import House
from tests.waiting import PATIENCE_S, eventually, soon

DECK = [f"L{number:02}" for number in range(1, 41)]
MAGNETIC = [Spot(f"L{number:02}", str(number)) for number in range(1, 21)]
LORA = [Spot(f"L{number:02}", f"70b3d5e75e0047{number:02}") for number in range(21, 33)]
CAMERA = [Spot(f"L{number:02}", f"spot-{number - 32}") for number in range(33, 41)]
QUICK = Rhythm(beat_s=0.2, full_s=1.0, redial_s=0.1)


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    with House(tmp_path_factory.mktemp("house"), speed=60) as house:
        yield house


class Deck:
    """The lift deck of the office with its spaces, and simulated devices that look at them."""

    def __init__(self, house: House, faults: Faults | None = None) -> None:
        self.house = house
        self.ground = Ground({"deck": DECK})
        self.counters, self.faults, self.rng = Counters(), faults or Faults(), Random(uuid4().int)
        self.clock = BusinessClock()
        self.clock.follow(int(time.time() * 1e6), Fraction(1), self.clock.machine_ns(), self.clock.machine_ns())

    def watch(self, spots: list[Spot]) -> SpaceWatch:
        return SpaceWatch(self.ground, spots, faults=self.faults, rng=self.rng, counters=self.counters)

    def magnetic(self, rhythm: Rhythm = QUICK, cid: str = "office-mag-1") -> GeomagneticCollector:
        return GeomagneticCollector(
            cid=cid, host="127.0.0.1", port=self.house.sensor_port, watch=self.watch(MAGNETIC),
            counters=self.counters, faults=self.faults, rng=self.rng, rhythm=rhythm,
        )  # fmt: skip

    def path(self, collector: str) -> str:
        path: str = self.house.post(f"/v1/lots/office/collectors/{collector}/credentials", {})["path"]
        assert eventually(lambda: asyncio.run(self.post(path, b"")).status != 404)  # the directory follows the log
        return path

    async def post(self, path: str, body: bytes) -> Any:
        web = WebConnection(Address.of(self.house.url))
        try:
            return await web.ask("POST", path, body)
        finally:
            await web.close()

    def states(self) -> dict[str, str]:
        return {each["space"]: each["state"] for each in self.sensors()}

    def sensors(self) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self.house.get("/v1/lots/office/sensors")["sensors"]
        return found

    def sensor(self, space: str) -> dict[str, Any]:
        return next(each for each in self.sensors() if each["space"] == space)

    def matches(self, spots: list[Spot]) -> bool:
        states = self.states()
        wanted = {s.space: "occupied" if self.ground.is_taken(s.space) else "free" for s in spots}
        return all(states[space] == state for space, state in wanted.items())


def running(*devices: Any, then: Callable[[], Awaitable[None]]) -> None:
    async def scenario() -> None:
        tasks = [asyncio.create_task(device.run()) for device in devices]
        try:
            await then()
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    asyncio.run(scenario())


def test_sensors_come_in_pages_in_the_order_of_their_spaces(house: House) -> None:
    path, spaces = "/v1/lots/office/sensors?limit=7&find=l", list[str]()
    cursor = ""
    while True:
        page = house.get(path + cursor)
        assert (page["total"], len(page["collectors"])) == (40, 3)
        spaces += [each["space"] for each in page["sensors"]]
        if page["next"] is None:
            break
        cursor = f"&cursor={page['next']}"
    assert spaces == DECK
    whole = house.get("/v1/lots/office/sensors")
    assert ([each["space"] for each in whole["sensors"]], whole["next"]) == (DECK, None)
    narrow = house.get("/v1/lots/office/sensors?collector=eye&limit=3")
    assert ([each["collector"] for each in narrow["sensors"]], narrow["total"]) == (["eye"] * 3, 8)


def test_a_collector_tells_of_cars_and_the_full_state_of_all(house: House) -> None:
    deck = Deck(house)
    collector = deck.magnetic(Rhythm(beat_s=0.2))

    async def scenario() -> None:
        assert await soon(lambda: deck.matches(MAGNETIC))
        for car in range(5):
            deck.ground.park(car, "deck", deck.rng)
        assert await soon(lambda: deck.matches(MAGNETIC))
        deck.ground.leave(0)
        assert await soon(lambda: deck.matches(MAGNETIC))

        assert await soon(lambda: known() == (True, 20, 12_030))

    def known() -> tuple[Any, ...]:
        collectors = house.get("/v1/lots/office/sensors")["collectors"]
        mag = next(each for each in collectors if each["code"] == "mag-deck")
        return mag["online"], mag["sensors"], (mag["status"] or {}).get("battery_mv")

    running(collector, then=scenario)
    report = house.get("/v1/lots/office/sensors/m01/reports?limit=1")["items"][0]["raw"]
    assert {"X", "Y", "Z", "Q", "D"} <= report.keys()
    assert {each["code"] for each in house.get("/v1/lots/office/plan")["spaces"] if each["sensed"]} == set(DECK)


def believed(deck: Deck) -> list[Spot]:
    flapping = {each["space"] for each in deck.sensors() if "flapping" in each["flags"]}
    return [spot for spot in MAGNETIC if spot.space not in flapping]


def test_whatever_gets_lost_doubled_or_cut_the_next_full_state_puts_right(house: House) -> None:
    faults = Faults.parse(
        ("sensor-drop=0.5", "sensor-duplicate=0.3", "sensor-reorder=0.3", "collector-cut=0.2")
    )  # fmt: skip
    deck = Deck(house, faults)

    async def scenario() -> None:
        for car in range(60):
            deck.ground.park(car % 20, "deck", deck.rng)
            await asyncio.sleep(0.02)
        for name in ("sensor-drop", "sensor-duplicate", "sensor-reorder", "collector-cut"):
            faults.set(name, 0)
        assert await soon(
            lambda: deck.matches([s for s in MAGNETIC if "flapping" not in deck.sensor(s.space)["flags"]])
        )

    running(deck.magnetic(), then=scenario)
    assert deck.counters.sensor_losses > 0
    assert deck.counters.collector_cuts > 0


def test_a_sensor_that_flaps_is_flagged_and_held(house: House) -> None:
    deck = Deck(house)
    collector = deck.magnetic(Rhythm(beat_s=0.2))

    def alarms() -> set[str]:
        return {each["kind"] for each in house.get("/v1/alarms")["items"]}

    async def scenario() -> None:
        assert await soon(lambda: deck.sensor("L07")["last_heard"] is not None)
        collector._watch.flap("L07")
        assert await soon(lambda: deck.sensor("L07")["flags"] == ["flapping"] and "sensor_flapping" in alarms())

    running(collector, then=scenario)


def test_a_collector_that_keeps_still_is_an_error_after_eight_seconds_and_is_welcome_back(house: House) -> None:
    deck = Deck(house)

    def silent() -> bool:
        return any(each["kind"] == "collector_silent" for each in house.get("/v1/alarms")["items"])

    async def waits() -> None:
        assert await soon(lambda: not silent() and deck.matches(MAGNETIC))

    running(deck.magnetic(), then=waits)
    assert eventually(silent)
    running(deck.magnetic(), then=waits)
    kinds = [each["kind"] for each in house.get("/v1/alarms/ended?lot=office")["items"]]
    assert "collector_silent" in kinds


def line(**said: Any) -> bytes:
    return json.dumps({"CID": "office-mag-1", "MAG": [], **said}).encode() + b"\n"


def dialled(house: House, *lines: bytes) -> socket.socket:
    peer = socket.create_connection(("127.0.0.1", house.sensor_port), timeout=PATIENCE_S)
    for each in lines:
        peer.sendall(each)
    return peer


def is_hung_up(peer: socket.socket, within_s: float = PATIENCE_S) -> bool:
    peer.settimeout(within_s)
    with peer, suppress(ConnectionError):
        try:
            return peer.recv(1) == b""
        except TimeoutError:
            return False
    return True


@pytest.mark.parametrize(
    "said",
    [
        b"x" * 1_500, b"not json\n", b"{}\n", line(CID="y" * 65), line(MAG=[{"ID": 1, "Q": "much"}]),
        line(PATH="p" * 1_100),
    ],
)  # fmt: skip
def test_who_speaks_something_else_is_hung_up(house: House, said: bytes) -> None:
    assert is_hung_up(dialled(house, said))


def test_another_name_on_one_line_ends_it_and_the_newer_line_replaces_the_older(house: House) -> None:
    first = dialled(house, line(MAG=[{"ID": 1, "Q": 731}]))
    said = "/v1/lots/office/sensors/m01/reports?limit=1"
    assert eventually(lambda: house.get(said)["items"][0]["raw"].get("Q") == 731)
    second = dialled(house, line())
    assert is_hung_up(first)
    second.sendall(line(CID="somebody-else"))
    assert is_hung_up(second)


def test_an_unknown_collector_waits_for_approval_and_changes_nothing(house: House) -> None:
    before = Deck(house).states()
    peer = dialled(house, line(CID="found-on-the-roof", MAG=[{"ID": 1, "Q": 900}]))
    assert is_hung_up(peer)
    assert Deck(house).states() == before

    def waiting() -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = house.get("/v1/devices/waiting")["items"]
        return [each for each in found if each["serial"] == "found-on-the-roof"]

    assert eventually(lambda: len(waiting()) == 1)
    assert waiting()[0]["kind"] == "geomagnetic_tcp"
    made = house.post(f"/v1/devices/waiting/{waiting()[0]['id']}/approve", {"lot": "office", "code": "mag-roof"})
    assert (made["lane"], made["code"]) == (None, "mag-roof")
    assert waiting() == []
    known = dialled(house, line(CID="found-on-the-roof"))
    assert eventually(lambda: not is_hung_up(dialled(house, line(CID="found-on-the-roof")), 0.5))
    known.close()


def test_strangers_have_few_places_and_take_none_of_a_collector(house: House) -> None:
    deck = Deck(house)
    silent = [socket.create_connection(("127.0.0.1", house.sensor_port)) for _ in range(33)]

    async def scenario() -> None:
        assert await soon(lambda: deck.matches(MAGNETIC))

    try:
        assert is_hung_up(silent[32])
        assert not is_hung_up(silent[0], 0.05), "a stranger that found a place may keep it for a while"
        running(deck.magnetic(), then=scenario)
    finally:
        for peer in silent:
            peer.close()


def test_uplinks_of_chirpstack(house: House) -> None:
    deck = Deck(house)
    path = deck.path("lora")
    server = ChirpStack(
        server=Address.of(house.url), path=path, watch=deck.watch(LORA), clock=deck.clock, counters=deck.counters,
        rng=deck.rng,
    )  # fmt: skip

    async def scenario() -> None:
        assert await soon(lambda: deck.matches(LORA))
        for car in range(30):
            deck.ground.park(car, "deck", deck.rng)
        assert await soon(lambda: deck.matches(LORA))

    running(server, then=scenario)
    low = {"deduplicationId": "s", "deviceInfo": {"devEui": LORA[0].name}, "batteryLevel": 3}
    assert asyncio.run(deck.post(f"{path}?event=status", json.dumps(low).encode())).status == 200
    assert deck.sensor("L21")["battery_low"] is True
    unknown = json.dumps({**low, "deviceInfo": {"devEui": "ffffffffffffffff"}, "deduplicationId": "t"}).encode()
    assert asyncio.run(deck.post(f"{path}?event=status", unknown)).json() == {
        "ok": True,
        "unknown": ["ffffffffffffffff"],
    }
    for body, event in ((b"{}", "up"), (b"[", "up"), (b"x" * 70_000, "up")):
        assert asyncio.run(deck.post(f"{path}?event={event}", body)).status in (413, 422)
    assert asyncio.run(deck.post(f"{path}?event=join", b"{}")).status == 200
    assert asyncio.run(deck.post("/devices/chirpstack/" + "0" * 64, b"{}")).status == 404


def test_what_space_cameras_see(house: House) -> None:
    deck = Deck(house)
    path = deck.path("eye")
    camera = SpaceCamera(
        server=Address.of(house.url), path=path, watch=deck.watch(CAMERA), clock=deck.clock, counters=deck.counters,
        rng=deck.rng, serial="office-eye-1",
    )  # fmt: skip

    async def scenario() -> None:
        assert await soon(lambda: deck.matches(CAMERA))
        for car in range(35):
            deck.ground.park(car, "deck", deck.rng)
        assert await soon(lambda: deck.matches(CAMERA))
        await deck.post(path, camera.body([("spot-1", OVER_LINE), ("spot-2", FAULT)]))

    running(camera, then=scenario)
    assert deck.sensor("L33")["over_line"] is True
    assert (deck.sensor("L34")["state"], deck.sensor("L34")["fault"]) == ("unknown", "camera")
    other = json.dumps({"serial": "another", "spaces": []}).encode()
    assert asyncio.run(deck.post(path, other)).status == 403
    again = camera.body([("spot-2", 1)])
    for _ in range(3):  # a message that comes again is taken once
        assert asyncio.run(deck.post(path, again)).status == 200
    assert len(house.get("/v1/lots/office/sensors/e34/reports?limit=100")["items"]) < 100
