"""What a camera says it saw, in the house's own words: the same value whatever the camera's make. Pure.

A recognition is evidence, not truth: the plate is text as read (normalising and matching come later), the instant is
the device's own. Plate and pictures are personal data; they do not show in ``repr``.
"""

from dataclasses import dataclass, field
from enum import StrEnum

from openberth.kernel.plates import PlateKind
from openberth.kernel.time import Instant


class PlateColour(StrEnum):
    """The colour of the plate, not of the car."""

    UNKNOWN = "unknown"
    BLUE = "blue"
    YELLOW = "yellow"
    WHITE = "white"
    BLACK = "black"
    GREEN = "green"
    YELLOW_GREEN = "yellow_green"


class Direction(StrEnum):
    """Which way the car moved in the picture; ``DOWN`` comes nearer to most cameras."""

    UNKNOWN = "unknown"
    LEFT = "left"
    RIGHT = "right"
    UP = "up"
    DOWN = "down"


class Trigger(StrEnum):
    """What made the camera look, or what it reports about a car that it has seen before."""

    VIDEO = "video"
    INPUT = "input"
    SOFTWARE = "software"
    VIRTUAL_LOOP = "virtual_loop"
    STAYING = "staying"
    STAYING_ENDED = "staying_ended"
    TURNED_BACK = "turned_back"
    TAILGATING = "tailgating"  # it went through on the opening of the car before it
    OTHER = "other"


class PictureKind(StrEnum):
    """What a picture shows."""

    SCENE = "scene"
    PLATE = "plate"


@dataclass(frozen=True, slots=True)
class Picture:
    """One JPEG picture."""

    kind: PictureKind
    jpeg: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class Recognition:
    """One recognition of one camera.

    ``source_id`` is the camera's own stable name of the record: the same record sent again has the same one.
    ``plate_text`` is the first reading, None when the camera read nothing; ``other_plates`` are further plates in the
    same picture. ``plate_kind`` is what the camera takes the plate for, None when it cannot tell. ``confidence`` is 0
    to 100. ``offline`` marks a record stored while the camera had no connection, ``opened_by_camera`` one for which it
    opened by its own list. ``flaws`` name what was unusable, e.g. ``scene.not_jpeg`` or ``clock``.
    """

    source_id: str
    plate_text: str | None = field(repr=False)
    other_plates: tuple[str, ...] = field(repr=False)
    colour: PlateColour
    plate_kind: PlateKind | None
    confidence: int
    direction: Direction
    trigger: Trigger
    captured_at: Instant
    offline: bool
    opened_by_camera: bool
    pictures: tuple[Picture, ...]
    flaws: tuple[str, ...]
