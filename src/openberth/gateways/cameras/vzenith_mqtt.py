"""Vzenith (臻识) cameras that speak over MQTT: their messages to our values, and ours to their commands. Pure.

Wire format: ``docs/devices/vzenith-mqtt.md``, after the maker's "车牌识别一体机 MQTT 对接协议" V1.1.14 (2025-03,
https://blog.sdlinka.com/3227.html, https://open.vzicloud.com). Two layouts of topics stand side by side, and texts are
base64 of UTF-8. A camera says a car twice: quickly without pictures, and whole; each is a recognition of its own name,
so that the second one brings its pictures to what was decided by the first.
"""

from base64 import b64decode, b64encode
from collections.abc import Sequence
from typing import TypeVar

import msgspec
from msgspec import UNSET

from openberth.contexts.facility import CommandKind
from openberth.contexts.stays.recognition import (
    Direction,
    Picture,
    PictureKind,
    PlateColour,
    Recognition,
    Trigger,
)
from openberth.gateways.cameras.family import Answer, Content, Screen, Sent, SerialFrame, Way
from openberth.gateways.cameras.pictures import from_base64, jpeg
from openberth.gateways.cameras.pushes import (
    Boom,
    CommandReply,
    GatePush,
    Heartbeat,
    InputPush,
    OtherPush,
    PlatePush,
    Push,
)
from openberth.gateways.cameras.vzenith_mqtt_messages import (
    Alarms,
    Gate,
    Inner,
    Inputs,
    Lane,
    LanePlate,
    LaneResult,
    Message,
    Plate,
    Stamp,
)
from openberth.gateways.cameras.vzenith_values import (
    COLOURS,
    DIRECTIONS,
    FAKE,
    KINDS,
    NOT_READ,
    OPENED_BY_CAMERA,
    TRIGGERS,
    behind,
)
from openberth.gateways.cameras.wording import MAX_SECOND, colour_of, plate_of
from openberth.gateways.mqtt.session import Topics
from openberth.infra.shapes import Shape
from openberth.kernel.errors import Malformed
from openberth.kernel.time import SECOND_US, Instant

T = TypeVar("T")

OPEN_MS, CLOSE_MS = 1_500, 3_000  # how long the maker recommends to hold the relays
LOOP_INPUT = 1
_UNREADABLE = (msgspec.MsgspecError, UnicodeDecodeError, RecursionError)
_MAX_PLATES = 8

# What a lane controller tells besides plates (the events that are cars; people and bicycles are only noted).
_STAYING, _PASSED, _TURNED_BACK, _FOLLOWED = 82, 83, 84, 85
_EVENTS = {_STAYING: Trigger.STAYING, _TURNED_BACK: Trigger.TURNED_BACK, _FOLLOWED: Trigger.TAILGATING}
_ARRIVALS = frozenset({Trigger.VIDEO, Trigger.INPUT, Trigger.SOFTWARE, Trigger.VIRTUAL_LOOP})
_OTHERS = {
    73: "people_gone", 81: "people_staying", 96: "people_crowding", 97: "people_crowding_ended",
    112: "bicycle_staying", 113: "bicycle_gone",
}  # fmt: skip
# The maker's page names the field and not its numbers: only words prove anything, numbers are kept to be looked at.
_BOOMS = {"open": Boom.OPEN, "opened": Boom.OPEN, "close": Boom.CLOSED, "closed": Boom.CLOSED}

_MESSAGE, _INNER = Shape(Message), Shape(Inner)
_ALARMS, _INPUTS = Shape(Alarms), Shape(Inputs)
_GATE, _LANE = Shape(Gate), Shape(Lane)


# topics


def topics(serial: str) -> Topics:
    """Return what the camera of this serial may publish to and subscribe to."""
    return Topics(
        tuple(f"{root}/{rest}" for root in roots(serial) for rest in ("up/#", "down/+/reply")),
        tuple(f"{root}/down/#" for root in roots(serial)),
    )


def listens() -> tuple[str, ...]:
    """Return the filters by which all cameras of the make are heard at an outside broker."""
    return (
        "device/+/message/up/#", "device/+/message/down/+/reply", "+/device/message/up/#",
        "+/device/message/down/+/reply",
    )  # fmt: skip


def roots(serial: str) -> tuple[str, ...]:
    """Return the two layouts of topics, the maker's present one first."""
    return f"device/{serial}/message", f"{serial}/device/message"


def serial_of(topic: str, payload: bytes) -> str | None:
    """Return the serial that stands in the topic."""
    levels = topic.split("/")
    if len(levels) < 5 or levels[2] != "message" or levels[3] not in ("up", "down"):
        return None
    if levels[0] == "device":
        return levels[1]
    return levels[0] if levels[1] == "device" else None


