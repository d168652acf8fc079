"""A camera that holds a connection over MQTT, whatever it says there: how it goes about it. What it says is its make's.

It keeps what nobody confirmed and replays it when the network is back; a live record always goes first. Its faults are
those of its network: messages that come twice, late, in another order or only at the next try, and connections that are
cut again and again.
"""

import asyncio
from collections import deque
from collections.abc import Callable, Coroutine
from contextlib import suppress
from dataclasses import dataclass
from random import Random
from typing import Any

from openberth.simulator.clock import SECOND_US, BusinessClock
from openberth.simulator.counters import Counters
from openberth.simulator.devices.mqtt_client import Login, MqttLink, NoLink
from openberth.simulator.devices.standing import LIVE_MAX, Shoot, Shown, StandingCamera, flat_shoot, within
from openberth.simulator.devices.vzenith_wire import Reading, Sight
from openberth.simulator.faults import Faults

_REMEMBERED = 64  # ids of commands that were carried out


@dataclass(frozen=True, slots=True)
class LinkHabits:
    """How a camera keeps its connection, in machine seconds."""

    confirm_s: float = 5.0
    beat_s: float = 10.0
    again_s: float = 1.0  # before it dials again
    storms: int = 0  # how often a new connection is cut at once before one stays


class MqttRecord:
    """A car on its way to the server. ``opened``: the camera let it in by itself."""

    __slots__ = ("future", "opened", "sight", "tries")

    def __init__(self, sight: Sight, *, opened: bool, future: "asyncio.Future[Shown] | None") -> None:
        self.sight = sight
        self.opened = opened
        self.future = future
        self.tries = 0

    def end(self, *, delivered: bool) -> None:
        """Tell whoever waits what came of it; what opens for it comes as a command of its own."""
        if self.future is not None and not self.future.done():
            self.future.set_result(Shown(delivered, opens=False, sight=self.sight))


