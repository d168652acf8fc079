"""A Vzenith camera that speaks over MQTT, after the maker's "车牌识别一体机 MQTT 对接协议" and our page of it.

It says a car twice, quickly and then whole, and moves its relays when told to, each command once, and says so.
"""

import asyncio
from base64 import b64decode, b64encode
from collections.abc import Callable
from dataclasses import dataclass
from random import Random
from typing import Any

import msgspec

from openberth.simulator.clock import SECOND_US, BusinessClock
from openberth.simulator.counters import Counters
from openberth.simulator.devices.mqtt_camera import LinkHabits, MqttCamera, MqttRecord
from openberth.simulator.devices.mqtt_client import Login
from openberth.simulator.devices.standing import Shoot, flat_shoot
from openberth.simulator.devices.vzenith_wire import OPENED_BY_SERVER, OPENED_BY_WHITE_LIST, Sight
from openberth.simulator.faults import Faults


@dataclass(frozen=True, slots=True)
class Habits(LinkHabits):
    """How the camera behaves, in machine seconds. ``old_topics``: the serial stands first in its topics.

    ``code`` is what it answers commands with; None: it says nothing.
    """

    quick_s: float = 0.1  # between the quick and the whole result
    old_topics: bool = False
    code: int | None = 200


class VzenithMqttCamera(MqttCamera):
    """One camera. ``on_open`` and ``on_close`` are its relays."""

    def __init__(
        self, *, serial: str, login: Login, clock: BusinessClock, counters: Counters, faults: Faults, rng: Random,
        habits: Habits | None = None, shoot: Shoot = flat_shoot, on_open: Callable[[], None] = lambda: None,
        on_close: Callable[[], None] = lambda: None,
    ) -> None:  # fmt: skip
        self._habits = habits or Habits()
        root = f"{serial}/device/message" if self._habits.old_topics else f"device/{serial}/message"
        self._up, self._down = f"{root}/up", f"{root}/down"
        super().__init__(
            serial=serial, login=login, hears=f"{self._down}/#", clock=clock, counters=counters, faults=faults, rng=rng,
            habits=self._habits, shoot=shoot, on_open=on_open, on_close=on_close,
        )  # fmt: skip
        self.listed: dict[str, dict[str, Any]] = {}  # its own list of cars
        self._message = 0

    async def tell_lane(self, event: int, plate: str) -> None:
        """Tell an event of the lane, e.g. 84 (turned back) or 83 (crossed)."""
        read = {"license": _base(plate), "color_type": _base("blue")}
        await self._say("lanectrl_result", {"event_type": event, "result_id": f"r{self._rng.randrange(1 << 30)}",
                                            "isoffline": 0, "result": [{"plate_result": read}]})  # fmt: skip

    async def tell_gate(self, status: object) -> None:
        """Tell where the boom is."""
        await self._say("barr_gate_status", {"body": {"gate_status": status, "connect_status": 1, "enable": 1}})

    # what it says

    async def _tell_first(self, record: MqttRecord) -> None:
        if record.sight.reading.is_read:
            await self._say("quick_ivs_result", _alarm(self.serial, record.sight, OPENED_BY_SERVER, None))
            await asyncio.sleep(self._habits.quick_s)

    async def _tell_car(self, record: MqttRecord, *, offline: bool) -> None:
        control = OPENED_BY_WHITE_LIST if record.opened else OPENED_BY_SERVER
        shots = self._shoot(record.sight)
        body = _alarm(self.serial, record.sight, control, (shots.full, shots.cut), offline=offline)
        await self._say("ivs_result", body, again=record.tries > 1)

    async def _tell_input(self, source: int, value: int) -> None:
        result = {"TriggerResult": {"source": source, "value": value}}
        await self._say("gpio_in", {"body": {"AlarmGioIn": {"deviceName": "IVS", "result": result}}})

    async def _tell_alive(self) -> None:
        await self._say("keep_alive", {"body": {"timestamp": self.stamp_us() // SECOND_US}})

    async def _say(self, name: str, payload: object, *, again: bool = False) -> None:
        self._message += 1
        message = {
            "id": f"{self.serial}-{self._message}", "bv": 16_771, "sn": self.serial, "name": name, "version": "1.0",
            "timestamp": self.stamp_us() // SECOND_US, "payload": payload,
        }  # fmt: skip
        await self._publish(f"{self._up}/{name}", msgspec.json.encode(message), again=again)

    # what it is told

    def _heard(self, topic: str, payload: bytes) -> None:
        name = topic.removeprefix(f"{self._down}/")
        try:
            told = msgspec.json.decode(payload)
            number, body = str(told["id"]), told["payload"]["body"]
        except (msgspec.DecodeError, KeyError, TypeError):
            return
        if not self._is_new(number):
            return
        if self._habits.code is not None:
            reply = {"code": self._habits.code, "id": number, "name": name, "sn": self.serial}
            self._soon(self._publish(f"{self._down}/{name}/reply", msgspec.json.encode(reply)))
            if self._habits.code != 200:
                return
        self._obey(name, body)

    def _obey(self, name: str, body: dict[str, Any]) -> None:
        match name:
            case "gpio_out" if body["value"] == 2 and body["delay"] >= 500:
                (self._on_open if body["io"] == 0 else self._on_close)()
            case "gate_direct_open":
                self._on_open()
            case "set_time":
                self.skew_us = body["timestamp"] * SECOND_US - self._clock.now_us()
            case "serial_data":
                for one in body["serialData"]:
                    self.display(one["serialChannel"]).read(b64decode(one["data"]))
            case "white_list_operator" if body["operator_type"] == "update_or_add":
                self.listed |= {one["plate"]: one for one in body["dldb_rec"]}
            case "white_list_operator":
                for plate in body["plate"]:
                    self.listed.pop(plate, None)


def _base(text: str) -> str:
    return b64encode(text.encode()).decode()


def _alarm(
    serial: str, sight: Sight, control: int, shots: tuple[str, str] | None, *, offline: bool = False
) -> dict[str, Any]:
    reading = sight.reading
    seconds, micros = divmod(sight.stamp_us, SECOND_US)
    full, cut = shots or ("", "")
    result = {
        "license": _base(reading.text), "colorType": reading.colour, "type": reading.type,
        "confidence": reading.confidence if reading.is_read else 0, "direction": reading.direction,
        "triggerType": reading.trigger, "plateid": sight.plate_id, "isoffline": int(offline), "is_fake_plate": 0,
        "gioouts": [{"ctrltype": control, "ionum": 0}], "full_image_content": full, "small_image_content": cut,
        "imagePath": "", "record_uuid": f"{serial}-{sight.plate_id}-{seconds}",
        "timeStamp": {"Timeval": {"sec": seconds, "usec": micros}},
    }  # fmt: skip
    alarm = {"channel": 0, "deviceName": _base("IVS"), "ipaddr": "127.0.0.1", "serialno": serial,
             "result": {"PlateResult": result}}  # fmt: skip
    return {"AlarmInfoPlate": alarm}
