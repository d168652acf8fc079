"""Numbers, words and frames that Vzenith (臻识) cameras use on all their wires. Pure. After the maker's tables."""

from base64 import b64encode
from collections.abc import Sequence
from typing import Annotated

from msgspec import Meta, Struct

from openberth.contexts.stays.recognition import Direction, PlateColour, Trigger
from openberth.gateways.cameras.family import SerialFrame
from openberth.kernel.plates import PlateKind


class InputLevel(Struct):
    """An input and its level."""

    source: Annotated[int, Meta(ge=0, le=255)]
    value: Annotated[int, Meta(ge=0, le=255)]


class InputResult(Struct, rename={"trigger": "TriggerResult"}):
    """Around a changed input."""

    trigger: InputLevel


NOT_READ = "_无_"
OPENED_BY_CAMERA = 2

COLOURS = {
    1: PlateColour.BLUE,
    2: PlateColour.YELLOW,
    3: PlateColour.WHITE,
    4: PlateColour.BLACK,
    5: PlateColour.GREEN,
    6: PlateColour.YELLOW_GREEN,
}
# The maker's table 3.2; several codes differ only by rows or colour, which other fields tell.
KINDS = {
    **dict.fromkeys((1, 2, 3, 4, 7, 23), PlateKind.ORDINARY),
    5: PlateKind.POLICE,
    **dict.fromkeys((6, 15, 16, 17), PlateKind.ARMED_POLICE),
    8: PlateKind.MILITARY,
    9: PlateKind.MILITARY,
    10: PlateKind.EMBASSY,
    11: PlateKind.HONG_KONG,
    12: PlateKind.AGRICULTURAL,
    13: PlateKind.TRAINING,
    14: PlateKind.MACAO,
    18: PlateKind.AVIATION,
    19: PlateKind.NEW_ENERGY_SMALL,
    20: PlateKind.NEW_ENERGY_LARGE,
    21: PlateKind.EMERGENCY,
    22: PlateKind.CONSULATE,
    24: PlateKind.NEW_ENERGY_SMALL,
    26: PlateKind.OTHER,
    31: PlateKind.UNLICENSED,
}
FAKE = 29
DIRECTIONS = {1: Direction.LEFT, 2: Direction.RIGHT, 3: Direction.UP, 4: Direction.DOWN}
TRIGGERS = {
    1: Trigger.VIDEO,
    2: Trigger.INPUT,
    4: Trigger.SOFTWARE,
    8: Trigger.VIRTUAL_LOOP,
    64: Trigger.STAYING,
    65: Trigger.STAYING_ENDED,
    66: Trigger.TURNED_BACK,
}


def behind(frames: Sequence[SerialFrame]) -> list[dict[str, object]]:
    """Return frames for what hangs on the serial ports, as they stand in ``serialData``."""
    return [{"serialChannel": one.port, "data": b64encode(one).decode(), "dataLen": len(one)} for one in frames]
