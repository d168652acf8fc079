"""The generic device: our own small JSON over HTTP, for cameras and controllers that nobody has an adapter for. Pure.

Wire format: ``docs/devices/generic-http.md``; unlike makers' formats it is strict: a key that is not documented, or a
value of another type, is refused with the place where it stands.
"""

from base64 import b64encode
from collections.abc import Mapping
from typing import Annotated, Literal, TypeAlias

import msgspec
from msgspec import Meta, Struct

from openberth.contexts.facility import CommandKind
from openberth.contexts.stays.recognition import Direction, Picture, PictureKind, PlateColour, Recognition, Trigger
from openberth.gateways.cameras.family import Answer, Content, Reply, SerialFrame
from openberth.gateways.cameras.pictures import MAX_PICTURE_TEXT, from_base64, jpeg
from openberth.gateways.cameras.pushes import (
    Boom,
    CommandReply,
    GatePush,
    Heartbeat,
    InputPush,
    ListPush,
    PlatePush,
    Push,
)
from openberth.gateways.cameras.wording import instant_of, plate_of
from openberth.infra.shapes import Shape
from openberth.kernel.errors import Malformed
from openberth.kernel.plates import PlateKind
from openberth.kernel.time import Period, from_iso

MAX_BODY = 6 * 1024 * 1024
CONFIRMS = True
_UNREADABLE = (msgspec.MsgspecError, UnicodeDecodeError, RecursionError)

Serial = Annotated[str, Meta(min_length=1, max_length=64)]
RecordId = Annotated[str, Meta(min_length=1, max_length=64, pattern=r"^[A-Za-z0-9._:-]+$")]
Stamp = Annotated[str, Meta(max_length=40)]
Base64 = Annotated[str, Meta(max_length=MAX_PICTURE_TEXT)]
Reference = Annotated[str, Meta(min_length=1, max_length=64)]
PlateText = Annotated[str, Meta(max_length=16)]
StateWord = Annotated[str, Meta(max_length=64)]


class _Pictures(Struct, forbid_unknown_fields=True):
    scene: Base64 | None = None
    plate: Base64 | None = None


class _Recognition(Struct, tag="recognition", tag_field="type", forbid_unknown_fields=True):
    openberth: Literal[1]
    id: RecordId
    at: Stamp
    plate: PlateText | None
    serial: Serial | None = None
    others: Annotated[list[PlateText], Meta(max_length=8)] = []
    colour: PlateColour = PlateColour.UNKNOWN
    kind: PlateKind | None = None
    confidence: Annotated[int, Meta(ge=0, le=100)] = 0
    direction: Direction = Direction.UNKNOWN
    trigger: Trigger = Trigger.VIDEO
    offline: bool = False
    opened: bool = False
    pictures: _Pictures = msgspec.field(default_factory=_Pictures)


class _Input(Struct, tag="input", tag_field="type", forbid_unknown_fields=True):
    openberth: Literal[1]
    number: Annotated[int, Meta(ge=1, le=16)]
    active: bool
    serial: Serial | None = None


class _Gate(Struct, tag="gate", tag_field="type", forbid_unknown_fields=True):
    openberth: Literal[1]
    boom: Boom
    locked: bool | None = None
    serial: Serial | None = None


class _Beat(Struct, tag="heartbeat", tag_field="type", forbid_unknown_fields=True, rename={"has_list": "list"}):
    openberth: Literal[1]
    serial: Serial | None = None
    name: StateWord = ""
    state: Annotated[Mapping[Annotated[str, Meta(max_length=32)], StateWord], Meta(max_length=16)] = {}
    has_list: bool = False


class _Result(Struct, tag="result", tag_field="type", forbid_unknown_fields=True):
    openberth: Literal[1]
    id: Reference
    accepted: bool
    detail: Annotated[str, Meta(max_length=100)] = ""
    serial: Serial | None = None


class _Car(Struct, forbid_unknown_fields=True, rename={"since": "from"}):
    plate: Annotated[str, Meta(min_length=1, max_length=16)]
    since: Stamp
    until: Stamp | None


class _List(Struct, tag="list", tag_field="type", forbid_unknown_fields=True):
    openberth: Literal[1]
    id: Reference
    total: Annotated[int, Meta(ge=0, le=1_000_000)]
    cars: Annotated[list[_Car], Meta(max_length=200)]
    serial: Serial | None = None


