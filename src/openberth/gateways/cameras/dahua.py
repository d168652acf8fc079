"""Dahua (大华) cameras that push by ITSAPI: from their JSON to our values, and the answer that stops them. Pure.

Wire format: ``docs/devices/dahua.md``, after the maker's ITSAPI (``/NotificationInfo/TollgateInfo``, ``KeepAlive``,
``DeviceInfo``). Fields not named there are ignored. Times are the camera's wall clock. Gates: ``dahua_calling``.
"""

from typing import Annotated, Any

import msgspec
from msgspec import Meta, Struct

from openberth.contexts.facility import CommandKind
from openberth.contexts.stays.recognition import Direction, Picture, PictureKind, Recognition, Trigger
from openberth.gateways.cameras.family import Answer, Reply, SerialFrame
from openberth.gateways.cameras.pictures import from_base64, jpeg
from openberth.gateways.cameras.pushes import Heartbeat, OtherPush, PlatePush, Push
from openberth.gateways.cameras.wording import colour_of, instant_of, percent_of, plate_of, record_name
from openberth.infra.shapes import Shape
from openberth.kernel.errors import Malformed

MAX_BODY = 8 * 1024 * 1024
_TRIGGERS = {"video": Trigger.VIDEO, "io": Trigger.INPUT, "loop": Trigger.INPUT, "manual": Trigger.SOFTWARE}
_DIRECTIONS = {"obverse": Direction.DOWN, "approach": Direction.DOWN, "reverse": Direction.UP, "leave": Direction.UP}
_UNREADABLE = (msgspec.MsgspecError, UnicodeDecodeError, RecursionError)
_CONFIDENCE_MOST = 255  # some firmware counts to it

Short = Annotated[str, Meta(max_length=64)]
_Said = str | int | float | bool | None  # firmware is not of one mind about types


class _Pic(Struct, rename={"name": "PicName", "content": "Content"}):
    name: str | None = None
    content: str | None = None


class _Plate(
    Struct,
    rename={
        "exists": "IsExist",
        "number": "PlateNumber",
        "colour": "PlateColor",
        "confidence": "Confidence",
        "upload": "UploadNum",
    },
):
    exists: _Said = None
    number: str | None = None
    colour: str | None = None
    confidence: _Said = None
    upload: _Said = None


class _Snap(
    Struct,
    rename={
        "trigger": "TriggerSource",
        "time": "SnapTime",
        "accurate": "AccurateTime",
        "direction": "Direction",
        "opened": "OpenStrobe",
        "device": "DeviceID",
    },
):
    trigger: str | None = None
    time: str | None = None
    accurate: str | None = None
    direction: str | None = None
    opened: _Said = None
    device: Short | None = None


class _Picture(
    Struct,
    rename={
        "normal": "NormalPic",
        "cutout": "CutoutPic",
        "cutout_misspelt": "CutouPic",
        "vehicle": "VehiclePic",
        "plate": "Plate",
        "snap": "SnapInfo",
    },
):
    plate: _Plate
    snap: _Snap = msgspec.field(default_factory=_Snap)
    normal: _Pic | None = None
    cutout: _Pic | None = None
    cutout_misspelt: _Pic | None = None
    vehicle: _Pic | None = None


class _Body(
    Struct,
    rename={
        "picture": "Picture",
        "device": "DeviceID",
        "name": "DeviceName",
        "model": "DeviceModel",
        "at": "IPAddress",
    },
):
    picture: _Picture | None = None
    device: Short | None = None
    name: Short | None = None
    model: Short | None = None
    at: Short | None = None


_BODY = Shape(_Body)


def decode(body: bytes, content_type: str = "", path: str = "") -> Push:
    """Read one body; raise ``Malformed`` when it is none of those a camera sends, or longer than 8 MB.

    What has a picture part is a recognition, whatever the ``path``; the rest goes by the last word of the path.
    """
    if len(body) > MAX_BODY:
        raise _malformed("body", "longer than 8 MB")
    try:
        said = _BODY.read(body)
    except msgspec.ValidationError as error:
        raise _malformed("json", str(error)) from None
    except _UNREADABLE:
        raise _malformed("json", "not JSON") from None
    if said.picture is not None:
        return _seen(said.picture, said.device)
    word = path.rstrip("/").rpartition("/")[2].lower()
    if word == "tollgateinfo":
        raise _malformed("json", "a record without its picture part")
    if word == "deviceinfo" or said.model:
        state = {"model": said.model} if said.model else {}
        return Heartbeat(said.device, said.name or "", said.at or "", state)
    if word == "keepalive" or said.device:
        return Heartbeat(said.device)
    return OtherPush(word[:40] if word.isalnum() and word.isascii() else "event", said.device)


def _seen(picture: _Picture, device: str | None) -> PlatePush:
    flaws: list[str] = []
    snap, plate = picture.snap, picture.plate
    captured_at, is_local = instant_of(snap.accurate or snap.time, flaws)
    number = None if _is_no(plate.exists) else plate.number
    pictures = tuple(
        found
        for kind, one in (
            (PictureKind.SCENE, picture.normal or picture.vehicle),
            (PictureKind.PLATE, picture.cutout or picture.cutout_misspelt),
        )
        if (found := _jpeg(kind, one, flaws)) is not None
    )
    return PlatePush(
        snap.device or device,
        Recognition(
            source_id=record_name(captured_at, plate.number, snap.trigger, pictures=pictures),
            plate_text=plate_of(number, flaws),
            other_plates=(),
            colour=colour_of(plate.colour),
            plate_kind=None,
            confidence=_percent(plate.confidence, flaws),
            direction=_DIRECTIONS.get((snap.direction or "").lower(), Direction.UNKNOWN),
            trigger=_TRIGGERS.get((snap.trigger or "video").lower(), Trigger.OTHER),
            captured_at=captured_at,
            offline=False,
            opened_by_camera=_is_yes(snap.opened),
            pictures=pictures,
            flaws=tuple(flaws),
        ),
        wall_clock=is_local,
        unmarked=True,
    )


def _jpeg(kind: PictureKind, one: _Pic | None, flaws: list[str]) -> Picture | None:
    return None if one is None else jpeg(kind, from_base64(kind, one.content, flaws), flaws)


def _percent(said: Any, flaws: list[str]) -> int:
    """Return whole percent; some firmware says up to 255."""
    if isinstance(said, int) and not isinstance(said, bool) and 100 < said <= _CONFIDENCE_MOST:
        return said * 100 // _CONFIDENCE_MOST
    return percent_of(None if isinstance(said, bool) else said, flaws)


def _is_no(said: Any) -> bool:
    return said is not None and str(said).lower() in ("false", "0")


def _is_yes(said: Any) -> bool:
    return str(said).lower() in ("true", "1")


def _malformed(where: str, why: str) -> Malformed:
    return Malformed("device.malformed", where=where, why=why[:200])


# Answers: always that it was taken. What opens is our own call.

_TAKEN = Reply(b'{"Result":true}')


def answered(push: PlatePush, answer: Answer) -> Reply:
    """Say that the record is on disk; without it the camera sends it again."""
    return _TAKEN


def noted(push: Push | None = None, serial: tuple[SerialFrame, ...] = ()) -> Reply:
    """Say that it was taken."""
    return _TAKEN


def told(kind: CommandKind) -> Reply | None:
    """Nothing rides on an answer to this make."""
    return None
