"""The LCD and the voice of a Hikvision camera at an entrance, by ISAPI: ``docs/devices/hikvision.md``, "Its own display
and voice". Pure.

Addresses, scenes and the names of values are those of the maker's own demonstration program; the elements around them
are published nowhere and were never seen on a device. All of them stand here and nowhere else.
"""

from base64 import b64encode
from functools import lru_cache
from io import BytesIO
from typing import Any
from xml.sax.saxutils import escape

import msgspec
import segno

from openberth.contexts.facility.model.displays import Moment, Said, Saying
from openberth.gateways.cameras.calls import Ask, OwnScreen, Told
from openberth.gateways.cameras.family import JSON

LOUD_MAX = 10
SAID_MAX = 120  # characters

_MODE = "/ISAPI/Parking/channels/1/LCD?format=json"
_OWN_IT = _MODE + "&powerOffSaveEnabled=true"
_SHOW = "/ISAPI/System/LCDScreen/displayInfo?format=json"
_SAY = "/ISAPI/Parking/channels/1/voiceBroadcastInfo"
_OURS = "platform"  # "camera": it shows what it has read by itself

_WITH_PLATE, _IDLE = 1, 10
_SCENES = {
    Moment.SCAN_TO_ENTER: 2, Moment.PAY: 4, Moment.SCAN_TO_LEAVE: 5,
    Moment.IDLE_ENTRY: _IDLE, Moment.IDLE_EXIT: _IDLE, Moment.IDLE_INNER: _IDLE,
    Moment.FULL: _IDLE, Moment.CLOSED: _IDLE,
}  # fmt: skip


def mode() -> Ask:
    """Ask how the display is set up."""
    return Ask("GET", _MODE)


def taken_over(told: Told) -> Ask | None:
    """Return what was read with the display given to us; None where it is ours, or nothing says whose it is."""
    try:
        setup: Any = msgspec.json.decode(told.body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None
    holder = _holder(setup)
    if holder is None or holder["ctrlMode"] == _OURS:
        return None
    holder["ctrlMode"] = _OURS
    return Ask("PUT", _OWN_IT, msgspec.json.encode(setup), JSON)


def displayed(screen: OwnScreen) -> Ask:
    """Show lines in the scene that is made for their moment, with a code where that has one."""
    moment = None if screen.shown is None else screen.shown.moment
    scene = _WITH_PLATE if moment is None else _SCENES.get(moment, _WITH_PLATE)
    said = () if screen.shown is None else screen.shown.said
    first, rest = _divided(screen.lines, _said_of(said, Saying.PLATE))
    shown: dict[str, object] = {"sence": scene}
    if scene == _IDLE:
        words = " ".join(screen.lines)
        if screen.free is not None:
            shown["parkingLot"] = str(max(0, screen.free))
    else:
        shown["license"], words = first, " ".join(rest)
    shown |= {"notice": words, "customInfo": words}  # a scene shows the one or the other
    amount = _said_of(said, Saying.PLEASE_PAY)
    if amount:
        shown["amounts"] = amount
    if screen.qr is not None:
        shown["QRCodeBase64"] = _code(screen.qr)
    return Ask("POST", _SHOW, msgspec.json.encode({"DisplayInfo": shown}), JSON)


def voiced(screen: OwnScreen) -> Ask:
    """Say words as loud as it is to be now, 1 to 10: a mark before the words. What is in brackets would be a mark, and
    what is no text may stand in no XML: the camera would refuse all of it.
    """
    plain = "".join(each if each.isprintable() and each not in "[]" else " " for each in screen.spoken)
    words = plain[:SAID_MAX]
    loud = min(max(1, -(-screen.loud * LOUD_MAX // 100)), LOUD_MAX)
    body = (
        '<?xml version="1.0" encoding="UTF-8"?><VoiceBroadcastInfo version="2.0"'
        f' xmlns="http://www.isapi.org/ver20/XMLSchema"><TTSInfo>[v{loud}]{escape(words)}</TTSInfo></VoiceBroadcastInfo>'
    )
    return Ask("PUT", _SAY, body.encode(), "application/xml")


def _holder(setup: Any) -> dict[str, Any] | None:
    """Return the object that says whose the display is: in the document, or directly below its root."""
    if not isinstance(setup, dict):
        return None
    return next((each for each in (setup, *setup.values()) if isinstance(each, dict) and "ctrlMode" in each), None)


def _said_of(said: tuple[Said, ...], saying: Saying) -> str:
    return next((one.text for one in said if one.saying is saying), "")


def _divided(lines: tuple[str, ...], plate: str) -> tuple[str, tuple[str, ...]]:
    """Return what stands in the place of the plate, and the other lines."""
    if not plate:
        return (lines[0], lines[1:]) if lines else ("", ())
    return plate, tuple(line for line in lines if line.replace("·", "") != plate)


@lru_cache(maxsize=256)  # a lane's link is always the same
def _code(link: str) -> str:
    drawn = BytesIO()
    segno.make_qr(link, error="m").save(drawn, kind="png", scale=6, border=4)
    return b64encode(drawn.getvalue()).decode()
