"""A camera that looks at some spaces: posts what changes, and everything it sees from time to time."""

import asyncio
import json
from collections.abc import Sequence
from contextlib import suppress
from datetime import UTC, datetime
from random import Random
from typing import Any

from openberth.simulator.clock import BusinessClock
from openberth.simulator.counters import Counters
from openberth.simulator.devices.spaces import Change, SpaceWatch
from openberth.simulator.web import Address, NoAnswer, WebConnection

NO_CAR, CAR, LEAVING, ARRIVING, FAULT, OVER_LINE, OVER_LINE_ENDED = range(7)
_OK = 200
_TRIES = 3
_AGAIN_S = 0.3


class SpaceCamera:
    """One camera; run it with ``run`` until cancelled."""

    def __init__(
        self, *, server: Address, path: str, watch: SpaceWatch, clock: BusinessClock, counters: Counters, rng: Random,
        serial: str = "", full_s: float = 300.0,
    ) -> None:  # fmt: skip
        self._web = WebConnection(server, timeout_s=5)
        self._path = path
        self._watch = watch
        self._clock = clock
        self._counters = counters
        self._rng = rng
        self._serial = serial
        self._full_s = full_s
        self._number = 0

    def body(self, events: Sequence[tuple[str, int]], *, full: bool = False) -> bytes:
        """Return a message about some spots."""
        self._number += 1
        said: dict[str, Any] = {
            "id": f"{self._serial or 'camera'}-{self._rng.getrandbits(32):08x}-{self._number}",
            "time": datetime.fromtimestamp(self._clock.now_us() / 1e6, UTC).isoformat(), "full": full,
            "spaces": [
                {"spot": spot, "event": event, "confidence": self._rng.randint(80, 99)} for spot, event in events
            ],
        }  # fmt: skip
        if self._serial:
            said["serial"] = self._serial
        return json.dumps(said).encode()

    async def run(self) -> None:
        """Look and post until cancelled."""
        clock = asyncio.get_running_loop().time
        full_at = clock()
        try:
            while True:
                if clock() >= full_at:
                    states = [(each.spot.name, CAR if each.taken else NO_CAR) for each in self._watch.full()]
                    await self._post(self.body(states, full=True))
                    full_at = clock() + self._full_s
                change = await self._watch.next(full_at - clock())
                if change is not None:
                    await self._tell(change)
        finally:
            await self._web.close()

    async def _tell(self, change: Change) -> None:
        """Tell of a car that comes or goes, and of what is there afterwards."""
        moving, after = (ARRIVING, CAR) if change.taken else (LEAVING, NO_CAR)
        for event in (moving, after):
            await self._post(self.body([(change.spot.name, event)]))

    async def _post(self, body: bytes) -> None:
        for _ in range(_TRIES):
            with suppress(NoAnswer):
                answer = await self._web.ask("POST", self._path, body)
                if answer.status == _OK:
                    return
            await asyncio.sleep(_AGAIN_S)
        self._counters.sensor_losses += 1
