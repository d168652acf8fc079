"""Whether the cars of an area add up: its lanes, the open stays, its sensors and its loops each make it so many. Pure.

Nothing is adjusted by itself: what differs is told with its numbers, and a person counts.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from openberth.kernel.ids import Id
from openberth.kernel.time import Instant


@dataclass(frozen=True, slots=True)
class AreaCheck:
    """The numbers of an area at an instant (business time). None: nothing of that sort counts there.

    ``counted`` is what lanes make it with what people corrected; ``capacity`` is its own, without areas inside of it.
    ``differs_since`` is since when they differ by more than the band, None while they do not.
    """

    area: Id
    checked_at: Instant
    counted: int
    stays: int
    capacity: int
    sensed_occupied: int | None = None
    sensed_free: int | None = None
    sensed_unknown: int | None = None
    loops: int | None = None
    differs_since: Instant | None = None

    @property
    def apart(self) -> int:
        """Return by how many cars the numbers contradict one another at most.

        Sensors contradict when they see more cars than are inside, or fewer than must stand on the spaces that they
        look at when all others are taken.
        """
        found = [abs(self.counted - self.stays)]
        if self.loops is not None:
            found.append(abs(self.loops - self.stays))
        if self.sensed_occupied is not None:
            unknown, free = self.sensed_unknown or 0, self.sensed_free or 0
            unseen = max(0, self.capacity - self.sensed_occupied - free - unknown)
            found.append(self.sensed_occupied - self.stays)
            found.append(self.stays - self.sensed_occupied - unknown - unseen)
        return max(found)

    def after(self, before: "AreaCheck | None", band: int) -> "AreaCheck":
        """Return this check, with since when it differs."""
        if self.apart <= band:
            return replace(self, differs_since=None)
        since = None if before is None else before.differs_since
        return replace(self, differs_since=self.checked_at if since is None else since)


@dataclass(frozen=True, slots=True)
class OccupiedSensor:
    """A sensor that says its space is taken, since when."""

    sensor: Id
    area: Id
    since: Instant


def contradicting(
    checks: Sequence[AreaCheck], occupied: Sequence[OccupiedSensor], *, now: Instant, for_us: int
) -> list[Id]:
    """Return the sensors that have said for so long that a space is taken in an area that nobody is in."""
    empty = {check.area for check in checks if check.stays == 0}
    return [each.sensor for each in occupied if each.area in empty and each.since <= now - for_us]
