"""What permits need from outside: somebody who can tell a camera which cars it may let in by itself."""

from collections.abc import Mapping, Sequence
from typing import Protocol

from openberth.contexts.facility.reactions import DeviceEntry
from openberth.contexts.permits.service.white_lists import Car
from openberth.kernel.errors import Problem
from openberth.kernel.time import Period


class NotTold(Problem):
    """A camera was not there, refused, or did not confirm in time."""

    status = 503


class ListCarrier(Protocol):
    """Tells cameras of one kind of wire. Every call is bounded in time and raises ``NotTold``."""

    @property
    def within_s(self) -> float:
        """How long a call takes at most, in seconds."""
        ...

    def lists(self, device: DeviceEntry) -> bool:
        """Tell whether devices of this kind hold a list that this carrier knows, be they reached or not."""
        ...

    def carries(self, device: DeviceEntry) -> bool:
        """Tell whether this device holds a list and is reached by this carrier now."""
        ...

    async def put(self, device: DeviceEntry, cars: Sequence[Car], zone: str) -> Mapping[str, str]:
        """Have a camera hold cars, or change them; returns its own numbers of records by plate, where it gives some.

        ``zone`` is the lot's: cameras write days by the wall clock.
        """
        ...

    async def drop(self, device: DeviceEntry, cars: Sequence[Car]) -> None:
        """Have a camera drop cars; one that it does not hold is dropped as well."""
        ...

    async def held(self, device: DeviceEntry, zone: str) -> Mapping[str, Period | None] | None:
        """Return what a camera says that it holds, by plate; None where such a camera cannot tell."""
        ...
