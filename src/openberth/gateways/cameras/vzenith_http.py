"""Vzenith (臻识) cameras that push over HTTP: from their bodies to our values, and the answers they act on. Pure.

Wire format: ``docs/devices/vzenith-http.md``, after the maker's "HTTP 推送" protocol for R3/R5 cameras (2025-03,
https://blog.sdlinka.com/3161.html). Fields not named there are ignored. A body that cannot be understood is refused as
``Malformed("device.malformed", …)``; a picture that cannot be used never costs the recognition, it is noted as a flaw.
"""

from typing import Annotated, Generic, TypeAlias, TypeVar

import msgspec
from msgspec import UNSET, Meta, Raw, Struct, UnsetType

from openberth.contexts.facility import CommandKind
from openberth.contexts.stays.recognition import (
    Direction,
    Picture,
    PictureKind,
    PlateColour,
    Recognition,
    Trigger,
)
from openberth.gateways.cameras.family import Answer, Content, Reply, SerialFrame
from openberth.gateways.cameras.forms import read_small_form
from openberth.gateways.cameras.pictures import MAX_PICTURE_TEXT, from_base64, jpeg
from openberth.gateways.cameras.pushes import Heartbeat, InputPush, OtherPush, PlatePush, Push
from openberth.gateways.cameras.vzenith_values import (
    COLOURS,
    DIRECTIONS,
    FAKE,
    KINDS,
    NOT_READ,
    OPENED_BY_CAMERA,
    TRIGGERS,
    InputResult,
    behind,
)
from openberth.infra.shapes import Shape
from openberth.kernel.errors import Malformed
from openberth.kernel.time import SECOND_US, Instant

MAX_BODY = 6 * 1024 * 1024
CONFIRMS = False
_HEARTBEAT_FIELDS = frozenset({"serialno", "device_name", "ipaddr"})
_MAX_SERIAL = 64
_MAX_PLATE = 16
_MAX_PLATES = 8
_MAX_OUTPUTS = 16
_MAX_SECOND = 1 << 33  # the year 2242: beyond, a clock is no clock

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


class _Input(Struct):
    result: InputResult
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
_FAST = Shape(_Body[bytes | None])
_CAREFUL = Shape(_Body[Raw])
_TEXT = Shape[str | None](str | None)
# What msgspec raises for bytes from outside: also for texts that are not UTF-8, and for depth.
_UNREADABLE = (msgspec.MsgspecError, UnicodeDecodeError, RecursionError)


def decode(body: bytes, content_type: str = "", path: str = "") -> Push:
    """Read one body; raise ``Malformed`` when it is none of those a camera sends, or longer than 6 MB.

    Goes by the body, not by the ``path``; ``content_type`` is needed for a heartbeat only: it names the boundary.
    """
    if len(body) > MAX_BODY:
        raise _malformed("body", "longer than 6 MB")
    if body[:64].lstrip()[:1] != b"{":
        return _heartbeat(body, content_type)
    try:
        return _push(_FAST.read(body))
    except _UNREADABLE:
        pass
    try:
        return _push(_CAREFUL.read(body))
    except msgspec.ValidationError as error:
        raise _malformed("json", str(error)) from None
    except _UNREADABLE:
        raise _malformed("json", "not JSON") from None


def _push(body: _Body[bytes | None] | _Body[Raw]) -> Push:
    if body.alarm is not UNSET:
        alarm = body.alarm
        plate = alarm.result.plate
        return PlatePush(alarm.serialno, _recognition(plate), plate.plate_id)
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
    if plate.kind == FAKE:
        flaws.append("plate.fake")
    captured_at = _captured_at(plate.stamp.timeval if plate.stamp else None, flaws)
    return Recognition(
        source_id=f"{plate.plate_id}-{captured_at // SECOND_US}",
        plate_text=plates[0] if plates else None,
        other_plates=plates[1:],
        colour=COLOURS.get(plate.colour, PlateColour.UNKNOWN),
        plate_kind=KINDS.get(plate.kind),
        confidence=confidence,
        direction=DIRECTIONS.get(plate.direction, Direction.UNKNOWN),
        trigger=TRIGGERS.get(plate.trigger, Trigger.OTHER),
        captured_at=captured_at,
        offline=plate.offline != 0,
        opened_by_camera=any(output.ctrltype == OPENED_BY_CAMERA for output in plate.outputs),
        pictures=tuple(picture for picture in pictures if picture is not None),
        flaws=tuple(flaws),
    )


def _plates(text: str, flaws: list[str]) -> tuple[str, ...]:
    """Return what was read, each plate once; a reading that cannot be a plate is left out and noted."""
    plates: list[str] = []
    for part in text.split("|", _MAX_PLATES):
        plate = part.strip()
        if plate in ("", NOT_READ) or plate in plates:
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
    return None if data is UNSET else jpeg(kind, data, flaws)


def _unwrapped(kind: PictureKind, raw: Raw, flaws: list[str]) -> bytes | None:
    if memoryview(raw).nbytes > MAX_PICTURE_TEXT:
        flaws.append(f"{kind}.too_big")
        return None
    try:
        return from_base64(kind, _TEXT.read(raw), flaws)
    except _UNREADABLE:
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


def answered(push: PlatePush, answer: Answer) -> Reply:
    """Open or not for this recognition, and do not send it again; a stored record asks for the next one."""
    info = "ok" if answer.opens else "wait"
    if push.recognition.offline:  # the car has driven on: nothing opens
        more = {"plateid": push.mark, "continue": 1}
        return _reply({"info": "wait", "content": "retransfer_stop", "ContinuePushOffline": more})
    told = {"info": info, "content": "retransfer_stop", "plateid": push.mark, "is_pay": "false"}
    return _reply(told | _behind(answer.serial))


def noted(push: Push | None = None, serial: tuple[SerialFrame, ...] = ()) -> Reply:
    """Answer a heartbeat, or a push that is only noted, without a command."""
    return _reply({"info": "wait"} | _behind(serial)) if serial else _IDLE


def told(kind: CommandKind) -> Reply | None:
    """Answer a comet heartbeat with a command: the first output opens, a pulse of 500 ms on the second one closes."""
    return _TOLD.get(kind)


def listing(reference: str, content: Content, serial: tuple[SerialFrame, ...] = ()) -> Reply:
    """Answer a heartbeat with what becomes of the list of cars that the camera lets in alone; it never says so."""
    return _reply({"info": "wait"} | dict(content) | _behind(serial))


def _behind(serial: tuple[SerialFrame, ...]) -> dict[str, object]:
    """Return frames for the serial ports: what hangs there shows and speaks them."""
    return {"serialData": behind(serial)} if serial else {}


def _reply(content: dict[str, object]) -> Reply:
    return Reply(msgspec.json.encode({"Response_AlarmInfoPlate": content}))


_IDLE = _reply({"info": "wait"})
_TOLD = {
    CommandKind.OPEN: _reply({"info": "ok", "is_pay": "true"}),
    CommandKind.CLOSE: _reply({"ivs_ioctrl": {"io": 1, "value": 2, "delay": 500}}),
}
