"""Vzenith (臻识) cameras that push over HTTP: from their bodies to our values, and the answers they act on. Pure.

Wire format: ``docs/devices/vzenith-http.md``, after the maker's "HTTP 推送" protocol for R3/R5 cameras (2025-03,
https://blog.sdlinka.com/3161.html). Fields not named there are ignored. A body that cannot be understood is refused as
``Malformed("device.malformed", …)``; a picture that cannot be used never costs the recognition, it is noted as a flaw.
"""

from base64 import b64decode
from dataclasses import dataclass
from typing import Annotated, Generic, TypeAlias, TypeVar

import msgspec
from msgspec import UNSET, Meta, Raw, Struct, UnsetType

from openberth.contexts.stays.recognition import (
    Direction,
    Picture,
    PictureKind,
    PlateColour,
    Recognition,
    Trigger,
)
from openberth.gateways.cameras.forms import read_small_form
from openberth.kernel.errors import Malformed
from openberth.kernel.plates import PlateKind
from openberth.kernel.time import SECOND_US, Instant

MAX_BODY = 6 * 1024 * 1024
MAX_PICTURE = 2 * 1024 * 1024
_MAX_PICTURE_TEXT = MAX_PICTURE * 3 // 2  # base64 takes a third more; the rest is room for line breaks
_HEARTBEAT_FIELDS = frozenset({"serialno", "device_name", "ipaddr"})
_MAX_SERIAL = 64
_MAX_PLATE = 16
_MAX_PLATES = 8
_MAX_OUTPUTS = 16
_MAX_SECOND = 1 << 33  # the year 2242: beyond, a clock is no clock
_NOT_READ = "_无_"
_JPEG = b"\xff\xd8"
_OPENED_BY_CAMERA = 2

_COLOURS = {
    1: PlateColour.BLUE,
    2: PlateColour.YELLOW,
    3: PlateColour.WHITE,
    4: PlateColour.BLACK,
    5: PlateColour.GREEN,
    6: PlateColour.YELLOW_GREEN,
}
# The maker's table 3.2; several codes differ only by rows or colour, which other fields tell.
_KINDS = {
    **dict.fromkeys((1, 2, 3, 4, 7, 23), PlateKind.ORDINARY),
    5: PlateKind.POLICE,
    **dict.fromkeys((6, 15, 16, 17), PlateKind.ARMED_POLICE),
    8: PlateKind.MILITARY,
    9: PlateKind.MILITARY,
    10: PlateKind.EMBASSY,
    11: PlateKind.HONG_KONG,
    12: PlateKind.AGRICULTURAL,
    13: PlateKind.TRAINING,
    14: PlateKind.MACAO,
    18: PlateKind.AVIATION,
    19: PlateKind.NEW_ENERGY_SMALL,
    20: PlateKind.NEW_ENERGY_LARGE,
    21: PlateKind.EMERGENCY,
    22: PlateKind.CONSULATE,
    24: PlateKind.NEW_ENERGY_SMALL,
    26: PlateKind.OTHER,
    31: PlateKind.UNLICENSED,
}
_FAKE = 29
_DIRECTIONS = {1: Direction.LEFT, 2: Direction.RIGHT, 3: Direction.UP, 4: Direction.DOWN}
_TRIGGERS = {
    1: Trigger.VIDEO,
    2: Trigger.INPUT,
    4: Trigger.SOFTWARE,
    8: Trigger.VIRTUAL_LOOP,
    64: Trigger.STAYING,
    65: Trigger.STAYING_ENDED,
    66: Trigger.TURNED_BACK,
}

# What comes out


@dataclass(frozen=True, slots=True)
class PlatePush:
    """A recognition, with the numbers its answer has to repeat."""

    serial: str
    plate_id: int
    recognition: Recognition


@dataclass(frozen=True, slots=True)
class InputPush:
    """An input changed: ``number`` 1 to 4 as printed on the camera, ``level`` its new state (1 is active)."""

    serial: str
    number: int
    level: int


@dataclass(frozen=True, slots=True)
class OtherPush:
    """Serial bytes or a snapshot: only acknowledged. ``kind`` is ``serial`` or ``snapshot``."""

    kind: str


@dataclass(frozen=True, slots=True)
class Heartbeat:
    """The camera lives. Its user name and password, which it sends too, are not kept."""

    serial: str
    name: str
    address: str


Push: TypeAlias = PlatePush | InputPush | OtherPush | Heartbeat

# The frames, with the maker's names

Serial: TypeAlias = Annotated[str, Meta(max_length=_MAX_SERIAL)]
Number: TypeAlias = Annotated[int, Meta(ge=0, le=(1 << 53) - 1)]


class _Output(Struct):
    ctrltype: int = 0


class _Timeval(Struct):
    sec: int = 0
    usec: int = 0


class _Stamp(Struct, rename={"timeval": "Timeval"}):
    timeval: _Timeval | None = None


