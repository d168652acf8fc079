"""Calls to Dahua cameras by their CGI: ``docs/devices/dahua.md``, "The gate". Pure.

The camera cannot be asked where its boom is: ``OK`` is *accepted*, and only the loop or the next car shows more.
"""

from urllib.parse import quote

from openberth.contexts.facility import CommandKind
from openberth.gateways.cameras.calls import ACCEPTED, UNSUPPORTED, Ask, Heard, Told
from openberth.gateways.cameras.days import wall_clock, zone_of
from openberth.gateways.cameras.pushes import Boom
from openberth.kernel.time import Instant

WAYS = ("strobe",)
_GATES = {
    CommandKind.OPEN: Ask("GET", "/cgi-bin/trafficSnap.cgi?action=openStrobe&channel=1&info.openType=Normal"),
    CommandKind.CLOSE: Ask("GET", "/cgi-bin/trafficSnap.cgi?action=closeStrobe&channel=1"),
}
_NOT_THERE = (404, 501)


def gate(way: str, kind: CommandKind) -> Ask | None:
    """Ask for a movement. No plate goes with it: an address is written into logs."""
    return _GATES.get(kind) if way in WAYS else None


def heard(told: Told) -> Heard:
    """Read ``OK``, or ``Error`` with its reason."""
    if told.status in _NOT_THERE:
        return UNSUPPORTED
    if told.status == 403:
        return Heard(False, detail="forbidden")
    if told.status == 200 and not told.body.strip().lower().startswith(b"error"):
        return ACCEPTED
    return Heard(False, detail="busy" if told.status == 503 else "refused")


def status(way: str) -> Ask | None:
    """Nothing tells where the boom is."""
    return None


def boom(told: Told) -> Boom:
    """Nothing tells where the boom is."""
    return Boom.UNKNOWN


def clock(at: Instant, zone: str) -> Ask | None:
    """Ask to set the clock to an instant, by the wall clock of the lot."""
    text = quote(wall_clock(at, zone_of(zone)), safe=":")
    return Ask("GET", f"/cgi-bin/global.cgi?action=setCurrentTime&time={text}")


def restart() -> Ask | None:
    """Ask to start anew."""
    return Ask("GET", "/cgi-bin/magicBox.cgi?action=reboot")