class MqttCamera(StandingCamera[MqttRecord]):
    """One camera; a make says what is told and understands what it is told. Run it with ``run`` until cancelled.

    ``hears`` is the filter of topics it subscribes to, ``grain_us`` how finely its make says when it saw something.
    """

    grain_us = 1

    def __init__(
        self, *, serial: str, login: Login, hears: str, clock: BusinessClock, counters: Counters, faults: Faults,
        rng: Random, habits: LinkHabits, shoot: Shoot = flat_shoot, on_open: Callable[[], None] = lambda: None,
        on_close: Callable[[], None] = lambda: None,
    ) -> None:  # fmt: skip
        super().__init__(
            serial=serial, clock=clock, counters=counters, faults=faults, rng=rng, shoot=shoot, on_open=on_open,
            on_close=on_close,
        )  # fmt: skip
        self.storms_left = habits.storms
        self._keeping = habits
        self._hears = hears
        self._link = MqttLink(login, self._heard)
        self._inputs: deque[tuple[int, int]] = deque()
        self._insisted: deque[MqttRecord] = deque(maxlen=4)
        self._done: deque[str] = deque(maxlen=_REMEMBERED)
        self._replies: set[asyncio.Task[None]] = set()

    @property
    def turns_back(self) -> bool:
        """It tells of cars that back out of the lane."""
        return True

    @property
    def connected(self) -> bool:
        """Whether it is connected at this moment."""
        return self._link.is_up

    def hang(self, hanging: bool) -> None:
        """Stop, or go on, confirming what comes."""
        self._link.confirms = not hanging

    def recognise(self, reading: Reading) -> "asyncio.Future[Shown]":
        """Report a car; the future ends when the record was confirmed or stored. Without network the camera may open
        by itself and says so in the record.
        """
        future: asyncio.Future[Shown] = asyncio.get_running_loop().create_future()
        record = self._record(reading, future)
        if record.opened:
            self._on_open()
        self._take(record)
        if reading.repeatable and self._faults.strikes("duplicate", self._rng):
            self._counters.duplicates += 1
            self._take(self._record(reading.again(self._rng.choice((2, 8))), None))
        return future

    def report_input(self, source: int, value: int) -> None:
        """Report an input (0 is the loop behind the barrier); without network it is forgotten."""
        if self.online and len(self._inputs) < LIVE_MAX:
            self._inputs.append((source, value))
            self._work.set()

    async def run(self) -> None:
        """Connect, say and listen until cancelled."""
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(self._connecting())
                group.create_task(self._saying())
                group.create_task(self._beating())
        finally:
            await self._link.close()

    # what a make says and understands; all that says something raises ``NoLink``

    async def _tell_car(self, record: MqttRecord, *, offline: bool) -> None:
        raise NotImplementedError

    async def _tell_first(self, record: MqttRecord) -> None:
        """Say what the make says of a car before it has seen the whole of it."""

    async def _tell_input(self, source: int, value: int) -> None:
        raise NotImplementedError

    async def _tell_alive(self) -> None:
        raise NotImplementedError

    def _heard(self, topic: str, payload: bytes) -> None:
        raise NotImplementedError

    def _lets_in(self, reading: Reading) -> bool:
        """Tell whether it opens by itself for a car."""
        return not self.online and reading.known

    # for makes

    async def _publish(self, topic: str, payload: bytes, *, again: bool = False) -> None:
        await self._link.publish(topic, payload, wait_s=self._keeping.confirm_s, again=again)

    def _is_new(self, number: str) -> bool:
        """Tell whether a command comes for the first time: it is carried out once, however often it comes."""
        if number in self._done:
            return False
        self._done.append(number)
        return True

    def _soon(self, saying: Coroutine[Any, Any, None]) -> None:
        """Say something without waiting; what the connection takes with it is not said again."""

        async def said() -> None:
            with suppress(NoLink):
                await saying

        task = asyncio.get_running_loop().create_task(said())
        self._replies.add(task)
        task.add_done_callback(self._replies.discard)

    # the network

    def _unplugged(self) -> None:
        self._link.cut()

    async def _connecting(self) -> None:
        while True:
            await self._plugged.wait()
            try:
                await self._link.open(self._hears)
            except NoLink:
                await asyncio.sleep(self._keeping.again_s * self._rng.uniform(0.2, 1.0))
                continue
            if self.storms_left:
                self.storms_left -= 1
                self._link.cut()
                continue
            self._work.set()
            await self._link.ended()

    async def _beating(self) -> None:
        while True:
            if not self._link.is_up:
                await asyncio.sleep(self._keeping.again_s)
                continue
            with suppress(NoLink):
                await self._tell_alive()
            await asyncio.sleep(self._keeping.beat_s)

    async def _saying(self) -> None:
        while True:
            try:
                if not self._link.is_up:
                    self._to_store()
                    await self._rest()
                elif self._inputs:
                    await self._tell_input(*self._inputs[0])
                    self._inputs.popleft()
                elif self._live:
                    await self._say_live()
                elif self._store:
                    await self._replay()
                elif self.resends_for_ever and self._insisted:
                    self._idle.set()
                    self._counters.retransmissions += 1
                    await self._whole(self._insisted[0], offline=False)
                    self._insisted.rotate()
                    await asyncio.sleep(self._keeping.again_s)
                else:
                    self._idle.set()
                    await self._rest()
            except NoLink:
                self._link.cut()

    async def _rest(self) -> None:
        self._work.clear()
        await within(self._work, self._keeping.again_s)

    def _to_store(self) -> None:
        """Without network what is live becomes what is stored, as soon as it was plugged out."""
        while self._live and not self.online:
            self._keep(self._live.popleft())
        if not self._live:
            self._idle.set()

    async def _say_live(self) -> None:
        if len(self._live) > 1 and self._faults.strikes("reorder", self._rng):
            self._live.rotate(-1)
        record = self._live[0]
        if not record.sight.sent_us:
            record.sight.sent_us = self._clock.now_us()
        if not record.tries:
            await self._tell_first(record)
        record.tries += 1
        if self._faults.strikes("drop", self._rng):
            self._counters.lost_answers += 1
            self._link.cut()  # it left, and nobody will ever confirm it
            return
        begun = asyncio.get_running_loop().time()
        await self._whole(record, offline=False)
        record.sight.answered_us = self._clock.now_us()
        self._counters.answer.add(int((asyncio.get_running_loop().time() - begun) * SECOND_US))
        if self._faults.strikes("lost-ack", self._rng):
            self._counters.lost_answers += 1
            return  # it is said again
        self._live.popleft()
        self._insisted.append(record)
        record.end(delivered=True)

    async def _replay(self) -> None:
        record = self._store[0]
        if not record.sight.sent_us:
            record.sight.sent_us = self._clock.now_us()
        await self._whole(record, offline=True)
        record.sight.answered_us = self._clock.now_us()
        self._counters.replayed += 1
        self._store.popleft()
        if not self._store:
            self._drained.set()

    async def _whole(self, record: MqttRecord, *, offline: bool) -> None:
        self._counters.transmissions += 1
        await self._tell_car(record, offline=offline)

    def _record(self, reading: Reading, future: "asyncio.Future[Shown] | None") -> MqttRecord:
        self._plate_id += 1
        stamp_us = self.stamp_us() // self.grain_us * self.grain_us
        sight = Sight(self._plate_id, stamp_us, reading, live=self.online)
        return MqttRecord(sight, opened=self._lets_in(reading), future=future)