# up


def decode(topic: str, payload: bytes) -> Push:
    """Read one message; raise ``Malformed`` when it is none of those a camera sends."""
    levels = topic.split("/")
    if len(levels) not in (5, 6):
        raise _malformed("topic", "no message of this make")
    try:
        message = _MESSAGE.read(payload)
        serial = message.sn or None
        if len(levels) == 6:
            return CommandReply(
                serial, message.id, levels[4], message.code == 200, f"{message.code} {message.msg}".strip()
            )
        return _push(levels[4], message, serial)
    except msgspec.ValidationError as error:
        raise _malformed("json", str(error)) from None
    except _UNREADABLE:
        raise _malformed("json", "not JSON") from None


def _push(name: str, message: Message, serial: str | None) -> Push:
    match name:
        case "ivs_result" | "quick_ivs_result":
            plate = _of(message, _ALARMS).alarm.result.plate
            return _recognised(serial, plate, quick=name == "quick_ivs_result")
        case "keep_alive":
            return Heartbeat(serial, state={} if message.bv is None else {"firmware": str(message.bv)})
        case "gpio_in":
            trigger = _of(message, _INPUTS).alarm.result.trigger
            return InputPush(serial, trigger.source + 1, min(trigger.value, 1))
        case "barr_gate_status":
            return _gate(serial, _of(message, _GATE))
        case "lanectrl_result":
            return _lane(serial, message, _of(message, _LANE))
    return OtherPush(name[:40], serial)


def _of(message: Message, wanted: Shape[T]) -> T:
    """Read the payload, or its body where the camera wraps it."""
    body = _INNER.read(message.payload).body
    return wanted.read(message.payload if body is UNSET else body)


def _recognised(serial: str | None, plate: Plate, *, quick: bool) -> Push:
    flaws: list[str] = []
    plates = _plates(_plain(plate.license), flaws)
    trigger = TRIGGERS.get(plate.trigger, Trigger.OTHER)
    if quick and (not plates or plate.offline or trigger not in _ARRIVALS):
        return OtherPush("quick_ivs_result", serial)  # nothing to decide about: the whole result says more
    captured_at = _captured_at(plate.stamp, flaws)
    if plate.kind == FAKE:
        flaws.append("plate.fake")
    name = plate.record_uuid or f"{plate.plate_id}-{captured_at // SECOND_US}"
    pictures = (
        _picture(PictureKind.SCENE, plate.scene, flaws), _picture(PictureKind.PLATE, plate.cutout, flaws)
    )  # fmt: skip
    if not quick and pictures[0] is None and plate.scene_path and "scene.not_jpeg" not in flaws:
        flaws.append("scene.elsewhere")  # the camera keeps it at its maker's, and we fetch nothing from others
    seen = Recognition(
        source_id=f"{name}-quick" if quick else name,
        plate_text=plates[0] if plates else None,
        other_plates=plates[1:],
        colour=COLOURS.get(plate.colour, PlateColour.UNKNOWN),
        plate_kind=KINDS.get(plate.kind),
        confidence=min(max(plate.confidence, 0), 100),
        direction=DIRECTIONS.get(plate.direction, Direction.UNKNOWN),
        trigger=trigger,
        captured_at=captured_at,
        offline=plate.offline != 0,
        opened_by_camera=any(output.ctrltype == OPENED_BY_CAMERA for output in plate.outputs),
        pictures=tuple(picture for picture in pictures if picture is not None),
        flaws=tuple(flaws),
    )
    return PlatePush(serial, seen, plate.plate_id)


def _gate(serial: str | None, gate: Gate) -> Push:
    word = str(gate.gate_status).lower()
    if word in _BOOMS:
        return GatePush(serial, _BOOMS[word])
    said = {"gate_status": gate.gate_status, "connect_status": gate.connect_status, "enable": gate.enable}
    return Heartbeat(serial, state={name: str(value)[:32] for name, value in said.items() if value is not None})


