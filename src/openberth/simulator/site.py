"""A lane as it stands there: its boom, camera and controller, and the cars that queue before it."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from random import Random
from typing import TypeAlias

from openberth.simulator.books import Crossing, Visit
from openberth.simulator.boom import Boom
from openberth.simulator.clock import BusinessClock
from openberth.simulator.counters import Counters
from openberth.simulator.devices.barrier import BarrierController
from openberth.simulator.devices.mqtt_camera import MqttCamera
from openberth.simulator.devices.pushing import PushingCamera
from openberth.simulator.devices.standing import Shown
from openberth.simulator.devices.vzenith_wire import TRIGGER_TURNED_BACK, Reading
from openberth.simulator.faults import Faults
from openberth.simulator.plan import Lane

Camera: TypeAlias = PushingCamera | MqttCamera

_LOOP_INPUT = 0  # IO 1: the loop behind the barrier
_CLEAR_S = 10.0
_QUIET_S = 15.0  # a camera may still resend its second look at the car before; the answer would open for the next


@dataclass(frozen=True, slots=True)
class Waits:
    """How long people at a lane are patient, in machine seconds."""

    answer_s: float = 20.0  # for the camera to get its answer
    look_s: float = 0.15  # for the boom, before taking out the phone
    open_s: float = 2.0  # for a boom that is said to open
    paid_s: float = 4.0  # for the boom after paying, before looking at the phone again
    online_s: float = 60.0  # for a camera that lost its network


class Site:
    """One physical lane. One car at a time stands before the boom; the others queue in the order they came."""

    def __init__(
        self,
        lane: Lane,
        boom: Boom,
        camera: Camera,
        barrier: BarrierController | None,
        *,
        name: str,
        scan_code: str,
        clock: BusinessClock,
        counters: Counters,
        faults: Faults,
        waits: Waits,
    ) -> None:
        self.lane = lane
        self.boom = boom
        self.camera = camera
        self.barrier = barrier
        self.scan_code = scan_code
        self.waits = waits
        self.standing: Visit | None = None
        self._looked_at: Reading | None = None  # what the camera last read of the car that stands here
        self.queue = 0
        self._name = name
        self._clock = clock
        self._counters = counters
        self._faults = faults
        self._turn = asyncio.Lock()

    @asynccontextmanager
    async def turn(self, visit: Visit) -> AsyncIterator[None]:
        """Queue, then stand before the boom; whoever has not driven through at the end backs out before the camera."""
        self._queue(1)
        try:
            await self._turn.acquire()
        finally:
            self._queue(-1)
        try:
            await self.boom.wait_clear(_CLEAR_S)
            self.standing, self._looked_at = visit, None
            self.boom.car_arrives()
            yield
        finally:
            self.standing = None
            if self.boom.car_before:
                self.boom.car_backs_out()
                self._turn_back(visit)
            self._turn.release()

    async def show(self, crossing: Crossing, reading: Reading) -> Shown | None:
        """Let the camera see the car; None when its record got no answer in a driver's patience."""
        self._looked_at = reading
        future = self.camera.recognise(reading)
        shown: Shown | None = None
        with suppress(TimeoutError):
            async with asyncio.timeout(self.waits.answer_s):
                shown = await asyncio.shield(future)
        if shown is not None:
            crossing.sights.append(shown.sight)
        else:
            future.add_done_callback(lambda done: None if done.cancelled() else _note(crossing, done.result()))
        return shown

    async def opens(self, shown: Shown | None) -> bool:
        """Tell whether the boom goes up for what was shown, as a driver sees it at first glance."""
        if shown is not None and shown.opens and self.barrier is None:
            return await self.boom.wait_open(self.waits.open_s)
        return await self.boom.wait_open(self.waits.look_s if self.barrier else self.boom.timing.move_s)

    def lift_by_hand(self) -> None:
        """Raise the boom on the spot, as an attendant does while the network is away."""
        self.boom.raise_()

    async def drive_on(self, crossing: Crossing, rng: Random) -> bool:
        """Drive through the open boom; the loop behind it tells whoever listens. False when it came down again."""
        if self.camera.online:
            await self.camera.idle(_QUIET_S)  # see _QUIET_S
        if not await self.boom.wait_open(self.waits.open_s):
            return False
        if self.barrier is None:
            self.camera.report_input(_LOOP_INPUT, 1)
        await self.boom.drive_through()
        crossing.passed_us = self._clock.now_us()
        if self.barrier is None:
            self.camera.report_input(_LOOP_INPUT, 0)
        elif self._faults.strikes("barrier-cut", rng):
            self.barrier.cut()
        return True

    def _turn_back(self, visit: Visit) -> None:
        """Let the camera report that the car it has read backs out of the lane."""
        reading = self._looked_at
        if reading is None or not self.camera.turns_back:
            return
        visit.turned_back += self.lane.kind == "entry"
        self.camera.recognise(
            Reading(reading.text, reading.colour, reading.type, reading.confidence, TRIGGER_TURNED_BACK, 3)
        )

    def _queue(self, change: int) -> None:
        self.queue += change
        self._counters.queues[self._name] = self.queue


def _note(crossing: Crossing, shown: Shown) -> None:
    crossing.sights.append(shown.sight)
