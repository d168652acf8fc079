"""A collector of geomagnetic sensors: dials the server, writes a JSON object a line, expects nothing back.

As the sensor service of ParkingOS_cloud expects them: ``CID``, ``MAG`` with fields of three axes and ``Q``, how
probable a car is in thousandths; at most 1 024 bytes a line. It speaks every few seconds, and sends all of its sensors
from time to time.
"""

import asyncio
import json
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from random import Random
from typing import Any

from openberth.simulator.counters import Counters
from openberth.simulator.devices.spaces import Change, SpaceWatch
from openberth.simulator.faults import Faults

_LINE_MAX = 1_024
_A_LINE = 6  # sensors, so that a line stays below its bound


@dataclass(frozen=True, slots=True)
class Rhythm:
    """Machine seconds: between signs of life, between full states, before dialling again."""

    beat_s: float = 3.0
    full_s: float = 600.0
    redial_s: float = 1.0
    silent_s: float = 15.0  # how long a collector keeps still when that fault strikes


class GeomagneticCollector:
    """One collector; run it with ``run`` until cancelled."""

    def __init__(
        self, *, cid: str, host: str, port: int, watch: SpaceWatch, counters: Counters, faults: Faults, rng: Random,
        rhythm: Rhythm | None = None,
    ) -> None:  # fmt: skip
        self.cid = cid
        self.voltage = 361  # of every sensor, in hundredths of a volt
        self.error = 0
        self.connected = asyncio.Event()
        self._host = host
        self._port = port
        self._watch = watch
        self._counters = counters
        self._faults = faults
        self._rng = rng
        self._rhythm = rhythm or Rhythm()
        self._number = 0
        self._writer: asyncio.StreamWriter | None = None

    def cut(self) -> None:
        """Break the connection."""
        if self._writer is not None:
            self._writer.transport.abort()

    def line(self, changes: Sequence[Change]) -> bytes:
        """Return a line about some sensors; without any it is a sign of life."""
        self._number += 1
        said: dict[str, Any] = {"CID": self.cid, "PATH": "0", "N": self._number, "SQ": 90, "V": 1_203, "Err": 0}
        said["MAG"] = [self._sensor(each) for each in changes]
        line = json.dumps(said, separators=(",", ":")).encode() + b"\n"
        if len(line) > _LINE_MAX:
            raise ValueError("a line is too long")
        return line

    async def run(self) -> None:
        """Dial and speak until cancelled."""
        try:
            while True:
                with suppress(OSError):
                    _, self._writer = await asyncio.open_connection(self._host, self._port)
                    self.connected.set()
                    await self._speak(self._writer)
                self.connected.clear()
                self._drop()
                await asyncio.sleep(self._rhythm.redial_s)
        finally:
            self._drop()

    async def _speak(self, writer: asyncio.StreamWriter) -> None:
        clock = asyncio.get_running_loop().time
        full_at = clock()
        while True:
            if clock() >= full_at:
                everything = self._watch.full()
                for start in range(0, len(everything), _A_LINE):
                    writer.write(self.line(everything[start : start + _A_LINE]))
                full_at = clock() + self._rhythm.full_s
            change = await self._watch.next(min(self._rhythm.beat_s, full_at - clock()))
            writer.write(self.line([] if change is None else [change]))
            await writer.drain()
            if self._faults.strikes("collector-silent", self._rng):
                await asyncio.sleep(self._rhythm.silent_s)
            if self._faults.strikes("collector-cut", self._rng):
                self._counters.collector_cuts += 1
                return

    def _sensor(self, change: Change) -> dict[str, Any]:
        rng = self._rng
        probability = rng.randint(700, 990) if change.taken else rng.randint(5, 200)
        field = (
            (rng.randint(200, 900), rng.randint(-900, -200), rng.randint(300, 1_200)) if change.taken else (3, -2, 5)
        )
        x, y, z = field
        return {
            "ID": int(change.spot.name) if change.spot.name.isdigit() else change.spot.name, "X": x, "Y": y, "Z": z,
            "Q": probability, "N": self._number, "D": 35 if change.taken else 900, "V": self.voltage, "Err": self.error,
        }  # fmt: skip

    def _drop(self) -> None:
        writer, self._writer = self._writer, None
        if writer is not None:
            writer.transport.abort()
