"""One lot of the town: its lanes and devices, who comes to it, and when its cameras lose the network."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from random import Random
from typing import TypeAlias
from urllib.parse import urlsplit

from openberth.simulator.accounts import Office
from openberth.simulator.api import Credentials, Operator
from openberth.simulator.books import Account, Visit
from openberth.simulator.boom import Boom, BoomTiming
from openberth.simulator.clock import HOUR_US, MINUTE_US, SECOND_US
from openberth.simulator.devices.barrier import BarrierController
from openberth.simulator.devices.chirpstack import ChirpStack
from openberth.simulator.devices.generic_mqtt import GenericMqttCamera
from openberth.simulator.devices.geomagnetic import GeomagneticCollector, Rhythm
from openberth.simulator.devices.makes import SPEECHES, GenericSpeech
from openberth.simulator.devices.mqtt_client import Login
from openberth.simulator.devices.pushing import PushingCamera
from openberth.simulator.devices.saifeimu import LaneTerminal
from openberth.simulator.devices.space_camera import SpaceCamera
from openberth.simulator.devices.spaces import SpaceWatch, Spot
from openberth.simulator.devices.standing import Shoot
from openberth.simulator.devices.vzenith_mqtt import VzenithMqttCamera
from openberth.simulator.devices.vzenith_wire import flat_shots
from openberth.simulator.drivers import Driver
from openberth.simulator.ground import Ground
from openberth.simulator.guard import Guard
from openberth.simulator.plan import GENERIC_MQTT, VZENITH_MQTT, Collector, Device, Lane, LotPlan, Permit
from openberth.simulator.plates import CarPlate
from openberth.simulator.scene import drawn
from openberth.simulator.site import Camera, Site, Waits
from openberth.simulator.till import Till
from openberth.simulator.web import Address
from openberth.simulator.world import World, leaving_us

_OUTAGE_EVERY_US = 6 * HOUR_US
_ACCOUNT_SHARE = 0.15  # of arrivals, where there are accounts
_FULL_STATE_S = 60.0  # so that what got lost is put right while somebody looks
_SKEWS_S = (-600, -300, -40, -15, 20, 45, 240, 900)

SpaceSensors: TypeAlias = GeomagneticCollector | ChirpStack | SpaceCamera


@dataclass(frozen=True, slots=True)
class Wiring:
    """Where the server listens and how devices and people behave."""

    url: str
    barrier_port: int
    sensor_port: int
    timing: BoomTiming
    waits: Waits
    picture_bytes: int
    draws: bool  # pictures as a person would see them
    guard_poll_s: float
    float_minor: int | None  # of every shift; None: guards work without shifts
    accounts: int  # prepaid ones at each lot


class LotTown:
    """One lot with everything that stands in it."""

    def __init__(self, plan: LotPlan, api: Operator, world: World, wiring: Wiring, seed: str) -> None:
        self.plan = plan
        self.sites: dict[str, Site] = {}
        self.terminals: list[LaneTerminal] = []
        self.scan_code = ""
        self.ground = Ground(plan.spaces)
        self.sensors: list[SpaceSensors] = []
        self._api = api
        self._world = world
        self._wiring = wiring
        self._seed = f"{seed}:{plan.code}"
        self.till = Till(plan.code, plan.currency, api, world.clock, wiring.float_minor)
        self.guard = Guard(
            plan.code, api, self.sites, clock=world.clock, counters=world.counters, till=self.till,
            left_through=partial(world.books.left_through, plan), poll_s=wiring.guard_poll_s,
        )  # fmt: skip

    async def build(self) -> None:
        """Ask for the credentials of every device that stands at a lane with a camera."""
        view = await self._api.lot(self.plan.code)
        self.scan_code = view.scan_code
        codes = {lane.code: lane.scan_code for lane in view.lanes}
        for lane in self.plan.lanes:
            if lane.camera is not None:
                self.sites[lane.code] = await self._site(lane, codes[lane.code])
            if lane.terminal is not None:
                self.terminals.append(await self._terminal(lane.terminal))
        for collector in self.plan.collectors:
            self.sensors.append(await self._collector(collector))

    async def open_accounts(self) -> None:
        """Open and fill the prepaid accounts, beside what guards do; each is used as soon as it is there."""
        world, desk = self._world, self._api.another()
        try:
            office = Office(self.plan, desk, world.books, world.purse, self.till)
            await office.open(self._wiring.accounts, world.mint)
        finally:
            await desk.close()

    def devices(self) -> Iterator[Camera | BarrierController | LaneTerminal | SpaceSensors]:
        """Return everything that must run."""
        yield from self.sensors
        yield from self.terminals
        for site in self.sites.values():
            yield site.camera
            if site.barrier is not None:
                yield site.barrier

    def next_arrival_us(self, after_us: int, load: float, rng: Random) -> int:
        """Draw the next arrival of a Poisson process whose mean changes from hour to hour."""
        work = rng.expovariate(1.0)
        at_us = after_us
        for _ in range(366 * 24):
            mean, until_us = self.plan.rate_per_hour(at_us)
            rate = mean * load / HOUR_US
            if rate > 0 and work <= rate * (until_us - at_us):
                return at_us + int(work / rate)
            work -= rate * (until_us - at_us)
            at_us = until_us
        return at_us

    def driver(self, number: int) -> Driver:
        """Make the next car and its driver."""
        world, habits = self._world, self.plan.habits
        rng = Random(f"{self._seed}:car:{number}")
        now_us = world.clock.now_us()
        visit = Visit(number, self.plan, rng, car=None)
        leaves_us = leaving_us(self.plan, visit, now_us)
        if rng.random() < habits.permit_share:
            visit.permit = self._permit(rng, now_us, leaves_us)
        else:
            visit.account = self._account(rng)
        if visit.permit is not None:
            visit.car = _car_of(visit.permit)
        elif visit.account is not None:
            visit.car = visit.account.car
        elif rng.random() >= habits.unlicensed_share:
            visit.car = world.mint.plate()
        methods = list(habits.payment)
        method = rng.choices(methods, [habits.payment[name] for name in methods])[0]
        goes_inner = rng.random() < habits.inner_share
        world.books.open(visit)
        return Driver(visit, self, world, method=method, leaves_us=leaves_us, goes_inner=goes_inner)

    async def outages(self, until_us: int) -> None:
        """Take cameras off the network for a while, where the fault strikes."""
        rng = Random(f"{self._seed}:outages")
        clock, faults = self._world.clock, self._world.faults
        while (now_us := clock.now_us()) < until_us:
            plans = []
            for site in self.sites.values():
                begin_us = now_us + rng.randrange(_OUTAGE_EVERY_US // 2)
                if faults.strikes("offline", rng):
                    plans.append((begin_us, site.camera, False))
                    plans.append((begin_us + rng.randint(10, 40) * MINUTE_US, site.camera, True))
            for at_us, camera, online in sorted(plans, key=lambda plan: plan[0]):
                await clock.sleep_until(at_us)
                camera.set_online(online)
            await clock.sleep_until(now_us + _OUTAGE_EVERY_US)

    def _permit(self, rng: Random, now_us: int, leaves_us: int) -> Permit | None:
        free = self._world.books.free_permits(self.plan)
        fitting = [permit for permit in free if permit.holds(now_us, leaves_us + 24 * HOUR_US)]
        return rng.choice(fitting) if fitting else None

    def _account(self, rng: Random) -> Account | None:
        free = self._world.books.free_accounts(self.plan)
        return rng.choice(free) if free and rng.random() < _ACCOUNT_SHARE else None

    async def _collector(self, collector: Collector) -> SpaceSensors:
        world, server = self._world, Address.of(self._wiring.url)
        rng = Random(f"{self._seed}:{collector.code}")
        spots = [Spot(space, name) for space, name in collector.sensors]
        watch = SpaceWatch(self.ground, spots, faults=world.faults, rng=rng, counters=world.counters)
        if collector.kind == "geomagnetic_tcp":
            return GeomagneticCollector(
                cid=collector.serial, host=server.host, port=self._wiring.sensor_port, watch=watch,
                counters=world.counters, faults=world.faults, rng=rng, rhythm=Rhythm(full_s=_FULL_STATE_S),
            )  # fmt: skip
        path = await self._api.collector_path(self.plan.code, collector.code)
        if collector.kind == "chirpstack_http":
            return ChirpStack(
                server=server, path=path, watch=watch, clock=world.clock, counters=world.counters, rng=rng,
                full_s=_FULL_STATE_S,
            )  # fmt: skip
        return SpaceCamera(
            server=server, path=path, watch=watch, clock=world.clock, counters=world.counters, rng=rng,
            serial=collector.serial, full_s=_FULL_STATE_S,
        )  # fmt: skip

    async def _site(self, lane: Lane, scan_code: str) -> Site:
        world, wiring, name = self._world, self._wiring, f"{self.plan.code}/{lane.code}"
        rng = Random(f"{self._seed}:{lane.code}")
        boom = Boom(wiring.timing, on_stray=self._stray)
        camera = await self._camera(lane, boom, rng)
        return Site(
            lane,
            boom,
            camera,
            await self._barrier(lane, boom),
            name=name,
            scan_code=scan_code,
            clock=world.clock,
            counters=world.counters,
            faults=world.faults,
            waits=wiring.waits,
        )

    async def _camera(self, lane: Lane, boom: Boom, rng: Random) -> Camera:
        device, world = lane.camera, self._world
        if device is None:
            raise ValueError(f"lane {lane.code} has no camera")
        credentials = await self._api.credentials(self.plan.code, device.code)
        relay = lane.barrier is None  # where a controller moves the boom, the camera's relay is not wired
        on_open = (lambda: _ignore(boom.raise_())) if relay else _nothing
        on_close = (lambda: _ignore(boom.lower())) if relay else _nothing
        camera: Camera
        if device.kind == VZENITH_MQTT:
            camera = VzenithMqttCamera(
                serial=device.serial, login=_login(device, credentials, "vzenith"), clock=world.clock,
                counters=world.counters, faults=world.faults, rng=rng, shoot=_photographer(self._wiring),
                on_open=on_open, on_close=on_close,
            )  # fmt: skip
        elif device.kind == GENERIC_MQTT:
            camera = GenericMqttCamera(
                serial=device.serial, login=_login(device, credentials, "generic"),
                speech=GenericSpeech(Random(rng.random()), str(self.plan.zone)), clock=world.clock,
                counters=world.counters, faults=world.faults, rng=rng, shoot=_photographer(self._wiring),
                on_open=on_open, on_close=on_close,
            )  # fmt: skip
        else:
            camera = PushingCamera(
                serial=device.serial, speech=SPEECHES[device.kind](Random(rng.random()), str(self.plan.zone)),
                server=Address.of(self._wiring.url), path=urlsplit(credentials.path or "").path,
                comet=device.heartbeat == "comet", clock=world.clock, counters=world.counters, faults=world.faults,
                rng=rng, shoot=_photographer(self._wiring), on_open=on_open, on_close=on_close,
            )  # fmt: skip
        if world.faults.strikes("clock-skew", rng):
            camera.skew_us = rng.choice(_SKEWS_S) * SECOND_US
        return camera

    async def _barrier(self, lane: Lane, boom: Boom) -> BarrierController | None:
        if lane.barrier is None:
            return None
        credentials = await self._api.credentials(self.plan.code, lane.barrier.code)
        return BarrierController(
            serial=lane.barrier.serial,
            secret=bytes.fromhex(credentials.secret),
            host=Address.of(self._wiring.url).host,
            port=self._wiring.barrier_port,
            boom=boom,
            counters=self._world.counters,
        )

    async def _terminal(self, device: Device) -> LaneTerminal:
        credentials = await self._api.credentials(self.plan.code, device.code)
        return LaneTerminal(serial=device.serial, login=_login(device, credentials, "saifeimu"))

    def _stray(self) -> None:
        self._world.counters.stray_opens += 1


def _login(device: Device, credentials: Credentials, make: str) -> Login:
    host, _, port = credentials.address.rpartition(":")
    return Login(host, int(port), f"{make}/{device.serial}", credentials.secret, device.serial)


def _photographer(wiring: Wiring) -> Shoot:
    if wiring.draws:
        return lambda sight: drawn(sight.plate_id, sight.reading.text, sight.reading.colour)
    return lambda sight: flat_shots(sight.plate_id, wiring.picture_bytes)


def _car_of(permit: Permit) -> CarPlate:
    return CarPlate(permit.plate, 5, 19) if len(permit.plate) == 8 else CarPlate(permit.plate, 1, 1)


def _ignore(_: object) -> None:
    """A relay does not care what becomes of its pulse."""


def _nothing() -> None:
    """A relay that is not wired."""
