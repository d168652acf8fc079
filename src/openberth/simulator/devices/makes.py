"""What cameras of further makes say when they push over HTTP, written from the makers' documents and ours.

Huaxia "HTTP POST" mode 5, Hikvision ISAPI events, Dahua ITSAPI, and the generic device of docs/devices/generic-http.md.
"""

import base64
import json
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any
from urllib.parse import quote
from zoneinfo import ZoneInfo

from openberth.simulator.clock import SECOND_US
from openberth.simulator.devices.lists import Days, Order, OwnList, TellsNothing, generic_answer, generic_order
from openberth.simulator.devices.pushing import Sent, Speech
from openberth.simulator.devices.vzenith import VzenithSpeech
from openberth.simulator.devices.vzenith_wire import OPENED_BY_WHITE_LIST, TRIGGER_SOFTWARE, Reply, Sight
from openberth.simulator.scene import Shots

_TURNED_BACK = 66
_MILLISECOND_US = 1_000
_FORM = "application/x-www-form-urlencoded"
_COLOURS_ZH = {1: "蓝色", 2: "黄色", 3: "白色", 4: "黑色", 5: "绿色", 6: "黄绿色"}
_COLOURS = {1: "blue", 2: "yellow", 3: "white", 4: "black", 5: "green", 6: "yellow_green"}
_TAKEN = Reply(stops=True, continues=True)
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def _stamp(sight: Sight, zone: str) -> datetime:
    return (EPOCH + timedelta(microseconds=sight.stamp_us)).astimezone(ZoneInfo(zone))


