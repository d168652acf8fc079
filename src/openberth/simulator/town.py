"""The town: lots with their lanes and devices, the arrivals, the outages, and how it all begins and ends."""

import asyncio
import sys
from collections.abc import Coroutine, Iterator
from dataclasses import dataclass
from random import Random
from typing import Any
from urllib.parse import urlsplit

from openberth.simulator.accounts import Office
from openberth.simulator.api import Operator, Refusal
from openberth.simulator.books import Account, Doing, Fate, Visit
from openberth.simulator.boom import Boom, BoomTiming
from openberth.simulator.clock import HOUR_US, MINUTE_US, SECOND_US
from openberth.simulator.devices.barrier import BarrierController
from openberth.simulator.devices.vzenith import VzenithCamera
from openberth.simulator.drivers import Driver
from openberth.simulator.guard import Guard
from openberth.simulator.plan import Lane, LotPlan, Permit
from openberth.simulator.plates import CarPlate
from openberth.simulator.site import Site, Waits
from openberth.simulator.till import Till
from openberth.simulator.web import Address, NoAnswer
from openberth.simulator.world import World, leaving_us

_OUTAGE_EVERY_US = 6 * HOUR_US
_ACCOUNT_SHARE = 0.15  # of arrivals, where there are accounts
_SKEWS_S = (-600, -300, -40, -15, 20, 45, 240, 900)


@dataclass(frozen=True, slots=True)
class Wiring:
    """Where the server listens and how devices and people behave."""

    url: str
    barrier_port: int
    timing: BoomTiming
    waits: Waits
    picture_bytes: int
    guard_poll_s: float
    float_minor: int | None  # of every shift; None: guards work without shifts
    accounts: int  # prepaid ones at each lot


class LotTown:
    """One lot with everything that stands in it."""

    def __init__(self, plan: LotPlan, api: Operator, world: World, wiring: Wiring, seed: str) -> None:
        self.plan = plan
        self.sites: dict[str, Site] = {}
        self.scan_code = ""
        self._api = api
        self._world = world
        self._wiring = wiring
        self._seed = f"{seed}:{plan.code}"
        self.till = Till(plan.code, plan.currency, api, world.clock, wiring.float_minor)
        self.guard = Guard(
            plan.code, api, self.sites, clock=world.clock, counters=world.counters, till=self.till,
            poll_s=wiring.guard_poll_s,
        )  # fmt: skip

    async def build(self) -> None:
        """Ask for the credentials of every device that stands at a lane with a camera."""
        view = await self._api.lot(self.plan.code)
        self.scan_code = view.scan_code
        codes = {lane.code: lane.scan_code for lane in view.lanes}
        for lane in self.plan.lanes:
            if lane.camera is not None:
                self.sites[lane.code] = await self._site(lane, codes[lane.code])

    async def open_accounts(self) -> None:
        """Open and fill the prepaid accounts, beside what guards do; each is used as soon as it is there."""
        world, desk = self._world, self._api.another()
        try:
            office = Office(self.plan, desk, world.books, world.purse, self.till)
            await office.open(self._wiring.accounts, world.mint)
        finally:
            await desk.close()

    def devices(self) -> Iterator[VzenithCamera | BarrierController]:
        """Return everything that must run."""
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

    async def _camera(self, lane: Lane, boom: Boom, rng: Random) -> VzenithCamera:
        device, world = lane.camera, self._world
        if device is None:
            raise ValueError(f"lane {lane.code} has no camera")
        credentials = await self._api.credentials(self.plan.code, device.code)
        relay = lane.barrier is None  # where a controller moves the boom, the camera's relay is not wired
        camera = VzenithCamera(
            serial=device.serial,
            server=Address.of(self._wiring.url),
            path=urlsplit(credentials.path or f"/devices/vzenith/{credentials.secret}").path,
            comet=device.heartbeat == "comet",
            clock=world.clock,
            counters=world.counters,
            faults=world.faults,
            rng=rng,
            picture_bytes=self._wiring.picture_bytes,
            on_open=(lambda: _ignore(boom.raise_())) if relay else _nothing,
            on_close=(lambda: _ignore(boom.lower())) if relay else _nothing,
        )
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

    def _stray(self) -> None:
        self._world.counters.stray_opens += 1


