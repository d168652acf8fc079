"""Huaxia (华夏) cameras, "HTTP POST" mode 5: from their forms to our values, and the answers they act on. Pure.

Wire format: ``docs/devices/huaxia-http.md``, after the maker's "HTTP POST 功能模式 5 说明" V1.12 (2024-01,
https://blog.sdlinka.com/4550.html). Fields not named there are ignored. A record has no number of its own: the second
it was made in and four characters of what was read name it, so the same record sent again, live or stored, is known.
"""

from collections.abc import Mapping
from urllib.parse import unquote_to_bytes

import msgspec

from openberth.contexts.facility import CommandKind
from openberth.contexts.stays.recognition import Direction, Picture, PictureKind, Recognition, Trigger
from openberth.gateways.cameras.family import Answer, Content, Reply, SerialFrame
from openberth.gateways.cameras.pictures import from_base64, jpeg
from openberth.gateways.cameras.pushes import Heartbeat, OtherPush, PlatePush, Push
from openberth.gateways.cameras.wording import chinese, colour_of, percent_of, plate_of, record_name, second_of
from openberth.kernel.errors import Malformed

MAX_BODY = 6 * 1024 * 1024
CONFIRMS = False
_MAX_FIELDS = 64
_MAX_NAME = 40
_MAX_SHORT = 600  # of a field that is no picture, as it was sent
_MAX_SERIAL = 64
_PICTURES = {"picture": PictureKind.SCENE, "closeup_pic": PictureKind.PLATE}
_TRIGGERS = {"video": Trigger.VIDEO, "hwtriger": Trigger.INPUT, "swtriger": Trigger.SOFTWARE}
# A plus sign, a slash and an equals sign mean something else in a form.
_AS_BASE64 = bytes.maketrans(b"-_.", b"+/=")


def decode(body: bytes, content_type: str = "", path: str = "") -> Push:
    """Read one body; raise ``Malformed`` when it is none of those a camera sends, or longer than 6 MB."""
    if len(body) > MAX_BODY:
        raise _malformed("body", "longer than 6 MB")
    fields = _fields(body)
    kind = chinese(fields.get("type", b"")).strip().lower()
    serial = chinese(fields.get("cam_id", b"")).strip() or None
    if serial is not None and (len(serial) > _MAX_SERIAL or not serial.isprintable()):
        raise _malformed("cam_id", "longer than 64 characters")
    if kind in ("online", "offline"):
        return PlatePush(serial, _recognition(fields, offline=kind == "offline"))
    if kind == "heartbeat":
        return Heartbeat(serial, address=chinese(fields.get("cam_ip", b""))[:_MAX_SERIAL])
    if not kind or not kind.isascii() or not kind.replace("_", "").isalnum() or len(kind) > _MAX_NAME:
        raise _malformed("type", "none of those a camera sends")
    return OtherPush(kind, serial)


def _fields(body: bytes) -> Mapping[str, bytes]:
    """Return the fields of a form, the last of each name; names are ASCII, values what the bytes behind %XX are."""
    fields: dict[str, bytes] = {}
    pairs = body.strip().split(b"&", _MAX_FIELDS)
    if len(pairs) > _MAX_FIELDS:
        raise _malformed("form", "more than 64 fields")
    for pair in pairs:
        name, _, value = pair.partition(b"=")
        if len(name) > _MAX_NAME or not name.isascii():
            raise _malformed("form", "a name that no field has")
        word = name.decode()
        if word not in _PICTURES and len(value) > _MAX_SHORT:
            raise _malformed("form", "a field is too long")
        plain = value.replace(b"+", b" ")
        fields[word] = unquote_to_bytes(plain) if b"%" in plain else plain
    if "type" not in fields:
        raise _malformed("form", "no field says what it is")
    return fields


def _recognition(fields: Mapping[str, bytes], *, offline: bool) -> Recognition:
    flaws: list[str] = []

    def said(name: str) -> str:
        return chinese(fields.get(name, b"")).strip()

    plate = plate_of(said("plate_num"), flaws)
    if plate is not None and said("plate_val").lower() == "false":
        flaws.append("plate.fake")
    captured_at = second_of(said("start_time"), flaws)
    pictures = tuple(picture for name, kind in _PICTURES.items() if (picture := _picture(fields, name, kind, flaws)))
    trigger = said("triger_type").lower()
    return Recognition(
        source_id=record_name(captured_at, said("plate_num"), trigger, pictures=pictures),
        plate_text=plate,
        other_plates=(),
        colour=colour_of(said("plate_color")),
        plate_kind=None,
        confidence=percent_of(said("confidence"), flaws),
        direction=Direction.UNKNOWN,  # in and out are the lane's, not the picture's
        trigger=_TRIGGERS.get(trigger, Trigger.OTHER),
        captured_at=captured_at,
        offline=offline,
        opened_by_camera=offline and said("is_whitelist").lower() == "true",
        pictures=pictures,
        flaws=tuple(flaws),
    )


def _picture(fields: Mapping[str, bytes], name: str, kind: PictureKind, flaws: list[str]) -> Picture | None:
    text = fields.get(name, b"").translate(_AS_BASE64)
    return jpeg(kind, from_base64(kind, text.decode("latin-1"), flaws), flaws)


def _malformed(where: str, why: str) -> Malformed:
    return Malformed("device.malformed", where=where, why=why)


# Answers

_DONE = {"error_num": 0, "error_str": "noerror"}
_OPEN = [{"ionum": "io1", "action": "on"}]
_CLOSE = [{"ionum": "io2", "action": "on"}]


def answered(push: PlatePush, answer: Answer) -> Reply:
    """Open or not for this recognition; with the answer the camera takes its record for delivered."""
    opens = answer.opens and not push.recognition.offline
    return _reply(({"gpio_data": _OPEN} if opens else {}) | _behind(answer.serial))


def noted(push: Push | None = None, serial: tuple[SerialFrame, ...] = ()) -> Reply:
    """Answer a heartbeat, or a push that is only noted, without a command."""
    return _reply(_behind(serial)) if serial else _IDLE


def told(kind: CommandKind) -> Reply | None:
    """Answer a heartbeat with a command: the first output opens, the second one closes."""
    return _TOLD.get(kind)


def listing(reference: str, content: Content, serial: tuple[SerialFrame, ...] = ()) -> Reply:
    """Answer a heartbeat with what becomes of the list of cars that the camera lets in alone; it never says so."""
    return _reply(dict(content) | _behind(serial))


def _behind(serial: tuple[SerialFrame, ...]) -> dict[str, object]:
    if not serial:
        return {}
    return {"rs485_data": [{"encodetype": "hex2string", "data": one.hex().upper()} for one in serial]}


def _reply(more: Mapping[str, object]) -> Reply:
    return Reply(msgspec.json.encode(_DONE | dict(more)))


_IDLE = _reply({})
_TOLD = {CommandKind.OPEN: _reply({"gpio_data": _OPEN}), CommandKind.CLOSE: _reply({"gpio_data": _CLOSE})}
