"""The bodies a Vzenith camera sends and what it reads from the answers; no I/O.

Field names and values from the maker's "HTTP 推送" document for R3/R5-class cameras.
"""

from dataclasses import dataclass, field, replace
from typing import Any

import msgspec

from openberth.simulator.clock import SECOND_US
from openberth.simulator.picture import picture_base64
from openberth.simulator.plates import UNREAD

OPENED_BY_SERVER = 1
OPENED_BY_WHITE_LIST = 2
TRIGGER_VIDEO = 1
TRIGGER_SOFTWARE = 4
TRIGGER_TURNED_BACK = 66

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

    @classmethod
    def read(cls, body: bytes) -> "Reply | None":
        """Read an answer; None when it is none a camera understands."""
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
        )


def recognition_body(serial: str, sight: Sight, control: int, *, offline: bool, padding: int = 0) -> bytes:
    """Return the JSON of a recognition with its two pictures."""
    reading = sight.reading
    seconds, micros = divmod(sight.stamp_us, SECOND_US)
    full = picture_base64(sight.plate_id % 64, padding)
    cut = picture_base64(sight.plate_id % 64)
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
        "imageFile": full,
        "imageFileLen": len(full),
        "imageFragmentFile": cut,
        "imageFragmentFileLen": len(cut),
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
