"""Hikvision (海康威视) cameras that push ISAPI events over HTTP: from their bodies to our values. Pure.

Wire format: ``docs/devices/hikvision.md``, after the maker's ISAPI (ANPR events by "ISAPI Listening"). Events come in
three namespaces and, through a recorder, with prefixes: elements are found by their local names. Only recognitions
mean something; every other event is noted, so that its firmware stops sending it. Gates: ``hikvision_calling``.
"""

from openberth.contexts.facility import CommandKind
from openberth.contexts.stays.recognition import Direction, Picture, PictureKind, PlateColour, Recognition, Trigger
from openberth.gateways.cameras.family import Answer, Reply, SerialFrame
from openberth.gateways.cameras.parts import FormPart, read_parts
from openberth.gateways.cameras.pictures import jpeg
from openberth.gateways.cameras.pushes import Heartbeat, OtherPush, PlatePush, Push
from openberth.gateways.cameras.wording import colour_of, instant_of, percent_of, plate_of, record_name
from openberth.gateways.cameras.xmltree import Element, malformed, read_xml

MAX_BODY = 6 * 1024 * 1024
_ROOT = "EventNotificationAlert"
_MAX_SERIAL = 64
_MAX_UUID = 64
_JPEG = b"\xff\xd8"
_DIRECTIONS = {"forward": Direction.DOWN, "reverse": Direction.UP}
_LIVE = frozenset({"", "0", "realtime"})
_XML = "application/xml"


def decode(body: bytes, content_type: str = "", path: str = "") -> Push:
    """Read one body; raise ``Malformed`` when it holds no event, or is longer than 6 MB."""
    if len(body) > MAX_BODY:
        raise malformed("longer than 6 MB")
    if body[:64].lstrip(b"\xef\xbb\xbf \t\r\n")[:1] == b"<":
        return _event(read_xml(body.lstrip(b" \t\r\n")), [])
    parts = read_parts(body, content_type)
    told = next((part for part in parts if _is_event(part)), None)
    if told is None:
        raise malformed("no part is an event")
    return _event(read_xml(told.data.strip()), [part for part in parts if part is not told])


def _is_event(part: FormPart) -> bool:
    named = f"{part.name} {part.filename}".lower()
    return "xml" in named or part.data[:64].lstrip(b"\xef\xbb\xbf \t\r\n")[:1] == b"<"


def _event(root: Element, pictures: list[FormPart]) -> Push:
    if root.name != _ROOT:
        raise malformed("not an event")
    serial = _serial(root)
    kind = (root.own("eventType") or "").strip()
    anpr = root.first("ANPR")
    if kind.upper() == "ANPR" or (not kind and anpr is not None):
        return _seen(root, anpr if anpr is not None else root, serial, pictures)
    # A lost picture that is not lost is how most of this firmware says that it lives.
    word = kind.lower()
    if word == "heartbeat" or (word == "videoloss" and (root.own("eventState") or "").lower() == "inactive"):
        return Heartbeat(serial, _short(root.own("channelName")), _short(root.own("ipAddress")))
    return OtherPush(word if word.isalnum() and word.isascii() and len(word) <= _MAX_SERIAL else "event", serial)


def _serial(root: Element) -> str | None:
    """Return what the camera calls itself: its device id where somebody gave it one, its hardware address otherwise."""
    for name in ("deviceID", "macAddress"):
        said = root.own(name)
        if said and len(said) <= _MAX_SERIAL and said.isprintable():
            return said
    return None


def _seen(root: Element, anpr: Element, serial: str | None, parts: list[FormPart]) -> PlatePush:
    flaws: list[str] = []
    captured_at, is_local = instant_of(root.own("dateTime"), flaws)
    read = anpr.said("licensePlate")
    plate = plate_of(read, flaws)
    pictures = _pictures(parts, flaws)
    uuid = root.own("UUID") or root.said("UUID") or ""
    known = uuid if 8 <= len(uuid) <= _MAX_UUID and uuid.isascii() and uuid.isprintable() else None
    live = (anpr.said("alarmDataType") or "").lower() in _LIVE
    colour = colour_of(anpr.said("plateColor"))
    if colour is PlateColour.UNKNOWN and read and plate != read:
        colour = colour_of(read[:1])
    return PlatePush(
        serial,
        Recognition(
            source_id=known or record_name(captured_at, read, anpr.said("line"), pictures=pictures),
            plate_text=plate,
            other_plates=(),
            colour=colour,
            plate_kind=None,
            confidence=percent_of(anpr.said("confidenceLevel"), flaws),
            direction=_DIRECTIONS.get((anpr.said("direction") or "").lower(), Direction.UNKNOWN),
            trigger=Trigger.VIDEO,
            captured_at=captured_at,
            offline=not live,
            opened_by_camera=not live and (anpr.said("listType") or "").lower().startswith("white"),
            pictures=pictures,
            flaws=tuple(flaws),
        ),
        known or "",
        wall_clock=is_local,
    )


def _pictures(parts: list[FormPart], flaws: list[str]) -> tuple[Picture, ...]:
    """Return the first picture of each kind, by what the parts are called; their types say nothing."""
    found: dict[PictureKind, Picture] = {}
    for part in parts:
        named = f"{part.name} {part.filename}".lower()
        kind = PictureKind.PLATE if "licenseplate" in named.replace("_", "") else PictureKind.SCENE
        if kind in found or (not part.data.startswith(_JPEG) and "pic" not in named and ".jpg" not in named):
            continue
        picture = jpeg(kind, part.data, flaws)
        if picture is not None:
            found[kind] = picture
    return tuple(found[kind] for kind in PictureKind if kind in found)


def _short(text: str | None) -> str:
    return (text or "")[:_MAX_SERIAL]


# Answers: always that it was taken. What opens is our own call.

_TAKEN = Reply(
    b'<?xml version="1.0" encoding="UTF-8"?>\r\n<ResponseStatus version="2.0"><statusCode>1</statusCode>'
    b"<statusString>OK</statusString><subStatusCode>ok</subStatusCode></ResponseStatus>\r\n",
    _XML,
)


def answered(push: PlatePush, answer: Answer) -> Reply:
    """Say that the record is on disk; any other answer makes some firmware send it for ever."""
    return _TAKEN


def noted(push: Push | None = None, serial: tuple[SerialFrame, ...] = ()) -> Reply:
    """Say that the event was taken."""
    return _TAKEN


def told(kind: CommandKind) -> Reply | None:
    """Nothing rides on an answer to this make."""
    return None