_Said: TypeAlias = _Recognition | _Input | _Gate | _Beat | _Result | _List
_MESSAGE = Shape[_Said](_Said)


def decode(body: bytes, content_type: str = "", path: str = "") -> Push:
    """Read one message; raise ``Malformed`` with the place of what is not as documented."""
    if len(body) > MAX_BODY:
        raise _malformed("body", "longer than 6 MB")
    try:
        said = _MESSAGE.read(body)
    except msgspec.ValidationError as error:
        raise _malformed("json", str(error)) from None
    except _UNREADABLE:
        raise _malformed("json", "not JSON") from None
    if said.serial is not None and not said.serial.isprintable():
        raise _malformed("serial", "not printable")
    match said:
        case _Recognition():
            return PlatePush(said.serial, _recognition(said), said.id)
        case _Input():
            return InputPush(said.serial, said.number, int(said.active))
        case _Gate():
            return GatePush(said.serial, said.boom, said.locked)
        case _Result():
            return CommandReply(said.serial, said.id, "command", said.accepted, said.detail)
        case _List():
            return ListPush(said.serial, said.id, said.total, tuple((car.plate, _days(car)) for car in said.cars))
        case _:
            return Heartbeat(said.serial, said.name, state=dict(said.state), has_list=said.has_list)


def _days(car: _Car) -> Period:
    try:
        return Period(from_iso(car.since), None if car.until is None else from_iso(car.until))
    except (ValueError, OverflowError):
        raise _malformed("cars", "days as from 2026-11-22T00:00:00Z until a later one or null are wanted") from None


def _recognition(said: _Recognition) -> Recognition:
    flaws: list[str] = []
    captured_at, is_local = instant_of(said.at, flaws)
    if is_local or flaws:
        raise _malformed("at", "an instant as 2026-11-22T08:00:00.250+08:00 is wanted")
    plates = [plate for text in (said.plate, *said.others) if (plate := plate_of(text, flaws)) is not None]
    read = plate_of(said.plate, [])
    return Recognition(
        source_id=said.id,
        plate_text=read,
        other_plates=tuple(dict.fromkeys(plate for plate in plates if plate != read)),
        colour=said.colour,
        plate_kind=said.kind,
        confidence=said.confidence,
        direction=said.direction,
        trigger=said.trigger,
        captured_at=captured_at,
        offline=said.offline,
        opened_by_camera=said.opened,
        pictures=tuple(
            picture
            for kind, text in ((PictureKind.SCENE, said.pictures.scene), (PictureKind.PLATE, said.pictures.plate))
            if (picture := _picture(kind, text, flaws)) is not None
        ),
        flaws=tuple(flaws),
    )


def _picture(kind: PictureKind, text: str | None, flaws: list[str]) -> Picture | None:
    return jpeg(kind, from_base64(kind, text, flaws), flaws)


def _malformed(where: str, why: str) -> Malformed:
    return Malformed("device.malformed", where=where, why=why[:200])


# Answers


def answered(push: PlatePush, answer: Answer) -> Reply:
    """Say that the record is on disk, and whether the gate shall open for it."""
    opens = answer.opens and not push.recognition.offline
    return _reply({"id": push.mark, "open": opens} | behind(answer.serial))


def noted(push: Push | None = None, serial: tuple[SerialFrame, ...] = ()) -> Reply:
    """Say that it was taken; there is no command."""
    return _reply(behind(serial)) if serial else _IDLE


def told(kind: CommandKind) -> Reply | None:
    """Answer a heartbeat with a command, by its word. Its clock it reads from the ``Date`` field of any answer."""
    return None if kind is CommandKind.SET_TIME else _reply({"command": kind.value})


def listing(reference: str, content: Content, serial: tuple[SerialFrame, ...] = ()) -> Reply:
    """Answer a heartbeat with what becomes of the list of cars that the device lets in alone."""
    return _reply({"list": {"id": reference} | dict(content)} | behind(serial))


def behind(serial: tuple[SerialFrame, ...]) -> dict[str, object]:
    """Return frames for what hangs on the serial ports, as an answer has them; nothing for none."""
    frames = [{"port": one.port, "data": b64encode(one).decode()} for one in serial]
    return {"serial_data": frames} if frames else {}


def _reply(more: dict[str, object]) -> Reply:
    return Reply(msgspec.json.encode({"openberth": 1, "stored": True} | more))


_IDLE = _reply({})
