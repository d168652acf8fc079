"""What sensors of spaces have in common: changes that go out one after the other, what gets lost on the way, and the
full state from time to time.

A sensor does not ask whether it was heard: what is lost is told by the next full state.
"""

import asyncio
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from random import Random

from openberth.simulator.counters import Counters
from openberth.simulator.faults import Faults
from openberth.simulator.ground import Ground

_WAITING_MAX = 1_000
_FLAPS = 12


@dataclass(frozen=True, slots=True)
class Spot:
    """A space and what its sensor is called at its collector."""

    space: str
    name: str


@dataclass(frozen=True, slots=True)
class Change:
    """What a sensor tells: a space by its sensor's name, and whether it is taken."""

    spot: Spot
    taken: bool


class SpaceWatch:
    """Watches some spaces and hands over what is to be sent, with its losses; used by each kind of sensor."""

    def __init__(
        self, ground: Ground, spots: Sequence[Spot], *, faults: Faults, rng: Random, counters: Counters
    ) -> None:
        self._ground = ground
        self._spots = {each.space: each for each in spots}
        self._faults = faults
        self._rng = rng
        self._counters = counters
        self._waiting: deque[Change] = deque(maxlen=_WAITING_MAX)
        self._bell = asyncio.Event()
        self.quiet = asyncio.Event()  # nothing is left to be sent
        self.quiet.set()
        ground.look(self._seen)

    def full(self) -> list[Change]:
        """Return the state of every space."""
        return [Change(spot, self._ground.is_taken(space)) for space, spot in self._spots.items()]

    def flap(self, space: str) -> None:
        """Let the sensor of a space change its mind, again and again."""
        spot = self._spots[space]
        for turn in range(_FLAPS):
            self._queue(Change(spot, turn % 2 == 0))

    async def next(self, within_s: float) -> Change | None:
        """Return the next change that goes out; None when there is none in that time."""
        if not self._waiting:
            self.quiet.set()
            self._bell.clear()
            try:
                async with asyncio.timeout(max(within_s, 0)):
                    await self._bell.wait()
            except TimeoutError:
                return None
        return self._waiting.popleft()

    def _seen(self, space: str, taken: bool) -> None:
        spot = self._spots.get(space)
        if spot is None:
            return
        if self._faults.strikes("sensor-drop", self._rng):
            self._counters.sensor_losses += 1
            return
        self._queue(Change(spot, taken))
        if self._faults.strikes("sensor-duplicate", self._rng):
            self._queue(Change(spot, taken))
        if self._faults.strikes("sensor-flapping", self._rng):
            self.flap(space)
        if len(self._waiting) > 1 and self._faults.strikes("sensor-reorder", self._rng):
            self._waiting.rotate(1)

    def _queue(self, change: Change) -> None:
        self.quiet.clear()
        self._waiting.append(change)
        self._bell.set()
