"""The town: its lots together, the arrivals, and how it all begins and ends."""

import asyncio
import sys
from collections.abc import Coroutine
from random import Random
from typing import Any
from urllib.parse import urlsplit

from openberth.simulator.api import Refusal
from openberth.simulator.books import Doing, Fate, Visit
from openberth.simulator.devices.barrier import BarrierController
from openberth.simulator.devices.mqtt_camera import MqttCamera
from openberth.simulator.devices.saifeimu import LaneTerminal
from openberth.simulator.lot_town import LotTown
from openberth.simulator.web import NoAnswer
from openberth.simulator.world import World

_LINKED = (BarrierController, MqttCamera, LaneTerminal)  # they hold a connection


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
        links: list[BarrierController | MqttCamera | LaneTerminal] = []
        for lot in self.lots:
            for device in lot.devices():
                self._start(device.run())
                if isinstance(device, _LINKED):
                    links.append(device)
            await lot.till.open()
            self._start(lot.guard.run())
            self._opening.append(self._start(lot.open_accounts()))
        for _ in range(100):
            if all(link.connected for link in links):
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


def phone_source(url: str, number: int) -> str | None:
    """Return an address of the loopback network for a driver's phone, so that each is a client of its own.

    The server limits requests by address; on this machine every driver would share one. None for a server elsewhere.
    """
    if urlsplit(url).hostname not in ("127.0.0.1", "localhost") or not sys.platform.startswith("linux"):
        return None  # only Linux lets a client bind to any address of 127.0.0.0/8
    number %= 250 * 256 * 250
    return f"127.{1 + number // 64_000}.{number // 250 % 256}.{2 + number % 250}"
