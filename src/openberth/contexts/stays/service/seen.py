"""A car as a use case sees it: what was recognised, where, when it counts, and what the edge answers."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field

from openberth.contexts.facility import LaneContext
from openberth.contexts.stays.model.decisions import Right
from openberth.contexts.stays.model.entities import Action, Ask, Source
from openberth.contexts.stays.model.showing import LaneNews
from openberth.contexts.stays.recognition import PlateColour
from openberth.kernel.ids import Id
from openberth.kernel.plates import Plate, PlateKind
from openberth.kernel.time import Instant


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """One car at one lane, before anything is decided. ``happened``: it has passed already.

    ``camera_opened``: the camera says that it opened by itself; without it a stored record only says who stood there.
    """

    passage: Id
    lane: LaneContext
    device: Id | None
    source: Source
    plate: Plate | None
    plate_id: Id | None
    colour: str
    confidence: int
    at: Instant
    device_at: Instant | None
    received_at: Instant
    pictures: int
    flaws: tuple[str, ...]
    camera_opened: bool = False
    told: Mapping[str, str] = field(default_factory=dict)  # what else the camera said, for whoever asks later

    @property
    def on_duty(self) -> bool:
        """Tell whether its plate is of a kind that no gate of the lot may hold up."""
        return is_on_duty(self.plate, self.colour, self.lane.rules.never_held)

    @property
    def happened(self) -> bool:
        """Tell whether the car has passed whatever is decided now."""
        return self.source in (Source.OFFLINE, Source.CAMERA)

    @property
    def plate_kind(self) -> str:
        """Return the word of the plate's kind, empty when it was not read."""
        return "" if self.plate is None else self.plate.kind.value

    @property
    def colour_seen(self) -> str | None:
        """Return the colour of the plate, None when no camera has seen it."""
        return self.colour if self.colour and self.colour != PlateColour.UNKNOWN else None

    @property
    def open_key(self) -> str:
        """Return what is unique among open stays: the lot with the plate, or with the passage of a car without one."""
        return open_key(self.lane.lot, self.plate_id or self.passage)


@dataclass(frozen=True, slots=True)
class Permission:
    """The permit a car has now: its id, what it makes of the car, and when it ends."""

    permit: Id | None
    right: Right | None
    until: Instant | None = None

    @property
    def inside(self) -> "Permission":
        """Return what it makes of a car that is inside: a blocked one that was let in all the same pays like any."""
        return Permission(None, None) if self.right is Right.BLOCKED else self


@dataclass(frozen=True, slots=True)
class LaneAnswer:
    """What the edge tells the device: whether its answer opens, and what the driver and the guard should know.

    ``opens`` is True only where the answer itself is the command; a barrier of its own is moved by its own command.
    ``repeated``: this car was decided about before. ``keep_pictures``: the pictures sent belong to ``passage``.
    ``news`` is what displays tell of it, None where they go on as they are.
    """

    passage: Id
    opens: bool
    action: Action
    reason: str
    ask: Ask
    stay: Id | None
    bill: Id | None
    repeated: bool = False
    keep_pictures: bool = True
    news: LaneNews | None = None


def open_key(lot: Id, identity: Id) -> str:
    """Return the unique key of an open stay."""
    return f"{lot.hex}:{identity.hex}"


def is_on_duty(plate: Plate | None, colour: str, never_held: Collection[str]) -> bool:
    """Tell whether a plate as it was seen is of a kind that is never held up.

    Such plates are white. A new-energy plate without its first sign has the shape of a military one, so of that
    kind a colour must have been seen.
    """
    if plate is None or plate.kind.value not in never_held:
        return False
    unseen = plate.kind is not PlateKind.MILITARY and colour in ("", PlateColour.UNKNOWN)
    return unseen or colour == PlateColour.WHITE
