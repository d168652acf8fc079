"""Cameras that look at spaces and post what they see: our own documented JSON, for makes that can be told what to post.

Wire format: ``docs/devices/space-sensors.md``; the numbers of events are those of common space cameras: 0 no car, 1
car, 2 leaving, 3 arriving, 4 fault, 5 over the line, 6 over the line no more. Who arrives takes the space at once, who
leaves frees it only when it is seen empty: nobody is sent to a space that is not free. Pure.
"""

from dataclasses import dataclass

import msgspec
from msgspec import Struct

from openberth.contexts.facility import Reading
from openberth.contexts.facility.model.sensing import CONFIDENCE_MAX
from openberth.infra.shapes import Shape
from openberth.kernel.errors import Malformed
from openberth.kernel.time import Instant, from_iso

BODY_MAX = 64 * 1_024
_SPOTS_MAX = 64
NO_CAR, CAR, LEAVING, ARRIVING, FAULT, OVER_LINE, OVER_LINE_ENDED = range(7)
_OCCUPIED = {NO_CAR: False, CAR: True, ARRIVING: True}
_OVER = {NO_CAR: False, OVER_LINE: True, OVER_LINE_ENDED: False}


class _Spot(Struct):
    spot: int | str
    event: int
    confidence: int = CONFIDENCE_MAX


class _Body(Struct):
    spaces: list[_Spot]
    id: str | None = None
    serial: str | None = None
    time: str | None = None
    full: bool = False


@dataclass(frozen=True, slots=True)
class Seen:
    """What a camera saw. ``key`` is its own id of the message, None where it has none: such are taken as often as they
    come.
    """

    key: str | None
    serial: str | None
    readings: tuple[Reading, ...]


_BODY = Shape(_Body)


def decode(body: bytes) -> Seen:
    """Read one body. Raises ``Malformed("device.malformed", …)``."""
    try:
        said = _BODY.read(body)
        # A full state is of now, whatever the camera's clock says; a change may come late.
        at = None if said.time is None or said.full else from_iso(said.time)
    except (msgspec.DecodeError, UnicodeDecodeError, ValueError) as error:
        raise Malformed("device.malformed", where="body", why=str(error)[:200]) from None
    if len(said.spaces) > _SPOTS_MAX or not 0 < len(said.id or "-") <= _SPOTS_MAX:
        raise Malformed("device.malformed", where="spaces", why=f"{_SPOTS_MAX} spaces are the most")
    return Seen(said.id, said.serial, tuple(_reading(each, at) for each in said.spaces))


def _reading(said: _Spot, at: Instant | None) -> Reading:
    if not NO_CAR <= said.event <= OVER_LINE_ENDED:
        raise Malformed("device.malformed", where="event", why="0 to 6 are expected")
    raw = {"event": said.event, "confidence": said.confidence}
    fault = "camera" if said.event == FAULT else None
    confidence = max(0, min(CONFIDENCE_MAX, said.confidence))
    return Reading(
        str(said.spot)[:64], _OCCUPIED.get(said.event), raw, confidence, fault=fault,
        over_line=_OVER.get(said.event), at=at,
    )  # fmt: skip
