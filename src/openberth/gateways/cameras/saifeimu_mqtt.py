"""Saifeimu (赛菲姆) lane terminals over MQTT: their messages to our values, and ours to their commands. Pure.

Wire format: ``docs/devices/saifeimu-mqtt.md``, read off installations: a terminal with display, voice, intercom and a
scanner for payment codes. All terminals publish to one topic and say who they are in ``deviceNo``; each is spoken to at
a topic of its own. Nothing is known of a command that moves a gate: a barrier or a camera does that at such a lane.
"""

from typing import Annotated, Any

import msgspec
from msgspec import Meta, Raw, Struct

from openberth.contexts.facility import CommandKind
from openberth.gateways.cameras.family import Answer, Screen, Sent, Way
from openberth.gateways.cameras.pushes import CommandReply, Heartbeat, OtherPush, PlatePush, Push
from openberth.gateways.mqtt.session import Topics
from openberth.infra.shapes import Shape
from openberth.kernel.errors import Malformed

SAID = "/gate/push/result"
PAGE_S = 30  # how long the display shows what it was told
_UNREADABLE = (msgspec.MsgspecError, UnicodeDecodeError, RecursionError)

Serial = Annotated[str, Meta(min_length=1, max_length=64)]


class _Terminal(Struct, rename="camel"):
    device_no: Serial
    action_name: Annotated[str, Meta(max_length=64)]
    msg_id: Annotated[str, Meta(max_length=128)] = ""
    ack: int = 0
    data: Raw = Raw(b"null")


class _Done(Struct, rename="camel"):
    result_code: int | None = None
    message: Annotated[str, Meta(max_length=256)] = ""


_TERMINAL, _DONE = Shape(_Terminal), Shape(_Done)


def topics(serial: str) -> Topics:
    """Return the topics of a terminal; the one it publishes to is everybody's, who it is stands in the message."""
    return Topics((SAID,), (f"/gate/{serial}/command",))


def listens() -> tuple[str, ...]:
    """Return the topic of all."""
    return (SAID,)


def roots(serial: str) -> tuple[str, ...]:
    """Return the one layout of topics."""
    return (f"/gate/{serial}",)


def serial_of(topic: str, payload: bytes) -> str | None:
    """Return who says something; what does not say who it is, is nobody's."""
    try:
        return _TERMINAL.read(payload).device_no if topic == SAID else None
    except _UNREADABLE:
        return None


def decode(topic: str, payload: bytes) -> Push:
    """Read one message; raise ``Malformed`` when it is none that is known."""
    try:
        return _terminal(_TERMINAL.read(payload))
    except msgspec.ValidationError as error:
        raise Malformed("device.malformed", where="json", why=str(error)[:200]) from None
    except _UNREADABLE:
        raise Malformed("device.malformed", where="json", why="not JSON") from None


def _terminal(said: _Terminal) -> Push:
    match said.action_name:
        case "version":
            return Heartbeat(said.device_no, state=_facts(said.data))
        case "setDeviceCustomDisplay" | "setQrcodeCustomDisplay":
            done = _done(said.data)
            fine = done.result_code in (None, 1, 200)
            return CommandReply(said.device_no, said.msg_id, said.action_name, fine, done.message)
    # Among them ``uploadScanReadData``: the code that a driver held to the scanner, and ``startTalking``: the intercom.
    return OtherPush(said.action_name[:40], said.device_no)


def _done(data: Raw) -> _Done:
    found: Any = msgspec.json.decode(data)
    return _DONE.convert(found) if isinstance(found, dict) else _Done()


def _facts(data: Raw) -> dict[str, str]:
    found: Any = msgspec.json.decode(data)
    return {"firmware": found[:64]} if isinstance(found, str) and found else {}


def answered(way: Way, push: PlatePush, answer: Answer) -> Sent | None:
    """Say nothing: a terminal waits for no answer."""
    return None


def told(way: Way, kind: CommandKind) -> Sent | None:
    """Return None: no command that moves a gate is known."""
    return None


def shown(way: Way, screen: Screen) -> tuple[Sent, ...]:
    """Show lines and speak, and show the code to pay with where there is one."""
    if screen.qr is not None:
        data = {"voiceText": screen.spoken, "paymentQrcode": screen.qr, "qrcodeType": 0,
                "topText": " ".join(screen.lines[:1]), "displayPageTimeout": PAGE_S}  # fmt: skip
        return (_command(way, "setQrcodeCustomDisplay", data),)
    text = "\n".join(screen.lines)
    data = {"voiceText": screen.spoken, "messageText": text, "displayPageTimeout": PAGE_S}
    return (_command(way, "setDeviceCustomDisplay", data),)


def _command(way: Way, action: str, data: dict[str, object]) -> Sent:
    content = {"msgId": way.reference, "deviceNo": way.serial, "actionName": action, "ack": 1, "data": data}
    return Sent(f"{way.root}/command", msgspec.json.encode(content))
