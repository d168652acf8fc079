"""How what a lane shows reaches a device that has a connection of its own."""

from dataclasses import dataclass
from typing import Protocol

from openberth.contexts.facility.model.displays import Shown
from openberth.contexts.facility.reactions import DeviceEntry
from openberth.gateways.cameras.family import SerialFrame


@dataclass(frozen=True, slots=True)
class Showing:
    """What the display of a lane shows from now on, in words and as frames.

    ``lines`` stand from the top; ``qr`` is what a code on the display says; ``spoken`` is said once, empty for nothing.
    ``frames`` say all of it to a display behind a serial port; a device that draws the lines itself has none. A device
    with scenes of its own goes by ``shown``, the moment with its values, how ``loud`` it is to be in percent, and how
    many spaces are ``free``.
    """

    lines: tuple[str, ...]
    qr: str | None
    spoken: str
    frames: tuple[SerialFrame, ...]
    shown: Shown | None = None
    loud: int = 0
    free: int | None = None


class LaneScreen(Protocol):
    """A way to the displays at devices with a connection: used on the event loop, it never waits and keeps nothing.

    Only the newest matters: what is handed over takes the place of what has not left yet.
    """

    def show(self, device: DeviceEntry, showing: Showing) -> bool:
        """Hand over what a device shows; False when it is not connected here: what was to be shown is dropped."""
        ...