class HuaxiaSpeech(TellsNothing):
    """Forms with base64 of its own kind; a command rides on the answer to a heartbeat."""

    turns_back = False
    grain_us = SECOND_US

    def __init__(self, zone: str) -> None:
        self._zone = zone

    def record(self, serial: str, sight: Sight, control: int, *, offline: bool, shots: Shots) -> Sent:
        """Tell of a car."""
        reading = sight.reading
        fields = {
            "type": "offline" if offline else "online", "mode": "5", "park_id": "1",
            "plate_num": reading.text if reading.is_read else "无牌车",
            "plate_color": _COLOURS_ZH.get(reading.colour, ""),
            "plate_val": "true", "confidence": str(reading.confidence if reading.is_read else 0), "car_logo": "",
            "car_color": "白", "vehicle_type": "小型车", "start_time": str(sight.stamp_us // SECOND_US),
            "cam_id": serial, "cam_ip": "127.0.0.1", "vdc_type": "in",
            "is_whitelist": "true" if control == OPENED_BY_WHITE_LIST else "false",
            "triger_type": "swtriger" if reading.trigger == TRIGGER_SOFTWARE else "video",
        }  # fmt: skip
        pictures = {"picture": shots.full, "closeup_pic": shots.cut}
        pairs = [f"{name}={quote(value, safe='')}" for name, value in fields.items()]
        pairs += [f"{name}={text.translate(_SAFE)}" for name, text in pictures.items()]
        return Sent("&".join(pairs).encode(), _FORM)

    def input(self, serial: str, source: int, value: int) -> Sent | None:
        """Say nothing of inputs."""
        return None

    def beat(self, serial: str) -> Sent:
        """Tell that it lives."""
        return Sent(f"type=heartbeat&mode=5&cam_id={quote(serial)}&cam_ip=127.0.0.1".encode(), _FORM)

    def read(self, body: bytes) -> Reply | None:
        """Understand an answer: outputs that are switched on."""
        told = _object(body)
        if told is None or told.get("error_num") != 0:
            return None
        on = {str(each.get("ionum")) for each in told.get("gpio_data") or () if each.get("action") == "on"}
        frames = tuple((0, bytes.fromhex(str(each.get("data", "")))) for each in told.get("rs485_data") or ())
        order = self._order(told.get("whitelist_data"))
        return Reply(opens="io1" in on, closes="io2" in on, stops=True, continues=True, serial=frames, order=order)

    def _order(self, said: object) -> Order | None:
        if not isinstance(said, list):
            return None
        white = [one for one in said if one["type"] == "W"]
        form = "%Y/%m/%d %H:%M:%S"
        return Order(
            give={
                one["plateNumber"]: Days.by_wall_clock(one["start"], one["end"], form, self._zone)
                for one in white
                if one["action"] == "add"
            },
            drop=tuple(one["plateNumber"] for one in white if one["action"] == "delete"),
        )


_SAFE = str.maketrans("+/=", "-_.")


class HikvisionSpeech(TellsNothing):
    """Multipart events with a number of their own; answers say no more than that they were taken."""

    turns_back = False
    grain_us = _MILLISECOND_US

    def __init__(self, rng: Random, zone: str) -> None:
        self._zone = zone
        self._mark = f"{rng.getrandbits(48):012x}"

    def record(self, serial: str, sight: Sight, control: int, *, offline: bool, shots: Shots) -> Sent:
        """Tell of a car."""
        reading = sight.reading
        plate = f"{'蓝黄白黑绿'[min(reading.colour, 5) - 1]}{reading.text}" if reading.is_read else "unknown"
        listed = "whiteList" if control == OPENED_BY_WHITE_LIST else "temporary"
        event = (
            '<?xml version="1.0" encoding="UTF-8"?>\n'
            '<EventNotificationAlert version="2.0" xmlns="http://www.hikvision.com/ver20/XMLSchema">'
            "<ipAddress>127.0.0.1</ipAddress><macAddress>44:19:b6:00:00:01</macAddress><channelID>1</channelID>"
            f"<dateTime>{_stamp(sight, self._zone).isoformat(timespec='milliseconds')}</dateTime>"
            "<activePostCount>1</activePostCount><eventType>ANPR</eventType><eventState>active</eventState>"
            f"<deviceID>{serial}</deviceID><ANPR><licensePlate>{plate}</licensePlate><line>1</line>"
            f"<direction>{'reverse' if reading.trigger == _TURNED_BACK else 'forward'}</direction>"
            f"<confidenceLevel>{reading.confidence if reading.is_read else 0}</confidenceLevel>"
            f"<plateColor>{_COLOURS.get(reading.colour, 'unknown')}</plateColor>"
            f"<alarmDataType>{int(offline)}</alarmDataType><listType>{listed}</listType></ANPR>"
            f"<UUID>{self._mark}-{sight.plate_id:012d}</UUID><picNum>2</picNum></EventNotificationAlert>\n"
        )
        parts = [("anpr.xml", "application/xml", event.encode())]
        parts += [
            (name, "application/octet-stream", base64.b64decode(text))
            for name, text in (("licensePlatePicture.jpg", shots.cut), ("detectionPicture.jpg", shots.full))
        ]
        body = b"".join(
            f'--{_BOUNDARY}\r\nContent-Disposition: form-data; name="{name}"; filename="{name}"\r\n'
            f"Content-Type: {kind}\r\nContent-Length: {len(data)}\r\n\r\n".encode()
            + data
            + b"\r\n"
            for name, kind, data in parts
        )
        return Sent(body + f"--{_BOUNDARY}--\r\n".encode(), f"multipart/form-data; boundary={_BOUNDARY}")

    def input(self, serial: str, source: int, value: int) -> Sent | None:
        """Say nothing of inputs."""
        return None

    def beat(self, serial: str) -> Sent:
        """Tell of a picture that is not lost."""
        event = (
            f"<ns1:EventNotificationAlert><deviceID>{serial}</deviceID><eventType>videoloss</eventType>"
            "<eventState>inactive</eventState></ns1:EventNotificationAlert>"
        ).replace(
            "<ns1:EventNotificationAlert>",
            '<ns1:EventNotificationAlert xmlns:ns1="http://www.std-cgi.com/ver10/XMLSchema">',
        )
        return Sent(event.encode(), 'application/xml; charset="UTF-8"')

    def read(self, body: bytes) -> Reply | None:
        """Understand that it was taken."""
        return _TAKEN if b"<statusCode>1</statusCode>" in body else None


_BOUNDARY = "---------------------------7e13971310878"


class DahuaSpeech(TellsNothing):
    """JSON with the camera's wall clock; it has no store of its own and sends the same record again."""

    turns_back = False
    grain_us = _MILLISECOND_US

    def __init__(self, zone: str) -> None:
        self._zone = zone

    def record(self, serial: str, sight: Sight, control: int, *, offline: bool, shots: Shots) -> Sent:
        """Tell of a car."""
        reading, clock = sight.reading, _stamp(sight, self._zone).strftime("%Y-%m-%d %H:%M:%S.%f")[:-3]
        picture = {
            "NormalPic": {"PicName": f"{sight.plate_id}.jpg", "Content": shots.full},
            "CutoutPic": {"PicName": f"{sight.plate_id}_cut.jpg", "Content": shots.cut},
            "Plate": {
                "IsExist": reading.is_read, "PlateNumber": reading.text if reading.is_read else "",
                "PlateColor": _COLOURS.get(reading.colour, "").replace("_", "").capitalize(), "PlateType": "Normal",
                "Confidence": reading.confidence if reading.is_read else 0, "Channel": 0, "UploadNum": 1,
            },
            "Vehicle": {"VehicleColor": "White", "VehicleType": "SaloonCar"},
            "SnapInfo": {
                "TriggerSource": "Video", "SnapTime": clock[:-4], "AccurateTime": clock, "TimeZone": 8, "LanNo": 1,
                "Direction": "Obverse", "OpenStrobe": control == OPENED_BY_WHITE_LIST, "DeviceID": serial,
            },
        }  # fmt: skip
        return Sent(json.dumps({"Picture": picture}).encode(), below="/NotificationInfo/TollgateInfo")

    def input(self, serial: str, source: int, value: int) -> Sent | None:
        """Say nothing of inputs."""
        return None

    def beat(self, serial: str) -> Sent:
        """Tell that it lives."""
        return Sent(
            json.dumps({"Active": "keepAlive", "DeviceID": serial}).encode(), below="/NotificationInfo/KeepAlive"
        )

    def read(self, body: bytes) -> Reply | None:
        """Understand that it was taken."""
        told = _object(body)
        return _TAKEN if told is not None and told.get("Result") is True else None


class GenericSpeech:
    """The documented JSON."""

    turns_back = True
    grain_us = _MILLISECOND_US

    _TRIGGERS: Mapping[int, str] = {
        1: "video",
        2: "input",
        4: "software",
        8: "virtual_loop",
        _TURNED_BACK: "turned_back",
    }

    def __init__(self, rng: Random, zone: str) -> None:
        self._zone = zone
        self._mark = f"{rng.getrandbits(32):08x}"

    def record(self, serial: str, sight: Sight, control: int, *, offline: bool, shots: Shots) -> Sent:
        """Tell of a car."""
        reading = sight.reading
        message = {
            "openberth": 1, "type": "recognition", "serial": serial, "id": f"{self._mark}-{sight.plate_id}",
            "at": _stamp(sight, self._zone).isoformat(timespec="milliseconds"),
            "plate": reading.text if reading.is_read else None, "colour": _COLOURS.get(reading.colour, "unknown"),
            "confidence": reading.confidence if reading.is_read else 0, "direction": "down",
            "trigger": self._TRIGGERS.get(reading.trigger, "other"), "offline": offline,
            "opened": control == OPENED_BY_WHITE_LIST, "pictures": {"scene": shots.full, "plate": shots.cut},
        }  # fmt: skip
        return Sent(json.dumps(message).encode())

    def input(self, serial: str, source: int, value: int) -> Sent:
        """Tell of a changed input."""
        message = {"openberth": 1, "type": "input", "serial": serial, "number": source + 1, "active": bool(value)}
        return Sent(json.dumps(message).encode())

    def beat(self, serial: str) -> Sent:
        """Tell that it lives."""
        return Sent(json.dumps({"openberth": 1, "type": "heartbeat", "serial": serial, "list": True}).encode())

    def read(self, body: bytes) -> Reply | None:
        """Understand an answer."""
        told = _object(body)
        if told is None or told.get("stored") is not True:
            return None
        opens = told.get("open") is True or told.get("command") in ("open", "lock_open")
        frames = tuple((each["port"], base64.b64decode(each["data"])) for each in told.get("serial_data") or ())
        closes = told.get("command") == "close"
        order = generic_order(told.get("list"))
        return Reply(opens=opens, closes=closes, stops=True, continues=True, serial=frames, order=order)

    def listed(self, serial: str, order: Order, refusal: str, own: OwnList) -> Sent:
        """Say what became of what the list was to become, or what stands on it."""
        message = {"openberth": 1, "serial": serial} | generic_answer(order, refusal, own)
        return Sent(json.dumps(message).encode())


def _object(body: bytes) -> dict[str, Any] | None:
    try:
        told = json.loads(body)
    except ValueError:
        return None
    return told if isinstance(told, dict) else None


SPEECHES: Mapping[str, Callable[[Random, str], Speech]] = {
    "vzenith_http": VzenithSpeech,
    "huaxia_http": lambda _rng, zone: HuaxiaSpeech(zone),
    "hikvision": HikvisionSpeech,
    "dahua": lambda _rng, zone: DahuaSpeech(zone),
    "generic_http": GenericSpeech,
}
