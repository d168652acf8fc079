"""Calls to Hikvision cameras by ISAPI: ``docs/devices/hikvision.md``, "The gate". Pure.

200 with ``statusCode`` 1 is *accepted*: a locked gate says the same and does not move, so ``barrierGateStatus`` tells.
"""

import msgspec

from openberth.contexts.facility import CommandKind
from openberth.gateways.cameras.calls import ACCEPTED, UNSUPPORTED, Ask, Heard, Told
from openberth.gateways.cameras.days import zone_of
from openberth.gateways.cameras.pushes import Boom
from openberth.gateways.cameras.xmltree import read_xml
from openberth.infra.shapes import Shape
from openberth.kernel.errors import Malformed
from openberth.kernel.time import Instant, as_datetime

WAYS = ("parking", "entrance", "traffic", "barrier")
_XML = "application/xml"
_HEAD = '<?xml version="1.0" encoding="UTF-8"?>'
_TARGETS = {
    "parking": "/ISAPI/Parking/channels/1/barrierGate",
    "entrance": "/ISAPI/ITC/Entrance/barrierGateCtrl",
    "traffic": "/ISAPI/Traffic/channels/1/entranceAndExit/barrierGate/1/control",
    "barrier": "/ISAPI/Traffic/channels/1/barrierControl",
}
# The fallback that is no gate: an output, and what hangs there nobody knows. Only where the lot file says so.
_OUTPUT = Ask(
    "PUT",
    "/ISAPI/System/IO/outputs/1/trigger",
    f"{_HEAD}<IOPortData><outputState>high</outputState></IOPortData>".encode(),
    _XML,
)
_MODES = {
    CommandKind.OPEN: "open",
    CommandKind.CLOSE: "close",
    CommandKind.STOP: "stop",
    CommandKind.UNLOCK: "unlock",
}
_STATUS = Ask("GET", "/ISAPI/Parking/channels/1/barrierGate/barrierGateStatus")
_BOOMS = {"1": Boom.CLOSED, "2": Boom.OPEN}


class _Status(msgspec.Struct):
    """What an address with ``format=json`` answers."""

    statusCode: int | str | None = None  # noqa: N815 - as the camera writes it
    subStatusCode: str = ""  # noqa: N815


_SAID_STATUS = Shape(_Status)


_OK = "1"
_BUSY = "2"
_NOT_SUPPORTED = "4"


def gate(way: str, kind: CommandKind) -> Ask | None:
    """Ask for a movement; an output can only open, and none of the ways can open and stay so in one request."""
    if way == "output":
        return _OUTPUT if kind is CommandKind.OPEN else None
    mode, target = _MODES.get(kind), _TARGETS.get(way)
    if mode is None or target is None:
        return None
    return Ask("PUT", target, f"{_HEAD}<BarrierGate><ctrlMode>{mode}</ctrlMode></BarrierGate>".encode(), _XML)


def heard(told: Told) -> Heard:
    """Read a ``ResponseStatus``, in XML or JSON; without one the status of HTTP is all there is."""
    code, sub = _status_of(told.body)
    if told.status == 404 or (code == _NOT_SUPPORTED and (not sub or "notsupport" in sub.lower())):
        return UNSUPPORTED
    if told.status == 200 and code in (_OK, None):
        return ACCEPTED
    if told.status == 403:
        return Heard(False, detail="forbidden")
    return Heard(False, detail="busy" if code == _BUSY or told.status == 503 else "refused")


def status(way: str) -> Ask | None:
    """Ask where the boom is, whatever way moves it; an output has none."""
    return None if way == "output" else _STATUS


def boom(told: Told) -> Boom:
    """Read ``barrierGateStatus``: 0 no signal, 1 closed, 2 open."""
    if told.status != 200:
        return Boom.UNKNOWN
    try:
        root = read_xml(told.body)
    except Malformed:
        return Boom.UNKNOWN
    said = root.text.strip() if root.name == "barrierGateStatus" else root.said("barrierGateStatus")
    return _BOOMS.get(said or "", Boom.UNKNOWN)


def clock(at: Instant, zone: str) -> Ask | None:
    """Ask to set the clock to an instant, said in the lot's zone."""
    text = as_datetime(at, zone_of(zone)).isoformat(timespec="seconds")
    body = f"{_HEAD}<Time><timeMode>manual</timeMode><localTime>{text}</localTime></Time>"
    return Ask("PUT", "/ISAPI/System/time", body.encode(), _XML)


def restart() -> Ask | None:
    """Ask to start anew."""
    return Ask("PUT", "/ISAPI/System/reboot")


def _status_of(body: bytes) -> tuple[str | None, str]:
    plain = body.strip()
    if not plain:
        return None, ""
    if plain.startswith(b"{"):
        return _json_status_of(plain)
    try:
        root = read_xml(plain)
    except Malformed:
        return None, ""
    return root.said("statusCode"), root.said("subStatusCode") or ""


def _json_status_of(body: bytes) -> tuple[str | None, str]:
    try:
        said = _SAID_STATUS.read(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None, ""
    return None if said.statusCode is None else str(said.statusCode), said.subStatusCode
