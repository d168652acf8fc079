"""A Vzenith camera that pushes over HTTP, as in the maker's "HTTP 推送" document and docs/devices/vzenith-http.md.

In comet mode its next heartbeat follows each answer.
"""

from random import Random
from typing import Any

from openberth.simulator.devices.lists import TellsNothing
from openberth.simulator.devices.pushing import Patience, PushingCamera, Sent
from openberth.simulator.devices.standing import STORE_MAX, Shoot, Shown, flat_shoot
from openberth.simulator.devices.vzenith_wire import Reply, Sight, heartbeat_body, input_body, recognition_body
from openberth.simulator.scene import Shots

__all__ = ["STORE_MAX", "Patience", "Shoot", "Shown", "VzenithCamera", "VzenithSpeech", "flat_shoot"]


class VzenithSpeech(TellsNothing):
    """What a Vzenith camera says."""

    turns_back = True
    grain_us = 1

    def __init__(self, rng: Random, zone: str = "Asia/Shanghai") -> None:
        self._zone = zone
        self._boundary = f"ivs{rng.randrange(1 << 40):010x}"

    def record(self, serial: str, sight: Sight, control: int, *, offline: bool, shots: Shots) -> Sent:
        """Tell of a car."""
        return Sent(recognition_body(serial, sight, control, offline=offline, shots=shots), below="/plate")

    def input(self, serial: str, source: int, value: int) -> Sent | None:
        """Tell of a changed input."""
        return Sent(input_body(serial, source, value), below="/gio")

    def beat(self, serial: str) -> Sent:
        """Tell that it lives."""
        kind = f"multipart/form-data; boundary={self._boundary}"
        return Sent(heartbeat_body(serial, self._boundary), kind, "/comet")

    def read(self, body: bytes) -> Reply | None:
        """Understand an answer."""
        return Reply.read(body, self._zone)


class VzenithCamera(PushingCamera):
    """One camera of this make."""

    def __init__(self, *, rng: Random, **more: Any) -> None:
        super().__init__(speech=VzenithSpeech(Random(rng.random())), rng=rng, **more)