P = TypeVar("P", bytes | None, Raw)

_NAMES = {
    "plate_id": "plateid",
    "colour": "colorType",
    "kind": "type",
    "trigger": "triggerType",
    "offline": "isoffline",
    "outputs": "gioouts",
    "stamp": "timeStamp",
    "scene": "imageFile",
    "cutout": "imageFragmentFile",
}


class _Plate(Struct, Generic[P], rename=_NAMES):
    plate_id: Number
    license: str | None = ""  # null is how some firmware says that nothing was read
    colour: int = 0
    kind: int = 0
    confidence: int = 0
    direction: int = 0
    trigger: int = 0
    offline: int = 0
    outputs: Annotated[list[_Output], Meta(max_length=_MAX_OUTPUTS)] = []
    stamp: _Stamp | None = None
    scene: P | UnsetType = UNSET
    cutout: P | UnsetType = UNSET


class _PlateResult(Struct, Generic[P], rename={"plate": "PlateResult"}):
    plate: _Plate[P]


class _Alarm(Struct, Generic[P]):
    result: _PlateResult[P]
    serialno: Serial = ""


class _Trigger(Struct):
    source: Annotated[int, Meta(ge=0, le=255)]
    value: Annotated[int, Meta(ge=0, le=255)]


class _TriggerResult(Struct, rename={"trigger": "TriggerResult"}):
    trigger: _Trigger


class _Input(Struct):
    result: _TriggerResult
    serialno: Serial = ""


class _Body(
    Struct,
    Generic[P],
    rename={
        "alarm": "AlarmInfoPlate",
        "input": "AlarmGioIn",
        "serial": "SerialData",
        "snapshot": "TriggerImage",
    },
):
    alarm: _Alarm[P] | UnsetType = UNSET
    input: _Input | UnsetType = UNSET
    serial: Raw | UnsetType = UNSET
    snapshot: Raw | UnsetType = UNSET


# The first decodes the pictures on its one pass over the bytes, but a picture that is no base64 spoils the whole body;
# then the
# second reads it again and leaves the pictures alone. Two good pictures of 100 KB cost half of what separate decoding
# costs.
_FAST: msgspec.json.Decoder[_Body[bytes | None]] = msgspec.json.Decoder(_Body[bytes | None])
_CAREFUL: msgspec.json.Decoder[_Body[Raw]] = msgspec.json.Decoder(_Body[Raw])
_TEXT = msgspec.json.Decoder(str | None)
# What msgspec raises for bytes from outside: also for texts that are not UTF-8, and for depth.
_UNREADABLE = (msgspec.MsgspecError, UnicodeDecodeError, RecursionError)


def decode(body: bytes, content_type: str = "") -> Push:
    """Read one body; raise ``Malformed`` when it is none of those a camera sends, or longer than 6 MB.

    Goes by the body, not by the path; ``content_type`` is needed for a heartbeat only, it names the multipart boundary.
    """
    if len(body) > MAX_BODY:
        raise _malformed("body", "longer than 6 MB")
    if body[:64].lstrip()[:1] != b"{":
        return _heartbeat(body, content_type)
    try:
        return _push(_FAST.decode(body))
    except _UNREADABLE:
        pass
    try:
        return _push(_CAREFUL.decode(body))
    except msgspec.ValidationError as error:
        raise _malformed("json", str(error)) from None
    except _UNREADABLE:
        raise _malformed("json", "not JSON") from None


def _push(body: _Body[bytes | None] | _Body[Raw]) -> Push:
    if body.alarm is not UNSET:
        alarm = body.alarm
        plate = alarm.result.plate
        return PlatePush(alarm.serialno, plate.plate_id, _recognition(plate))
    if body.input is not UNSET:
        trigger = body.input.result.trigger
        return InputPush(body.input.serialno, trigger.source + 1, trigger.value)
    if body.serial is not UNSET:
        return OtherPush("serial")
    if body.snapshot is not UNSET:
        return OtherPush("snapshot")
    raise _malformed("json", "none of the bodies a camera sends")


def _recognition(plate: _Plate[bytes | None] | _Plate[Raw]) -> Recognition:
    flaws: list[str] = []
    plates = _plates(plate.license or "", flaws)
    pictures = (
        _picture(PictureKind.SCENE, plate.scene, flaws),
        _picture(PictureKind.PLATE, plate.cutout, flaws),
    )
    confidence = min(max(plate.confidence, 0), 100)
    if confidence != plate.confidence:
        flaws.append("confidence")
    if plate.kind == _FAKE:
        flaws.append("plate.fake")
    captured_at = _captured_at(plate.stamp.timeval if plate.stamp else None, flaws)
    return Recognition(
        source_id=f"{plate.plate_id}-{captured_at // SECOND_US}",
        plate_text=plates[0] if plates else None,
        other_plates=plates[1:],
        colour=_COLOURS.get(plate.colour, PlateColour.UNKNOWN),
        plate_kind=_KINDS.get(plate.kind),
        confidence=confidence,
        direction=_DIRECTIONS.get(plate.direction, Direction.UNKNOWN),
        trigger=_TRIGGERS.get(plate.trigger, Trigger.OTHER),
        captured_at=captured_at,
        offline=plate.offline != 0,
        opened_by_camera=any(output.ctrltype == _OPENED_BY_CAMERA for output in plate.outputs),
        pictures=tuple(picture for picture in pictures if picture is not None),
        flaws=tuple(flaws),
    )


