"""The generic device of docs/devices/generic-mqtt.md, as a camera at a lane. What it says is what it says over HTTP."""

import time
from base64 import b64decode
from collections import deque
from collections.abc import Callable
from random import Random
from typing import Any

import msgspec

from openberth.simulator.clock import BusinessClock, instant_us
from openberth.simulator.counters import Counters
from openberth.simulator.devices.lists import OwnList, generic_order
from openberth.simulator.devices.makes import GenericSpeech
from openberth.simulator.devices.mqtt_camera import LinkHabits, MqttCamera, MqttRecord
from openberth.simulator.devices.mqtt_client import Login
from openberth.simulator.devices.standing import Shoot, flat_shoot
from openberth.simulator.devices.vzenith_wire import OPENED_BY_SERVER, OPENED_BY_WHITE_LIST, Reading
from openberth.simulator.faults import Faults

_TOLD_MAX = 100  # messages of a kind that it remembers


def _machine_us() -> int:
    return time.time_ns() // 1_000


class GenericMqttCamera(MqttCamera):
    """One camera. ``on_open`` and ``on_close`` are its relays; ``obeys`` is what it answers commands with.

    ``machine_us`` is the time by which commands expire: a machine's, where business time may run faster.
    """

    grain_us = GenericSpeech.grain_us

    def __init__(
        self, *, serial: str, login: Login, speech: GenericSpeech, clock: BusinessClock, counters: Counters,
        faults: Faults, rng: Random, habits: LinkHabits | None = None, shoot: Shoot = flat_shoot, obeys: bool = True,
        machine_us: Callable[[], int] = _machine_us, on_open: Callable[[], None] = lambda: None,
        on_close: Callable[[], None] = lambda: None,
    ) -> None:  # fmt: skip
        super().__init__(
            serial=serial, login=login, hears=f"openberth/v1/{serial}/down/#", clock=clock, counters=counters,
            faults=faults, rng=rng, habits=habits or LinkHabits(), shoot=shoot, on_open=on_open, on_close=on_close,
        )  # fmt: skip
        self.obeys = obeys
        self.own = OwnList()  # the cars that it lets in alone
        self.told: dict[str, deque[dict[str, Any]]] = {}  # by the last level of the topic, newest last
        self._speech = speech
        self._machine_us = machine_us
        self._up = f"openberth/v1/{serial}/up"

    async def say(self, kind: str, **more: object) -> None:
        """Say a message of one's own and wait until it is confirmed. Raises ``NoLink``."""
        message = {"openberth": 1, "type": kind, "serial": self.serial} | more
        await self._publish(self._up, msgspec.json.encode(message))

    # what it says

    async def _tell_car(self, record: MqttRecord, *, offline: bool) -> None:
        control = OPENED_BY_WHITE_LIST if record.opened else OPENED_BY_SERVER
        shots = self._shoot(record.sight)
        told = self._speech.record(self.serial, record.sight, control, offline=offline, shots=shots)
        await self._publish(self._up, told.body, again=record.tries > 1)

    async def _tell_input(self, source: int, value: int) -> None:
        await self._publish(self._up, self._speech.input(self.serial, source, value).body)

    async def _tell_alive(self) -> None:
        await self._publish(self._up, self._speech.beat(self.serial).body)

    def _lets_in(self, reading: Reading) -> bool:
        return not self.online and (reading.known or self.own.lets_in(reading.text, self.stamp_us()))

    # what it is told

    def _heard(self, topic: str, payload: bytes) -> None:
        name = topic.rpartition("/")[2]
        told: dict[str, Any] = msgspec.json.decode(payload)
        self.told.setdefault(name, deque(maxlen=_TOLD_MAX)).append(told)
        match name:
            case "stored":
                for each in told.get("serial_data", ()):
                    self.display(each["port"]).read(b64decode(each["data"]))
            case "command":
                self._commanded(told)
            case "list":
                self._listed(told)

    def _commanded(self, told: dict[str, Any]) -> None:
        if not self._is_new(told["id"]):
            return
        refusal = self._refusal(told)
        if not refusal:
            self._obey(told)
        self._soon(self.say("result", id=told["id"], accepted=not refusal, detail=refusal))

    def _refusal(self, told: dict[str, Any]) -> str:
        """Return why a command is not carried out, empty when it is."""
        if not self.obeys:
            return "locked by hand"
        if self._machine_us() > instant_us(told["expires_at"]):
            return "too late"
        return "" if told["command"] in ("open", "lock_open", "close", "set_time") else "cannot do that"

    def _obey(self, told: dict[str, Any]) -> None:
        match told["command"]:
            case "open" | "lock_open":
                self._on_open()
            case "close":
                self._on_close()
            case "set_time":
                self.skew_us = instant_us(told["now"]) - self._clock.now_us()

    def _listed(self, told: dict[str, Any]) -> None:
        order = generic_order(told)
        if order is not None and self.own.heeds(order):
            said = self._speech.listed(self.serial, order, self.own.obey(order), self.own)
            self._soon(self._publish(self._up, said.body))
