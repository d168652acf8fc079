"""What all drivers share, what they find at a lot, what cameras read of their cars and how long they stay."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from openberth.simulator.api import Phone
from openberth.simulator.books import Books, Fate, Visit
from openberth.simulator.clock import SECOND_US, BusinessClock
from openberth.simulator.counters import Counters
from openberth.simulator.devices.vzenith_wire import Reading
from openberth.simulator.faults import Faults
from openberth.simulator.ground import Ground
from openberth.simulator.guard import Guard
from openberth.simulator.paying import Purse
from openberth.simulator.plan import LotPlan
from openberth.simulator.plates import UNREAD, PlateMint
from openberth.simulator.site import Site


class Place(Protocol):
    """What a driver finds at a lot."""

    plan: LotPlan
    sites: dict[str, Site]
    guard: Guard
    ground: Ground
    scan_code: str


@dataclass(frozen=True, slots=True)
class World:
    """What all drivers share."""

    clock: BusinessClock
    books: Books
    counters: Counters
    faults: Faults
    mint: PlateMint
    phone: Callable[[int], Phone]
    purse: Purse


def true_reading(visit: Visit) -> Reading:
    """Return what a camera without a fault reads of a car."""
    if visit.car is None:
        return Reading(UNREAD, 0, 31, 0)
    # A camera's own list holds every plate at an entry, and at an exit those that came in under them.
    known = visit.fate is Fate.OUTSIDE or visit.known_as == visit.car.text
    return Reading(visit.car.text, visit.car.colour, visit.car.type, visit.rng.randint(88, 99), known=known)


def reading_at(site: Site, visit: Visit, world: World) -> Reading:
    """Return what the camera of a lane reads this time: the plate, a similar one, or nothing."""
    true = true_reading(visit)
    if visit.car is None or visit.permit is not None or visit.account is not None or not site.camera.online:
        return true
    if world.faults.strikes("unread", visit.rng):
        world.counters.unread += 1
        return true.lost()
    wrong = world.mint.misread(true.text, visit.rng) if world.faults.strikes("misread", visit.rng) else None
    if wrong is None:
        return true
    world.counters.misread += 1
    return Reading(wrong, true.colour, true.type, visit.rng.randint(60, 80), known=visit.fate is Fate.OUTSIDE)


def leaving_us(plan: LotPlan, visit: Visit, now_us: int) -> int:
    """Draw when a car that comes now wants to leave: log-normal around a median of the lot, 3 minutes to 7 days."""
    shapes = plan.habits.stays
    shape = visit.rng.choices(shapes, [one.share for one in shapes])[0]
    minutes = shape.median_minutes * visit.rng.lognormvariate(0, shape.sigma)
    return now_us + int(min(max(minutes, 3), 7 * 24 * 60) * 60) * SECOND_US