def _plates(text: str, flaws: list[str]) -> tuple[str, ...]:
    """Return what was read, each plate once; a reading that cannot be a plate is left out and noted."""
    plates: list[str] = []
    for part in text.split("|", _MAX_PLATES):
        plate = part.strip()
        if plate in ("", _NOT_READ) or plate in plates:
            continue
        if len(plate) > _MAX_PLATE or not plate.isprintable() or "|" in plate:
            flaws.append("plate.unreadable")
            continue
        plates.append(plate)
    return tuple(plates)


def _captured_at(stamp: _Timeval | None, flaws: list[str]) -> Instant:
    """Return the camera's own instant; without a usable one it is 1970, which no reader can take for the present."""
    if stamp is None or not 0 < stamp.sec < _MAX_SECOND:
        flaws.append("clock")
        return Instant(0)
    return Instant(stamp.sec * SECOND_US + (stamp.usec if 0 <= stamp.usec < SECOND_US else 0))


def _picture(kind: PictureKind, data: bytes | Raw | UnsetType | None, flaws: list[str]) -> Picture | None:
    """Return the picture, None when there is none; one that cannot be used is none and noted."""
    if isinstance(data, Raw):
        data = _unwrapped(kind, data, flaws)
    if data is UNSET or not data:
        return None
    if len(data) > MAX_PICTURE:
        flaws.append(f"{kind}.too_big")
        return None
    if not data.startswith(_JPEG):
        flaws.append(f"{kind}.not_jpeg")
        return None
    return Picture(kind, data)


def _unwrapped(kind: PictureKind, raw: Raw, flaws: list[str]) -> bytes | None:
    """Decode base64 with more patience: line breaks and missing padding are common and harmless."""
    if memoryview(raw).nbytes > _MAX_PICTURE_TEXT:
        flaws.append(f"{kind}.too_big")
        return None
    try:
        text = "".join((_TEXT.decode(raw) or "").split())
        return b64decode(text.rstrip("=") + "=" * (-len(text.rstrip("=")) % 4), validate=True)
    except (msgspec.MsgspecError, ValueError):
        flaws.append(f"{kind}.not_base64")
        return None


# Heartbeats


def _heartbeat(body: bytes, content_type: str) -> Heartbeat:
    fields = read_small_form(body, content_type, _HEARTBEAT_FIELDS)
    serial = fields.get("serialno", "")
    if len(serial) > _MAX_SERIAL:
        raise _malformed("serialno", "longer than 64 characters")
    return Heartbeat(serial, fields.get("device_name", ""), fields.get("ipaddr", ""))


def _malformed(where: str, why: str) -> Malformed:
    return Malformed("device.malformed", where=where, why=why[:200])


# Answers


def _answer(content: dict[str, object]) -> bytes:
    return msgspec.json.encode({"Response_AlarmInfoPlate": content})


def answer_open(plate_id: int, *, is_pay: bool = False) -> bytes:
    """Open for this recognition, and do not send it again. ``is_pay`` tells the camera's display whether a fee was
    paid.
    """
    return _answer(_stored("ok", plate_id, is_pay=is_pay))


def answer_wait(plate_id: int, *, is_pay: bool = False) -> bytes:
    """Do not open for this recognition, and do not send it again."""
    return _answer(_stored("wait", plate_id, is_pay=is_pay))


def _stored(info: str, plate_id: int, *, is_pay: bool) -> dict[str, object]:
    paid = "true" if is_pay else "false"
    return {"info": info, "content": "retransfer_stop", "plateid": plate_id, "is_pay": paid}


def answer_offline(plate_id: int) -> bytes:
    """Acknowledge a stored record and ask for the next one; opens nothing."""
    more = {"plateid": plate_id, "continue": 1}
    return _answer({"info": "wait", "content": "retransfer_stop", "ContinuePushOffline": more})


def comet_idle() -> bytes:
    """Answer a heartbeat, or a push that is only noted, without a command."""
    return _IDLE


def comet_open() -> bytes:
    """Answer a comet heartbeat with the command to open."""
    return _OPEN


def comet_close() -> bytes:
    """Answer a comet heartbeat with the command to close: a pulse of 500 ms on the second output."""
    return _CLOSE


_IDLE = _answer({"info": "wait"})
_OPEN = _answer({"info": "ok", "is_pay": "true"})
_CLOSE = _answer({"ivs_ioctrl": {"io": 1, "value": 2, "delay": 500}})
