"""What cameras carry to the displays that hang on them, as the port of cameras needs it. ``gateways.displays`` has it.

A display never holds up a gate: what is shown is made after the decision, and a command always goes first.
"""

from typing import Protocol

from openberth.contexts.facility.reactions import DeviceEntry
from openberth.contexts.stays import LaneAnswer
from openberth.gateways.cameras.family import SerialFrame
from openberth.kernel.ids import Id


class LaneScreens(Protocol):
    """The displays of all lanes; used on the event loop."""

    def decided(self, camera: DeviceEntry, answer: LaneAnswer) -> tuple[SerialFrame, ...]:
        """Return what leaves with the answer to a recognition. What hangs elsewhere is told another way. Reads
        nothing.
        """
        ...

    def has(self, camera: Id) -> bool:
        """Tell whether anything hangs on a camera."""
        ...

    async def due(self, camera: DeviceEntry) -> tuple[SerialFrame, ...]:
        """Take note that a camera asks, and return what its displays do not show yet; nothing when they do."""
        ...

    async def next(self, camera: DeviceEntry) -> tuple[SerialFrame, ...]:
        """Take note that a camera asks, and wait for something that its displays do not show yet. May be cancelled."""
        ...

    def connected(self, device: DeviceEntry) -> None:
        """Take note that a device with a connection is there: it is sent everything."""
        ...

    def missed(self, camera: Id) -> None:
        """Take note that what was returned last did not leave."""
        ...
