"""How the lanes of a lot decide, as its file says. Pure."""

from dataclasses import dataclass
from enum import StrEnum


class Strictness(StrEnum):
    """What is done about a car that comes in while it is inside already, or leaves though it never came in."""

    OFF = "off"  # nothing: it goes through, and nobody is told
    SOFT = "soft"  # it goes through, and a person is told
    HARD = "hard"  # it waits for a person


class NeverHeld(StrEnum):
    """Kinds of plates that no gate may hold up: the words of ``PlateKind``, those of duty only."""

    POLICE = "police"
    ARMED_POLICE = "armed_police"
    MILITARY = "military"
    EMERGENCY = "emergency"


@dataclass(frozen=True, slots=True)
class Passback:
    """How strictly one plate is one car, by what its permit makes of it. A car that has paid is never kept."""

    casual: Strictness = Strictness.SOFT
    resident: Strictness = Strictness.SOFT
    monthly: Strictness = Strictness.SOFT
    internal: Strictness = Strictness.SOFT
    free: Strictness = Strictness.SOFT

    def of(self, right: str | None) -> Strictness:
        """Return how strict it is with a right, None for a car without one; a blocked one is as casual as any."""
        found: Strictness = getattr(self, right or "casual", self.casual)
        return found


@dataclass(frozen=True, slots=True)
class Rules:
    """How a lot decides. Times are seconds, minutes and days as their names say; 0 turns a rule off.

    ``neighbour_window_s``: the same plate at another lane of the same kind this soon was seen by a neighbour's camera.
    ``shortest_stay_s``: no car leaves this soon after it came in. ``cloned_within_minutes``: a plate that was seen
    inside this lately and stands at an entry is on two cars. ``unread_after_s``: a loop that is occupied this long
    without a plate is a car that was not read. ``soft_close_days``: stays without a permit that are older are ended by
    night as never seen to leave; ``soft_close_permit_days``: those with one. ``revive_days``: so soon after such an end
    a car at an exit goes on with its stay by itself. ``reset_hours``: how long a passback reset is believed.
    ``entered_again_asks``: a car that came in while it was inside is priced at an exit when a person has said from
    which entry on; otherwise from the later one.
    ``occupancy_band``: cars by which the counters, stays and sensors of an area may differ,
    ``occupancy_band_s``: for how long they may differ by more.
    """

    duplicate_window_s: int = 10
    device_skew_s: int = 120
    full_admits_permits: bool = True
    neighbour_window_s: int = 5
    shortest_stay_s: int = 0
    cloned_within_minutes: int = 10
    unread_after_s: int = 8
    soft_close_days: int = 30
    soft_close_permit_days: int = 0
    revive_days: int = 7
    reset_hours: int = 24
    never_held: tuple[NeverHeld, ...] = tuple(NeverHeld)
    anti_passback: Passback = Passback()
    entered_again_asks: bool = True
    occupancy_band: int = 3
    occupancy_band_s: int = 900
