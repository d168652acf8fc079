"""Cameras that find what becomes of their lists in the answers to their heartbeats: simulated ones on real sockets
against the whole server, with lost answers, refusals, lists that somebody changed, and a server that is killed.
"""

import asyncio
import time
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from fractions import Fraction
from functools import partial
from pathlib import Path
from random import Random
from typing import Any

import pytest

from openberth.simulator.clock import BusinessClock
from openberth.simulator.counters import Counters
from openberth.simulator.devices.lists import Days
from openberth.simulator.devices.makes import SPEECHES
from openberth.simulator.devices.pushing import Patience, PushingCamera
from openberth.simulator.devices.vzenith_wire import Reading
from openberth.simulator.faults import Faults
from openberth.simulator.web import Address
from tests.e2e.house import House
from tests.waiting import PATIENCE_S, eventually
from tests.wire.called import Yard
from tests.wire.makes_lot import furnish, operator, passages, path_of
from tests.wire.test_called_cameras import apply_permits
from tests.wire.test_camera_makes import plate

KINDS = {"vz": "vzenith_http", "hua": "huaxia_http", "gen": "generic_http"}
PATIENCE = Patience(beat_s=0.2, lost_s=0.2)


@dataclass
class Lane:
    """A simulated camera, and how often it let a car in."""

    camera: PushingCamera
    opened: int = 0


