"""A Saifeimu (赛菲姆) lane terminal of docs/devices/saifeimu-mqtt.md, as it stands beside a lane's camera."""

import asyncio
from collections import deque
from contextlib import suppress
from typing import Any

import msgspec

from openberth.simulator.devices.mqtt_client import Login, MqttLink, NoLink

_SHOWN_MAX = 100
_AGAIN_S = 1.0  # before it dials again


class LaneTerminal:
    """One terminal: says its version, shows what it is told to and answers. Run it with ``run`` until cancelled."""

    def __init__(self, *, serial: str, login: Login, firmware: str = "V2.1", again_s: float = _AGAIN_S) -> None:
        self.serial = serial
        self.shown: deque[dict[str, Any]] = deque(maxlen=_SHOWN_MAX)  # what it was told to show, newest last
        self._link = MqttLink(login, self._heard)
        self._firmware = firmware
        self._again_s = again_s
        self._number = 0
        self._replies: set[asyncio.Task[None]] = set()

    @property
    def connected(self) -> bool:
        """Whether it is connected at this moment."""
        return self._link.is_up

    def cut(self) -> None:
        """Tear its connection; it dials again."""
        self._link.cut()

    async def run(self) -> None:
        """Connect and listen until cancelled."""
        try:
            while True:
                try:
                    await self._link.open(f"/gate/{self.serial}/command")
                    await self.say("version", self._firmware)
                except NoLink:
                    self._link.cut()
                    await asyncio.sleep(self._again_s)
                    continue
                await self._link.ended()
        finally:
            await self._link.close()

    async def say(self, action: str, data: object, number: str = "", serial: str = "") -> None:
        """Say a message and wait until it is confirmed; ``serial`` may be somebody else's. Raises ``NoLink``."""
        self._number += 1
        message = {"msgId": number or f"t{self._number}", "deviceNo": serial or self.serial, "actionName": action,
                   "ack": 0, "data": data}  # fmt: skip
        await self._link.publish("/gate/push/result", msgspec.json.encode(message))

    def _heard(self, topic: str, payload: bytes) -> None:
        told: dict[str, Any] = msgspec.json.decode(payload)
        if told["actionName"] == "version":
            self._answer(told, self._firmware)
            return
        self.shown.append(told)
        if told["ack"]:
            self._answer(told, {"resultCode": 1, "message": "ok"})

    def _answer(self, told: dict[str, Any], data: object) -> None:
        task = asyncio.get_running_loop().create_task(self._said(told["actionName"], data, told["msgId"]))
        self._replies.add(task)
        task.add_done_callback(self._replies.discard)

    async def _said(self, action: str, data: object, number: str) -> None:
        with suppress(NoLink):
            await self.say(action, data, number)
