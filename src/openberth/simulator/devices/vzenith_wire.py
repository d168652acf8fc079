"""The bodies a Vzenith camera sends and what it reads from the answers; no I/O.

Field names and values from the maker's "HTTP 推送" document for R3/R5-class cameras.
"""

from base64 import b64decode
from dataclasses import dataclass, field, replace
from typing import Any

import msgspec

from openberth.simulator.clock import SECOND_US
from openberth.simulator.devices.lists import Days, Order
from openberth.simulator.picture import picture_base64
from openberth.simulator.plates import UNREAD
from openberth.simulator.scene import Shots

OPENED_BY_SERVER = 1
OPENED_BY_WHITE_LIST = 2
TRIGGER_VIDEO = 1
TRIGGER_SOFTWARE = 4
TRIGGER_TURNED_BACK = 66
LISTED_AT_ONCE = 5

_UNREAD_TYPE = 31

_ENCODER = msgspec.json.Encoder()
_ANSWER_WORD = "Response_AlarmInfoPlate"


@dataclass(frozen=True, slots=True)
class Reading:
    """What the camera sees: the text it reads (``UNREAD`` for none) and why it looked.

    ``known`` tells whether the camera's own white list would open for it while the network is away.
    """

    text: str
    colour: int = 1
    type: int = 1
    confidence: int = 95
    trigger: int = TRIGGER_VIDEO
    direction: int = 4
    known: bool = False

    @property
    def is_read(self) -> bool:
        """Whether a plate was read at all."""
        return self.text != UNREAD

    @property
    def repeatable(self) -> bool:
        """Whether another trigger may fire for the same car."""
        return self.trigger == TRIGGER_VIDEO

    def again(self, trigger: int) -> "Reading":
        """Return the same reading by another trigger."""
        return replace(self, trigger=trigger)

    def lost(self) -> "Reading":
        """Return what is left of it when the plate cannot be read this time."""
        return replace(self, text=UNREAD, type=_UNREAD_TYPE, confidence=0, known=False)


@dataclass(slots=True)
class Sight:
    """One recognition and its fate. Instants are business time; ``stamp_us`` is by the camera's own clock."""

    plate_id: int
    stamp_us: int
    reading: Reading
    live: bool
    sent_us: int = 0
    answered_us: int = 0
    stored: bool = field(default=False)


@dataclass(frozen=True, slots=True)
class Reply:
    """What an answer tells the camera to do."""

    opens: bool = False
    closes: bool = False
    stops: bool = False
    continues: bool = False
    serial: tuple[tuple[int, bytes], ...] = ()  # port and bytes
    order: Order | None = None  # of its own list of cars

    @classmethod
    def read(cls, body: bytes, zone: str = "Asia/Shanghai") -> "Reply | None":
        """Read an answer; None when it is none a camera understands. The clock of the camera shows a zone's time."""
        try:
            outer = msgspec.json.decode(body)
        except msgspec.DecodeError:
            return None
        inner = outer.get(_ANSWER_WORD) if isinstance(outer, dict) else None
        if not isinstance(inner, dict):
            return None
        more, relay = inner.get("ContinuePushOffline"), inner.get("ivs_ioctrl")
        return cls(
            opens=inner.get("info") == "ok" or (isinstance(relay, dict) and relay.get("io") == 0),
            closes=isinstance(relay, dict) and relay.get("io") == 1,
            stops=inner.get("content") == "retransfer_stop",
            continues=isinstance(more, dict) and more.get("continue") == 1,
            serial=_serial(inner.get("serialData")),
            order=_order(inner.get("white_list_operate"), zone),
        )


def _order(said: object, zone: str) -> Order | None:
    """Return what becomes of the list: 0 adds, 1 takes off, all of it for an empty plate; five at once and no more."""
    if not isinstance(said, dict) or not said:
        return None
    records = said["white_list_data"][:LISTED_AT_ONCE]
    if said["operate_type"] == 1:
        plates = tuple(str(one["plate"]) for one in records)
        return Order(drop=plates, clear="" in plates)
    form = "%Y-%m-%d %H:%M:%S"
    return Order(
        give={
            one["plate"]: Days.by_wall_clock(one["enable_time"], one["overdue_time"], form, zone)
            for one in records
            if one["enable"] == 1
        }
    )


def _serial(said: object) -> tuple[tuple[int, bytes], ...]:
    """Return what leaves through the serial ports; an entry whose length is not its own is dropped, as cameras do."""
    found = []
    for each in said if isinstance(said, list) else []:
        try:
            data = b64decode(each["data"], validate=True)
            if each["dataLen"] == len(data):
                found.append((int(each["serialChannel"]), data))
        except (TypeError, KeyError, ValueError):
            continue
    return tuple(found)


def flat_shots(number: int, padding: int = 0) -> Shots:
    """Return two flat grey pictures, the first made bigger by so many bytes."""
    return Shots(picture_base64(number % 64, padding), picture_base64(number % 64))


def recognition_body(serial: str, sight: Sight, control: int, *, offline: bool, shots: Shots | None = None) -> bytes:
    """Return the JSON of a recognition with its two pictures, flat ones unless others are given."""
    reading = sight.reading
    seconds, micros = divmod(sight.stamp_us, SECOND_US)
    shots = shots or flat_shots(sight.plate_id)
    result: dict[str, Any] = {
        "license": reading.text,
        "colorType": reading.colour,
        "type": reading.type,
        "confidence": reading.confidence if reading.is_read else 0,
        "direction": reading.direction,
        "triggerType": reading.trigger,
        "plateid": sight.plate_id,
        "isoffline": int(offline),
        "is_fake_plate": 0,
        "gioouts": [{"ctrltype": control, "ionum": 0}],
        "imageFile": shots.full,
        "imageFileLen": len(shots.full),
        "imageFragmentFile": shots.cut,
        "imageFragmentFileLen": len(shots.cut),
        "timeStamp": {"Timeval": {"sec": seconds, "usec": micros}},
        "timeUsed": 40,
    }
    alarm = {
        "channel": 0,
        "deviceName": "IVS",
        "ipaddr": "127.0.0.1",
        "serialno": serial,
        "user_data": "",
        "result": {"PlateResult": result},
    }
    return _ENCODER.encode({"AlarmInfoPlate": alarm})


def input_body(serial: str, source: int, value: int) -> bytes:
    """Return the JSON of a changed input; ``source`` 0 to 3 are IO 1 to 4."""
    result = {"TriggerResult": {"source": source, "value": value}}
    alarm = {"deviceName": "IVS", "ipaddr": "127.0.0.1", "serialno": serial, "result": result}
    return _ENCODER.encode({"AlarmGioIn": alarm})


def heartbeat_body(serial: str, boundary: str) -> bytes:
    """Return the multipart heartbeat."""
    fields = {
        "device_name": "IVS",
        "ipaddr": "127.0.0.1",
        "port": "80",
        "user_name": "admin",
        "pass_wd": "admin",
        "serialno": serial,
        "channel_num": "0",
    }
    parts = [
        f'--{boundary}\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'
        for name, value in fields.items()
    ]
    return ("".join(parts) + f"--{boundary}--\r\n").encode()