def _lane(serial: str | None, message: Message, lane: Lane) -> Push:
    """Read what a lane controller tells: a car that crossed is what the loop behind the gate would have told."""
    if lane.event_type == _PASSED:
        return OtherPush("passed_offline", serial) if lane.isoffline else InputPush(serial, LOOP_INPUT, 1)
    trigger = _EVENTS.get(lane.event_type)
    if trigger is None:
        return OtherPush(_OTHERS.get(lane.event_type, "lane_event"), serial)
    flaws: list[str] = []
    first = lane.result[0] if lane.result else LaneResult()
    read = first.plate_result or LanePlate()
    plates = _plates(_plain(read.license), flaws)
    captured_at = _instant(message.timestamp, flaws)
    picture = _picture(
        PictureKind.SCENE, None if first.full_image is None else first.full_image.full_image_content, flaws
    )
    seen = Recognition(
        source_id=f"lane-{lane.event_type}-{lane.result_id or message.id}-{captured_at // SECOND_US}",
        plate_text=plates[0] if plates else None,
        other_plates=plates[1:],
        colour=colour_of(_plain(read.color_type)),
        plate_kind=None,
        confidence=0,
        direction=Direction.UNKNOWN,
        trigger=trigger,
        captured_at=captured_at,
        offline=lane.isoffline != 0,
        opened_by_camera=False,
        pictures=() if picture is None else (picture,),
        flaws=tuple(flaws),
    )
    return PlatePush(serial, seen, 0)


def _plain(text: str | None) -> str:
    """Return a text that is base64 of UTF-8, or on some firmware just a text."""
    if not text:
        return ""
    try:
        plain = b64decode(text, validate=True).decode("utf-8")
    except (ValueError, UnicodeDecodeError):
        return text
    return plain if plain.isprintable() else text


def _plates(text: str, flaws: list[str]) -> tuple[str, ...]:
    found: list[str] = []
    for part in text.split("|")[:_MAX_PLATES]:
        plate = None if part.strip() == NOT_READ else plate_of(part, flaws)
        if plate is not None and plate not in found:
            found.append(plate)
    return tuple(found)


def _captured_at(stamp: Stamp | None, flaws: list[str]) -> Instant:
    time = stamp.timeval if stamp is not None else None
    if time is None:
        return _instant(0, flaws)
    at = _instant(time.sec, flaws)
    return Instant(at + time.usec) if at and 0 <= time.usec < SECOND_US else at


def _instant(second: int, flaws: list[str]) -> Instant:
    if not 0 < second < MAX_SECOND:
        flaws.append("clock")
        return Instant(0)
    return Instant(second * SECOND_US)


def _picture(kind: PictureKind, text: str | None, flaws: list[str]) -> Picture | None:
    return jpeg(kind, from_base64(kind, text, flaws), flaws)


def _malformed(where: str, why: str) -> Malformed:
    return Malformed("device.malformed", where=where, why=why[:200])


# down


def answered(way: Way, push: PlatePush, answer: Answer) -> Sent | None:
    """Send what the displays behind the camera show; the camera itself waits for no answer."""
    return _behind(way, answer.serial)


def told(way: Way, kind: CommandKind) -> Sent | None:
    """Move the gate by the camera's relays: the first one opens, the second one closes."""
    match kind:
        case CommandKind.OPEN:
            return command(way, "gpio_out", {"delay": OPEN_MS, "io": 0, "value": 2})
        case CommandKind.CLOSE:
            return command(way, "gpio_out", {"delay": CLOSE_MS, "io": 1, "value": 2})
        case CommandKind.LOCK_OPEN:
            return command(way, "set_io_lock_status", {"ioout": 0, "status": 1})
        case CommandKind.UNLOCK:
            return command(way, "set_io_lock_status", {"ioout": 0, "status": 0})
        case CommandKind.SET_TIME:
            return command(way, "set_time", {"timestamp": way.now // SECOND_US})
    return None


def opened_directly(way: Way) -> Sent:
    """Open by ``gate_direct_open``, which needs no wiring of relays and firmware of V1.1.14 or later."""
    return command(way, "gate_direct_open", {})


def shown(way: Way, screen: Screen) -> tuple[Sent, ...]:
    """Show and speak through the serial port; without frames the camera speaks by itself."""
    sent = _behind(way, screen.frames)
    if sent is None and screen.spoken:
        sent = spoken(way, screen.spoken)
    return () if sent is None else (sent,)


def spoken(way: Way, text: str) -> Sent:
    """Let the camera's own voice say a text."""
    return command(way, "tts_voice", {"type": "ps_voice_play", "voice": b64encode(text.encode()).decode()})


def listing(way: Way, content: Content) -> Sent:
    """Tell the camera of the cars that it lets in alone."""
    return command(way, "white_list_operator", content)


def _behind(way: Way, frames: Sequence[SerialFrame]) -> Sent | None:
    if not frames:
        return None
    return command(way, "serial_data", {"serialData": behind(frames), "interval": 0})


def command(way: Way, name: str, body: Content) -> Sent:
    """Return a message down, in the envelope that all of them have."""
    content = {
        "id": way.reference, "sn": way.serial, "name": name, "version": "1.0", "timestamp": way.now // SECOND_US,
        "payload": {"type": name, "body": body},
    }  # fmt: skip
    return Sent(f"{way.root}/down/{name}", msgspec.json.encode(content))
