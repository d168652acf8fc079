"""A camera as it stands at a lane, whatever it speaks: plugged in or out, records on their way and stored."""

import asyncio
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from random import Random
from typing import Generic, NamedTuple, Protocol, TypeVar

from openberth.simulator.clock import BusinessClock
from openberth.simulator.counters import Counters
from openberth.simulator.devices.display import Display
from openberth.simulator.devices.vzenith_wire import Sight, flat_shots
from openberth.simulator.faults import Faults
from openberth.simulator.scene import Shots

STORE_MAX = 9_000  # records the maker says a camera keeps
LIVE_MAX = 1_000

Shoot = Callable[[Sight], Shots]  # takes the pictures of what a camera sees


class Shown(NamedTuple):
    """What came of a recognition. ``delivered`` is False when it went into the store instead."""

    delivered: bool
    opens: bool
    sight: Sight


class Record(Protocol):
    """What a camera has to tell; ``sight`` None: no car, only a changed input."""

    @property
    def sight(self) -> Sight | None:
        """What it saw."""
        ...

    def end(self, *, delivered: bool) -> None:
        """Tell whoever waits what came of it."""
        ...


R = TypeVar("R", bound=Record)


def flat_shoot(sight: Sight) -> Shots:
    """Take pictures that cost nothing."""
    return flat_shots(sight.plate_id)


async def within(event: asyncio.Event, within_s: float) -> bool:
    """Wait for an event; tell whether it came in time."""
    if not event.is_set():
        with suppress(TimeoutError):
            async with asyncio.timeout(within_s):
                await event.wait()
    return event.is_set()


class StandingCamera(Generic[R]):
    """What all cameras have. ``on_open`` and ``on_close`` are its relays."""

    def __init__(
        self, *, serial: str, clock: BusinessClock, counters: Counters, faults: Faults, rng: Random,
        shoot: Shoot = flat_shoot, on_open: Callable[[], None] = lambda: None,
        on_close: Callable[[], None] = lambda: None,
    ) -> None:  # fmt: skip
        self.serial = serial
        self.skew_us = 0
        self.displays: dict[int, Display] = {}  # what hangs on its serial ports, by port
        self.resends_for_ever = faults.strikes("retransmit-forever", rng)
        self._clock = clock
        self._counters = counters
        self._faults = faults
        self._rng = rng
        self._shoot = shoot
        self._on_open = on_open
        self._on_close = on_close
        self._live: deque[R] = deque()
        self._store: deque[R] = deque()
        self._work = asyncio.Event()
        self._idle = asyncio.Event()  # no live record waits or is on its way
        self._drained = asyncio.Event()  # nothing is in the store
        self._plugged = asyncio.Event()
        for fresh in (self._idle, self._drained, self._plugged):
            fresh.set()
        self._plate_id = rng.randrange(1, 1 << 30)

    @property
    def online(self) -> bool:
        """Whether the network is plugged in."""
        return self._plugged.is_set()

    @property
    def pending(self) -> int:
        """How many records nobody has taken yet."""
        return len(self._live) + len(self._store) + (not self._idle.is_set())

    async def idle(self, within_s: float) -> bool:
        """Wait until no live record is on its way; tell whether it was in time."""
        return await within(self._idle, within_s)

    async def drained(self, within_s: float) -> bool:
        """Wait until the store is empty; tell whether it was in time."""
        return await within(self._drained, within_s)

    async def reached(self, within_s: float) -> bool:
        """Wait until the network is plugged in; tell whether it was in time."""
        return await within(self._plugged, within_s)

    def set_online(self, online: bool) -> None:
        """Plug the network in or out."""
        if online:
            self._plugged.set()
        else:
            self._plugged.clear()
            self._unplugged()
        self._work.set()

    def stamp_us(self) -> int:
        """Return the time this camera believes it is."""
        return self._clock.now_us() + self.skew_us

    def display(self, port: int = 0) -> Display:
        """Return what hangs on a serial port; anything may be hung there."""
        return self.displays.setdefault(port, Display())

    def _unplugged(self) -> None:
        """Lose the connections of this moment."""
        raise NotImplementedError

    def _take(self, record: R) -> None:
        """Tell of something now, or keep it where nobody can be told."""
        if self.online and len(self._live) < LIVE_MAX:
            self._queue(record)
        else:
            self._keep(record)

    def _queue(self, record: R) -> None:
        self._live.append(record)
        self._idle.clear()
        self._work.set()

    def _keep(self, record: R) -> None:
        if len(self._store) >= STORE_MAX:
            self._store.popleft()
            self._counters.records_lost += 1
        if record.sight is not None:
            record.sight.stored = True
        self._store.append(record)
        self._drained.clear()
        self._counters.stored_offline += 1
        record.end(delivered=False)
