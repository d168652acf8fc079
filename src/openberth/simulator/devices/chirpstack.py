"""A ChirpStack v4 with Bosch TPS110 sensors behind it: posts ``event=up`` for each uplink, as its integration does.

What is not taken is posted once more, as the integration does for a moment, and is lost then; sensors repeat themselves
in their heartbeats.
"""

import asyncio
import base64
import json
import uuid
from contextlib import suppress
from datetime import UTC, datetime
from random import Random
from typing import Any

from openberth.simulator.clock import BusinessClock
from openberth.simulator.counters import Counters
from openberth.simulator.devices.spaces import Change, SpaceWatch
from openberth.simulator.web import Address, NoAnswer, WebConnection

_STATUS, _HEARTBEAT = 1, 2  # ports of the sensor
_OK = 200


class ChirpStack:
    """The network server with its sensors; run it with ``run`` until cancelled."""

    def __init__(
        self, *, server: Address, path: str, watch: SpaceWatch, clock: BusinessClock, counters: Counters, rng: Random,
        full_s: float = 3_600.0,
    ) -> None:  # fmt: skip
        self._web = WebConnection(server, timeout_s=5)
        self._path = path
        self._watch = watch
        self._clock = clock
        self._counters = counters
        self._rng = rng
        self._full_s = full_s
        self._frames: dict[str, int] = {}

    def uplink(self, change: Change, port: int) -> bytes:
        """Return the event of an uplink."""
        eui = change.spot.name
        number = self._frames[eui] = self._frames.get(eui, 0) + 1
        temperature = self._rng.randint(-5, 35)
        said: dict[str, Any] = {
            "deduplicationId": str(uuid.UUID(int=self._rng.getrandbits(128), version=4)),
            "time": datetime.fromtimestamp(self._clock.now_us() / 1e6, UTC).isoformat(),
            "deviceInfo": {
                "tenantId": "52f14cd4-c6f1-4fbd-8f87-4025e1d49242", "tenantName": "ChirpStack",
                "applicationName": "Parking", "deviceProfileName": "TPS110", "deviceName": f"space {change.spot.space}",
                "devEui": eui, "tags": {},
            },
            "devAddr": "00189440", "adr": True, "dr": 5, "fCnt": number, "fPort": port, "confirmed": port == _STATUS,
            "data": base64.b64encode(bytes((int(change.taken), temperature & 0xFF))).decode(),
            "rxInfo": [{"gatewayId": "0016c001ff10a235", "uplinkId": number, "rssi": -71, "snr": 9.5, "metadata": {}}],
            "txInfo": {"frequency": 470_300_000, "modulation": {"lora": {"bandwidth": 125_000, "spreadingFactor": 7}}},
        }  # fmt: skip
        return json.dumps(said).encode()

    async def run(self) -> None:
        """Post until cancelled."""
        clock = asyncio.get_running_loop().time
        full_at = clock()
        try:
            while True:
                if clock() >= full_at:
                    for each in self._watch.full():
                        await self._post(self.uplink(each, _HEARTBEAT))
                    full_at = clock() + self._full_s
                change = await self._watch.next(full_at - clock())
                if change is not None:
                    await self._post(self.uplink(change, _STATUS))
        finally:
            await self._web.close()

    async def _post(self, body: bytes) -> None:
        for _ in range(2):
            with suppress(NoAnswer):
                answer = await self._web.ask("POST", f"{self._path}?event=up", body)
                if answer.status == _OK:
                    return
            await asyncio.sleep(0.2)
        self._counters.sensor_losses += 1