class Street:
    """A house with a camera of each make."""

    def __init__(self, house: House, yard: Yard) -> None:
        self.house, self.yard = house, yard
        self.lanes: dict[str, Lane] = {}
        self.ids: dict[str, str] = {}
        self._running: list[asyncio.Task[None]] = []
        clock = BusinessClock()
        clock.follow(time.time_ns() // 1000, Fraction(1), clock.machine_ns(), clock.machine_ns())
        for lane, kind in KINDS.items():
            path = path_of(house, lane)
            yard.run(partial(self._place, lane, kind, path, clock))
        with operator(house) as api:
            found = api.get("/v1/devices?lot=makes").json()["items"]
        self.ids = {one["code"].removeprefix("cam-"): one["id"] for one in found}

    def _place(self, lane: str, kind: str, path: str, clock: BusinessClock) -> None:
        def opened() -> None:
            self.lanes[lane].opened += 1

        rng = Random(lane)
        camera = PushingCamera(
            speech=SPEECHES[kind](rng, "Asia/Shanghai"), serial=f"s-{lane}", server=Address.of(self.house.url),
            path=path, comet=lane != "hua", clock=clock, counters=Counters(), faults=Faults(), rng=rng,
            patience=PATIENCE, on_open=opened,
        )  # fmt: skip
        self.lanes[lane] = Lane(camera)
        self._running.append(asyncio.get_running_loop().create_task(camera.run()))

    def close(self) -> None:
        self.yard.run(lambda: [task.cancel() for task in self._running])

    def held(self) -> dict[str, set[str]]:
        return {name: set(lane.camera.own.cars) for name, lane in self.lanes.items()}

    def hold(self, *plates: str) -> Callable[[], bool]:
        return lambda: all(each == set(plates) for each in self.held().values())

    def report(self, lane: str) -> dict[str, Any]:
        with operator(self.house) as api:
            found: dict[str, Any] = api.get(f"/v1/devices/{self.ids[lane]}/white-list").json()
        return found

    def compare(self, lane: str) -> None:
        key = {"idempotency-key": uuid.uuid4().hex}
        with operator(self.house) as api:
            assert api.post(f"/v1/devices/{self.ids[lane]}/white-list/compare", headers=key).status_code == 204


@pytest.fixture(scope="module")
def street(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Street]:
    now = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
    folder: Path = tmp_path_factory.mktemp("house")
    with Yard() as yard, House(folder, speed=1, extra={"OPENBERTH_CLOCK__ANCHOR_BUSINESS": now}) as house:
        furnish(
            house, {lane: f"kind: {kind}, addresses: [127.0.0.0/8], serial: s-{lane}" for lane, kind in KINDS.items()}
        )
        street = Street(house, yard)
        yield street
        street.close()


def test_lists_follow_the_permits(street: Street) -> None:
    plates = [plate() for _ in range(12)]
    apply_permits(street.house, *plates)
    assert eventually(street.hold(*plates)), street.held()
    assert eventually(lambda: all(street.report(lane).get("held") == 12 for lane in KINDS))
    apply_permits(street.house, *plates[:2])
    assert eventually(street.hold(*plates[:2])), street.held()


@pytest.mark.parametrize("name", list(KINDS))
def test_a_camera_lets_who_is_on_its_list_in_while_the_server_is_away(street: Street, name: str) -> None:
    lane, ann, eve = street.lanes[name], plate(), plate()
    apply_permits(street.house, ann)
    assert eventually(street.hold(ann)), street.held()
    before, seen = lane.opened, len(passages(street.house, name))
    street.yard.run(partial(lane.camera.set_online, False))
    street.yard.run(partial(lane.camera.recognise, Reading(eve)))
    assert lane.opened == before, "nobody knows this car"
    street.yard.run(partial(lane.camera.recognise, Reading(ann)))
    assert lane.opened == before + 1
    street.yard.run(partial(lane.camera.set_online, True))
    assert street.yard.do(lane.camera.drained(PATIENCE_S))
    assert eventually(lambda: len(passages(street.house, name)) == seen + 2)
    assert {one["source"] for one in passages(street.house, name)[:2]} == {"offline"}


def test_an_answer_that_is_lost_is_given_again(street: Street) -> None:
    ann = plate()
    for lane in street.lanes.values():
        lane.camera.own.deaf = 1
    apply_permits(street.house, ann)
    assert eventually(street.hold(ann), 2 * PATIENCE_S), street.held()
    assert eventually(lambda: all(street.report(lane).get("held") == 1 for lane in KINDS))
    assert all(lane.camera.own.deaf == 0 for lane in street.lanes.values())


def test_a_list_that_a_device_refuses_is_told_of_and_the_others_are_in_step(street: Street) -> None:
    ann, eve = plate(), plate()
    own = street.lanes["gen"].camera.own
    own.disliked = {eve}
    apply_permits(street.house, ann, eve)
    assert eventually(lambda: street.report("gen").get("trouble") == "white_list.refused")
    assert eventually(lambda: street.held()["vz"] == street.held()["hua"] == {ann, eve}), street.held()
    assert street.held()["gen"] == {ann}, "one that is refused keeps nobody else out"
    own.disliked = set()
    apply_permits(street.house, eve, ann, plate())
    assert eventually(lambda: street.held()["gen"] >= {ann, eve})
    assert eventually(lambda: street.report("gen")["trouble"] is None)


def test_what_somebody_changed_at_a_device_is_read_back_and_put_right(street: Street) -> None:
    ann, ben, eve = plate(), plate(), plate()
    own = street.lanes["gen"].camera.own
    apply_permits(street.house, ann, ben)
    assert eventually(street.hold(ann, ben))
    assert eventually(lambda: street.report("gen")["held"] == 2)
    own.cars[eve] = Days(0)
    own.cars[ann] = Days(0, 1)
    del own.cars[ben]
    street.compare("gen")
    more = plate()
    apply_permits(street.house, ben, ann, more)  # the log tells of permits, so that nobody waits a minute
    assert eventually(lambda: set(own.cars) == {ann, ben, more} and own.cars[ann].until_us is None)
    flaws = {one["flaw"] for one in street.report("gen")["differences"]}
    assert flaws == {"missing", "strange", "otherwise"}


def test_a_list_longer_than_any_of_ours_is_cleared_and_given_anew(street: Street) -> None:
    ann = plate()
    own = street.lanes["gen"].camera.own
    apply_permits(street.house, ann)
    assert eventually(street.hold(ann))
    own.cars |= {f"京A{number:05}": Days(0) for number in range(10_001)}
    street.compare("gen")
    ben = plate()
    apply_permits(street.house, ann, ben)
    assert eventually(lambda: set(own.cars) == {ann, ben}), len(own.cars)
    assert any(order.clear for order in own.orders)


def test_what_was_told_and_not_confirmed_before_a_crash_is_told_again(street: Street) -> None:
    ann = plate()
    own = street.lanes["gen"].camera.own
    own.deaf, before = 1_000, len(own.orders)
    apply_permits(street.house, ann)
    assert eventually(lambda: len(own.orders) > before)
    street.house.kill()
    own.deaf = 0
    street.house.start()
    apply_permits(street.house, ann, plate())
    assert eventually(lambda: ann in own.cars)