class Town:
    """All lots, and the tasks that make them live."""

    def __init__(self, lots: list[LotTown], world: World) -> None:
        self.lots = lots
        self._world = world
        self._cars: dict[asyncio.Task[None], Visit] = {}
        self._machines: list[asyncio.Task[None]] = []
        self._opening: list[asyncio.Task[None]] = []  # of accounts
        self._count = 0
        self._failed: asyncio.Future[None] | None = None

    async def power_on(self) -> None:
        """Start devices and guards, and wait a little until the controllers are connected."""
        self._failed = asyncio.get_running_loop().create_future()
        for lot in self.lots:
            for device in lot.devices():
                self._start(device.run())
            await lot.till.open()
            self._start(lot.guard.run())
            self._opening.append(self._start(lot.open_accounts()))
        barriers = [site.barrier for lot in self.lots for site in lot.sites.values() if site.barrier]
        for _ in range(100):
            if all(barrier.connected for barrier in barriers):
                return
            await asyncio.sleep(0.1)

    async def open_doors(
        self, until_us: int, *, load: float, cars: int, seed: str, closing: asyncio.Event | None = None
    ) -> None:
        """Let cars arrive until a business instant or until ``closing`` is set, at most ``cars`` of them."""
        arrivals = asyncio.gather(*(self._arrivals(lot, until_us, load, cars, seed) for lot in self.lots))
        outages: list[asyncio.Task[Any]] = [asyncio.create_task(lot.outages(until_us)) for lot in self.lots]
        closed: asyncio.Task[Any] = asyncio.create_task((closing or asyncio.Event()).wait())
        try:
            await self._unless_failed(arrivals, closed)
        finally:
            arrivals.cancel()
            for task in (*outages, closed):
                task.cancel()
            await asyncio.gather(arrivals, *outages, closed, return_exceptions=True)

    async def close_doors(self, within_s: float) -> None:
        """Send home who queues, leave inside who is parked, let everybody else finish; then empty all cameras."""
        for lot in self.lots:
            for site in lot.sites.values():
                site.camera.set_online(True)
        give_up = asyncio.get_running_loop().time() + within_s
        while self._cars and asyncio.get_running_loop().time() < give_up:
            for task, visit in list(self._cars.items()):
                if visit.doing in (Doing.QUEUEING, Doing.PARKED):
                    task.cancel()
            await asyncio.sleep(0.05)
        for task, visit in list(self._cars.items()):
            visit.trouble.append("still busy when the town closed")
            task.cancel()
        await asyncio.gather(*self._cars, return_exceptions=True)
        if self._opening:
            await asyncio.wait(self._opening, timeout=within_s)
        for lot in self.lots:
            for site in lot.sites.values():
                left_s = max(give_up - asyncio.get_running_loop().time(), 1.0)
                await site.camera.idle(left_s)
                await site.camera.drained(left_s)
        if self._failed is not None and self._failed.done():
            self._failed.result()

    async def hand_over(self) -> list[str]:
        """End the guards' shifts, when nobody pays any more; return every difference of all their shifts in words."""
        words = []
        for lot in self.lots:
            try:
                await lot.till.hand_over()
            except (NoAnswer, Refusal) as error:
                words.append(f"{lot.plan.code}: the shift cannot be handed over ({error})")
            words += [f"{lot.plan.code}: {word}" for shift in lot.till.handed for word in shift.differences]
        return words

    async def power_off(self) -> None:
        """Stop everything."""
        for task in [*self._cars, *self._machines]:
            task.cancel()
        await asyncio.gather(*self._cars, *self._machines, return_exceptions=True)

    async def _arrivals(self, lot: LotTown, until_us: int, load: float, cars: int, seed: str) -> None:
        rng = Random(f"{seed}:{lot.plan.code}:arrivals")
        clock = self._world.clock
        at_us = clock.now_us()
        while self._count < cars:
            at_us = lot.next_arrival_us(at_us, load, rng)
            if at_us >= until_us:
                break
            await clock.sleep_until(at_us)
            self._arrive(lot)
        await clock.sleep_until(until_us)

    def _arrive(self, lot: LotTown) -> None:
        self._count += 1
        self._world.counters.arrived += 1
        driver = lot.driver(self._count)
        task = asyncio.create_task(driver.live())
        self._cars[task] = driver.visit
        task.add_done_callback(self._gone)

    def _gone(self, task: asyncio.Task[None]) -> None:
        visit = self._cars.pop(task)
        if task.cancelled():
            if visit.fate is Fate.OUTSIDE:
                self._world.counters.balked += 1
        else:
            self._fail(task)

    def _start(self, work: Coroutine[None, None, None]) -> "asyncio.Task[None]":
        task = asyncio.create_task(work)
        task.add_done_callback(lambda done: None if done.cancelled() else self._fail(done))
        self._machines.append(task)
        return task

    def _fail(self, task: "asyncio.Task[None]") -> None:
        error = task.exception()
        if error is not None and self._failed is not None and not self._failed.done():
            self._failed.set_exception(error)

    async def _unless_failed(self, work: "asyncio.Future[list[None]]", closed: "asyncio.Task[Any]") -> None:
        """Wait for the work or the closing, but raise at once when a car or device broke: that is our mistake."""
        if self._failed is None:
            raise RuntimeError("the town has no power")
        await asyncio.wait((work, self._failed, closed), return_when=asyncio.FIRST_COMPLETED)
        if self._failed.done():
            self._failed.result()
        elif work.done():
            work.result()


def _car_of(permit: Permit) -> CarPlate:
    return CarPlate(permit.plate, 5, 19) if len(permit.plate) == 8 else CarPlate(permit.plate, 1, 1)


def _ignore(_: object) -> None:
    """A relay does not care what becomes of its pulse."""


def _nothing() -> None:
    """A relay that is not wired."""


def phone_source(url: str, number: int) -> str | None:
    """Return an address of the loopback network for a driver's phone, so that each is a client of its own.

    The server limits requests by address; on this machine every driver would share one. None for a server elsewhere.
    """
    if urlsplit(url).hostname not in ("127.0.0.1", "localhost") or not sys.platform.startswith("linux"):
        return None  # only Linux lets a client bind to any address of 127.0.0.0/8
    number %= 250 * 256 * 250
    return f"127.{1 + number // 64_000}.{number // 250 % 256}.{2 + number % 250}"
